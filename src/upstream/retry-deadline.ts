import { Deadline, type TimerWheel } from "../base/timer-wheel.ts";

/** The time that one attempt has for its response head. Made only where a route bounds it. */
export class TryDeadline extends Deadline {
  readonly #wheel: TimerWheel;
  readonly #ms: number;
  readonly #onDue: () => void;

  constructor(wheel: TimerWheel, ms: number, onDue: () => void) {
    super();
    this.#wheel = wheel;
    this.#ms = ms;
    this.#onDue = onDue;
  }

  begin(): void {
    this.#wheel.arm(this, this.#ms);
  }

  end(): void {
    this.#wheel.disarm(this);
  }

  override fire(): void {
    this.#onDue();
  }
}
