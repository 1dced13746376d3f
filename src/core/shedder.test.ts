import assert from "node:assert/strict";
import { test } from "node:test";
import { SimWorld } from "../../test/support/sim-world.ts";
import { TimerWheel } from "../base/timer-wheel.ts";
import { type LoadSigns, PRIORITIES, type Priority, Shedder } from "./shedder.ts";

const OPTIONS = { loopDelayMs: 50, memoryShare: 0.8, requestsMax: 1_000 };
const CALM: LoadSigns = { delayMs: 0, memoryShare: 0.1, requests: 10 };

function stage(memoryShare = () => 0, requests = () => 0) {
  const world = Object.assign(new SimWorld(), { memoryShare });
  const wheel = new TimerWheel(world.clock);
  return { world, shedder: new Shedder(OPTIONS, { world, wheel, requests }) };
}

/** Of a thousand each, how many are let in. */
function served(shedder: Shedder): Record<Priority, number> {
  const count = (priority: Priority) =>
    Array.from({ length: 1_000 }, () => shedder.refuses(priority)).filter((is) => !is).length;
  return Object.fromEntries(PRIORITIES.map((each) => [each, count(each)])) as Record<
    Priority,
    number
  >;
}

function looks(shedder: Shedder, count: number, signs: Partial<LoadSigns>): void {
  for (let look = 0; look < count; look++) shedder.look({ ...CALM, ...signs });
}

// biome-ignore format: a table
const loads: [name: string, signs: Partial<LoadSigns>, count: number, level: number][] = [
  ["calm",                           {},                        100, 0],
  ["just at the mark",               { delayMs: 50 },           100, 0],
  ["twice as late as it may be",     { delayMs: 100 },          10,  1],
  ["very late",                      { delayMs: 5_000 },        4,   1],
  ["late for long",                  { delayMs: 200 },          100, 3],
  ["memory a tenth beyond the mark", { memoryShare: 0.88 },     50,  0.5],
  ["too many requests",              { requests: 2_000 },       5,   0.5],
  ["one sign is enough",             { memoryShare: 0.1, requests: 2_000, delayMs: 1 }, 5, 0.5],
];

for (const [name, signs, count, level] of loads) {
  test(`Shedder: ${name}`, () => {
    const { shedder } = stage();

    looks(shedder, count, signs);

    assert.ok(Math.abs(shedder.level - level) < 0.01, `${shedder.level}`);
  });
}

// biome-ignore format: a table
const orders: [level: number, want: Record<Priority, number>][] = [
  [0,   { low: 1000, normal: 1000, high: 1000, critical: 1000 }],
  [0.5, { low: 500,  normal: 1000, high: 1000, critical: 1000 }],
  [1.5, { low: 0,    normal: 500,  high: 1000, critical: 1000 }],
  [2.5, { low: 0,    normal: 0,    high: 500,  critical: 1000 }],
  [3,   { low: 0,    normal: 0,    high: 0,    critical: 1000 }],
];

for (const [level, want] of orders) {
  test(`Shedder: at level ${level} those of low priority go first, and critical never`, () => {
    const { shedder } = stage();
    looks(shedder, Math.round(level * 10), { delayMs: 100 });

    const got = served(shedder);

    for (const priority of PRIORITIES) {
      assert.ok(Math.abs(got[priority] - want[priority]) < 60, `${priority}: ${got[priority]}`);
    }
  });
}

test("Shedder: between calm and too much nothing changes, so that it does not swing", () => {
  const { shedder } = stage();
  looks(shedder, 5, { delayMs: 100 });

  looks(shedder, 50, { delayMs: 45 });
  assert.equal(shedder.level, 0.5);
  looks(shedder, 10, { delayMs: 39 });

  assert.ok(Math.abs(shedder.level - 0.25) < 1e-9);
});

test("Shedder: it looks for itself while requests come, tells of both turns, and then rests", async () => {
  let share = 0.9;
  const { world, shedder } = stage(() => share);
  for (let round = 0; round < 20; round++) {
    shedder.refuses("low");
    await world.clock.advance(100);
  }
  assert.ok(shedder.level > 0);

  share = 0.1;
  await world.clock.advance(60_000);

  assert.equal(shedder.level, 0);
  assert.deepEqual(
    world.lines.map(({ level, message }) => `${level} ${message}`),
    ["warn requests are shed", "info no requests are shed any more"],
  );
  assert.equal(world.clock.pendingCount, 0, "nobody asks, so nobody looks");
});

test("Shedder: without a word about memory nothing is shed for it", () => {
  const world = new SimWorld();
  const wheel = new TimerWheel(world.clock);
  const options = { ...OPTIONS, loopDelayMs: Number.POSITIVE_INFINITY };
  const shedder = new Shedder(options, { world, wheel, requests: () => 0 });

  looks(shedder, 10, { delayMs: 10_000 });

  assert.equal(shedder.level, 0);
});
