import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SeededRandom } from "../base/seeded-random.ts";
import { backoffMs } from "./backoff.ts";

// biome-ignore format: a table
const ceilings: [retry: number, mostMs: number][] = [[1, 25], [2, 50], [3, 100], [4, 200], [5, 250], [6, 250], [2000, 250]];

for (const [retry, mostMs] of ceilings) {
  test(`backoffMs: retry ${retry} waits up to ${mostMs} ms, all of it chance`, () => {
    const random = new SeededRandom(retry);
    const waits = Array.from({ length: 20_000 }, () => backoffMs(retry, random));

    const mean = waits.reduce((sum, wait) => sum + wait, 0) / waits.length;
    assert.equal(Math.max(...waits), mostMs);
    assert.equal(Math.min(...waits), 0);
    assert.ok(Math.abs(mean - mostMs / 2) < mostMs * 0.02, `mean ${mean}`);
  });
}

test("backoffMs: whole milliseconds within any shape, for any retry", () => {
  const shape = fc.record({
    firstMs: fc.integer({ min: 0, max: 1000 }),
    mostMs: fc.integer({ min: 0, max: 10_000 }),
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5000 }), fc.nat(), shape, (retry, seed, bounds) => {
      const waitMs = backoffMs(retry, new SeededRandom(seed), bounds);
      assert.ok(Number.isInteger(waitMs) && waitMs >= 0 && waitMs <= bounds.mostMs);
    }),
  );
});
