import { Deadline, type TimerWheel } from "../base/timer-wheel.ts";
import type { Rates } from "../core/limits.ts";

const WINDOW_MS_MAX = 5_000; // over which the rate is measured; the grace, where that is shorter
const WINDOW_MS_MIN = 500;

/**
 * Watches one direction of one connection: cut it if nothing moves for `idleMs`, or if it moves
 * slower than the minimum rate once the grace is over (slow body, slow read: SECURITY D6). Time in
 * which we ourselves held it back does not count.
 *
 * To report progress is two assignments; the clock is looked at when the wheel comes round.
 */
export class Progress extends Deadline {
  readonly #wheel: TimerWheel;
  readonly #onStall: () => void;
  #idleMs: number;
  #rates: Rates | undefined;
  #startedMs: number;
  #isMoving: boolean; // bytes came since the last look
  #heldMs: number; // since when we hold it back; 0: we do not
  #movedMs: number; // when bytes were last known to move
  #windowMs: number; // when the current window of the rate began
  #windowBytes: number;

  constructor(wheel: TimerWheel, onStall: () => void) {
    super();
    this.#wheel = wheel;
    this.#onStall = onStall;
    this.#idleMs = Number.POSITIVE_INFINITY;
    this.#rates = undefined;
    this.#startedMs = 0;
    this.#isMoving = false;
    this.#heldMs = 0;
    this.#movedMs = 0;
    this.#windowMs = 0;
    this.#windowBytes = 0;
  }

  start(idleMs: number, rates: Rates | undefined): void {
    const now = this.#wheel.nowMs;
    this.#idleMs = idleMs;
    this.#rates = rates;
    this.#startedMs = now;
    this.#isMoving = false;
    this.#heldMs = 0;
    this.#movedMs = now;
    this.#windowMs = now;
    this.#windowBytes = 0;
    this.#arm(now);
  }

  moved(bytes: number): void {
    this.#isMoving = true;
    this.#windowBytes += bytes;
  }

  /** We stopped taking; the peer cannot be blamed until release(). */
  hold(): void {
    if (this.#heldMs === 0) this.#heldMs = this.#wheel.nowMs;
  }

  release(): void {
    if (this.#heldMs === 0) return;
    const heldForMs = this.#wheel.nowMs - this.#heldMs;
    this.#heldMs = 0;
    this.#isMoving = true;
    this.#startedMs += heldForMs;
    this.#windowMs += heldForMs;
  }

  stop(): void {
    this.#wheel.disarm(this);
  }

  override fire(): void {
    const now = this.#wheel.nowMs;
    if (this.#isMoving || this.#heldMs !== 0) {
      this.#movedMs = now;
      this.#isMoving = false;
    }
    if (now - this.#movedMs >= this.#idleMs || this.#isTooSlow(now)) {
      this.#onStall();
      return;
    }
    this.#arm(now);
  }

  #isTooSlow(now: number): boolean {
    const rates = this.#rates;
    if (rates === undefined || rates.minBytesPerSecond === 0 || this.#heldMs !== 0) return false;
    const windowMs = now - this.#windowMs;
    if (windowMs < windowOf(rates)) return false;
    const isSlow = (this.#windowBytes / windowMs) * 1000 < rates.minBytesPerSecond;
    this.#windowMs = now;
    this.#windowBytes = 0;
    return isSlow && now - this.#startedMs > rates.graceMs;
  }

  // Twice as often as the idle time, so that a stall is seen at most half of it late.
  #arm(now: number): void {
    const idleLeftMs = this.#isMoving ? this.#idleMs : this.#movedMs + this.#idleMs - now;
    const checkMs = this.#rates === undefined ? this.#idleMs : windowOf(this.#rates);
    this.#wheel.arm(this, Math.max(1, Math.min(idleLeftMs, checkMs, this.#idleMs / 2)));
  }
}

function windowOf({ graceMs }: Rates): number {
  return Math.min(WINDOW_MS_MAX, Math.max(graceMs, WINDOW_MS_MIN));
}
