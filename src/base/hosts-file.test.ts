import assert from "node:assert/strict";
import { test } from "node:test";
import { parseHosts } from "./hosts-file.ts";

type Case = [name: string, text: string, of: string, want: readonly string[] | undefined];

// biome-ignore format: a table
const cases: Case[] = [
  ["a line",                    "10.0.0.1 app",                     "app",       ["10.0.0.1"]],
  ["several names",             "10.0.0.1\tapp  app.test",          "app.test",  ["10.0.0.1"]],
  ["any case",                  "10.0.0.1 App",                     "app",       ["10.0.0.1"]],
  ["both families",             "10.0.0.1 app\n::5 app",            "app",       ["10.0.0.1", "::5"]],
  ["the same line twice",       "10.0.0.1 app\n10.0.0.1 app",       "app",       ["10.0.0.1"]],
  ["a comment behind",          "10.0.0.1 app # web",               "web",       undefined],
  ["a line of comment",         "# 10.0.0.1 app",                   "app",       undefined],
  ["no address",                "app 10.0.0.1",                     "10.0.0.1",  undefined],
  ["an address with a zone",    "fe80::1%eth0 app",                 "app",       undefined],
  ["an address alone",          "10.0.0.1",                         "10.0.0.1",  undefined],
  ["carriage returns",          "10.0.0.1 app\r\n",                 "app",       ["10.0.0.1"]],
  ["localhost is always there", "",                                 "localhost", ["127.0.0.1", "::1"]],
  ["localhost as written",      "127.0.0.1 localhost",              "localhost", ["127.0.0.1"]],
  ["a key of objects",          "",                                 "__proto__", undefined],
];

for (const [name, text, of, want] of cases) {
  test(`parseHosts: ${name}`, () => {
    assert.deepEqual(parseHosts(text).get(of), want);
  });
}
