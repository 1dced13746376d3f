import assert from "node:assert/strict";
import { test } from "node:test";
import { ChunkExtension } from "./chunk-extension.ts";

/** "whole", "part" (the line may not end here), or the position of the byte that is refused. */
function verdict(text: string): string {
  const extension = new ChunkExtension();
  for (const [index, byte] of Buffer.from(text, "latin1").entries()) {
    if (!extension.take(byte)) return `refused at ${index}`;
  }
  return extension.isWhole ? "whole" : "part";
}

// biome-ignore format: a table
const cases: [name: string, text: string, want: string][] = [
  ["a name",                              "a",             "whole"],
  ["a name and a token",                  "a=b",           "whole"],
  ["a name and a quoted string",          'a="b c"',       "whole"],
  ["an empty quoted string",              'a=""',          "whole"],
  ["an escaped quote",                    'a="b\\"c"',     "whole"],
  ["bytes beyond ASCII in quotes",        'a="\xe9"',      "whole"],
  ["two of them",                         "a=b;c",         "whole"],
  ["whitespace where the grammar has it", " a = b ; c",    "whole"],
  ["nothing behind the semicolon",        "",              "part"],
  ["a semicolon too many",                "a;",            "part"],
  ["no value behind =",                   "a=",            "part"],
  ["a quote that stays open (TERM.EXT)",  'a="b',          "part"],
  ["a backslash at the end",              'a="b\\',        "part"],
  ["no name",                             "=b",            "refused at 0"],
  ["a second semicolon",                  ";a",            "refused at 0"],
  ["two words",                           "a b",           "refused at 2"],
  ["two values",                          "a=b=c",         "refused at 3"],
  ["something behind the quote",          'a="b"c',        "refused at 5"],
  ["a control byte in quotes",            'a="\x01"',      "refused at 3"],
  ["a LF in quotes",                      'a="\n"',        "refused at 3"],
  ["a byte beyond ASCII in a name",       "\xe9",          "refused at 0"],
];

for (const [name, text, want] of cases) {
  test(`ChunkExtension: ${name}`, () => {
    assert.equal(verdict(text), want);
  });
}
