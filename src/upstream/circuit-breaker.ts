import type { Clock } from "../base/world.ts";
import type { Breaker, BreakerState, Passage } from "../core/breaker.ts";
import type { Outcome } from "../core/upstream.ts";
import { BreakerWindow } from "./breaker-window.ts";
import type { HealthLog } from "./health/health-log.ts";

export interface BreakerOptions {
  readonly errorPercent: number; // of the requests within
  readonly withinMs: number;
  readonly minRequests: number; // fewer say nothing
  readonly openForMs: number;
  readonly probes: number; // so many are let through to see, and all must go well
  readonly statuses: ReadonlySet<number>; // of responses that are errors
  readonly latency: { readonly percentile: number; readonly overMs: number } | undefined;
}

export const BREAKER: BreakerOptions = {
  errorPercent: 50,
  withinMs: 10_000,
  minRequests: 20,
  openForMs: 5_000,
  probes: 3,
  statuses: new Set([502, 503, 504]),
  latency: undefined,
};

const STATES: readonly BreakerState[] = ["closed", "open", "half-open"];
const CLOSED = 0;
const OPEN = 1;
const HALF_OPEN = 2;

// Whole numbers, and behind them the window.
const STATE = 0;
const PROBES_LET = 1;
const PROBES_GOOD = 2;
const OPENS_EVER = 3;
const WHOLE_CELLS = 4;
// Times before both.
const OPEN_UNTIL = 0;
const HALF_SINCE = 1;
const REAL_BYTES = 2 * Float64Array.BYTES_PER_ELEMENT;
const WINDOW_AT = REAL_BYTES + WHOLE_CELLS * Int32Array.BYTES_PER_ELEMENT;

/**
 * All workers see and turn the same state. What belongs to a state is written before the state is
 * taken, so nobody sees it half made; where two turn it at once they write the same.
 *
 *     closed ──── too many errors, or too slow ────► open
 *     open ────── openFor has passed ──────────────► half-open
 *     half-open ─ all probes went well ────────────► closed
 *     half-open ─ one did not ─────────────────────► open
 */
export class CircuitBreaker implements Breaker {
  static readonly byteLength = WINDOW_AT + BreakerWindow.byteLength;

  readonly #options: BreakerOptions;
  readonly #clock: Clock;
  readonly #log: HealthLog;
  readonly #whole: Int32Array;
  readonly #real: Float64Array;
  readonly #window: BreakerWindow;

  constructor(memory: SharedArrayBuffer, options: BreakerOptions, clock: Clock, log: HealthLog) {
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
    this.#real = new Float64Array(memory, 0, 2);
    this.#whole = new Int32Array(memory, REAL_BYTES, WHOLE_CELLS);
    const cells = new Int32Array(memory, WINDOW_AT);
    this.#window = new BreakerWindow(cells, options.withinMs);
  }

