import assert from "node:assert/strict";
import { test } from "node:test";
import { Lines, placeOffset } from "./place.ts";
import { readYaml } from "./yaml-text.ts";

// biome-ignore format: a table
const values: readonly (readonly [name: string, text: string, want: unknown])[] = [
  ["words of YAML 1.1 are text", "[yes, no, on, off, y, 0o14, 1_000]", ["yes", "no", "on", "off", "y", 12, "1_000"]],
  ["numbers, booleans and null", "[1, 1.5, -2, true, null, ~]", [1, 1.5, -2, true, null, null]],
  ["a time is text, not base 60", "[12:30:45]", ["12:30:45"]],
  ["a key keeps its spelling", "{404: a, 0x50: b, 1e3: c}", { 404: "a", "0x50": "b", "1e3": "c" }],
  ["a block of text", "a: |\n  x\n  y\n", { a: "x\ny\n" }],
  ["an anchor of a value", "{a: &x 1, b: *x}", { a: 1, b: 1 }],
  ["an anchor set anew", "[&x 1, *x, &x 2, *x]", [1, 1, 2, 2]],
  ["a merge", "{a: &x {k: 1, l: 2}, b: {<<: *x, k: 3}}", { a: { k: 1, l: 2 }, b: { k: 3, l: 2 } }],
  ["a merge after the key", "{a: &x {k: 1}, b: {k: 3, <<: *x}}", { a: { k: 1 }, b: { k: 3 } }],
  ["a merge of two: the first wins", "[&x {k: 1}, &y {k: 2, l: 2}, {<<: [*x, *y]}]", [{ k: 1 }, { k: 2, l: 2 }, { k: 1, l: 2 }]],
  ["a quoted << is a plain key", "{a: &x {k: 1}, b: {\"<<\": *x}}", { a: { k: 1 }, b: { "<<": { k: 1 } } }],
  ["names of Object's", "{constructor: 1, toString: 2}", { constructor: 1, toString: 2 }],
];

for (const [name, text, want] of values) {
  test(`readYaml: ${name}`, () => {
    const { value, findings } = readYaml(text);

    assert.deepEqual({ value, findings }, { value: want, findings: [] });
  });
}

test("readYaml: aliases may repeat a good deal, but not without end", () => {
  const list = `[${"x, ".repeat(100)}]`;
  const fine = `a: &a ${list}\nb: [${"*a, ".repeat(500)}]`;
  const tooMuch = `a: &a ${list}\nb: [${"*a, ".repeat(2000)}]`;

  assert.deepEqual(readYaml(fine).findings, []);
  assert.match(readYaml(tooMuch).findings[0]!.message, /must not repeat so much/);
});

test("readYaml: a billion laughs are refused before they are told", () => {
  const lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"];
  for (let depth = 1; depth < 40; depth++) {
    lines.push(`a${depth}: &a${depth} [${`*a${depth - 1}, `.repeat(10)}]`);
  }

  const { value, findings } = readYaml(lines.join("\n"));

  assert.equal(value, undefined);
  assert.equal(findings.length, 1); // 10^39 values: told in full, this would never end
});

test("readYaml: many keys and anchors take time in proportion", () => {
  const keys = Array.from({ length: 10_000 }, (_, index) => `k${index}: &a${index} 1`);
  const aliases = Array.from({ length: 10_000 }, (_, index) => `l${index}: *a${index}`);

  const { value, findings } = readYaml([...keys, ...aliases].join("\n"));

  assert.deepEqual(findings, []);
  assert.equal(Object.keys(value as object).length, 20_000);
});

test("readYaml: every key and value has its place, through aliases and merges too", () => {
  const text = "base: &base\n  x: 1\nlist:\n  - a\n  - *base\nmap:\n  <<: *base\n  y: [2, 3]\n";
  const { root } = readYaml(text);
  const lines = new Lines(text);
  const at = (path: (string | number)[], on: "key" | "value") => {
    const { line, column } = lines.position(placeOffset(root!, path, on));
    return `${line}:${column}`;
  };

  assert.equal(at(["base", "x"], "value"), "2:6");
  assert.equal(at(["base", "x"], "key"), "2:3");
  assert.equal(at(["list", 1], "value"), "5:5");
  assert.equal(at(["list", 1, "x"], "value"), "2:6");
  assert.equal(at(["map", "x"], "key"), "2:3");
  assert.equal(at(["map", "y", 1], "value"), "8:10");
  assert.equal(at(["map", "missing"], "value"), "6:1");
  assert.equal(at(["missing", "deep"], "value"), "1:1");
});
