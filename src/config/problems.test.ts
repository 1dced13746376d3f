import assert from "node:assert/strict";
import { test } from "node:test";
import type { Path } from "../core/feature.ts";
import { Lines } from "./place.ts";
import { cannotUse, excerpt, pathText, placed, placeName, problemLine } from "./problems.ts";
import { readYaml } from "./yaml-text.ts";

// biome-ignore format: a table
const paths: readonly (readonly [path: Path, text: string, name: string])[] = [
  [[], "", "the config"],
  [["workers"], "workers", "workers"],
  [["sites", 0], "sites[0]", "sites[0]"],
  [["sites", 0, "hosts", 1], "sites[0].hosts[1]", "hosts[1]"],
  [["sites", 0, "routes", 3], "sites[0].routes[3]", "routes[3]"],
  [["sites", 0, "routes", 3, "rateLimit", "per"], "sites[0].routes[3].rateLimit.per", "rateLimit.per"],
  [["listeners", ":80", "limits"], 'listeners[":80"].limits', 'listeners[":80"].limits'],
];

for (const [path, text, name] of paths) {
  test(`pathText and placeName: ${text || "the whole config"}`, () => {
    assert.deepEqual([pathText(path), placeName(path)], [text, name]);
  });
}

test("placed: in the order of the file, each once, with line and column", () => {
  const text = "a: 1\nb:\n  c: 2\n";
  const { root } = readYaml(text);
  const findings = [
    cannotUse(["b", "c"], "must be 3, got 2"),
    cannotUse(["b", "c"], "must be 3, got 2"),
    cannotUse(["b"], "this key is unknown", "key"),
    { at: [], offset: 3, message: "Cannot read the config: must be fine" },
  ];

  const lines = placed(findings, { name: "x.yaml", text, root }).map(problemLine);

  assert.deepEqual(lines, [
    "x.yaml:1:4: Cannot read the config: must be fine",
    "x.yaml:2:1: Cannot use b: this key is unknown",
    "x.yaml:3:6: Cannot use b.c: must be 3, got 2",
  ]);
});

test("placed: without a text the path stands in for line and column", () => {
  const origin = { name: "sluice.config.ts", text: undefined, root: undefined };
  const findings = [
    cannotUse(["sites", 0, "hosts"], "must be a list"),
    cannotUse([], "must be a map"),
  ];

  const lines = placed(findings, origin).map(problemLine);

  assert.deepEqual(lines, [
    "sluice.config.ts:sites[0].hosts: Cannot use hosts: must be a list",
    "sluice.config.ts: Cannot use the config: must be a map",
  ]);
});

test("excerpt: the line, and a caret under the place", () => {
  const text = `a: 1\n\tb: \u{1b}[31m${"x".repeat(200)}\n`;
  const problem = (line: number, column: number) => ({
    ...{ file: "x", at: [], message: "m" },
    ...{ line, column },
  });
  const lines = new Lines(text);

  assert.equal(excerpt(problem(1, 4), lines), "  1 | a: 1\n    |    ^");
  assert.match(excerpt(problem(2, 2), lines)!, /^ {2}2 \| {2}b: \u{fffd}\[31mx+\n {4}\| {2}\^$/u);
  assert.match(excerpt(problem(2, 150), lines)!, /^ {2}2 \| x{100}\n {4}\| {61}\^$/);
  assert.equal(excerpt(problem(3, 1), lines), undefined);
});
