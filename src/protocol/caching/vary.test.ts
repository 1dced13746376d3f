import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { HeaderList } from "../http/header-list.ts";
import { varyKey, varyNames } from "./vary.ts";

function listOf(name: string, values: readonly string[]): HeaderList {
  const list = HeaderList.empty();
  for (const value of values) list.add(name, value);
  return list;
}

// biome-ignore format: a table
const names: readonly [lines: string[], want: readonly string[] | "*"][] = [
  [[],                     []],
  [["Foo, Bar"],           ["bar", "foo"]],
  [["Foo", "foo , BAR"],   ["bar", "foo"]],
  [["*"],                  "*"],
  [["*, *"],               "*"],
  [[", *"],                "*"],
  [["", "*"],              "*"],
  [["Foo, *"],             "*"],
  [["not a name"],         "*"],
  [[", ,"],                []],
];
for (const [lines, want] of names) {
  test(`varyNames (RFC 9111 §4.1): ${JSON.stringify(lines)}`, () => {
    assert.deepEqual(varyNames(listOf("vary", lines)), want);
  });
}

// biome-ignore format: a table
const pairs: readonly [name: string, field: string, one: string[], other: string[], isSame: boolean][] = [
  ["the same",                          "foo", ["1"],            ["1"],            true],
  ["another value",                     "foo", ["1"],            ["2"],            false],
  ["letter case of a value we do not know", "foo", ["a"],        ["A"],            false],
  ["there and not there",               "foo", ["1"],            [],               false],
  ["empty and not there",               "foo", [""],             [],               false],
  ["one that looks like not there",     "foo", ["-"],            [],               false],
  ["spaces",                            "foo", ["1,2"],          [" 1 ,  2 "],     true],
  ["lines",                             "foo", ["1, 2"],         ["1", "2"],       true],
  ["order of what we do not know",      "foo", ["1, 2"],         ["2, 1"],         false],
  ["a quoted comma",                    "foo", ['"1,2"'],        ['"1, 2"'],       false],
  ["order of languages",                "accept-language", ["en, de"], ["de,EN"],  true],
  ["a quality of one",                  "accept-language", ["en;q=1.0"], ["en"],   true],
  ["another quality",                   "accept-language", ["en;q=0.5"], ["en"],   false],
  ["order of codings",                  "accept-encoding", ["gzip, br"], ["br, gzip"], true],
  ["codings that nobody knows",         "accept-encoding", ["gzip, x-odd"], ["gzip"], true],
  ["a coding refused",                  "accept-encoding", ["gzip;q=0"], ["gzip"], false],
];
for (const [name, field, one, other, isSame] of pairs) {
  test(`varyKey (RFC 9111 §4.1): ${name}`, () => {
    const [first, second] = [one, other].map((values) => varyKey([field], listOf(field, values)));

    assert.equal(first === second, isSame, `${first} ${second}`);
  });
}

test("varyKey: no value can pass for another field's", () => {
  const value = fc.stringMatching(/^[ -~]{0,8}$/);
  fc.assert(
    fc.property(value, value, value, value, (a, b, c, d) => {
      const key = (first: string, second: string) =>
        varyKey(["x", "y"], HeaderList.of({ x: first, y: second }));
      const single = (name: string, text: string) =>
        varyKey([name], HeaderList.of({ [name]: text }));
      const areSame = single("x", a) === single("x", c) && single("y", b) === single("y", d);
      assert.equal(key(a, b) === key(c, d), areSame);
    }),
  );
});

test("varyKey: of long values it is short, and they stay apart (SECURITY C1)", () => {
  const keys = ["a", "b"].map((last) =>
    varyKey(["x"], listOf("x", [`${"v".repeat(30_000)}${last}`])),
  );

  assert.notEqual(keys[0], keys[1]);
  assert.ok(keys.every(({ length }) => length < 300));
});
