import { Deadline, type TimerWheel } from "../../base/timer-wheel.ts";
import type { Pace } from "./pace.ts";

/** A body on its way. */
export interface Flow {
  /** What it would send next; 0: nothing, or who comes after takes none. */
  readonly nextBytes: number;
  /** That may go now. */
  send(): void;
}

const LATE_MS = 500; // that a wheel and a busy event loop may come late, without the rate falling short
const SLICE_MS = 50;
const SLICE_BYTES_MIN = 1024;
const SLICE_BYTES_MAX = 256 * 1024;

/** The bodies of one key in one thread, which take turns: a slice each. */
export class Share extends Deadline {
  readonly sliceBytes: number;
  readonly #pace: Pace;
  readonly #bytesPerMs: number;
  readonly #burstMs: number;
  readonly #wheel: TimerWheel;
  readonly #onUnused: () => void;
  readonly #waiting: Set<Flow>; // in the order of their turns
  #flowCount: number;
  #wokeMs: number;
  #partBytes: number; // that are left to this thread's flows

  constructor(
    pace: Pace,
    {
      bytesPerSecond,
      burstBytes,
    }: { readonly bytesPerSecond: number; readonly burstBytes: number },
    wheel: TimerWheel,
    onUnused: () => void,
  ) {
    super();
    const perSlice = Math.ceil((bytesPerSecond * SLICE_MS) / 1000);
    this.sliceBytes = Math.min(Math.max(perSlice, SLICE_BYTES_MIN), SLICE_BYTES_MAX);
    this.#pace = pace;
    this.#bytesPerMs = bytesPerSecond / 1000;
    this.#burstMs = burstBytes / this.#bytesPerMs;
    this.#wheel = wheel;
    this.#onUnused = onUnused;
    this.#waiting = new Set();
    this.#flowCount = 0;
    this.#wokeMs = Number.NEGATIVE_INFINITY;
    this.#partBytes = 0;
  }

  joined(): void {
    this.#flowCount++;
  }

  left(flow: Flow): void {
    this.#forget(flow);
    this.#flowCount--;
    if (this.#flowCount === 0) this.#restOrEnd();
  }

  /** True: it may send so much, which is at most a slice. Else its send() is called when it may. */
  take(flow: Flow, bytes: number): boolean {
    if (this.#waiting.size === 0 && this.#pace.take(bytes, this.#lateMs())) return true;
    if (this.#waiting.has(flow)) return false;
    this.#waiting.add(flow);
    this.#pace.waits(1);
    if (this.#waiting.size === 1) this.#wheel.arm(this, Math.max(1, this.#pace.waitMs()));
    return false;
  }

  // Who has just been kept waiting by us may have time left over that nobody could use.
  #lateMs(): number {
    return this.#wheel.nowMs - this.#wokeMs < LATE_MS
      ? Math.max(LATE_MS, this.#burstMs)
      : this.#burstMs;
  }

  #forget(flow: Flow): void {
    if (this.#waiting.delete(flow)) this.#pace.waits(-1);
  }

  override fire(): void {
    if (this.#flowCount === 0) {
      this.#restOrEnd();
      return;
    }
    this.#takePart();
    for (const flow of this.#waiting) {
      const { nextBytes } = flow;
      if (nextBytes > 0) {
        if (this.#partBytes <= 0 || !this.#pace.take(nextBytes, this.#lateMs())) break;
        this.#partBytes -= nextBytes;
      }
      this.#forget(flow);
      if (nextBytes > 0) flow.send();
    }
    if (this.#waiting.size > 0) this.#wheel.arm(this, Math.max(1, this.#pace.waitMs()));
  }

  // Other threads wake at the same tick: each takes what its flows are of all, whoever comes first.
  #takePart(): void {
    const { nowMs } = this.#wheel;
    const sinceMs = Math.min(nowMs - this.#wokeMs, LATE_MS);
    const part = this.#pace.part();
    this.#wokeMs = nowMs;
    if (part === 1) this.#partBytes = Number.POSITIVE_INFINITY;
    else {
      const left = Math.min(this.#partBytes, this.sliceBytes); // nobody saves up
      this.#partBytes = left + sinceMs * this.#bytesPerMs * part;
    }
  }

  /** What has flowed has to be paid for before the key begins anew. */
  #restOrEnd(): void {
    const waitMs = this.#pace.hasMemory ? 0 : this.#pace.waitMs(this.#burstMs);
    if (waitMs > 0) {
      this.#wheel.arm(this, waitMs);
      return;
    }
    this.#wheel.disarm(this);
    this.#onUnused();
  }
}
