import assert from "node:assert/strict";
import { test } from "node:test";
import { SecretHash } from "./secret-hash.ts";

function hashOf(text: string, key0 = 1, key1 = 2): string {
  const hash = new SecretHash(key0, key1);
  hash.of(text);
  return `${hash.high}:${hash.low}`;
}

test("SecretHash: the same text is the same number, whatever was asked before", () => {
  const hash = new SecretHash(1, 2);

  hash.of("something else");
  hash.of("203.0.113.7");

  assert.equal(`${hash.high}:${hash.low}`, hashOf("203.0.113.7"));
});

// biome-ignore format: a table
const pairs: [name: string, one: string, other: string][] = [
  ["one character",                    "203.0.113.7", "203.0.113.8"],
  ["the order",                        "ab", "ba"],
  ["the length, where the rest is NUL", "a", "a\0"],
  ["nothing and NUL",                  "", "\0"],
  ["an odd and an even length",        "abc", "abc\0"],
  ["beyond latin1",                    "é", "\u01e9"],
];

for (const [name, one, other] of pairs) {
  test(`SecretHash: tells texts apart by ${name}`, () => {
    assert.notEqual(hashOf(one), hashOf(other));
  });
}

test("SecretHash: either half of the key moves both halves of the hash", () => {
  const [high, low] = hashOf("key", 1, 2).split(":");

  for (const [key0, key1] of [
    [3, 2],
    [1, 3],
  ] as const) {
    const [otherHigh, otherLow] = hashOf("key", key0, key1).split(":");
    assert.notEqual(otherHigh, high);
    assert.notEqual(otherLow, low);
  }
});

test("SecretHash: addresses in a row fall evenly into sets", () => {
  const SETS = 256;
  const PER_SET = 64;
  const hash = new SecretHash(7, 11);
  const counts = new Array<number>(SETS).fill(0);

  for (let index = 0; index < SETS * PER_SET; index++) {
    hash.of(`10.0.${index >> 8}.${index & 255}`);
    counts[hash.high & (SETS - 1)]!++;
  }

  // Six standard deviations of a fair draw: it would take a billion tables to see one beyond.
  const bound = 6 * Math.sqrt(PER_SET);
  assert.ok(Math.max(...counts) < PER_SET + bound, `${Math.max(...counts)}`);
  assert.ok(Math.min(...counts) > PER_SET - bound, `${Math.min(...counts)}`);
});
