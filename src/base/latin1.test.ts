import assert from "node:assert/strict";
import { test } from "node:test";
import { latin1Text, writeLatin1 } from "./latin1.ts";

const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

test("latin1Text: every byte is the character of its number", () => {
  const text = latin1Text(every, 0, 256);

  assert.equal(text.length, 256);
  for (let byte = 0; byte < 256; byte++) assert.equal(text.charCodeAt(byte), byte);
});

test("latin1Text: a part of the bytes", () => {
  assert.equal(latin1Text(Buffer.from("hello"), 1, 3), "el");
  assert.equal(latin1Text(Buffer.from("hello"), 2, 2), "");
});

test("writeLatin1: what was read is written back, at its place and nowhere else", () => {
  const bytes = Buffer.alloc(258, 0xaa);

  writeLatin1(bytes, latin1Text(every, 0, 256), 1);

  assert.equal(bytes[0], 0xaa);
  assert.deepEqual(bytes.subarray(1, 257), every);
  assert.equal(bytes[257], 0xaa);
});
