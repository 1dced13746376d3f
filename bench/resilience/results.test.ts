import assert from "node:assert/strict";
import { test } from "node:test";
import { printResults, type Result } from "./results.ts";

const report = {
  sent: 1_000,
  failed: {},
  latenciesMs: [1, 20.04, 300],
  socketsOpened: 0,
  socketsClosed: 0,
  echoes: 0,
};
const base = { event: "kill", about: "an origin is killed", proxy: "sluice" };

// biome-ignore format: a table
const rows: [name: string, result: Result, want: RegExp][] = [
  ["nothing failed",             { ...base, report },                                                       /^\| kill +\| sluice +\| 1000 +\| 0 +\| +\| +\| 1\.0 +\| 20\.0 \| 300\.0 +\|$/],
  ["what failed most is first",  { ...base, report: { ...report, failed: { "GET cut": 1, "GET 502": 4 } } }, /\| \*\*5\*\* +\| 4 × GET 502, 1 × GET cut \|/],
  ["sockets that were closed",   { ...base, report: { ...report, socketsOpened: 200, socketsClosed: 3 } },   /\| 3 of 200 +\|/],
  ["a proxy without the means",  { ...base, missing: "no upgrade" },                                        /\| – +\| – +\| no upgrade +\|/],
];

for (const [name, result, want] of rows) {
  test(`printResults: ${name}`, () => {
    const [, , row] = printResults([result]).split("\n");

    assert.match(row!, want);
  });
}
