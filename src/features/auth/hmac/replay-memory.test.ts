import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { SimClock } from "../../../../test/support/sim-clock.ts";
import { ReplayMemory } from "./replay-memory.ts";

const WINDOW_MS = 60_000;
const signature = (number: number) => createHash("sha256").update(String(number)).digest();

function memoryOf() {
  const clock = new SimClock();
  const memory = new SharedArrayBuffer(ReplayMemory.byteLength);
  return { clock, memory, replays: new ReplayMemory(memory, clock) };
}

test("ReplayMemory: a signature is new once, in all workers, until its time is over", async () => {
  const { clock, memory, replays } = memoryOf();
  const other = new ReplayMemory(memory, clock);
  await clock.advance(1_000);

  const first = replays.note(signature(1), WINDOW_MS);
  const again = [replays, other].map((each) => each.note(signature(1), WINDOW_MS));
  const another = other.note(signature(2), WINDOW_MS);
  await clock.advance(WINDOW_MS + 16);

  assert.deepEqual([first, ...again, another], ["new", "seen", "seen", "new"]);
  assert.equal(replays.note(signature(1), WINDOW_MS), "new");
});

test("ReplayMemory: more than it can hold are refused, and none is taken twice", () => {
  const { replays } = memoryOf();
  const count = 200_000;

  const found = { new: 0, seen: 0, full: 0 };
  for (let number = 0; number < count; number++)
    found[replays.note(signature(number), WINDOW_MS)]++;

  assert.ok(found.new > 110_000 && found.new <= 131_072, JSON.stringify(found));
  assert.equal(found.seen, 0);
  assert.equal(found.full, count - found.new);
  for (let number = 0; number < count; number += 97) {
    assert.notEqual(replays.note(signature(number), WINDOW_MS), "new");
  }
});

test("ReplayMemory: places are free again when their time is over", async () => {
  const { clock, replays } = memoryOf();
  const all = Array.from({ length: 10_000 }, (_, number) => signature(number));
  for (const each of all) replays.note(each, WINDOW_MS);

  await clock.advance(WINDOW_MS + 16);

  for (const each of all) assert.equal(replays.note(each, WINDOW_MS), "new");
});
