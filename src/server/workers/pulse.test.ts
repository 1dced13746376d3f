import assert from "node:assert/strict";
import { test } from "node:test";
import { SimClock } from "../../../test/support/sim-clock.ts";
import { Pulse, Watch } from "./pulse.ts";
import { RestartDelay } from "./restart-delay.ts";

test("Pulse: a worker's beats and dropped lines are seen by the others", async () => {
  const clock = new SimClock();
  const memory = Pulse.of(2);
  let dropped = 3;
  new Pulse(memory, 1).beat(clock, () => dropped);
  const seen = new Pulse(memory, 1);
  const beats = [seen.beats];
  dropped = 5;

  await clock.advance(1_000);
  beats.push(seen.beats);

  assert.deepEqual(beats, [1, 3]);
  assert.equal(seen.droppedLogLines, 5);
  assert.equal(new Pulse(memory, 0).beats, 0);
});

// biome-ignore format: a table
const watches: readonly [string, number[], boolean][] = [
  ["beats go on",                           [1, 3, 5, 7, 9, 11, 13], false],
  ["stands still for the limit",            [1, 3, 3, 3, 3, 3, 3],   true],
  ["stands still for less",                 [1, 3, 3, 3, 3, 3, 4],   false],
  ["has not begun: it is loading its code", [0, 0, 0, 0, 0, 0, 0],   false],
  ["comes back in time, twice",             [1, 1, 1, 1, 2, 2, 2],   false],
];
for (const [name, beats, want] of watches) {
  test(`Watch: a worker that ${name} is ${want ? "" : "not "}hung`, () => {
    const watch = new Watch();

    const looks = beats.map((count) => watch.isStill(count, 5_000));

    assert.equal(looks.includes(true), want);
    assert.equal(looks.at(-1), want);
  });
}

test("Watch: a limit of off finds nobody", () => {
  const watch = new Watch();

  const looks = Array.from({ length: 1_000 }, () => watch.isStill(1, Number.POSITIVE_INFINITY));

  assert.equal(looks.includes(true), false);
});

test("RestartDelay: at once the first time, longer each time it dies young, and never for ever", () => {
  const delay = new RestartDelay();
  const young = Array.from({ length: 12 }, () => delay.after(100));

  const steady = delay.after(60_000);

  assert.deepEqual(young.slice(0, 5), [0, 250, 500, 1_000, 2_000]);
  assert.equal(young.at(-1), 30_000);
  assert.equal(steady, 0);
});
