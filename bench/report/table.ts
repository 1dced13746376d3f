import type { LoadErrors } from "../parts/wrk.ts";
import type { IdleReport, IdleRow } from "../scenarios/idle.ts";
import type { Remark } from "../scenarios/runner.ts";
import type { StartReport, StartRow } from "../scenarios/start.ts";
import type { LoadReport, LoadRow } from "../scenarios/throughput.ts";

export type Report = LoadReport | IdleReport | StartReport;

/** A heading over cells; the first column is text, the others are figures. */
interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const MIB = 1024 * 1024;
const KIB = 1024;

/** One scenario as Markdown, aligned so that it reads the same on a terminal. */
export function printReport(report: Report): string {
  const title = `### ${report.scenario}: ${report.about}${scale(report)}`;
  const remarks = report.remarks.map(remarkLine);
  const parts = [title, "", markdown(tableOf(report))];
  if (remarks.length > 0) parts.push("", ...remarks);
  return `${parts.join("\n")}\n`;
}

function scale(report: Report): string {
  return report.kind === "idle" ? ` (${report.connections} of them)` : "";
}

function tableOf(report: Report): Table {
  switch (report.kind) {
    case "load":
      return { head: loadHead(report.base), rows: report.rows.map(loadCells) };
    case "idle":
      return {
        head: ["contestant", "before MiB", "idle KiB each", "after a request KiB each", "lost"],
        rows: report.rows.map(idleCells),
      };
    case "start":
      return { head: ["contestant", "ms", "least–most"], rows: report.rows.map(startCells) };
  }
}

function loadHead(base: string): readonly string[] {
  const ratio = [`to ${base}`, "least–most"];
  return ["contestant", "µs/request", ...ratio, "busy", "rps", "p50 ms", "p99 ms", "MiB", "errors"];
}

function loadCells(row: LoadRow): readonly string[] {
  const { ratio } = row;
  return [
    row.label,
    row.cpuUs.toFixed(1),
    ratio === undefined ? "–" : ratio.middle.toFixed(2),
    ratio === undefined ? "–" : `${ratio.least.toFixed(2)}–${ratio.most.toFixed(2)}`,
    `${Math.round(row.busy * 100)} %`,
    Math.round(row.rps).toString(),
    (row.p50Us / 1_000).toFixed(2),
    (row.p99Us / 1_000).toFixed(2),
    Math.round(row.peakBytes / MIB).toString(),
    errorCell(row.errors),
  ];
}

/** Bold, because a row with errors says little: what failed may have been cheaper or dearer. */
function errorCell(errors: LoadErrors): string {
  const kinds = Object.entries(errors).filter(([, count]) => count > 0);
  if (kinds.length === 0) return "0";
  return `**${kinds.map(([kind, count]) => `${count} ${kind}`).join(", ")}**`;
}

function idleCells(row: IdleRow): readonly string[] {
  return [
    row.label,
    (row.beforeBytes / MIB).toFixed(0),
    (row.idleBytes / KIB).toFixed(2),
    (row.askedBytes / KIB).toFixed(2),
    row.lost === 0 ? "0" : `**${row.lost}!**`,
  ];
}

function startCells(row: StartRow): readonly string[] {
  return [row.label, row.middleMs.toFixed(0), `${row.leastMs.toFixed(0)}–${row.mostMs.toFixed(0)}`];
}

function remarkLine({ label, text }: Remark): string {
  return `- ${label}: ${text}`;
}

function markdown({ head, rows }: Table): string {
  const widths = head.map((title, column) =>
    Math.max(...[title, ...rows.map((cells) => cells[column] ?? "")].map(({ length }) => length)),
  );
  const pad = (cell: string, column: number) =>
    column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!);
  const line = (cells: readonly string[]) => `| ${cells.map(pad).join(" | ")} |`;
  const rule = widths.map((width, column) =>
    column === 0 ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`,
  );
  return [line(head), `|${rule.join("|")}|`, ...rows.map(line)].join("\n");
}
