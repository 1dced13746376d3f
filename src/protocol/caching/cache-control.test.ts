import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type CacheControl, NO_DIRECTIVES, parseCacheControl } from "./cache-control.ts";

const MAX = 2 ** 31;

// biome-ignore format: a table
const cases: readonly [name: string, lines: string[], want: Partial<CacheControl>][] = [
  ["nothing",                                    [],                                  {}],
  ["an empty line",                              ["", " , ,"],                        {}],
  ["a lifetime",                                 ["max-age=60"],                      { maxAge: 60 }],
  ["letters of any case",                        ["MaX-aGe=60, No-StOrE"],            { maxAge: 60, noStore: true }],
  ["no spaces needed",                           ["max-age=60,public"],               { maxAge: 60, isPublic: true }],
  ["several lines are one list",                 ["max-age=60", "public"],            { maxAge: 60, isPublic: true }],
  ["of repeats the first counts",                ["max-age=60, max-age=1"],           { maxAge: 60 }],
  ["also on two lines",                          ["max-age=1", "max-age=60"],         { maxAge: 1 }],
  ["a number may be quoted",                     ['max-age="60"'],                    { maxAge: 60 }],
  ["single quotes are none",                     ["max-age='60'"],                    { maxAge: 0 }],
  ["a quoted comma parts nothing",               ['ext="a, max-age=60", max-age=1'],  { maxAge: 1 }],
  ["nor does one behind an escaped quote",       ['ext="a\\", no-store", max-age=1'], { maxAge: 1 }],
  ["an open quote takes all behind it",          ['max-age=1, ext="a, no-store'],     { maxAge: 1 }],
  ["a negative lifetime is stale",               ["max-age=-1"],                      { maxAge: 0 }],
  ["a fraction is stale",                        ["max-age=60.5"],                    { maxAge: 0 }],
  ["letters are stale",                          ["max-age=60s"],                     { maxAge: 0 }],
  ["no number is stale",                         ["max-age"],                         { maxAge: 0 }],
  ["a space behind the equals sign is stale",    ["max-age= 60"],                     { maxAge: 0 }],
  ["a very long time is bounded",                ["max-age=99999999999999999999"],    { maxAge: MAX }],
  ["2147483648",                                 ["max-age=2147483648"],              { maxAge: MAX }],
  ["another name ends like ours",                ["x-max-age=60, xprivate"],          {}],
  ["s-maxage",                                   ["s-maxage=5, max-age=60"],          { sMaxAge: 5, maxAge: 60 }],
  ["private",                                    ["private"],                         { isPrivate: true }],
  ["private for some fields",                    ['private="Set-Cookie, X-A"'],       { privateFields: ["set-cookie", "x-a"] }],
  ["private for no field is private",            ['private=""'],                      { isPrivate: true }],
  ["private both ways is private",               ['private="a", private'],            { isPrivate: true, privateFields: ["a"] }],
  ["no-cache for a field, as a token",           ["no-cache=a"],                      { noCacheFields: ["a"] }],
  ["no-cache",                                   ["no-cache"],                        { noCache: true }],
  ["revalidation",                               ["must-revalidate, proxy-revalidate"], { mustRevalidate: true, proxyRevalidate: true }],
  ["RFC 5861",                                   ["stale-while-revalidate=5, stale-if-error=6"], { staleWhileRevalidate: 5, staleIfError: 6 }],
  ["a request",                                  ["only-if-cached, min-fresh=3, max-stale=4"], { onlyIfCached: true, minFresh: 3, maxStale: 4 }],
  ["any staleness",                              ["max-stale"],                       { maxStale: Number.POSITIVE_INFINITY }],
  ["must-understand and no-transform",           ["must-understand, no-transform"],   { mustUnderstand: true, noTransform: true }],
];
for (const [name, lines, want] of cases) {
  test(`parseCacheControl (RFC 9111 §5.2): ${name}`, () => {
    assert.deepEqual(parseCacheControl(lines), { ...NO_DIRECTIVES, ...want });
  });
}

test("parseCacheControl: no text makes it throw, and every number is one", () => {
  const word = fc.constantFrom(
    "max-age",
    "=",
    ",",
    '"',
    "\\",
    " ",
    "60",
    "no-store",
    "-",
    "\t",
    "é",
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 20 }), (words) => {
      const { maxAge, sMaxAge } = parseCacheControl([words.join("")]);
      for (const each of [maxAge, sMaxAge]) assert.ok(each === undefined || each >= 0);
    }),
  );
});

test("parseCacheControl: how a list is parted into lines means nothing", () => {
  const member = fc.constantFrom("max-age=1", "max-age=2", 'x="a, b"', "no-store", 'private="a,b"');
  fc.assert(
    fc.property(fc.array(member, { maxLength: 6 }), fc.array(fc.boolean()), (members, breaks) => {
      const lines: string[] = [];
      for (const [index, each] of members.entries()) {
        if (lines.length === 0 || breaks[index] === true) lines.push(each);
        else lines[lines.length - 1] += `, ${each}`;
      }
      assert.deepEqual(parseCacheControl(lines), parseCacheControl([members.join(",")]));
    }),
  );
});
