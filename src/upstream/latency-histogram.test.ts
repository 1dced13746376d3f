import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "../base/seeded-random.ts";
import { LatencyHistogram } from "./latency-histogram.ts";

test("LatencyHistogram: says nothing of a few", () => {
  const histogram = new LatencyHistogram();
  for (let count = 0; count < 99; count++) histogram.add(10);
  assert.equal(histogram.percentileMs(95), undefined);

  histogram.add(10);

  assert.ok(histogram.percentileMs(95)! >= 10);
});

for (const [percent, wantMs] of [
  [50, 50],
  [90, 90],
  [95, 95],
  [99, 99],
] as const) {
  test(`LatencyHistogram: p${percent} is right to a fifth, and not below`, () => {
    const histogram = new LatencyHistogram();
    const random = new SeededRandom(1);
    for (let count = 0; count < 10_000; count++) histogram.add(random.below(100_000) / 1000);

    const gotMs = histogram.percentileMs(percent)!;

    assert.ok(gotMs >= wantMs * 0.98 && gotMs <= wantMs * 1.2, `${gotMs}`);
  });
}

test("LatencyHistogram: what was long ago is forgotten", () => {
  const histogram = new LatencyHistogram();
  for (let count = 0; count < 10_000; count++) histogram.add(1_000);
  for (let count = 0; count < 20_000; count++) histogram.add(1);

  assert.ok(histogram.percentileMs(99)! < 2);
});

test("LatencyHistogram: nothing is too short or too long", () => {
  const histogram = new LatencyHistogram();
  for (const ms of [0, -1, 1e12, 0.05]) for (let count = 0; count < 50; count++) histogram.add(ms);

  assert.ok(histogram.percentileMs(50)! < 1);
  assert.ok(histogram.percentileMs(99)! > 10_000);
});
