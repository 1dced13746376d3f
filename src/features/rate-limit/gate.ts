import type { Clock, Log } from "../../base/world.ts";
import type { Exchange } from "../../core/exchange.ts";
import type { Reply, Step } from "../../core/filter.ts";
import { refuse } from "../../core/refusal.ts";
import type { SharedLimits, SharedTake, SharedVerdict } from "../../core/shared-limits.ts";
import { Crowding } from "./crowding.ts";
import { type Limit, UNCOUNTED } from "./limit.ts";
import { policyOf, stateOf } from "./limit-fields.ts";

interface GateTools {
  readonly clock: Clock;
  readonly log: Log;
  readonly shared: SharedLimits | undefined;
}

/**
 * Several limits at one place of a request's way: it passes all of them, or uses nothing of any.
 *
 * Where machines count together, the own table has what this one knows: what it counted, and what it
 * was told. Whom that refuses all would refuse, so nobody else is asked; and where there is nobody to ask,
 * or no answer in time, what it says holds.
 */
export class Gate {
  readonly #limits: readonly Limit[];
  readonly #clock: Clock;
  readonly #shared: SharedLimits | undefined;
  readonly #crowding: readonly Crowding[];
  readonly #shown: readonly Limit[]; // on all responses

  constructor(limits: readonly Limit[], { clock, log, shared }: GateTools) {
    this.#limits = limits;
    this.#clock = clock;
    this.#shared = shared;
    this.#crowding = limits.map((limit) => new Crowding(limit, log));
    this.#shown = limits.filter(({ options }) => options.fields === "always");
  }

  pass(exchange: Exchange): Step<Reply | undefined> {
    const nowMs = this.#clock.nowMs();
    const limits = this.#limits;
    for (let index = 0; index < limits.length; index++) {
      const limit = limits[index]!;
      const leftMs = limit.take(exchange, nowMs);
      if (leftMs >= 0) continue;
      this.#crowding[index]!.look(nowMs);
      const reply = refusedBy(limit, exchange, -leftMs);
      if (reply === undefined) continue;
      this.#giveBack(exchange, index);
      return reply;
    }
    if (this.#shared !== undefined) return this.#ask(this.#shared, exchange);
    this.#tell(exchange, nowMs);
    return undefined;
  }

  #ask(shared: SharedLimits, exchange: Exchange): Step<Reply | undefined> {
    const asked: Limit[] = [];
    const takes: SharedTake[] = [];
    for (const limit of this.#limits) {
      const take = limit.sharedTake(exchange);
      if (take === undefined) continue;
      asked.push(limit);
      takes.push(take);
    }
    const answer = takes.length === 0 ? undefined : shared.take(takes);
    if (answer === undefined) {
      this.#tell(exchange, this.#clock.nowMs());
      return undefined;
    }
    return answer.then((verdict) => this.#answered(exchange, asked, verdict));
  }

  #answered(
    exchange: Exchange,
    asked: readonly Limit[],
    verdict: SharedVerdict | undefined,
  ): Reply | undefined {
    const nowMs = this.#clock.nowMs();
    let reply: Reply | undefined;
    if (verdict !== undefined) {
      const { refusedBy: refuser, leftMs } = verdict;
      if (refuser >= 0) this.#giveBack(exchange, this.#limits.length);
      for (const [index, limit] of asked.entries()) {
        // Of the others nothing was used, and so what they said is not how they are.
        if (refuser < 0 || leftMs[index]! < 0) limit.learn(exchange, leftMs[index]!, nowMs);
        if (leftMs[index]! < 0) reply ??= refusedBy(limit, exchange, -leftMs[index]!);
      }
    }
    if (reply === undefined) this.#tell(exchange, nowMs);
    return reply;
  }

  /** What the first `count` limits took. */
  #giveBack(exchange: Exchange, count: number): void {
    for (let index = 0; index < count; index++) {
      const limit = this.#limits[index]!;
      // One in mode "warn" that was over its limit has taken nothing.
      if (limit.options.mode === "enforce") limit.giveBack(exchange);
    }
  }

  #tell(exchange: Exchange, nowMs: number): void {
    for (const limit of this.#shown) {
      const leftMs = limit.look(exchange, nowMs);
      if (leftMs === UNCOUNTED) continue;
      const state = stateOf(limit, leftMs);
      const { rateLimit } = exchange;
      exchange.rateLimit = rateLimit === undefined ? state : `${rateLimit}, ${state}`;
    }
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
