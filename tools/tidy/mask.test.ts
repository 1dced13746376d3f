import assert from "node:assert/strict";
import { test } from "node:test";
import { mask } from "./mask.ts";

type Case = [name: string, text: string, code: string];

// biome-ignore format: a table
const cases: Case[] = [
  ["a line comment",                "a(); // b()",               "a();       "],
  ["a block comment over lines",    "a /* b\nc */ d",            "a     \n     d"],
  ["a string",                      'a("b//c") d',               "a(      ) d"],
  ["an escaped quote",              '"a\\"b" c',                 "       c"],
  ["a template with code in it",    "`a${b}c` d",                "  ${b}   d"],
  ["a template in a template",      "`${`x${y}`}` z",            " ${  ${y} }  z"],
  ["braces in a template's code",   "`${f({a: 1})}!` z",         " ${f({a: 1})}   z"],
  ["a regular expression",          "x = /a\"b/g; y",            "x =      g; y"],
  ["a class with a slash in it",    "x(/[/]/, y)",               "x(     , y)"],
  ["a division",                    "a / b / c",                 "a / b / c"],
  ["a division after a bracket",    "a[0] / (b) / 2 // c",       "a[0] / (b) / 2     "],
  ["a comment sign in an address",  'x = "http://a"; y()',       "x =           ; y()"],
];

for (const [name, text, code] of cases) {
  test(`mask: ${name}`, () => {
    assert.equal(mask(text).code, code);
  });
}

test("mask: comments are what is left when code and strings are blank", () => {
  assert.equal(mask('a("x") // TODO\nb').comments, "       // TODO\n ");
});

test("mask: every text keeps its length and its lines", () => {
  const text = "a('x'); /* y\n */ `t\n${u}`; // z\n/re/.test(v)\n";

  const masked = mask(text);

  for (const part of [masked.code, masked.uncommented, masked.comments]) {
    assert.equal(part.length, text.length);
    assert.deepEqual([...part.matchAll(/\n/g)].length, 4);
  }
});
