import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "../../base/seeded-random.ts";
import { DiskIndex, type RecordPlace } from "./disk-index.ts";
import type { RecordKey } from "./record-key.ts";

const COUNTED = { indexed: () => {}, gone: () => {} };
const at = (segment: number, offset: number, order: number): RecordPlace => {
  return { segment, offset, order, bytes: 100 };
};

function keyOf(number: number, variant = 0): RecordKey {
  // All of one shard, and many of one place in it: what an attacker would wish for.
  return { first: number % 7, second: number * 64, partition: 1, variant };
}

test("DiskIndex: does as a map does, over any puts and deletes, with keys that fall together", () => {
  const random = new SeededRandom(1);
  const live = new Map<number, number>();
  const index = new DiskIndex({
    indexed: (segment) => live.set(segment, (live.get(segment) ?? 0) + 1),
    gone: (segment) => live.set(segment, live.get(segment)! - 1),
  });
  const map = new Map<number, number>(); // the offset
  for (let order = 1; order <= 20_000; order++) {
    const number = random.below(300);
    if (random.below(3) === 0) {
      assert.equal(index.delete(keyOf(number), order), map.delete(number));
    } else {
      index.put(keyOf(number), at(1 + (order % 5), order, order));
      map.set(number, order);
    }
    const probe = random.below(300);
    assert.deepEqual(
      index.ofUrl(keyOf(probe)).map(({ offset }) => offset),
      map.has(probe) ? [map.get(probe)] : [],
    );
  }

  assert.equal(index.count, map.size);
  assert.equal(
    [...live.values()].reduce((sum, count) => sum + count, 0),
    map.size,
  );
});

test("DiskIndex: of one key the latest counts, in whatever order they come", () => {
  const index = new DiskIndex(COUNTED);

  assert.equal(index.put(keyOf(1), at(1, 10, 5)), true);
  assert.equal(index.put(keyOf(1), at(2, 20, 4)), false);
  assert.equal(index.delete(keyOf(1), 4), false);
  assert.equal(index.put(keyOf(1), at(2, 30, 2 ** 32 + 6)), true, "orders wrap around");

  assert.deepEqual(
    index.ofUrl(keyOf(1)).map(({ segment, offset }) => [segment, offset]),
    [[2, 30]],
  );
});

test("DiskIndex: variants of one URL, the latest first; visits are counted up to three", () => {
  const index = new DiskIndex(COUNTED);
  for (let variant = 0; variant < 4; variant++) {
    index.put(keyOf(1, variant), at(1, variant, variant + 1));
  }
  for (let count = 0; count < 5; count++) index.visit(keyOf(1, 2));

  assert.deepEqual(
    index.ofUrl(keyOf(1)).map(({ offset, visits, bytes }) => [offset, visits, bytes]),
    [
      [3, 0, 100],
      [2, 3, 100],
      [1, 0, 100],
      [0, 0, 100],
    ],
  );
  assert.equal(index.visitsOf(keyOf(1, 2), 1, 2), 3);
  assert.equal(index.visitsOf(keyOf(1, 2), 2, 2), 0, "of another record");
});

test("DiskIndex: forgets what lies in segments that are gone, and gives the room back", () => {
  const index = new DiskIndex(COUNTED);
  for (let number = 0; number < 100_000; number++) {
    const key = { first: number * 2_654_435, second: number, partition: 0, variant: 0 };
    index.put(key, at(1 + (number % 10), number, number + 1));
  }
  const before = index.memoryBytes;
  assert.ok(before / index.count <= 80, `${before / index.count} bytes for each`);

  for (let part = 0; part < DiskIndex.parts; part++) index.sweep(part, (segment) => segment === 3);

  assert.equal(index.count, 10_000);
  assert.ok(index.memoryBytes < before / 4);
  assert.equal(index.ofUrl({ first: 2 * 2_654_435, second: 2 }).length, 1);
  assert.equal(index.ofUrl({ first: 3 * 2_654_435, second: 3 }).length, 0);
});
