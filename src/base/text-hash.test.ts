import assert from "node:assert/strict";
import { test } from "node:test";
import { TextHash } from "./text-hash.ts";

const hashOf = (text: string, secret0: number, secret1: number): string => {
  const hash = new TextHash(secret0, secret1);
  const bytes = Buffer.alloc(8);
  hash.of(text);
  bytes.writeInt32LE(hash.first, 0);
  bytes.writeInt32LE(hash.second, 4);
  return bytes.toString("hex");
};

// The reference's own: the key is the bytes 0 to 7, the message as many bytes from 0 on.
// biome-ignore format: a table
const vectors: [bytes: number, want: string][] = [
  [0, "218d1f59b9b83cc8"],
  [2, "064f39ef7c50eb57"],
];

for (const [count, want] of vectors) {
  test(`TextHash: ${count} bytes of the reference`, () => {
    const text = Buffer.from(Array.from({ length: count }, (_, at) => at)).toString("utf16le");

    assert.equal(hashOf(text, 0x03020100, 0x07060504), want);
  });
}

test("TextHash: every bit of the text and of the secret counts", () => {
  const texts = ["", "a", "b", "aa", "ab", "aaa", "aab", "a\0", "\0", "\0\0", "é", "ā"];

  const hashes = texts.flatMap((text) => [hashOf(text, 1, 2), hashOf(text, 1, 3)]);

  assert.equal(new Set(hashes).size, hashes.length);
});
