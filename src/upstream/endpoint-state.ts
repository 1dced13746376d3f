import type { Lanes } from "../base/lanes.ts";
import type { ConcurrencyLimit } from "../core/concurrency.ts";
import type { Machine } from "../core/machine.ts";
import type { CheckCount, EndpointState, FailureCount, Health } from "../core/upstream.ts";
import {
  AdaptiveLimit,
  LIMIT_REAL_CELLS,
  LIMIT_WHOLE_CELLS,
} from "./concurrency/adaptive-limit.ts";
import type { StateChanges } from "./state-changes.ts";

const HEALTHS: readonly Health[] = ["unknown", "up", "down"];

// Whole numbers, at the front of the block.
const HEALTH = 0;
const DRAINING = 1;
const UNRESOLVED = 2;
const FAILURES = 8;
const EJECTIONS_IN_ROW = 9;
const EJECTIONS_EVER = 10;
const ON_PROBATION = 11; // has been ejected and not served since
const CHECKS_PASSED = 12;
const CHECKS_FAILED = 13;
const CONCURRENCY_WHOLE = 16;
const WHOLE_CELLS = CONCURRENCY_WHOLE + LIMIT_WHOLE_CELLS;
// Times and averages behind them.
const EJECTED_UNTIL = 0;
const READY_SINCE = 1;
const LATENCY = 2;
const LATENCY_AT = 3; // when it was measured
const FAILING_SINCE = 7;
const CONCURRENCY_REAL = 8;
const REAL_CELLS = CONCURRENCY_REAL + LIMIT_REAL_CELLS;
const REALS_AT = WHOLE_CELLS * Int32Array.BYTES_PER_ELEMENT;
const BYTES = REALS_AT + REAL_CELLS * Float64Array.BYTES_PER_ELEMENT;
// In each worker's lane.
const ACTIVE = 0;
const UNANSWERED = 1;

/** After so long the past counts for a third, and so does what is known of an idle endpoint. */
const LATENCY_DECAY_MS = 10_000;

/** What the state of that key is kept under. */
export function memoryKeys(key: string): readonly string[] {
  return [key, countsKey(key)];
}

function countsKey(key: string): string {
  return `${key} counts`;
}

/** One endpoint of one upstream, as all workers see it. */
export class SharedEndpointState implements EndpointState {
  readonly #lanes: Lanes;
  readonly #whole: Int32Array;
  readonly #real: Float64Array;
  readonly #changes: StateChanges;
  readonly failures: FailureCount;
  readonly checks: CheckCount;
  readonly concurrency: ConcurrencyLimit;

