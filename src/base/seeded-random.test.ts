import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "./seeded-random.ts";

test("SeededRandom: one seed makes one run, another seed another", () => {
  const run = (seed: number) => {
    const random = new SeededRandom(seed);
    return Array.from({ length: 20 }, () => random.below(1_000_000));
  };

  assert.deepEqual(run(7), run(7));
  assert.notDeepEqual(run(7), run(8));
  assert.notDeepEqual(run(1), run(1 + 2 ** 32), "all 48 bits of a seed count");
});

for (const bound of [1, 2, 3, 7, 100, 3 * 2 ** 30]) {
  test(`SeededRandom: below(${bound}) is even over its range`, () => {
    const random = new SeededRandom(42);
    const draws = 60_000;
    const cells = Math.min(bound, 3);
    const seen = new Array<number>(cells).fill(0);

    for (let draw = 0; draw < draws; draw++) {
      const value = random.below(bound);
      assert.ok(Number.isInteger(value) && value >= 0 && value < bound);
      seen[Math.floor((value * cells) / bound)]! += 1;
    }

    // 3 * 2^30 is where a plain remainder would give the lowest third twice its share.
    const share = (cell: number) =>
      (Math.ceil(((cell + 1) * bound) / cells) - Math.ceil((cell * bound) / cells)) / bound;
    for (const [cell, count] of seen.entries()) {
      assert.ok(Math.abs(count / draws - share(cell)) < 0.02, `${cell}: ${count}`);
    }
  });
}

for (const bound of [0, -1, 1.5, Number.NaN, 2 ** 32 + 1]) {
  test(`SeededRandom: below(${bound}) is a bug`, () => {
    assert.throws(() => new SeededRandom(1).below(bound), RangeError);
  });
}
