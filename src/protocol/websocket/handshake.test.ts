import assert from "node:assert/strict";
import { test } from "node:test";
import { acceptOf, isValidKey } from "./handshake.ts";

test("acceptOf: the example of RFC 6455 §1.3", () => {
  assert.equal(acceptOf("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
});

// biome-ignore format: a table
const keys: [name: string, key: string, want: boolean][] = [
  ["sixteen bytes",              "dGhlIHNhbXBsZSBub25jZQ==", true],
  ["every kind of digit",        "AZaz09+/AZaz09+/AZaz09==", true],
  ["fifteen bytes",              "AAAAAAAAAAAAAAAAAAAA",     false],
  ["seventeen bytes",            "AAAAAAAAAAAAAAAAAAAAAAA=", false],
  ["no padding",                 "dGhlIHNhbXBsZSBub25jZQ",   false],
  ["the alphabet of URLs",       "-_AAAAAAAAAAAAAAAAAAAA==", false],
  ["a space ahead",              " dGhlIHNhbXBsZSBub25jZQ==", false],
  ["a line behind",              "dGhlIHNhbXBsZSBub25jZQ==\n", false],
  ["nothing",                    "", false],
];

for (const [name, key, want] of keys) {
  test(`isValidKey: ${name}`, () => {
    assert.equal(isValidKey(key), want);
  });
}
