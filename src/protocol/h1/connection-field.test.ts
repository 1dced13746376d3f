import assert from "node:assert/strict";
import { test } from "node:test";
import { END_TO_END_FIELDS, listTokens, readConnection } from "./connection-field.ts";

type Case = [name: string, values: string[], flags: string, fields: string[]];

// biome-ignore format: a table
const cases: Case[] = [
  ["absent",                              [],                             "",                 []],
  ["empty",                               [""],                           "",                 []],
  ["close",                               ["close"],                      "close",            []],
  ["close in another case",               ["CLOSE"],                      "close",            []],
  ["keep-alive",                          ["keep-alive"],                 "keepAlive",        []],
  ["keep-alive as browsers of old say",   ["Keep-Alive"],                 "keepAlive",        []],
  ["both",                                ["keep-alive, close"],          "close keepAlive",  []],
  ["Upgrade",                             ["Upgrade"],                    "upgrade",          []],
  ["Upgrade and keep-alive (Firefox)",    ["keep-alive, Upgrade"],        "keepAlive upgrade", []],
  ["TE",                                  ["TE, close"],                  "close te",         ["te"]],
  ["a field",                             ["X-A"],                        "",                 ["x-a"]],
  ["fields among options",                ["close, X-A ,\tx-b"],          "close",            ["x-a", "x-b"]],
  ["over several lines",                  ["X-A", "close", "X-B"],        "close",            ["x-a", "x-b"]],
  ["empty members",                       [", ,close,,"],                 "close",            []],
  ["close as a part of a word",           ["closed, not-close"],          "",                 ["closed", "not-close"]],
  ["close in quotes",                     ['"close"'],                    "",                 ['"close"']],
];

for (const [name, values, flags, fields] of cases) {
  test(`readConnection: ${name}`, () => {
    const options = readConnection(values);

    const set = (["close", "keepAlive", "upgrade", "te"] as const).filter((each) => options[each]);
    assert.equal(set.join(" "), flags);
    assert.deepEqual(options.fields, fields);
  });
}

test("END_TO_END_FIELDS: what a hop must not be made to take away (SECURITY H2)", () => {
  for (const name of ["host", "content-length", "transfer-encoding", "cookie", "authorization"]) {
    assert.ok(END_TO_END_FIELDS.has(name), name);
  }
  for (const name of ["x-a", "te", "keep-alive", "upgrade", "proxy-connection"]) {
    assert.ok(!END_TO_END_FIELDS.has(name), name);
  }
});

test("listTokens: members in lower case over all values", () => {
  assert.deepEqual(listTokens(["A, b", "", " ,C ,"]), ["a", "b", "c"]);
});
