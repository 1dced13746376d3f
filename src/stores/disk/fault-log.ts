import type { Clock, Log } from "../../base/world.ts";

const EVERY_MS = 60_000;

/** Of a disk that does not do as it should: every fault is counted, and one in a minute told of. */
export class FaultLog {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #folder: string;
  #quietUntilMs: number;
  count: number;

  constructor(clock: Clock, log: Log, folder: string) {
    this.#clock = clock;
    this.#log = log;
    this.#folder = folder;
    this.#quietUntilMs = Number.NEGATIVE_INFINITY;
    this.count = 0;
  }

  /** `what`: behind "disk cache". */
  tell(what: string, error?: unknown): void {
    this.count++;
    const nowMs = this.#clock.nowMs();
    if (nowMs < this.#quietUntilMs) return;
    this.#quietUntilMs = nowMs + EVERY_MS;
    const why = error === undefined ? {} : { error: String(error) };
    this.#log.warn(`disk cache ${what}`, { folder: this.#folder, ...why, faults: this.count });
  }
}
