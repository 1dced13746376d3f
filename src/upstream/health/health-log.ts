import type { Clock, Log } from "../../base/world.ts";

const WINDOW_MS = 10_000;
const LINES_MAX = 20; // per window; endpoints that flap would fill a disk

/** The log lines about the health of one upstream, no more than so many in a while. */
export class HealthLog {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #upstream: string;
  #windowEndMs: number;
  #lines: number;
  #unsaid: number;

  constructor(clock: Clock, log: Log, upstream: string) {
    this.#clock = clock;
    this.#log = log;
    this.#upstream = upstream;
    this.#windowEndMs = Number.NEGATIVE_INFINITY;
    this.#lines = 0;
    this.#unsaid = 0;
  }

  tell(message: string, fields: Readonly<Record<string, unknown>>): void {
    const nowMs = this.#clock.nowMs();
    if (nowMs >= this.#windowEndMs) {
      this.#windowEndMs = nowMs + WINDOW_MS;
      this.#lines = 0;
    }
    if (this.#lines >= LINES_MAX) {
      this.#unsaid++;
      return;
    }
    this.#lines++;
    const unsaid = this.#unsaid === 0 ? {} : { unsaid: this.#unsaid };
    this.#unsaid = 0;
    this.#log.info(message, { upstream: this.#upstream, ...fields, ...unsaid });
  }
}
