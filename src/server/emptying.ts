import type { Clock } from "../base/world.ts";

/** What a drain came to. */
export interface Drained {
  readonly finished: number;
  readonly cut: number;
}

/** How a process goes whose sockets another one has by now. */
export interface HandOver {
  readonly deadlineMs: number;
  readonly tunnelMs: number;
  readonly idleMs: number;
}

/** Waits until nothing is left, or for a deadline. */
export class Emptying {
  readonly #clock: Clock;
  readonly #count: () => number;
  #onEmpty: (() => void) | undefined;
  #isHurried: boolean;

  constructor(clock: Clock, count: () => number) {
    this.#clock = clock;
    this.#count = count;
    this.#onEmpty = undefined;
    this.#isHurried = false;
  }

  /** Something has gone. */
  check(): void {
    if (this.#onEmpty !== undefined && this.#count() === 0) this.#onEmpty();
  }

  /** The deadline is now, also if nobody waits yet. */
  hurry(): void {
    this.#isHurried = true;
    this.#onEmpty?.();
  }

  within(deadlineMs: number): Promise<void> {
    if (this.#count() === 0 || this.#isHurried) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#clock.after(deadlineMs, resolve);
      this.#onEmpty = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}
