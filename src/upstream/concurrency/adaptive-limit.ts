import type {
  ConcurrencyBounds,
  ConcurrencyLimit,
  ConcurrencySample,
} from "../../core/concurrency.ts";
import { LatencyWindow, WINDOW_CELLS, type WindowFacts } from "./latency-window.ts";

export const CONCURRENCY: ConcurrencyBounds = { min: 4, max: 1_000 };

/** Where it begins, before anything is known: more than a small server bears at its best. */
export const CONCURRENCY_START = 20;

// A wait of as long again as the work itself is where a server is busy without a pause. What is
// below the slack is as likely our own event loop's.
const TOLERANCE = 2;
const SLACK_MS = 5;

// A window has at least so many samples, or one for each place, and lasts for two answers.
const SAMPLES_MIN = 100;
const SAMPLES_MAX = 1_000;
const WINDOW_MS_MIN = 250;
// With less traffic it is taken as it is if it has this many, and otherwise forgotten.
const WINDOW_MS_MAX = 30_000;
const SAMPLES_FEW = 10;
// Nobody has to look twice at what is so many times what can be borne.
const SAMPLES_FAR_OFF = 20;
const FAR_OFF = 2;

// What an answer takes unloaded is followed downward quickly, upward slowly: the quicker upward,
// the sooner a queue that stays looks like nature.
const BASE_FALLS = 0.1;
const BASE_RISES = 0.02;

const USED = 0.75; // a limit of which less is ever in use need not be higher

const LOWERED_FOR_TEST = 0.6; // of what it was: now it can be seen whether that has helped
const LEAST_HELP = 0.7; // of the time; all of a queue's would be as much as the limit's share
const IN_VAIN_MAX = 0.25; // with more of them in vain, the times are those of whoever gave up
// With the limit in use throughout so many windows, it is put to the test unasked.
const BOUND_WINDOWS = 60;
const FIRST_LOOK_AFTER = 10;
const AT_LEAST_WINDOWS = 5;

// Whole numbers, and behind them those of the window.
const BOUND_FOR = 0; // windows in a row
const AT_LEAST_FOR = 1; // windows in a row at the least there may be, and still too slow
const HAS_SETTLED = 2; // no longer doubling
const IS_LOOKING = 3; // the test under way is one that nothing gave cause for
const WHOLE_CELLS = 4;
export const LIMIT_WHOLE_CELLS = WHOLE_CELLS + WINDOW_CELLS;
// Times and averages.
const LIMIT = 0; // 0: as at the start
const BASE = 1;
const WINDOW_SINCE = 2;
const LOWERED_AT = 3; // what was sent before that met the queue of then
const TESTED_LIMIT = 4; // what it was before it was lowered; 0: no test is under way
const TESTED_MS = 5; // and what answers took then
export const LIMIT_REAL_CELLS = 6;

/**
 * The limit follows what answers take. While they take about what they take unloaded it grows, if it
 * is in use; when they take more than twice that it shrinks. Whether it is the number of requests that
 * makes them slow is found out by the lowering itself: a queue gets shorter with it. If nothing is
 * gained the endpoint is simply slower than it was: that is what is normal from now on, and the limit
 * is back where it was. So a slow endpoint is not taken for a busy one, nor a busy one, after a while,
 * for a slow one: a limit that has been in use all the time is put to the same test.
 *
 *     starting ── doubles with each window ── too slow ──► settled
 *     settled ─── in use, quick enough ─────────────────► grows by its root
 *     settled ─── too slow, or in use for long ─────────► under test: lowered
 *     under test, at 60 % ── answers are quicker by a quarter ──► settled, where it is
 *     under test, at 60 % ── they are not ──────────────────────► settled, where it was; base anew
 */
export class AdaptiveLimit implements ConcurrencyLimit {
  readonly #whole: Int32Array;
  readonly #real: Float64Array;
  readonly #window: LatencyWindow;

  constructor(whole: Int32Array, real: Float64Array) {
    this.#whole = whole;
    this.#real = real;
    this.#window = new LatencyWindow(whole.subarray(WHOLE_CELLS));
  }

  within({ min, max }: ConcurrencyBounds): number {
    return Math.floor(Math.min(max, Math.max(min, this.#real[LIMIT]! || CONCURRENCY_START)));
  }

  get baseMs(): number {
    return this.#real[BASE]!;
  }

  add(sample: ConcurrencySample, bounds: ConcurrencyBounds, nowMs: number): void {
    const real = this.#real;
    if (sample.sinceMs < real[LOWERED_AT]!) return;
    if (real[WINDOW_SINCE] === 0) real[WINDOW_SINCE] = nowMs;
    const { ms, unanswered, isAnswered } = sample;
    const count = this.#window.add(ms, unanswered, isAnswered);
    const forMs = nowMs - real[WINDOW_SINCE]!;
    if (forMs >= WINDOW_MS_MAX) this.#takeOrForget(bounds, nowMs);
    else if (forMs >= Math.max(WINDOW_MS_MIN, 2 * real[BASE]!) || this.#window.isFull) {
      const wanted = this.#samplesWanted(bounds);
      if (count >= wanted) this.#take(wanted, bounds, nowMs);
      else if (count >= SAMPLES_FAR_OFF && this.#window.ms > FAR_OFF * this.#bearableMs) {
        this.#take(SAMPLES_FAR_OFF, bounds, nowMs);
      }
    }
  }

  get #bearableMs(): number {
    return TOLERANCE * this.#real[BASE]! + SLACK_MS;
  }

  #samplesWanted(bounds: ConcurrencyBounds): number {
    const wanted = Math.min(SAMPLES_MAX, Math.max(SAMPLES_MIN, this.within(bounds)));
    return this.#real[TESTED_LIMIT] === 0 ? wanted : 2 * wanted; // much depends on it
  }

  #takeOrForget(bounds: ConcurrencyBounds, nowMs: number): void {
    if (this.#take(SAMPLES_FEW, bounds, nowMs)) return;
    this.#window.clear();
    this.#real[WINDOW_SINCE] = nowMs;
  }

  #take(least: number, bounds: ConcurrencyBounds, nowMs: number): boolean {
    const facts = this.#window.take(least);
    if (facts === undefined) return false;
    this.#real[WINDOW_SINCE] = nowMs;
    this.#judge(facts, bounds, nowMs);
    return true;
  }

