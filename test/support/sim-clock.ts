import type { Clock, Timer } from "../../src/base/world.ts";

const FIRES_AT_ONE_INSTANT_MAX = 1_000_000;

/** Time that passes when a test says so. Starts at 0 ms, on 1 January 2030 for people. */
export class SimClock implements Clock {
  readonly #timers: SimTimer[] = []; // a binary heap: the earliest first, then the oldest
  #nowMs = 0;
  #wallOffsetMs = Date.UTC(2030, 0, 1);
  #made = 0;

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return Math.floor(this.#wallOffsetMs + this.#nowMs);
  }

  /** Somebody sets the clock on the wall; intervals must not notice. */
  jumpWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  /** How many timers wait. */
  get pendingCount(): number {
    return this.#timers.length;
  }

  after(delayMs: number, fire: () => void): Timer {
    const dueMs = this.#nowMs + Math.max(0, delayMs);
    const timer = new SimTimer(this.#timers, dueMs, this.#made++, fire);
    timer.place = this.#timers.length;
    this.#timers.push(timer);
    rise(this.#timers, timer.place);
    return timer;
  }

  /**
   * Lets `byMs` pass: fires what is due in its order, and before and after each lets everything
   * run that needs no time, promises and setImmediate alike.
   */
  async advance(byMs: number): Promise<void> {
    const endMs = this.#nowMs + byMs;
    let firesNow = 0;
    await settle();
    for (;;) {
      const timer = this.#timers[0];
      if (timer === undefined || timer.dueMs > endMs) break;
      firesNow = timer.dueMs > this.#nowMs ? 0 : firesNow + 1;
      if (firesNow > FIRES_AT_ONE_INSTANT_MAX) throw new Error("timers go round without time");
      this.#nowMs = Math.max(this.#nowMs, timer.dueMs);
      timer.cancel();
      timer.fire();
      await settle();
    }
    this.#nowMs = endMs;
  }
}

class SimTimer implements Timer {
  readonly dueMs: number;
  readonly number: number;
  readonly fire: () => void;
  place = -1; // in the heap; -1 once it has fired or was cancelled
  readonly #heap: SimTimer[];

  constructor(heap: SimTimer[], dueMs: number, number: number, fire: () => void) {
    this.#heap = heap;
    this.dueMs = dueMs;
    this.number = number;
    this.fire = fire;
  }

  cancel(): void {
    if (this.place === -1) return;
    const last = this.#heap.pop()!;
    if (last !== this) {
      this.#heap[this.place] = last;
      last.place = this.place;
      rise(this.#heap, last.place);
      sink(this.#heap, last.place);
    }
    this.place = -1;
  }
}

/**
 * Two rounds: an immediate that was asked for by a promise may lie behind ours in the first one.
 */
async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
}

function isBefore(left: SimTimer, right: SimTimer): boolean {
  return left.dueMs < right.dueMs || (left.dueMs === right.dueMs && left.number < right.number);
}

function rise(heap: SimTimer[], from: number): void {
  let place = from;
  while (place > 0) {
    const parent = (place - 1) >> 1;
    if (!isBefore(heap[place]!, heap[parent]!)) return;
    swap(heap, place, parent);
    place = parent;
  }
}

function sink(heap: SimTimer[], from: number): void {
  let place = from;
  for (;;) {
    const left = 2 * place + 1;
    const right = left + 1;
    let least = place;
    if (left < heap.length && isBefore(heap[left]!, heap[least]!)) least = left;
    if (right < heap.length && isBefore(heap[right]!, heap[least]!)) least = right;
    if (least === place) return;
    swap(heap, place, least);
    place = least;
  }
}

function swap(heap: SimTimer[], left: number, right: number): void {
  const moved = heap[left]!;
  heap[left] = heap[right]!;
  heap[right] = moved;
  heap[left]!.place = left;
  moved.place = right;
}
