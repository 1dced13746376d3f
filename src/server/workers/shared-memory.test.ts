import assert from "node:assert/strict";
import { test } from "node:test";
import { KeyedState } from "../../core/shared-state.ts";
import type { StateDraft } from "../../core/state.ts";
import { FoundMemory, SharedMemory } from "./shared-memory.ts";

const LOG = { info: () => {}, warn: () => {} };

function setUp() {
  const memory = new SharedMemory(2);
  const state = memory.under(new KeyedState(LOG));
  const keys = () => [...memory.blocks.keys()];
  return { memory, state, keys };
}

function keep(draft: StateDraft, memory: SharedMemory, key: string): SharedArrayBuffer {
  return draft.keep(key, () => {
    memory.lanes(`${key} lanes`);
    return memory.block(`${key} block`, 8);
  });
}

test("SharedMemory: a block lives for as long as a config keeps what asked for it", () => {
  const { memory, state, keys } = setUp();
  const first = state.draft();
  const block = keep(first, memory, "a");
  keep(first, memory, "b");
  first.commit();

  const second = state.draft();
  const again = keep(second, memory, "a");
  keep(second, memory, "c");
  second.commit();

  assert.equal(again, block);
  assert.deepEqual(keys(), ["a lanes", "a block", "c lanes", "c block"]);
});

test("SharedMemory: a draft that is discarded leaves no block behind", () => {
  const { memory, state, keys } = setUp();
  const first = state.draft();
  keep(first, memory, "a");
  first.commit();

  const second = state.draft();
  keep(second, memory, "a");
  keep(second, memory, "b");
  second.discard();

  assert.deepEqual(keys(), ["a lanes", "a block"]);
});

test("SharedMemory: what was asked for outside of keep() stays until it is let go of", () => {
  const { memory, state, keys } = setUp();
  memory.block("found", 8);
  const draft = state.draft();
  keep(draft, memory, "kept");
  draft.commit();
  state.draft().commit();
  assert.deepEqual(keys(), ["found"]);

  memory.release("found");

  assert.deepEqual(keys(), []);
});

test("SharedMemory: workers and the main thread have a lane each, and a lost one's is cleared", () => {
  const { memory } = setUp();
  const main = memory.lanes("requests");
  const workers = [0, 1].map((worker) => {
    const found = new FoundMemory(2, worker);
    found.blocks = memory.blocks;
    return found.lanes("requests");
  });
  main.add(0, 1);
  workers[0]!.add(0, 10);
  workers[1]!.add(0, 100);
  assert.equal(main.sum(0), 111);

  memory.clearLane(0);

  assert.equal(main.sum(0), 101);
});

test("FoundMemory: what the main thread did not make is an error that names it", () => {
  const found = new FoundMemory(2, 0);
  found.blocks = new Map([["small", new SharedArrayBuffer(4)]]);

  assert.throws(() => found.block("other", 8), /nothing for other/);
  assert.throws(() => found.block("small", 8), /small has another size/);
});

test("SharedMemory: a block may say itself what goes with a lost worker", () => {
  const { memory } = setUp();
  const block = memory.block("counts", 12, (lost, worker) => {
    new Int32Array(lost)[worker] = 0;
  });
  new Int32Array(block).set([1, 2, 3]);

  memory.clearLane(1);

  assert.deepEqual([...new Int32Array(block)], [1, 0, 3]);
});
