import type { Clock, Timer } from "./world.ts";

/**
 * The clock of one event loop: within one callback all is "now", so that a request that is parsed,
 * routed and sent in one go asks the system for the time once and not ten times.
 *
 * Only what runs between enter() and leave() sees the held time; everything else, a promise's
 * continuation above all, gets the system's.
 */
export class LoopClock implements Clock {
  readonly #clock: Clock;
  #heldMs: number; // 0: not held

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#heldMs = 0;
  }

  /** A callback begins. Nothing but its own synchronous code may run before leave(). */
  enter(): void {
    this.#heldMs = this.#clock.nowMs();
  }

  leave(): void {
    this.#heldMs = 0;
  }

  nowMs(): number {
    return this.#heldMs === 0 ? this.#clock.nowMs() : this.#heldMs;
  }

  wallMs(): number {
    return this.#clock.wallMs();
  }

  after(delayMs: number, fire: () => void): Timer {
    return this.#clock.after(delayMs, fire);
  }
}
