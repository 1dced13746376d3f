/**
 * Problems on their way to the reader: found somewhere in the config, put in their place in the
 * text, sorted, and written as `file:line:column: message`.
 */
import type { Path, Problem } from "../core/feature.ts";
import { Lines, type Place, placeOffset } from "./place.ts";

/** A problem as it is found: in the text itself (offset), or at a key or value of the config. */
export interface Finding extends Problem {
  readonly on?: "key" | "value"; // what to point at; the value unless said
  readonly offset?: number; // a problem of the text, which has no path yet
}

/** A problem in its place. Without a text (a TypeScript config) the path is all there is. */
export interface PlacedProblem extends Problem {
  readonly file: string;
  readonly line: number | undefined;
  readonly column: number | undefined;
}

/** What the places come from. */
export interface Origin {
  readonly name: string; // as in the messages
  readonly text: string | undefined;
  readonly root: Place | undefined;
}

export const PROBLEMS_MAX = 100; // more than anyone reads; a broken file could make millions

/** In the order of the file; the same message in the same place once. */
export function placed(findings: readonly Finding[], origin: Origin): PlacedProblem[] {
  const lines = origin.text === undefined ? undefined : new Lines(origin.text);
  const seen = new Set<string>();
  const sorted = findings
    .map((finding) => ({ finding, offset: offsetOf(finding, origin) }))
    .sort((a, b) => (a.offset ?? 0) - (b.offset ?? 0));
  const unique = sorted.filter(({ finding, offset }) => {
    const key = `${offset} ${finding.message}`;
    return offset === undefined || (!seen.has(key) && seen.add(key));
  });
  return unique.slice(0, PROBLEMS_MAX).map(({ finding, offset }) => {
    const position = offset === undefined ? undefined : lines?.position(offset);
    const { at, message } = finding;
    return { file: origin.name, line: position?.line, column: position?.column, at, message };
  });
}

function offsetOf(finding: Finding, { root, text }: Origin): number | undefined {
  if (text === undefined) return undefined;
  if (finding.offset !== undefined) return Math.min(finding.offset, text.length);
  return root === undefined ? 0 : placeOffset(root, finding.at, finding.on ?? "value");
}

/** `sluice.yaml:3:7: message`, or the path in place of line and column. */
export function problemLine(problem: PlacedProblem): string {
  const { file, line, column, at, message } = problem;
  const place = line === undefined ? pathText(at) : `${line}:${column}`;
  return place === "" ? `${file}: ${message}` : `${file}:${place}: ${message}`;
}

/** The line of the source with a caret under the place, indented to stand below the message. */
export function excerpt(problem: PlacedProblem, lines: Lines): string | undefined {
  if (problem.line === undefined || problem.column === undefined) return undefined;
  const before = Math.max(0, problem.column - 1 - EXCERPT_BEFORE);
  const source = printable(lines.line(problem.line).slice(before, before + EXCERPT_COLUMNS));
  if (source.trim() === "") return undefined;
  const number = String(problem.line);
  const pointer = `${" ".repeat(number.length)} | ${" ".repeat(problem.column - 1 - before)}^`;
  return `  ${number} | ${source}\n  ${pointer}`;
}

const EXCERPT_COLUMNS = 100;
const EXCERPT_BEFORE = 60; // how much of a long line is shown before the place

/** Control bytes from a file must not drive the terminal; a tab is one column, as in the caret. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  return text.replace(/\t/g, " ").replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, "\u{fffd}");
}

/** ["sites", 0, "hosts"] → "sites[0].hosts" */
export function pathText(path: Path): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else if (!/^[A-Za-z_][A-Za-z0-9_-]*$/.test(step)) text += `[${JSON.stringify(step)}]`;
    else text += text === "" ? step : `.${step}`;
  }
  return text;
}

/**
 * The name of a place in a message. Which site and which route it is says the place in front of the
 * message, so "sites[0].routes[3].rateLimit.per" is just "rateLimit.per".
 */
export function placeName(path: Path): string {
  let start = 0;
  if (path[0] === "sites" && typeof path[1] === "number" && path.length > 2) start = 2;
  if (start === 2 && path[2] === "routes" && typeof path[3] === "number" && path.length > 4) {
    start = 4;
  }
  return pathText(path.slice(start)) || "the config";
}

/** A problem in the grammar: action that failed, colon, wanted form. */
export function cannotUse(at: Path, wanted: string, on: "key" | "value" = "value"): Finding {
  return { at, message: `Cannot use ${printable(placeName(at))}: ${printable(wanted)}`, on };
}

/** A warning: it works, but cannot be meant. */
export function worthChecking(at: Path, why: string, on: "key" | "value" = "value"): Finding {
  return { at, message: `Check ${printable(placeName(at))}: ${printable(why)}`, on };
}
