import assert from "node:assert/strict";
import { test } from "node:test";
import { LatencyWindow, WINDOW_CELLS } from "./latency-window.ts";

function windowOf(cells = new Int32Array(new SharedArrayBuffer(WINDOW_CELLS * 4))): LatencyWindow {
  return new LatencyWindow(cells);
}

test("LatencyWindow: the mean of the logarithms, how many, how many in vain, the peak", () => {
  const window = windowOf();

  window.add(10, 3, true);
  window.add(1000, 7, true);
  const count = window.add(100, 5, false);

  assert.equal(count, 3);
  assert.ok(Math.abs(window.ms - 100) < 0.2, `${window.ms}`);
  const facts = window.take(3)!;
  assert.deepEqual(
    { ...facts, ms: Math.round(facts.ms) },
    {
      count: 3,
      inVainShare: 1 / 3,
      ms: 100,
      peak: 7,
    },
  );
});

test("LatencyWindow: it is taken once, and the next begins empty", () => {
  const window = windowOf();
  window.add(10, 1, true);
  window.add(10, 1, true);

  assert.equal(window.take(3), undefined, "too few, and they stay");
  assert.equal(window.take(2)?.count, 2);

  assert.equal(window.take(1), undefined);
  window.add(40, 1, true);
  assert.equal(Math.round(window.take(1)!.ms), 40);
});

test("LatencyWindow: one that takes a month, and one that takes nothing, are numbers still", () => {
  const window = windowOf();
  const monthMs = 31 * 86_400_000;

  for (let count = 0; count < 50_000; count++) window.add(monthMs, 1, true);
  assert.ok(window.isFull);
  assert.ok(Math.abs(window.take(1)!.ms / monthMs - 1) < 0.01);

  window.add(0, 1, true);
  assert.ok(Math.abs(window.take(1)!.ms - 0.01) < 0.001);
});

test("LatencyWindow: two workers add to one", () => {
  const cells = new Int32Array(new SharedArrayBuffer(WINDOW_CELLS * 4));
  const [left, right] = [windowOf(cells), windowOf(cells)];

  left.add(10, 1, true);
  assert.equal(right.add(10, 4, true), 2);

  assert.deepEqual({ ...right.take(2)!, ms: 10 }, { count: 2, inVainShare: 0, ms: 10, peak: 4 });
  assert.equal(left.take(1), undefined);
});
