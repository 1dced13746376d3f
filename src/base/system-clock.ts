import type { Clock, Timer } from "./world.ts";

const SET_TIMEOUT_MS_MAX = 2 ** 31 - 1; // beyond it setTimeout fires at once

// performance.now() begins with each thread, and what threads share has to have one time.
const THREAD_STARTED_MS = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** The time of the machine. A timer may come a fraction of a millisecond early. */
export class SystemClock implements Clock {
  wallMs(): number {
    return Date.now();
  }

  nowMs(): number {
    return performance.now() + THREAD_STARTED_MS;
  }

  after(delayMs: number, fire: () => void): Timer {
    return new SystemTimer(delayMs, fire);
  }
}

class SystemTimer implements Timer {
  readonly #fire: () => void;
  #leftMs: number;
  #timeout: NodeJS.Timeout;

  constructor(delayMs: number, fire: () => void) {
    this.#fire = fire;
    this.#leftMs = Math.ceil(delayMs); // fractions would be cut off, and fire early
    this.#timeout = this.#start();
  }

  cancel(): void {
    clearTimeout(this.#timeout);
  }

  #start(): NodeJS.Timeout {
    const stepMs = Math.min(this.#leftMs, SET_TIMEOUT_MS_MAX);
    this.#leftMs -= stepMs; // Infinity stays Infinity, and never comes to fire
    return setTimeout(() => this.#step(), stepMs).unref();
  }

  #step(): void {
    if (this.#leftMs > 0) this.#timeout = this.#start();
    else this.#fire();
  }
}
