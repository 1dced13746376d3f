import type { KeyedPaces } from "./keyed-paces.ts";

/**
 * When the next bytes of a key may flow. Bytes go as soon as those before them are paid for in time,
 * so a rate is kept to over any while, whatever the size of the pieces.
 */
export interface Pace {
  /** True: they may flow, and are counted. `lateMs`: of time that has passed unused, how much counts. */
  take(bytes: number, lateMs: number): boolean;
  /** Until more may flow; with `lateMs`, until nothing is known that a new one would not know. */
  waitMs(lateMs?: number): number;
  /** Of what may flow, how much is this thread's: more keys of it wait, or fewer. */
  waits(by: number): void;
  part(): number;
  /** Whether it would be forgotten if nobody kept it. */
  readonly hasMemory: boolean;
}

/** For one thread alone: a connection is in one. */
export class OwnPace implements Pace {
  readonly hasMemory = false;
  readonly #bytesPerMs: number;
  readonly #nowMs: () => number;
  #dueMs: number; // all that has flowed is paid for by then

  constructor(bytesPerSecond: number, nowMs: () => number) {
    this.#bytesPerMs = bytesPerSecond / 1000;
    this.#nowMs = nowMs;
    this.#dueMs = Number.NEGATIVE_INFINITY;
  }

  take(bytes: number, lateMs: number): boolean {
    const nowMs = this.#nowMs();
    const dueMs = Math.max(this.#dueMs, nowMs - lateMs);
    if (dueMs > nowMs) return false;
    this.#dueMs = dueMs + bytes / this.#bytesPerMs;
    return true;
  }

  waitMs(lateMs = 0): number {
    return Math.max(0, this.#dueMs + lateMs - this.#nowMs());
  }

  waits(): void {}

  part(): number {
    return 1;
  }
}

/** For all threads together. Keys beyond the room that there is are paced by each thread alone. */
export class KeyedPace implements Pace {
  readonly hasMemory = true;
  readonly #paces: KeyedPaces;
  readonly #key: string;
  readonly #bytesPerMs: number;
  readonly #alone: OwnPace;

  constructor(paces: KeyedPaces, key: string, bytesPerSecond: number) {
    this.#paces = paces;
    this.#key = key;
    this.#bytesPerMs = bytesPerSecond / 1000;
    this.#alone = new OwnPace(bytesPerSecond, () => paces.nowMs);
  }

  take(bytes: number, lateMs: number): boolean {
    const isTaken = this.#paces.take(this.#key, bytes / this.#bytesPerMs, lateMs);
    return isTaken ?? this.#alone.take(bytes, lateMs);
  }

  waitMs(): number {
    return this.#paces.waitMs(this.#key) ?? this.#alone.waitMs();
  }

  waits(by: number): void {
    this.#paces.waits(this.#key, by);
  }

  part(): number {
    return this.#paces.part(this.#key);
  }
}
