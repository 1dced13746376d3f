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

/** How a wait ended. */
export type WaitEnd = "empty" | "late" | "hurried";

/** Waits until nothing is left, or for a deadline; several may wait, each for its own. */
export class Emptying {
  readonly #clock: Clock;
  readonly #count: () => number;
  #isHurried: boolean;
  #waiting: ((why: WaitEnd) => void)[];

  constructor(clock: Clock, count: () => number) {
    this.#clock = clock;
    this.#count = count;
    this.#isHurried = false;
    this.#waiting = [];
  }

  /** Something has gone. */
  check(): void {
    if (this.#waiting.length > 0 && this.#count() === 0) this.#wake("empty");
  }

  /** The deadline is now, also if nobody waits yet. */
  hurry(): void {
    this.#isHurried = true;
    this.#wake("hurried");
  }

  within(deadlineMs: number): Promise<WaitEnd> {
    if (this.#count() === 0) return Promise.resolve("empty");
    if (this.#isHurried) return Promise.resolve("hurried");
    return new Promise((resolve) => {
      const timer = this.#clock.after(deadlineMs, () => resolve("late"));
      this.#waiting.push((why) => {
        timer.cancel();
        resolve(why);
      });
    });
  }

  #wake(why: WaitEnd): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake(why);
  }
}

export const NOTHING_DRAINED: Drained = { finished: 0, cut: 0 };

export function drainedInAll(all: readonly Drained[]): Drained {
  return {
    finished: all.reduce((sum, { finished }) => sum + finished, 0),
    cut: all.reduce((sum, { cut }) => sum + cut, 0),
  };
}
