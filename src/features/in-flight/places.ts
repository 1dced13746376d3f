import { AT_MAX, type KeyCounts, NO_ROW } from "../../base/key-counts.ts";
import { Deadline, type TimerWheel } from "../../base/timer-wheel.ts";
import type { Exchange } from "../../core/exchange.ts";

export interface LineShape {
  readonly max: number; // who may wait at once for places of one key, per worker
  readonly timeoutMs: number;
}

interface Waiter {
  readonly exchange: Exchange;
  readonly key: string;
  readonly dueMs: number;
  readonly got: (isIn: boolean) => void;
}

const LOOK_MS = 100; // places that other workers give back are found by looking
const WAITING_MAX = 10_000; // for all keys, per worker

/** The places of a route's keys: who has one, and who waits for one, first come, first served. */
export class Places extends Deadline {
  readonly #counts: KeyCounts;
  readonly #max: number;
  readonly #line: LineShape | undefined;
  readonly #wheel: TimerWheel;
  readonly #waiting: Map<Exchange, Waiter>; // in the order in which they came
  readonly #lines: Map<string, Set<Waiter>>;

  constructor(counts: KeyCounts, max: number, line: LineShape | undefined, wheel: TimerWheel) {
    super();
    this.#counts = counts;
    this.#max = max;
    this.#line = line;
    this.#wheel = wheel;
    this.#waiting = new Map();
    this.#lines = new Map();
  }

  /** False: all of the key's are taken, or there is no telling. */
  take(exchange: Exchange, key: string): boolean {
    return !this.#lines.has(key) && this.#claim(exchange, key);
  }

  #claim(exchange: Exchange, key: string): boolean {
    const row = this.#counts.claim(key, this.#max);
    if (row === AT_MAX || row === NO_ROW) return false;
    exchange.placeRow = row;
    exchange.placeKey = key;
    return true;
  }

  /** undefined: there is no room to wait. Else whether it got a place, once that is known. */
  wait(exchange: Exchange, key: string): Promise<boolean> | undefined {
    const shape = this.#line;
    if (shape === undefined || this.#waiting.size >= WAITING_MAX) return undefined;
    const line = this.#lines.get(key) ?? new Set();
    if (line.size >= shape.max) return undefined;
    return new Promise((got) => {
      const waiter = { exchange, key, dueMs: this.#wheel.nowMs + shape.timeoutMs, got };
      if (this.#waiting.size === 0) this.#wheel.arm(this, LOOK_MS);
      this.#waiting.set(exchange, waiter);
      this.#lines.set(key, line.add(waiter));
    });
  }

  /** The exchange is over, wherever it had got to. */
  over(exchange: Exchange): void {
    const { placeRow, placeKey } = exchange;
    if (placeRow >= 0) {
      exchange.placeRow = NO_ROW;
      this.#counts.release(placeRow);
      if (this.#lines.size > 0) this.#serve(placeKey);
      return;
    }
    const waiter = this.#waiting.size === 0 ? undefined : this.#waiting.get(exchange);
    if (waiter !== undefined) this.#leave(waiter, false);
  }

  #serve(key: string): void {
    for (const waiter of this.#lines.get(key) ?? []) {
      if (!this.#claim(waiter.exchange, key)) return;
      this.#leave(waiter, true);
    }
  }

  #leave(waiter: Waiter, isIn: boolean): void {
    const { exchange, key } = waiter;
    this.#waiting.delete(exchange);
    const line = this.#lines.get(key)!;
    line.delete(waiter);
    if (line.size === 0) this.#lines.delete(key);
    if (this.#waiting.size === 0) this.#wheel.disarm(this);
    waiter.got(isIn);
  }

  override fire(): void {
    for (const key of [...this.#lines.keys()]) this.#serve(key);
    const nowMs = this.#wheel.nowMs;
    for (const waiter of this.#waiting.values()) {
      if (waiter.dueMs > nowMs) break; // all wait for as long, so the first is due first
      this.#leave(waiter, false);
    }
    if (this.#waiting.size > 0) this.#wheel.arm(this, LOOK_MS);
  }
}
