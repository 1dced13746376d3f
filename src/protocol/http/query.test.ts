import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { queryValue, someQueryValue } from "./query.ts";

// biome-ignore format: a table
const cases: [query: string, name: string, want: string | undefined][] = [
  ["",                "a",   undefined],
  ["a=1",             "a",   "1"],
  ["a=1&a=2",         "a",   "1"],
  ["b=1&a=2",         "a",   "2"],
  ["aa=1&ba=2",       "a",   undefined],
  ["a",               "a",   ""],
  ["a=",              "a",   ""],
  ["a=b=c",           "a",   "b=c"],
  ["&&a=1",           "a",   "1"],
  ["a=1+2%263",       "a",   "1 2&3"],
  ["%61=1",           "a",   "1"],
  ["x+y=1",           "x y", "1"],
  ["a=caf%C3%A9",     "a",   "café"],
  ["a=100%&b=2",      "a",   "100%"],
  ["a=%zz",           "a",   "%zz"],
  ["a=%FF",           "a",   "\ufffd"],
  ["a;b=1",           "b",   undefined], // ";" separates nothing: parameter cloaking
  ["=1",              "a",   undefined],
  ["__proto__=1",     "__proto__", "1"],
];

for (const [query, name, want] of cases) {
  test(`queryValue: ${name} in "${query}"`, () => {
    assert.equal(queryValue(query, name), want);
  });
}

test("someQueryValue: asks about every value, in order, until one is accepted", () => {
  const asked: string[] = [];

  const accepted = someQueryValue("a=1&b=9&a=2&a=3", "a", (value) => asked.push(value) === 2);

  assert.equal(accepted, true);
  assert.deepEqual(asked, ["1", "2"]);
});

test("queryValue: agrees with URLSearchParams", () => {
  const piece = fc.constantFrom("a", "b", "=", "&", "+", "%61", "%3D", "%26", "1");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const query = pieces.join("");
      const want = new URLSearchParams(query).get("a") ?? undefined;
      assert.equal(queryValue(query, "a"), want, query);
    }),
    { numRuns: 1000 },
  );
});
