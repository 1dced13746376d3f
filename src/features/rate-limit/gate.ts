import type { Clock, Log } from "../../base/world.ts";
import type { Exchange } from "../../core/exchange.ts";
import type { Reply } from "../../core/filter.ts";
import { refuse } from "../../core/refusal.ts";
import { type Limit, UNCOUNTED } from "./limit.ts";
import { policyOf, stateOf } from "./limit-fields.ts";

/** Several limits at one place of a request's way: it passes all of them, or uses nothing of any. */
export class Gate {
  readonly #limits: readonly Limit[];
  readonly #clock: Clock;
  readonly #crowding: readonly Crowding[];
  readonly #tellsAlways: boolean;

  constructor(limits: readonly Limit[], { clock, log }: { clock: Clock; log: Log }) {
    this.#limits = limits;
    this.#clock = clock;
    this.#crowding = limits.map((limit) => new Crowding(limit, log));
    this.#tellsAlways = limits.some(({ options }) => options.fields === "always");
  }

  pass(exchange: Exchange): Reply | undefined {
    const nowMs = this.#clock.nowMs();
    const limits = this.#limits;
    for (let index = 0; index < limits.length; index++) {
      const limit = limits[index]!;
      const leftMs = limit.take(exchange, nowMs);
      if (this.#tellsAlways && limit.options.fields === "always") tell(exchange, limit, leftMs);
      if (leftMs >= 0) continue;
      this.#crowding[index]!.look(nowMs);
      const reply = refusedBy(limit, exchange, -leftMs);
      if (reply === undefined) continue;
      for (let taken = 0; taken < index; taken++) {
        // One in mode "warn" that was over its limit has taken nothing.
        if (limits[taken]!.options.mode === "enforce") limits[taken]!.giveBack(exchange);
      }
      return reply;
    }
    return undefined;
  }
}

function refusedBy(limit: Limit, exchange: Exchange, waitMs: number): Reply | undefined {
  const { mode, fields } = limit.options;
  const fault = { code: "rate_limited", detail: limit.name, retryAfterMs: waitMs } as const;
  if (mode === "warn" || fields === "off") return refuse(exchange, fault, mode);
  exchange.rateLimit = undefined; // what refuses speaks for all
  return refuse(exchange, fault, mode, {
    ratelimit: stateOf(limit, -waitMs),
    "ratelimit-policy": policyOf(limit),
  });
}

function tell(exchange: Exchange, limit: Limit, leftMs: number): void {
  if (leftMs === UNCOUNTED) return;
  const state = stateOf(limit, leftMs);
  exchange.rateLimit = exchange.rateLimit === undefined ? state : `${exchange.rateLimit}, ${state}`;
}

const WARN_EVERY_MS = 60_000;

/** Says when keys are forgotten while they are limited: then keysMax is too small for what comes. */
class Crowding {
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
