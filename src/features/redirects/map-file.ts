import { readFileSync, statSync } from "node:fs";
import { sizeText } from "../../core/fields.ts";
import { type Entry, entryProblem } from "./redirect-map.ts";

export const FILE_BYTES_MAX = 32 * 1024 ** 2;
export const ENTRIES_MAX = 200_000;
const PROBLEMS_MAX = 20; // of one file that are told

/** The entries of a file, or what is wrong with it, each with its line. */
export function readMapFile(
  file: string,
): readonly Entry[] | { readonly problems: readonly string[] } {
  let text: string;
  try {
    const { size } = statSync(file);
    if (size > FILE_BYTES_MAX)
      return { problems: [`${file} is larger than ${sizeText(FILE_BYTES_MAX)}`] };
    text = readFileSync(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { problems: [`${file} cannot be read: ${code ?? "unknown"}`] };
  }
  return parseMapText(text, file);
}

/**
 * A line is FROM TO, or FROM TO STATUS, with spaces or tabs between; "#" at its start makes it a
 * comment. `name` is how the file is called in problems.
 */
export function parseMapText(
  text: string,
  name: string,
): readonly Entry[] | { readonly problems: readonly string[] } {
  const entries: Entry[] = [];
  const lineOf = new Map<string, number>();
  const problems: string[] = [];
  for (const [index, raw] of text
    .replace(/^\ufeff/, "")
    .split("\n")
    .entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const [from = "", to = "", status, ...more] = line.split(/[ \t]+/);
    const entry = { from, to, status: status === undefined ? undefined : Number(status) };
    const problem =
      more.length > 0 || to === ""
        ? "must be FROM TO, or FROM TO STATUS"
        : (entryProblem(entry) ?? repeated(lineOf, from));
    if (problem === undefined) {
      entries.push(entry);
      lineOf.set(from, index + 1);
    } else problems.push(`${name}:${index + 1}: ${problem}`);
  }
  if (entries.length > ENTRIES_MAX) problems.push(`${name} has more than ${ENTRIES_MAX} lines`);
  if (problems.length === 0) return entries;
  const shown = problems.slice(0, PROBLEMS_MAX);
  const left = problems.length - shown.length;
  return { problems: left > 0 ? [...shown, `${name}: ${left} more`] : shown };
}

function repeated(lineOf: ReadonlyMap<string, number>, from: string): string | undefined {
  const line = lineOf.get(from);
  return line === undefined ? undefined : `${JSON.stringify(from)} is in line ${line} already`;
}
