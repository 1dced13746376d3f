import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonText } from "./json-field.ts";

const itself: unknown[] = [];
itself.push(itself);

// biome-ignore format: a table
const cases: [name: string, value: unknown, want: string | undefined][] = [
  ["a map",             { a: [1, "x", null, true, { b: -1.5 }] }, '{"a":[1,"x",null,true,{"b":-1.5}]}'],
  ["a text",            "x",                       '"x"'],
  ["null",              null,                      "null"],
  ["a map without a prototype", Object.assign(Object.create(null), { a: 1 }), '{"a":1}'],
  ["nothing",           undefined,                 undefined],
  ["nothing, inside",   { a: undefined },          undefined],
  ["a number that is none", [Number.NaN],          undefined],
  ["a function",        { a: () => 1 },            undefined],
  ["a big number",      1n,                        undefined],
  ["a date",            new Date(0),               undefined],
  ["a list in itself",  itself,                    undefined],
];

for (const [name, value, want] of cases) {
  test(`jsonText: ${name} is ${want === undefined ? "refused" : "taken"}`, () => {
    assert.equal(jsonText.safeParse(value).data, want);
  });
}
