import assert from "node:assert/strict";
import { test } from "node:test";
import { HeaderList } from "./header-list.ts";
import { addVary, strengthenIfMatch, weakenTag, weakenTagOf304 } from "./variant.ts";

function listOf(name: string, values: readonly string[]): HeaderList {
  const headers = HeaderList.empty();
  for (const value of values) headers.add(name, value);
  return headers;
}

// biome-ignore format: a table
const varies: [had: string[], want: string[]][] = [
  [[],                              ["accept-encoding"]],
  [[""],                            ["accept-encoding"]],
  [["Origin"],                      ["Origin, accept-encoding"]],
  [["Origin", "Cookie"],            ["Origin, Cookie, accept-encoding"]],
  [["Accept-Encoding"],             ["Accept-Encoding"]],
  [["Origin,ACCEPT-ENCODING"],      ["Origin,ACCEPT-ENCODING"]],
  [["Origin", "*"],                 ["Origin", "*"]],
  [["X-Accept-Encoding"],           ["X-Accept-Encoding, accept-encoding"]],
];

for (const [had, want] of varies) {
  test(`addVary: to ${JSON.stringify(had)}`, () => {
    const headers = listOf("vary", had);

    addVary(headers, "accept-encoding");

    assert.deepEqual(headers.all("vary"), want);
  });
}

test("weakenTag: strong ones only, and only what is a tag", () => {
  const after = ['"v1"', 'W/"v1"', '""', "v1"].map((tag) => {
    const headers = HeaderList.of({ etag: tag });
    weakenTag(headers);
    return headers.get("etag");
  });

  assert.deepEqual(after, ['W/"v1"', 'W/"v1"', 'W/""', "v1"]);
  const none = HeaderList.empty();
  weakenTag(none);
  assert.equal(none.has("etag"), false);
});

// biome-ignore format: a table
const notModified: [name: string, asked: string[], tag: string, want: string][] = [
  ["who has the coded one",                ['W/"v1"'],             '"v1"',   'W/"v1"'],
  ["who has the plain one",                ['"v1"'],               '"v1"',   '"v1"'],
  ["who has both",                         ['W/"v1", "v1"'],       '"v1"',   '"v1"'],
  ["among others, over lines",             ['"v0", W/"v2"', 'W/"v1"'], '"v1"', 'W/"v1"'],
  ["another tag with commas in it",        ['W/"a, W/", "v1"'],    '"v1"',   '"v1"'],
  ["the origin's own weak one",            ['W/"v1"'],             'W/"v1"', 'W/"v1"'],
  ["any",                                  ["*"],                  '"v1"',   '"v1"'],
  ["by date",                              [],                     '"v1"',   '"v1"'],
];

for (const [name, asked, tag, want] of notModified) {
  test(`weakenTagOf304: ${name}`, () => {
    const headers = HeaderList.of({ etag: tag });

    weakenTagOf304(listOf("if-none-match", asked), headers);

    assert.equal(headers.get("etag"), want);
  });
}

// biome-ignore format: a table
const ifMatch: [had: string[], want: string[]][] = [
  [['W/"v1"'],                    ['"v1"']],
  [['"v1"'],                      ['"v1"']],
  [['W/"a","b", W/"c"'],          ['"a","b", "c"']],
  [['W/"a"', '"b"'],              ['"a", "b"']],
  [['"x W/"'],                    ['"x W/"']],
  [["*"],                         ["*"]],
  [[],                            []],
];

for (const [had, want] of ifMatch) {
  test(`strengthenIfMatch: ${JSON.stringify(had)}`, () => {
    const headers = listOf("if-match", had);

    strengthenIfMatch(headers);

    assert.deepEqual(headers.all("if-match"), want);
  });
}
