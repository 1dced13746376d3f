import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Machine } from "../machine/place.ts";
import { printReport, type Report } from "./table.ts";

const README = join(import.meta.dirname, "../README.md");
const RESULTS = join(import.meta.dirname, "../results");
const BEGIN = "<!-- recorded: begin -->";
const END = "<!-- recorded: end -->";

export interface Recording {
  readonly date: string;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  readonly method: Readonly<Record<string, unknown>>;
  readonly reports: readonly Report[];
}

/** Every slice, for whoever wants to look again. Answers with the path. */
export function writeJson(recording: Recording, path?: string): string {
  const target = path ?? join(RESULTS, `${recording.date.replaceAll(":", "-")}.json`);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, `${JSON.stringify(recording, undefined, 2)}\n`);
  return target;
}

/** The tables, where people look for them. A scenario that was not run keeps nothing: one run. */
export function writeReadme(recording: Recording): void {
  writeFileSync(README, withRecording(readFileSync(README, "utf8"), recording));
}

export function withRecording(readme: string, recording: Recording): string {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`Cannot record: the page lacks ${BEGIN} … ${END}`);
  const before = readme.slice(0, begin + BEGIN.length);
  return `${before}\n\n${recorded(recording)}\n${readme.slice(end)}`;
}

function recorded({ date, machine, versions, method, reports }: Recording): string {
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const settings = Object.entries(method).map(([name, value]) => `${name} ${String(value)}`);
  const facts = [
    `${date.slice(0, 10)}, ${machine.processor}, ${machine.cores} cores, ${machine.system}`,
    `Node ${machine.node}, ${programs.join(", ")}`,
    settings.join(", "),
  ];
  return [facts.map((fact) => `- ${fact}`).join("\n"), ...reports.map(printReport)].join("\n\n");
}
