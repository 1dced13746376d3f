import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { httpDate, parseHttpDate } from "./http-date.ts";

const NOW = Date.UTC(2026, 0, 1);
const WANT = Date.UTC(1994, 10, 6, 8, 49, 37);

// biome-ignore format: a table
const cases: readonly [name: string, text: string, want: number][] = [
  ["IMF-fixdate",                    "Sun, 06 Nov 1994 08:49:37 GMT",  WANT],
  ["RFC 850",                        "Sunday, 06-Nov-94 08:49:37 GMT", WANT],
  ["asctime",                        "Sun Nov  6 08:49:37 1994",       WANT],
  ["letters of any case",            "sun, 06 nOV 1994 08:49:37 gmt",  WANT],
  ["a leap second",                  "Sun, 06 Nov 1994 08:49:60 GMT",  WANT + 23_000],
  ["two digits, less than 50 ahead", "Sunday, 06-Nov-50 08:49:37 GMT", Date.UTC(2050, 10, 6, 8, 49, 37)],
  ["two digits, more than 50 ahead", "Sunday, 06-Nov-77 08:49:37 GMT", Date.UTC(1977, 10, 6, 8, 49, 37)],
  ["another zone",                   "Sun, 06 Nov 1994 08:49:37 AEST", Number.NaN],
  ["UTC",                            "Sun, 06 Nov 1994 08:49:37 UTC",  Number.NaN],
  ["an offset",                      "Sun, 06 Nov 1994 08:49:37 +0000", Number.NaN],
  ["no comma",                       "Sun 06 Nov 1994 08:49:37 GMT",   Number.NaN],
  ["two spaces",                     "Sun, 06  Nov  1994 08:49:37 GMT", Number.NaN],
  ["dashes",                         "Sun, 06-Nov-1994 08:49:37 GMT",  Number.NaN],
  ["points in the time",             "Sun, 06 Nov 1994 08.49.37 GMT",  Number.NaN],
  ["an hour of one digit",           "Sun, 06 Nov 1994 8:49:37 GMT",   Number.NaN],
  ["two digits in IMF-fixdate",      "Sun, 06 Nov 94 08:49:37 GMT",    Number.NaN],
  ["31 February",                    "Sun, 31 Feb 1994 08:49:37 GMT",  Number.NaN],
  ["day 0",                          "Sun, 00 Nov 1994 08:49:37 GMT",  Number.NaN],
  ["hour 24",                        "Sun, 06 Nov 1994 24:49:37 GMT",  Number.NaN],
  ["a number",                       "0",                              Number.NaN],
  ["nothing",                        "",                               Number.NaN],
  ["something behind it",            "Sun, 06 Nov 1994 08:49:37 GMT;", Number.NaN],
];
for (const [name, text, want] of cases) {
  test(`parseHttpDate (RFC 9110 §5.6.7): ${name}`, () => {
    assert.equal(parseHttpDate(text, NOW), want);
  });
}

test("parseHttpDate: reads what httpDate writes", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: Date.UTC(9999, 0) / 1000 }), (seconds) => {
      assert.equal(parseHttpDate(httpDate(seconds * 1000), NOW), seconds * 1000);
    }),
  );
});