  constructor(machine: Machine, key: string, changes: StateChanges) {
    const memory = machine.block(key, BYTES);
    this.#lanes = machine.lanes(countsKey(key));
    this.#whole = new Int32Array(memory, 0, WHOLE_CELLS);
    this.#real = new Float64Array(memory, REALS_AT, REAL_CELLS);
    this.#changes = changes;
    this.failures = new SharedFailures(this.#whole, this.#real);
    this.checks = new SharedChecks(this.#whole);
    this.concurrency = new AdaptiveLimit(
      this.#whole.subarray(CONCURRENCY_WHOLE),
      this.#real.subarray(CONCURRENCY_REAL),
    );
  }

  get active(): number {
    return this.#lanes.sum(ACTIVE);
  }

  enter(): void {
    this.#lanes.add(ACTIVE, 1);
  }

  leave(): void {
    this.#lanes.add(ACTIVE, -1);
  }

  get unanswered(): number {
    return this.#lanes.sum(UNANSWERED);
  }

  countUnanswered(by: 1 | -1): void {
    this.#lanes.add(UNANSWERED, by);
  }

  get health(): Health {
    return HEALTHS[this.#whole[HEALTH]!]!;
  }

  set health(health: Health) {
    this.#set(HEALTH, HEALTHS.indexOf(health));
  }

  get isDraining(): boolean {
    return this.#whole[DRAINING] === 1;
  }

  set isDraining(isDraining: boolean) {
    this.#set(DRAINING, isDraining ? 1 : 0);
  }

  get isUnresolved(): boolean {
    return this.#whole[UNRESOLVED] === 1;
  }

  set isUnresolved(isUnresolved: boolean) {
    this.#set(UNRESOLVED, isUnresolved ? 1 : 0);
  }

  get ejectedUntilMs(): number {
    return this.#real[EJECTED_UNTIL]!;
  }

  set ejectedUntilMs(ms: number) {
    if (ms === this.#real[EJECTED_UNTIL]) return;
    this.#real[EJECTED_UNTIL] = ms;
    this.#changes.tell();
  }

  get readySinceMs(): number {
    return this.#real[READY_SINCE]!;
  }

  set readySinceMs(ms: number) {
    if (ms === this.#real[READY_SINCE]) return;
    this.#real[READY_SINCE] = ms;
    this.#changes.tell();
  }

  get latencyMs(): number {
    return this.#real[LATENCY]!;
  }

  set latencyMs(ms: number) {
    this.#real[LATENCY] = ms;
  }

  // Two workers may do this at once, and one of the two observations is lost: there are many.
  took(ms: number, nowMs: number): void {
    const known = this.#real[LATENCY]!;
    const fading = Math.exp((this.#real[LATENCY_AT]! - nowMs) / LATENCY_DECAY_MS);
    this.#real[LATENCY] = ms > known ? ms : known * fading + ms * (1 - fading);
    this.#real[LATENCY_AT] = nowMs;
  }

  latelyMs(nowMs: number): number {
    const known = this.#real[LATENCY]!;
    if (known === 0) return 0;
    return known * Math.exp((this.#real[LATENCY_AT]! - nowMs) / LATENCY_DECAY_MS);
  }

  #set(cell: number, value: number): void {
    if (Atomics.exchange(this.#whole, cell, value) !== value) this.#changes.tell();
  }
}

class SharedFailures implements FailureCount {
  readonly #whole: Int32Array;
  readonly #real: Float64Array;

  constructor(whole: Int32Array, real: Float64Array) {
    this.#whole = whole;
    this.#real = real;
  }

  add(nowMs: number, withinMs: number): number {
    // Two workers may both find the row too old; one failure more or less decides nothing then.
    if (nowMs - this.#real[FAILING_SINCE]! > withinMs) Atomics.store(this.#whole, FAILURES, 0);
    const before = Atomics.add(this.#whole, FAILURES, 1);
    if (before === 0) this.#real[FAILING_SINCE] = nowMs;
    return before + 1;
  }

  get count(): number {
    return this.#whole[FAILURES]!;
  }

  clear(): boolean {
    Atomics.store(this.#whole, FAILURES, 0);
    return Atomics.exchange(this.#whole, ON_PROBATION, 0) === 1;
  }

  take(count: number): boolean {
    const taken = Atomics.exchange(this.#whole, FAILURES, 0);
    if (taken >= count) return true;
    Atomics.add(this.#whole, FAILURES, taken); // another worker was first; what came since stays
    return false;
  }

  resume(count: number, sinceMs: number): void {
    this.#real[FAILING_SINCE] = sinceMs;
    Atomics.store(this.#whole, ON_PROBATION, 1);
    Atomics.store(this.#whole, FAILURES, count);
  }

  get ejectionsInRow(): number {
    return this.#whole[EJECTIONS_IN_ROW]!;
  }

  set ejectionsInRow(count: number) {
    this.#whole[EJECTIONS_IN_ROW] = count;
  }

  get ejectionsEver(): number {
    return this.#whole[EJECTIONS_EVER]!;
  }

  set ejectionsEver(count: number) {
    this.#whole[EJECTIONS_EVER] = count;
  }
}

class SharedChecks implements CheckCount {
  readonly #whole: Int32Array;

  constructor(whole: Int32Array) {
    this.#whole = whole;
  }

  get passed(): number {
    return this.#whole[CHECKS_PASSED]!;
  }

  set passed(count: number) {
    this.#whole[CHECKS_PASSED] = count;
  }

  get failed(): number {
    return this.#whole[CHECKS_FAILED]!;
  }

  set failed(count: number) {
    this.#whole[CHECKS_FAILED] = count;
  }
}
