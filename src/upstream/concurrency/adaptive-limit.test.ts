import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AdaptiveLimit,
  CONCURRENCY_START,
  LIMIT_REAL_CELLS,
  LIMIT_WHOLE_CELLS,
} from "./adaptive-limit.ts";

const WINDOW_SINCE = 2;
const BOUNDS = { min: 4, max: 1_000 };

interface Load {
  readonly ms: number;
  readonly peak?: number; // as the limit allows, if absent
  readonly isAnswered?: boolean;
}

/** An endpoint that answers as it is told, a window of it at a time. */
class Told {
  readonly whole = new Int32Array(new SharedArrayBuffer(LIMIT_WHOLE_CELLS * 4));
  readonly real = new Float64Array(new SharedArrayBuffer(LIMIT_REAL_CELLS * 8));
  readonly limit = new AdaptiveLimit(this.whole, this.real);
  readonly bounds: typeof BOUNDS;
  nowMs = 1_000;

  constructor(bounds = BOUNDS) {
    this.bounds = bounds;
  }

  get now(): number {
    return this.limit.within(this.bounds);
  }

  /** So many samples, evenly over that time. */
  samples(count: number, overMs: number, { ms, peak, isAnswered = true }: Load): void {
    for (let left = count; left > 0; left--) {
      this.nowMs += overMs / count;
      const sinceMs = this.nowMs - Math.min(ms, overMs / count);
      const sample = { ms, sinceMs, unanswered: peak ?? this.now, isAnswered };
      this.limit.add(sample, this.bounds, this.nowMs);
    }
  }

  /** More than enough for a window, of which there are so many. */
  windows(count: number, load: Load): void {
    if (this.real[WINDOW_SINCE] === 0) this.samples(1, 1, load);
    for (let left = count; left > 0; left--) {
      const before = this.real[WINDOW_SINCE];
      for (let steps = 0; this.real[WINDOW_SINCE] === before && steps < 10_000; steps++) {
        this.samples(1, 2 + load.ms / 100, load);
      }
    }
  }

  /** Answers take as long as a server of so many cores takes them to, at the limit. */
  busy(count: number, cores: number, workMs: number): void {
    for (let left = count; left > 0; left--) {
      this.windows(1, { ms: workMs * Math.max(1, this.now / cores) });
    }
  }
}

test("AdaptiveLimit: it begins at its start, within its bounds", () => {
  assert.equal(new Told().now, CONCURRENCY_START);
  assert.equal(new Told({ min: 30, max: 1_000 }).now, 30);
  assert.equal(new Told({ min: 1, max: 8 }).now, 8);
});

test("AdaptiveLimit: used and quick it doubles, until answers take longer than they should", () => {
  const told = new Told();

  told.windows(3, { ms: 20 });
  assert.equal(told.now, CONCURRENCY_START * 8);
  told.windows(1, { ms: 60 });

  assert.ok(told.now < CONCURRENCY_START * 8);
  const lowered = told.now;
  told.windows(1, { ms: 20 });
  assert.equal(told.now, Math.floor(lowered + Math.sqrt(lowered)), "from now on by its root");
});

test("AdaptiveLimit: it never leaves its bounds", () => {
  const told = new Told({ min: 10, max: 50 });

  told.windows(20, { ms: 20 });
  assert.equal(told.now, 50);
  const seen: number[] = [];
  for (let window = 0; window < 200; window++) {
    told.busy(1, 2, 20);
    seen.push(told.now);
  }

  assert.equal(Math.min(...seen), 10);
  assert.ok(Math.max(...seen) <= 50);
});

test("AdaptiveLimit: a limit that nobody needs stays, whatever answers take", () => {
  const told = new Told();
  told.windows(4, { ms: 20 });
  const before = told.now;

  told.windows(50, { ms: 20, peak: 3 });
  told.windows(50, { ms: 500, peak: 3 });

  assert.equal(told.now, before);
});

test("AdaptiveLimit: a few requests now and then tell nothing at all", () => {
  const told = new Told();

  for (let minute = 0; minute < 60; minute++) told.samples(3, 60_000, { ms: 9_000, peak: 20 });

  assert.equal(told.now, CONCURRENCY_START);
  assert.ok(told.limit.baseMs === 0);
});