  #judge(facts: WindowFacts, bounds: ConcurrencyBounds, nowMs: number): void {
    const [whole, real] = [this.#whole, this.#real];
    const limit = this.within(bounds);
    if (real[BASE] === 0) real[BASE] = facts.ms;
    // Whoever does not need the limit tells what answers take, and nothing about the limit.
    if (facts.peak * 2 < limit) {
      whole[BOUND_FOR] = 0;
      real[TESTED_LIMIT] = 0;
      this.#follow(facts, false);
      return;
    }
    if (facts.peak >= limit) Atomics.add(whole, BOUND_FOR, 1);
    if (this.#endsTest(facts, limit, bounds, nowMs)) return;
    if (facts.ms > this.#bearableMs) this.#lower(facts, limit, bounds, nowMs);
    else this.#raise(facts, limit, bounds, nowMs);
  }

  /** True: this window belongs to a test, and the limit is what the test says. */
  #endsTest(
    { ms, inVainShare }: WindowFacts,
    limit: number,
    { min }: ConcurrencyBounds,
    nowMs: number,
  ): boolean {
    const [whole, real] = [this.#whole, this.#real];
    const before = real[TESTED_LIMIT]!;
    const isLow = limit <= before * LOWERED_FOR_TEST || limit <= min;
    if (before === 0 || limit >= before || !isLow) return false;
    // Less could be gained where it could not be lowered by as much.
    const leastHelp = Math.max(LEAST_HELP, (1 + limit / before) / 2);
    if (ms <= real[TESTED_MS]! * leastHelp) {
      real[TESTED_LIMIT] = 0;
      real[BASE] = Math.min(real[BASE]!, ms);
      if (whole[IS_LOOKING] === 0 || limit <= min) return false;
      this.#look(ms, limit, min, nowMs);
      return true;
    }
    if (inVainShare > IN_VAIN_MAX) return false;
    real[TESTED_LIMIT] = 0;
    real[BASE] = ms;
    real[LIMIT] = before;
    return true;
  }

  #lower(facts: WindowFacts, limit: number, bounds: ConcurrencyBounds, nowMs: number): void {
    const { ms, inVainShare } = facts;
    if (this.#whole[HAS_SETTLED] === 0) this.#settle();
    if (limit <= bounds.min) {
      // So few are no crowd: what they take is what it takes.
      const windows = Atomics.add(this.#whole, AT_LEAST_FOR, 1) + 1;
      if (windows < AT_LEAST_WINDOWS || inVainShare > IN_VAIN_MAX) return;
      this.#whole[AT_LEAST_FOR] = 0;
      this.#real[BASE] = ms;
      return;
    }
    const wanted = this.#bearableMs / ms;
    if (this.#real[TESTED_LIMIT] === 0) this.#whole[IS_LOOKING] = 0;
    this.#test(ms, limit, nowMs);
    this.#real[LIMIT] = Math.max(bounds.min, limit * Math.max(0.5, wanted));
  }

  /** What it began with was a guess, and so is the base if it was too busy already: a look is due. */
  #settle(): void {
    this.#whole[HAS_SETTLED] = 1;
    this.#whole[BOUND_FOR] = BOUND_WINDOWS - FIRST_LOOK_AFTER;
  }

  #raise(facts: WindowFacts, limit: number, bounds: ConcurrencyBounds, nowMs: number): void {
    const [whole, real] = [this.#whole, this.#real];
    const { min, max } = bounds;
    const isBound = facts.peak >= limit;
    whole[AT_LEAST_FOR] = 0;
    real[TESTED_LIMIT] = 0;
    this.#follow(facts, isBound);
    if (isBound && whole[BOUND_FOR]! > BOUND_WINDOWS && limit > min && limit < max) {
      whole[BOUND_FOR] = 0;
      whole[IS_LOOKING] = 1;
      this.#look(facts.ms, limit, min, nowMs);
      return;
    }
    if (facts.peak < limit * USED) return;
    const more = isBound && whole[HAS_SETTLED] === 0 ? limit : Math.max(1, Math.sqrt(limit));
    real[LIMIT] = Math.min(max, limit + more);
  }

  /** Lowers it by as much as can be seen, again and again for as long as it helps. */
  #look(ms: number, limit: number, min: number, nowMs: number): void {
    this.#test(ms, limit, nowMs);
    this.#real[LIMIT] = Math.max(min, limit / 2);
  }

  /** It is about to be lowered. */
  #test(ms: number, limit: number, nowMs: number): void {
    const real = this.#real;
    real[LOWERED_AT] = nowMs;
    if (real[TESTED_LIMIT] !== 0) return; // already under way
    real[TESTED_LIMIT] = limit;
    real[TESTED_MS] = ms;
  }

  #follow({ ms, inVainShare }: WindowFacts, isBound: boolean): void {
    const base = this.#real[BASE]!;
    if (ms > base && (isBound || inVainShare > IN_VAIN_MAX)) return;
    this.#real[BASE] = base + (ms - base) * (ms < base ? BASE_FALLS : BASE_RISES);
  }
}
