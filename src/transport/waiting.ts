import { Deadline, type TimerWheel } from "../base/timer-wheel.ts";

/** Whose waiting it is. */
export interface Waiter<What extends string> {
  overdue(what: What): void;
}

/** The one thing that a connection waits for at the moment, and its time. */
export class Waiting<What extends string> extends Deadline {
  readonly #wheel: TimerWheel;
  readonly #waiter: Waiter<What>;
  #what: What; // the last one, also when nothing is waited for any more

  constructor(wheel: TimerWheel, waiter: Waiter<What>, what: What) {
    super();
    this.#wheel = wheel;
    this.#waiter = waiter;
    this.#what = what;
  }

  get what(): What {
    return this.#what;
  }

  for(what: What, delayMs: number): void {
    this.#what = what;
    this.#wheel.arm(this, delayMs);
  }

  /** For nothing, for now: the cheap way while the connection lives on. */
  rest(): void {
    this.#wheel.arm(this, Number.POSITIVE_INFINITY);
  }

  /** For nothing any more. */
  stop(): void {
    this.#wheel.disarm(this);
  }

  override fire(): void {
    this.#waiter.overdue(this.#what);
  }
}
