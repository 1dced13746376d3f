import assert from "node:assert/strict";
import { test } from "node:test";
import { preferredType } from "./accept.ts";

const OFFERS = ["text/plain", "application/json", "text/html"];

// biome-ignore format: a table
const cases: [name: string, accept: string | undefined, want: string | undefined][] = [
  ["no preference",              undefined,                                    "text/plain"],
  ["an empty field",             "",                                           "text/plain"],
  ["anything",                   "*/*",                                        "text/plain"],
  ["a browser",                  "text/html,application/xml;q=0.9,*/*;q=0.8",  "text/html"],
  ["an API client",              "application/json",                           "application/json"],
  ["two, by quality",            "text/html;q=0.5, application/json;q=0.7",    "application/json"],
  ["two alike",                  "text/html, application/json",                "application/json"],
  ["a family",                   "application/*, text/*;q=0.9",                "application/json"],
  ["the specific range decides", "text/*, text/plain;q=0.1, */*;q=0.2",        "text/html"],
  ["one is refused",             "*/*, text/plain;q=0",                        "application/json"],
  ["all are refused",            "image/png",                                  undefined],
  ["all are refused by zero",    "*/*;q=0",                                    undefined],
  ["upper case and blanks",      " TEXT/HTML ; Q=0.9 ",                        "text/html"],
  ["other parameters",           "text/html;level=1;q=0.9",                    "text/html"],
  ["a malformed range is skipped", "nonsense, text/html",                      "text/html"],
  ["a malformed quality",        "text/html;q=2, application/json",            "application/json"],
  ["only malformed ranges",      "nonsense",                                   "text/plain"],
];

for (const [name, accept, want] of cases) {
  test(`preferredType: ${name}`, () => {
    assert.equal(preferredType(accept, OFFERS), want);
  });
}
