import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { READ_BYTES, READ_BYTES_LARGE, ReadBuffers } from "./read-buffers.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const LARGE_MAX = 64;

test("ReadBuffers: one that came back is given again", () => {
  const buffers = new ReadBuffers();
  const large = buffers.take(true);
  buffers.giveBack(large);

  assert.equal(large.length, READ_BYTES_LARGE);
  assert.equal(buffers.take(true), large);
});

test("ReadBuffers: however many ask for large ones, there is an end to them", () => {
  const buffers = new ReadBuffers();
  const taken = Array.from({ length: 1000 }, () => buffers.take(true));
  const large = taken.filter(({ length }) => length === READ_BYTES_LARGE);

  assert.equal(large.length, LARGE_MAX);
  assert.ok(taken.every(({ length }) => length === READ_BYTES_LARGE || length === READ_BYTES));
});

test("ReadBuffers: those that never come back make room when nobody has them any more", async () => {
  const buffers = new ReadBuffers();
  for (let count = 0; count < LARGE_MAX; count++) buffers.take(true);
  assert.equal(buffers.take(true).length, READ_BYTES);

  for (let round = 0; buffers.take(true).length === READ_BYTES; round++) {
    assert.ok(round < 100, "collected ones are still counted");
    collect();
    await new Promise(setImmediate); // registries are told after the collection
  }
});
