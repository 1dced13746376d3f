import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { DueTimes, type Pace } from "./due-times.ts";

const NOW = 1_000_000;

function timesFor(keysMax = 1024): DueTimes {
  return new DueTimes(new SharedArrayBuffer(DueTimes.byteLength(keysMax)));
}

function paceOf(perSecond: number, burst: number): Pace {
  const perUnitMs = 1000 / perSecond;
  return { perUnitMs, burstMs: burst * perUnitMs };
}

/** How many of so many tries at once may. */
function admitted(times: DueTimes, key: string, tries: number, nowMs: number, pace: Pace): number {
  let count = 0;
  for (let index = 0; index < tries; index++) if (times.take(key, 1, nowMs, pace) >= 0) count++;
  return count;
}

// biome-ignore format: a table
const bursts: [perSecond: number, burst: number, afterMs: number, again: number][] = [
  [100, 50, 0,      0],
  [100, 50, 9.9,    1], // a hundredth of a unit is forgiven
  [100, 50, 7,      0],
  [100, 50, 100,    10],
  [100, 50, 60_000, 50],
  [3, 1, 333.4,     1],
  [3, 7, 1000,      3],
  [1_000_000, 1000, 1, 1000],
  [5 / 3600, 5, 720_000, 1],
];

for (const [perSecond, burst, afterMs, again] of bursts) {
  test(`DueTimes: at ${perSecond.toPrecision(3)}/s, ${burst} at once, and ${again} more after ${afterMs} ms`, () => {
    const times = timesFor();
    const pace = paceOf(perSecond, burst);

    const first = admitted(times, "a", burst * 2 + 10, NOW, pace);
    const second = admitted(times, "a", burst * 2 + 10, NOW + afterMs, pace);

    assert.equal(first, burst);
    assert.equal(second, again);
  });
}

test("DueTimes: what is refused uses nothing, and says when it may", () => {
  const times = timesFor();
  const pace = paceOf(10, 2);
  admitted(times, "a", 2, NOW, pace);

  const waitMs = -times.take("a", 1, NOW, pace);
  admitted(times, "a", 1000, NOW, pace);

  assert.equal(waitMs, 100);
  assert.ok(times.take("a", 1, NOW + 100, pace) >= 0);
});

test("DueTimes: what may comes back with what is left", () => {
  const times = timesFor();
  const pace = paceOf(10, 5);

  const left = times.take("a", 2, NOW, pace);

  assert.equal(left, 300);
  assert.equal(times.look("a", NOW, pace), 300);
  assert.equal(times.look("a", NOW + 50, pace), 350);
  assert.equal(times.look("never seen", NOW, pace), 500);
});

test("DueTimes: keys count apart", () => {
  const times = timesFor();
  const pace = paceOf(10, 5);
  admitted(times, "a", 5, NOW, pace);

  assert.equal(admitted(times, "b", 9, NOW, pace), 5);
});

test("DueTimes: more than a burst holds is refused, and makes no place for the key", () => {
  const times = timesFor();
  const pace = paceOf(10, 5);

  assert.equal(times.take("a", 6, NOW, pace), -100);
  assert.equal(times.look("a", NOW, pace), 500);
});

test("DueTimes: what is given back may be used again", () => {
  const times = timesFor();
  const pace = paceOf(10, 5);
  admitted(times, "a", 5, NOW, pace);

  times.giveBack("a", 2, pace);

  assert.equal(admitted(times, "a", 5, NOW, pace), 2);
});

test("DueTimes: a key is raised, never lowered, and forgotten", () => {
  const times = timesFor();
  const pace = paceOf(10, 5);
  times.raise("a", NOW + 400, NOW);
  times.raise("a", NOW + 100, NOW);

  assert.equal(times.look("a", NOW, pace), 100);
  times.forget("a");
  assert.equal(times.look("a", NOW, pace), 500);
});

test("DueTimes: in the long run it is the rate, to the request, whichever worker counts", () => {
  const memory = new SharedArrayBuffer(DueTimes.byteLength(1024));
  const workers = [new DueTimes(memory), new DueTimes(memory)];
  const pace = paceOf(1000, 100);
  let count = 0;

  // 10,000 a second for 30 s, by a clock that is days old.
  const startMs = 5e9;
  for (let index = 0; index < 300_000; index++) {
    if (workers[index % 2]!.take("a", 1, startMs + index / 10, pace) >= 0) count++;
  }

  assert.ok(Math.abs(count - 30_100) <= 1, `${count}`);
});

test("DueTimes: threads count exactly", async () => {
  const THREADS = 3;
  const KEYS = 40;
  const BURST = 5000;
  const memory = new SharedArrayBuffer(DueTimes.byteLength(1024));
  const gate = new SharedArrayBuffer(4);
  const pace = paceOf(1, BURST);
  // They know the keys: at first sight a key may get one more, see DueTimes.
  const times = new DueTimes(memory);
  for (let key = 0; key < KEYS; key++) times.take(`key ${key}`, 1, NOW, pace);

  const threads = Array.from({ length: THREADS }, () => {
    return new Worker(new URL("../../test/support/due-times-thread.ts", import.meta.url), {
      workerData: { memory, gate, threads: THREADS, keys: KEYS, rounds: 4000, pace, nowMs: NOW },
    });
  });
  const answers = await Promise.all(threads.map((thread) => once(thread, "message")));

  const taken = answers.map(([counts]) => counts as number[]);
  for (let key = 0; key < KEYS; key++) {
    const sum = taken.reduce((total, counts) => total + counts[key]!, 0);
    assert.equal(sum, BURST - 1, `key ${key}`);
  }
});

test("DueTimes: in a flood of keys memory stays, who is at the limit stays there, and nobody else is refused", () => {
  const FLOOD = 1_000_000;
  const memory = new SharedArrayBuffer(DueTimes.byteLength(16_384));
  const times = new DueTimes(memory);
  const pace = paceOf(10 / 60, 10); // slow to come back, so that no key of the flood is ever as good as new
  const greedy = Array.from({ length: 50 }, (_, index) => `greedy ${index}`);
  const honest = Array.from({ length: 50 }, (_, index) => `honest ${index}`);
  let nowMs = NOW;
  let greedyAdmitted = 0;
  let honestRefused = 0;
  let floodRefused = 0;

  for (let index = 0; index < FLOOD; index++) {
    nowMs += 0.1; // 10,000 keys a second, 100 s
    if (times.take(`flood ${index}`, 1, nowMs, pace) < 0) floodRefused++;
    if (index % 100 === 0) {
      const key = greedy[(index / 100) % greedy.length]!; // each twice a second, which is 12 times too often
      if (times.take(key, 1, nowMs, pace) >= 0) greedyAdmitted++;
    }
    if (index % 2000 === 0) {
      const key = honest[(index / 2000) % honest.length]!; // each every 10 s
      if (times.take(key, 1, nowMs, pace) < 0) honestRefused++;
    }
  }

  assert.equal(times.slots, 16_384);
  assert.ok(times.evicted > FLOOD / 2, "it was a flood");
  assert.equal(honestRefused + floodRefused, 0);
  // The burst and what comes back in 100 s; a key that was forgotten on its first requests has some more.
  const wanted = greedy.length * (10 + 100 / 6);
  assert.ok(greedyAdmitted <= wanted * 1.05, `${greedyAdmitted} of ${wanted}`);
});
