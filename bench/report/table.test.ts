import assert from "node:assert/strict";
import { test } from "node:test";
import type { LoadRow } from "../scenarios/throughput.ts";
import { type Recording, withRecording } from "./record.ts";
import { printReport, type Report } from "./table.ts";

const ERRORS = { connect: 0, read: 0, write: 0, status: 0, timeout: 0 };

const nginx: LoadRow = {
  label: "nginx",
  cpuUs: 25.04,
  ratio: { middle: 1, least: 1, most: 1 },
  busy: 0.994,
  rps: 37_000.4,
  p50Us: 1_490,
  p99Us: 3_370,
  peakBytes: 21 * 1024 * 1024,
  errors: ERRORS,
};

test("printReport: a row of figures under its heading, columns aligned", () => {
  const lines = printReport(report([nginx])).split("\n");

  const cells = ["25.0", "1.00", "1.00–1.00", "99 %", "37000", "1.49", "3.37", "21", "0"];
  assert.deepEqual(lines[4]!.split("|").slice(1, -1).map(trim), ["nginx", ...cells]);
  assert.deepEqual(new Set(lines.slice(2, 5).map(({ length }) => length)).size, 1);
});

test("printReport: a row with errors is marked with their kind", () => {
  const text = printReport(report([{ ...nginx, errors: { ...ERRORS, status: 3, read: 1 } }]));

  assert.match(text, /\*\*1 read, 3 status\*\*/);
});

test("printReport: whoever has no base to be compared with says so", () => {
  assert.match(printReport(report([{ ...nginx, ratio: undefined }])), /\| +– \| +– \|/);
});

test("printReport: names who is missing, and why", () => {
  const text = printReport(report([nginx]));

  assert.match(text, /^- caddy: missing: not installed$/m);
});

test("withRecording: replaces what stands between the markers and nothing else", () => {
  const page = "top\n<!-- recorded: begin -->\nold\n<!-- recorded: end -->\nbottom\n";

  const next = withRecording(page, recording());

  assert.match(next, /^top\n<!-- recorded: begin -->\n/);
  assert.match(next, /<!-- recorded: end -->\nbottom\n$/);
  assert.match(next, /2026-01-02, a processor, 2 cores/);
  assert.doesNotMatch(next, /old/);
  assert.equal(withRecording(next, recording()), next);
});

test("withRecording: refuses a page without markers", () => {
  assert.throws(() => withRecording("top\n", recording()), /Cannot record/);
});

function report(rows: readonly LoadRow[]): Report {
  const remarks = [{ label: "caddy", isOut: true, text: "missing: not installed" }];
  const scenario = { kind: "load", scenario: "small", about: "a small GET" } as const;
  return { ...scenario, base: "nginx", rows, remarks, slices: [] };
}

function recording(): Recording {
  return {
    date: "2026-01-02T03:04:05.000Z",
    machine: { processor: "a processor", cores: 2, system: "linux 6", node: "v26.0.0" },
    versions: { nginx: "1.22.1" },
    method: { starts: 3 },
    reports: [report([nginx])],
  };
}

function trim(text: string): string {
  return text.trim();
}