  get state(): BreakerState {
    return STATES[this.#whole[STATE]!]!;
  }

  get opensEver(): number {
    return this.#whole[OPENS_EVER]!;
  }

  get retryAfterMs(): number {
    if (this.#whole[STATE] !== OPEN) return 0;
    return Math.max(0, this.#real[OPEN_UNTIL]! - this.#clock.nowMs());
  }

  enter(): Passage | undefined {
    if (this.#whole[STATE] === CLOSED) return new BreakerPassage(this, this.#options, false);
    const nowMs = this.#clock.nowMs();
    if (this.#whole[STATE] === OPEN) {
      if (nowMs < this.#real[OPEN_UNTIL]!) return undefined;
      this.#real[HALF_SINCE] = nowMs;
      if (this.#turn(OPEN, HALF_OPEN)) this.#log.tell("circuit half-open", {});
    }
    return this.#letProbe(nowMs) ? new BreakerPassage(this, this.#options, true) : undefined;
  }

  #letProbe(nowMs: number): boolean {
    const { probes, openForMs } = this.#options;
    // A worker that died took its probes with it, and some take for ever: then others are let.
    if (nowMs - this.#real[HALF_SINCE]! >= openForMs) {
      this.#real[HALF_SINCE] = nowMs;
      this.#resetProbes();
    }
    for (;;) {
      const let_ = this.#whole[PROBES_LET]!;
      if (let_ >= probes) return false;
      if (Atomics.compareExchange(this.#whole, PROBES_LET, let_, let_ + 1) === let_) return true;
    }
  }

  /** A request that was no probe has come to something. */
  count(isFirst: boolean, isError: boolean, isSlow: boolean): void {
    if (this.#whole[STATE] !== CLOSED) return; // it began before, and says nothing of now
    const nowMs = this.#clock.nowMs();
    this.#window.add(nowMs, {
      total: isFirst ? 1 : 0,
      failed: isError ? 1 : 0,
      slow: isSlow ? 1 : 0,
    });
    if (isError || isSlow) this.#judge(nowMs);
  }

  #judge(nowMs: number): void {
    const { minRequests, errorPercent, latency } = this.#options;
    const { total, failed, slow } = this.#window.counts(nowMs);
    if (total < minRequests) return;
    if (failed * 100 >= errorPercent * total) {
      this.#open(CLOSED, nowMs, `${failed} of ${total} requests failed`);
    } else if (latency !== undefined && slow * 100 > (100 - latency.percentile) * total) {
      this.#open(CLOSED, nowMs, `${slow} of ${total} requests took over ${latency.overMs} ms`);
    }
  }

  #open(from: number, nowMs: number, why: string): void {
    this.#real[OPEN_UNTIL] = nowMs + this.#options.openForMs;
    this.#resetProbes();
    if (!this.#turn(from, OPEN)) return;
    Atomics.add(this.#whole, OPENS_EVER, 1);
    this.#log.tell("circuit open", { why, forMs: this.#options.openForMs });
  }

  probeOver(outcome: "good" | "bad" | "unknown"): void {
    if (this.#whole[STATE] !== HALF_OPEN) return;
    if (outcome === "bad") this.#open(HALF_OPEN, this.#clock.nowMs(), "a probe failed");
    else if (outcome === "unknown") this.#giveProbeBack();
    else if (Atomics.add(this.#whole, PROBES_GOOD, 1) + 1 >= this.#options.probes) this.#close();
  }

  #giveProbeBack(): void {
    // Not below 0: the round that it belonged to may be over.
    const let_ = this.#whole[PROBES_LET]!;
    if (let_ > 0) Atomics.compareExchange(this.#whole, PROBES_LET, let_, let_ - 1);
  }

  #close(): void {
    this.#window.clear();
    if (this.#turn(HALF_OPEN, CLOSED)) this.#log.tell("circuit closed", {});
  }

  #resetProbes(): void {
    Atomics.store(this.#whole, PROBES_GOOD, 0);
    Atomics.store(this.#whole, PROBES_LET, 0);
  }

  /** True for the one of all workers that turned it. */
  #turn(from: number, to: number): boolean {
    return Atomics.compareExchange(this.#whole, STATE, from, to) === from;
  }
}

class BreakerPassage implements Passage {
  readonly #breaker: CircuitBreaker;
  readonly #options: BreakerOptions;
  readonly #isProbe: boolean;
  #isJudged: boolean;
  #isError: boolean;

  constructor(breaker: CircuitBreaker, options: BreakerOptions, isProbe: boolean) {
    this.#breaker = breaker;
    this.#options = options;
    this.#isProbe = isProbe;
    this.#isJudged = false;
    this.#isError = false;
  }

  // At the head, since a download or a tunnel may go on for hours.
  answered(status: number, firstByteMs: number): void {
    const { statuses, latency } = this.#options;
    const isSlow = latency !== undefined && firstByteMs > latency.overMs;
    this.#isJudged = true;
    this.#isError = statuses.has(status);
    if (this.#isProbe) this.#breaker.probeOver(this.#isError || isSlow ? "bad" : "good");
    else this.#breaker.count(true, this.#isError, isSlow);
  }

  over(outcome: Outcome): void {
    if (this.#isProbe) this.#probeOver(outcome);
    else if (outcome === "failed" && !this.#isError) {
      this.#breaker.count(!this.#isJudged, true, false);
    }
  }

  #probeOver(outcome: Outcome): void {
    if (outcome === "failed") this.#breaker.probeOver("bad");
    else if (!this.#isJudged) this.#breaker.probeOver("unknown");
  }
}