test("AdaptiveLimit: little traffic that does use it is judged after half a minute", () => {
  const told = new Told();
  told.windows(1, { ms: 20 });

  told.samples(15, 31_000, { ms: 20 });

  assert.ok(told.now > 2 * CONCURRENCY_START);
});

test("AdaptiveLimit: of a busy endpoint it finds what that bears, and stays there", () => {
  const told = new Told();
  told.windows(1, { ms: 20, peak: 2 });

  told.busy(100, 8, 20);
  const seen: number[] = [];
  for (let window = 0; window < 500; window++) {
    told.busy(1, 8, 20);
    seen.push(told.now);
  }

  const mean = seen.reduce((sum, each) => sum + each, 0) / seen.length;
  assert.ok(mean > 12 && mean < 20, `${mean}: about twice the cores`);
  assert.ok(Math.abs(told.limit.baseMs - 20) < 2, `${told.limit.baseMs}`);
});

test("AdaptiveLimit: a base that was learnt when it was too busy is found out", () => {
  const told = new Told();

  told.busy(120, 4, 20); // 100 ms at the start

  assert.ok(Math.abs(told.limit.baseMs - 20) < 3, `${told.limit.baseMs}`);
  assert.ok(told.now < 14, `${told.now}`);
});

test("AdaptiveLimit: an endpoint that is slower now is not taken for a busy one", () => {
  const told = new Told();
  told.windows(5, { ms: 20 });
  const before = told.now;

  told.windows(10, { ms: 100 }); // however few it has

  assert.ok(told.now >= before, `${told.now}, before ${before}`);
  assert.equal(Math.round(told.limit.baseMs), 100);
  told.windows(60, { ms: 20, peak: 10 });
  assert.ok(told.limit.baseMs < 21, "and quick again");
});

test("AdaptiveLimit: what takes longer at the least there may be is what it takes", () => {
  const told = new Told({ min: 4, max: 4 });
  told.windows(2, { ms: 20 });

  told.windows(4, { ms: 100 });
  assert.equal(Math.round(told.limit.baseMs), 20);
  told.windows(2, { ms: 100 });

  assert.equal(Math.round(told.limit.baseMs), 100);
});

test("AdaptiveLimit: who gave up never makes slowness normal", () => {
  const told = new Told();
  told.windows(5, { ms: 20 });

  told.windows(60, { ms: 5_000, isAnswered: false });

  assert.equal(told.now, BOUNDS.min);
  assert.equal(Math.round(told.limit.baseMs), 20);
});

test("AdaptiveLimit: requests of before it was lowered met the queue of then, and do not count", () => {
  const told = new Told();
  told.windows(3, { ms: 20 });
  told.windows(1, { ms: 300 });
  const lowered = told.now;

  const sinceMs = told.nowMs - 1;
  for (let count = 0; count < 500; count++) {
    told.nowMs += 1;
    const sample = { ms: 400, sinceMs, unanswered: told.now, isAnswered: true };
    told.limit.add(sample, told.bounds, told.nowMs);
  }

  assert.equal(told.now, lowered);
});

test("AdaptiveLimit: what is far too slow needs no full window", () => {
  const told = new Told();
  told.windows(3, { ms: 20 });
  const before = told.now;

  told.samples(21, 300, { ms: 290 });

  assert.ok(told.now < before, `${told.now}`);
});

test("AdaptiveLimit: our own few milliseconds are nobody's overload", () => {
  const told = new Told();
  told.windows(2, { ms: 0.4 });
  const before = told.now;

  told.windows(5, { ms: 5 });

  assert.ok(told.now > before);
});

test("AdaptiveLimit: other bounds hold at once, and what was learnt stays", () => {
  const told = new Told();
  told.windows(3, { ms: 20 });

  assert.equal(told.limit.within({ min: 1, max: 10 }), 10);
  assert.equal(told.limit.within({ min: 500, max: 600 }), 500);
  assert.equal(told.limit.within(BOUNDS), CONCURRENCY_START * 8);
});

test("AdaptiveLimit: two workers have one limit", () => {
  const told = new Told();
  const other = new AdaptiveLimit(told.whole, told.real);

  told.windows(3, { ms: 20 });

  assert.equal(other.within(BOUNDS), told.now);
  assert.equal(other.baseMs, told.limit.baseMs);
});
