import assert from "node:assert/strict";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import fc from "fast-check";
import { AT_MAX, KeyCounts, NO_ROW } from "./key-counts.ts";

function stage(lanes = 1, rows = 1024) {
  const shape = KeyCounts.shape(rows, lanes);
  const memory = new SharedArrayBuffer(KeyCounts.byteLength(shape));
  const counts = Array.from({ length: lanes }, (_, lane) => new KeyCounts(memory, shape, lane));
  return { shape, memory, counts, first: counts[0]! };
}

test("KeyCounts: so many of a key and no more, until one is given back", () => {
  const { first } = stage();
  const row = first.claim("a", 2);

  assert.ok(row >= 0);
  assert.equal(first.claim("a", 2), row);
  assert.equal(first.claim("a", 2), AT_MAX);
  assert.ok(first.claim("b", 2) >= 0);
  first.release(row);
  assert.equal(first.count("a"), 1);
  assert.equal(first.claim("a", 2), row);
});

test("KeyCounts: threads count together, and what a lost one held is held no more", () => {
  const { counts, first, memory, shape } = stage(3);
  for (const each of counts) each.claim("a", 3);
  assert.equal(first.claim("a", 3), AT_MAX);

  KeyCounts.clear(memory, shape, 2);

  assert.equal(first.count("a"), 2);
});

test("KeyCounts: a thread that dies at work on a set keeps nobody from it", () => {
  const { first, memory, shape } = stage(2);
  first.count("a");
  const cells = new Int32Array(memory);
  const sets = 1024 / 16;
  for (let set = 0; set < sets; set++) cells[16 + set] = 2; // as the thread of lane 1 would leave it

  KeyCounts.clear(memory, shape, 1);

  assert.ok(first.claim("a", 1) >= 0);
});

test("KeyCounts: a flood of keys that come and go needs no more room", () => {
  const { first } = stage(1, 64);
  for (let key = 0; key < 10_000; key++) {
    const row = first.claim(`key ${key}`, 1);
    assert.ok(row >= 0);
    first.release(row);
  }
});

test("KeyCounts: keys beyond the room there is are told apart from keys at their limit", () => {
  const { first } = stage(1, 16);
  const rows = Array.from({ length: 20 }, (_, key) => first.claim(`key ${key}`, 1));

  assert.equal(rows.filter((row) => row >= 0).length, 16);
  assert.deepEqual(rows.slice(16), Array(4).fill(NO_ROW));
  assert.equal(first.claim("key 3", 1), AT_MAX);
});

test("KeyCounts: counts are those of a plain map, whatever comes and goes", () => {
  const steps = fc.array(fc.record({ lane: fc.nat(2), key: fc.nat(20), releases: fc.boolean() }), {
    maxLength: 300,
  });
  fc.assert(
    fc.property(steps, (all) => {
      const { counts } = stage(3, 4096);
      const held: { key: number; lane: number; row: number }[] = [];
      for (const { lane, key, releases } of all) {
        if (releases) {
          const index = held.findIndex((one) => one.lane === lane);
          if (index >= 0) counts[lane]!.release(held.splice(index, 1)[0]!.row);
        } else {
          const had = held.filter((one) => one.key === key).length;
          const row = counts[lane]!.claim(String(key), 4);
          assert.equal(row === AT_MAX, had === 4);
          if (row >= 0) held.push({ key, lane, row });
        }
      }
      for (const { key } of held) {
        assert.equal(counts[0]!.count(String(key)), held.filter((one) => one.key === key).length);
      }
    }),
  );
});

const RACER = `
const { parentPort, workerData } = require("node:worker_threads");
import(workerData.module).then(({ KeyCounts }) => {
  const { memory, shape, lane, gauge } = workerData;
  const counts = new KeyCounts(memory, shape, lane);
  const cells = new Int32Array(gauge);
  let most = 0, got = 0;
  for (let round = 0; round < 20000; round++) {
    const row = counts.claim("key " + (round % 3), 2);
    if (row < 0) continue;
    got++;
    const here = Atomics.add(cells, round % 3, 1) + 1;
    if (here > most) most = here;
    Atomics.sub(cells, round % 3, 1);
    counts.release(row);
  }
  parentPort.postMessage({ most, got });
});`;

test("KeyCounts: threads that race never have more than the limit, and leave nothing behind", async () => {
  const { memory, shape, first } = stage(5, 64);
  const gauge = new SharedArrayBuffer(12);
  const module = new URL("./key-counts.ts", import.meta.url).href;

  const ends = await Promise.all(
    [1, 2, 3, 4].map((lane) => {
      const workerData = { module, memory, shape, lane, gauge };
      const worker = new Worker(RACER, { eval: true, workerData });
      return new Promise<{ most: number; got: number }>((resolve, reject) => {
        worker.on("message", resolve);
        worker.on("error", reject);
      });
    }),
  );

  assert.ok(Math.max(...ends.map(({ most }) => most)) <= 2);
  assert.ok(ends.every(({ got }) => got > 0));
  assert.deepEqual(
    ["key 0", "key 1", "key 2"].map((key) => first.count(key)),
    [0, 0, 0],
  );
});
