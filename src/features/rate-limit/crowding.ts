import type { Log } from "../../base/world.ts";
import type { Limit } from "./limit.ts";

const WARN_EVERY_MS = 60_000;

/** Says when keys are forgotten while they are limited: then keysMax is too small for what comes. */
export class Crowding {
  readonly #limit: Limit;
  readonly #log: Log;
  #told: number;
  #quietUntilMs: number;

  constructor(limit: Limit, log: Log) {
    this.#limit = limit;
    this.#log = log;
    this.#told = limit.times.evicted;
    this.#quietUntilMs = Number.NEGATIVE_INFINITY;
  }

  look(nowMs: number): void {
    if (nowMs < this.#quietUntilMs) return;
    const { evicted } = this.#limit.times;
    this.#quietUntilMs = nowMs + WARN_EVERY_MS;
    if (evicted === this.#told) return;
    this.#log.warn("a rate limit has more keys than keysMax", {
      limit: this.#limit.name,
      forgotten: evicted - this.#told,
    });
    this.#told = evicted;
  }
}
