/**
 * An event loop with more work than it can do, in simulated time and from a seed: with shedding, who matters
 * is served at once; without, everybody waits for everybody.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "../../src/base/seeded-random.ts";
import { TimerWheel } from "../../src/base/timer-wheel.ts";
import { PRIORITIES, type Priority, Shedder } from "../../src/core/shedder.ts";
import { SimWorld } from "../support/sim-world.ts";

const LOOK_MS = 100;
const REQUEST_MS = 0.5; // of the loop, for one that is served
const REFUSAL_MS = 0.1;
const SHARES: Readonly<Record<Priority, number>> = { low: 50, normal: 30, high: 15, critical: 5 };

interface Counts {
  came: number;
  served: number;
}

/** So many times what the loop can do, for so long: what became of whom, and how late the loop was. */
function run(load: number, seconds: number, isShedding: boolean) {
  const world = new SimWorld(7);
  const random = new SeededRandom(3);
  const wheel = new TimerWheel(world.clock);
  const options = { loopDelayMs: 50, memoryShare: 0.85, requestsMax: Number.POSITIVE_INFINITY };
  const shedder = new Shedder(options, { world, wheel, requests: () => 0 });
  const counts = Object.fromEntries(
    PRIORITIES.map((each) => [each, { came: 0, served: 0 }]),
  ) as Record<Priority, Counts>;
  const delays: number[] = [];
  let backlogMs = 0;
  for (let look = 0; look < (seconds * 1000) / LOOK_MS; look++) {
    for (let come = 0; come < (load * LOOK_MS) / REQUEST_MS; come++) {
      const priority = drawn(random.below(100));
      const isRefused = isShedding && shedder.refuses(priority);
      backlogMs += isRefused ? REFUSAL_MS : REQUEST_MS;
      counts[priority].came++;
      if (!isRefused) counts[priority].served++;
    }
    backlogMs = Math.max(0, backlogMs - LOOK_MS);
    delays.push(backlogMs);
    shedder.look({ delayMs: backlogMs, memoryShare: 0, requests: 0 });
  }
  return { counts, delays, level: shedder.level };
}

function drawn(percent: number): Priority {
  let sum = 0;
  for (const priority of PRIORITIES) {
    sum += SHARES[priority];
    if (percent < sum) return priority;
  }
  return "critical";
}

const servedShare = ({ came, served }: Counts) => served / came;

test("shed: at twice what it can do, high and critical are served, and the loop is in time", () => {
  const { counts, delays } = run(2, 60, true);
  const steady = delays.slice(100);

  assert.equal(servedShare(counts.critical), 1);
  assert.ok(servedShare(counts.high) > 0.9, `${servedShare(counts.high)}`);
  assert.ok(servedShare(counts.low) < 0.2, `${servedShare(counts.low)}`);
  assert.ok(servedShare(counts.normal) > servedShare(counts.low));
  const median = [...steady].sort((a, b) => a - b)[steady.length >> 1]!;
  assert.ok(median < 150, `${median} ms late`);
});

test("shed: a little too much costs low priority alone", () => {
  const { counts } = run(1.2, 60, true);

  for (const priority of ["normal", "high", "critical"] as const)
    assert.ok(
      servedShare(counts[priority]) > 0.97,
      `${priority}: ${servedShare(counts[priority])}`,
    );
  assert.ok(servedShare(counts.low) > 0.3, "and not all of it");
});

test("shed: what it can do is served whole", () => {
  const { counts, level } = run(0.9, 60, true);

  for (const priority of PRIORITIES) assert.equal(servedShare(counts[priority]), 1);
  assert.equal(level, 0);
});

test("shed: without it the loop falls behind without end", () => {
  const { delays } = run(2, 60, false);

  assert.ok(delays.at(-1)! > 50_000);
});
