import type { Lanes } from "../base/lanes.ts";
import type { Machine } from "../core/machine.ts";
import type { EndpointState, Health } from "../core/upstream.ts";
import type { StateChanges } from "./state-changes.ts";

const HEALTHS: readonly Health[] = ["unknown", "up", "down"];

// Whole numbers, at the front of the block.
const HEALTH = 0;
const DRAINING = 1;
const WHOLE_CELLS = 16;
// Times and averages behind them.
const EJECTED_UNTIL = 0;
const READY_SINCE = 1;
const LATENCY = 2;
const LATENCY_AT = 3; // when it was measured
const REAL_CELLS = 8;
const REALS_AT = WHOLE_CELLS * Int32Array.BYTES_PER_ELEMENT;
const BYTES = REALS_AT + REAL_CELLS * Float64Array.BYTES_PER_ELEMENT;
// In each worker's lane.
const ACTIVE = 0;

/** After so long the past counts for a third, and so does what is known of an idle endpoint. */
const LATENCY_DECAY_MS = 10_000;

/** One endpoint of one upstream, as all workers see it. */
export class SharedEndpointState implements EndpointState {
  readonly #lanes: Lanes;
  readonly #whole: Int32Array;
  readonly #real: Float64Array;
  readonly #changes: StateChanges;

  constructor(machine: Machine, key: string, changes: StateChanges) {
    const memory = machine.block(key, BYTES);
    this.#lanes = machine.lanes(`${key} counts`);
    this.#whole = new Int32Array(memory, 0, WHOLE_CELLS);
    this.#real = new Float64Array(memory, REALS_AT, REAL_CELLS);
    this.#changes = changes;
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
