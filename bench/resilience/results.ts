import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Machine } from "../machine/place.ts";
import type { LoadReport } from "./load-program.ts";

/** What came of one event on one proxy. */
export interface Result {
  readonly event: string;
  readonly about: string;
  readonly proxy: string;
  readonly missing?: string; // why there is nothing to tell
  readonly report?: LoadReport;
}

export interface Circumstances {
  readonly date: Date;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  readonly rate: number;
}

const README = join(import.meta.dirname, "README.md");
const BEGIN = "<!-- recorded: begin -->";
const END = "<!-- recorded: end -->";
const HEAD = [
  "event",
  "proxy",
  "requests",
  "failed",
  "of what kind",
  "sockets closed",
  "p50",
  "p99",
  "most ms",
];

export function printResults(results: readonly Result[]): string {
  const rows = results.map(cellsOf);
  const widths = HEAD.map((title, column) =>
    Math.max(title.length, ...rows.map((cells) => cells[column]!.length)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`;
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  return [line(HEAD), rule, ...rows.map(line)].join("\n");
}

function cellsOf({ event, proxy, missing, report }: Result): readonly string[] {
  if (report === undefined) return [event, proxy, "–", "–", missing ?? "", "", "", "", ""];
  const kinds = Object.entries(report.failed).toSorted(([, a], [, b]) => b - a);
  const failed = kinds.reduce((sum, [, count]) => sum + count, 0);
  const sockets =
    report.socketsOpened === 0 ? "" : `${report.socketsClosed} of ${report.socketsOpened}`;
  return [
    event,
    proxy,
    String(report.sent),
    failed === 0 ? "0" : `**${failed}**`,
    kinds.map(([kind, count]) => `${count} × ${kind}`).join(", "),
    sockets,
    ...report.latenciesMs.map((ms) => ms.toFixed(1)),
  ];
}

/** Where people look for it. An event that was not run keeps nothing: one run, one table. */
export function record(results: readonly Result[], circumstances: Circumstances): void {
  const page = readFileSync(README, "utf8");
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`Cannot record: the page lacks ${BEGIN} … ${END}`);
  const { date, machine, versions, rate } = circumstances;
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const facts = [
    `- ${date.toISOString().slice(0, 10)}, ${machine.processor}, ${machine.cores} cores, ${machine.system}`,
    `- Node ${machine.node}, ${programs.join(", ")}`,
    `- ${rate} requests a second`,
  ];
  const text = `${facts.join("\n")}\n\n${printResults(results)}`;
  const before = page.slice(0, begin + BEGIN.length);
  writeFileSync(README, `${before}\n\n${text}\n\n${page.slice(end)}`);
}
