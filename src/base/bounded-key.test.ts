import assert from "node:assert/strict";
import { test } from "node:test";
import { boundedKey } from "./bounded-key.ts";

test("boundedKey: up to 256 characters are as they are, and more are 44, each of its own", () => {
  const keys = [1, 255, 256, 257, 30_000].map((length) => boundedKey("x".repeat(length)));

  assert.deepEqual(
    keys.map(({ length }) => length),
    [1, 255, 256, 44, 44],
  );
  assert.equal(new Set(keys).size, keys.length);
  assert.equal(boundedKey("x".repeat(257)), keys[3]);
  assert.notEqual(boundedKey(`${"x".repeat(256)}\xe4`), boundedKey(`${"x".repeat(256)}\xe5`));
});
