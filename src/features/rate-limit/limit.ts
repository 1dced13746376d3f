import { ClientPrefix } from "../../base/client-prefix.ts";
import type { DueTimes, Pace } from "../../base/due-times.ts";
import type { Exchange } from "../../core/exchange.ts";
import { rateText } from "../../core/rate-field.ts";
import type { SharedTake } from "../../core/shared-limits.ts";
import { Template } from "../../core/template.ts";
import { CLIENT_IP, type LimitOptions } from "./rate-limit-options.ts";

/** Nothing was counted, so nothing is known. */
export const UNCOUNTED = Number.POSITIVE_INFINITY;

/** One limit: who has which count, and what a request uses of it. */
export class Limit {
  readonly name: string;
  readonly options: LimitOptions;
  readonly pace: Pace;
  /** What its key is made of is known only once the client is. */
  readonly isLate: boolean;
  readonly times: DueTimes;
  readonly #template: Template | undefined;
  readonly #hasAddress: boolean;
  readonly #prefix: ClientPrefix;
  readonly #values: { clientIp: string };
  readonly #costs: ReadonlyMap<string, number> | undefined;
  readonly #cost: number; // of methods that are not in #costs

  readonly #sharedAs: string; // before its keys, where machines count together

  constructor(name: string, options: LimitOptions, times: DueTimes, sharedAs = "") {
    const { rate, burst, per, cost, prefix } = options;
    const perUnitMs = rate.perMs / rate.count;
    const source = SOURCES[per] ?? per;
    this.name = name;
    this.options = options;
    this.pace = { perUnitMs, burstMs: burst * perUnitMs };
    this.isLate = /\{(identity|jwt\.)/.test(source);
    this.times = times;
    this.#sharedAs = sharedAs;
    this.#template = per === CLIENT_IP ? undefined : new Template(source, "text", [CLIENT_IP]);
    this.#hasAddress = source.includes(`{${CLIENT_IP}}`);
    this.#prefix = new ClientPrefix(prefix);
    this.#values = { clientIp: "" };
    this.#costs = typeof cost === "number" ? undefined : new Map(Object.entries(cost));
    this.#cost = typeof cost === "number" ? cost : (cost["*"] ?? 1);
  }

  /** Whose count it is; undefined: nobody's. */
  keyOf(exchange: Exchange): string | undefined {
    const { address } = exchange.client;
    if (this.#template === undefined) return this.#prefix.of(address);
    if (this.#hasAddress) this.#values.clientIp = this.#prefix.of(address);
    const text = this.#template.expand(exchange, this.#values);
    // What a client says must not be taken for another's address.
    if (text !== "" || this.options.per === "all") return `=${text}`;
    return this.options.without === "pass" ? undefined : this.#prefix.of(address);
  }

  costOf({ request }: Exchange): number {
    return this.#costs?.get(request.method) ?? this.#cost;
  }

  /** As DueTimes.take(). */
  take(exchange: Exchange, nowMs: number): number {
    const cost = this.costOf(exchange);
    if (cost === 0) return UNCOUNTED;
    const key = this.keyOf(exchange);
    return key === undefined ? UNCOUNTED : this.times.take(key, cost, nowMs, this.pace);
  }

  giveBack(exchange: Exchange): void {
    const cost = this.costOf(exchange);
    const key = this.keyOf(exchange);
    if (cost > 0 && key !== undefined) this.times.giveBack(key, cost, this.pace);
  }

  /** What is to be counted with other machines. */
  sharedTake(exchange: Exchange): SharedTake | undefined {
    const cost = this.costOf(exchange);
    const key = cost === 0 ? undefined : this.keyOf(exchange);
    if (key === undefined) return undefined;
    const { perUnitMs, burstMs } = this.pace;
    const isWarning = this.options.mode === "warn";
    return { key: `${this.#sharedAs}:${key}`, costMs: cost * perUnitMs, burstMs, isWarning };
  }

  /** Others have used of it, too: so much is left, or below zero: it was refused. */
  learn(exchange: Exchange, leftMs: number, nowMs: number): void {
    const key = this.keyOf(exchange);
    if (key === undefined) return;
    const refusedMs = leftMs < 0 ? this.costOf(exchange) * this.pace.perUnitMs : 0;
    this.times.raise(key, nowMs + this.pace.burstMs - leftMs - refusedMs, nowMs);
  }

  look(exchange: Exchange, nowMs: number): number {
    const key = this.keyOf(exchange);
    if (key === undefined || this.costOf(exchange) === 0) return UNCOUNTED;
    return this.times.look(key, nowMs, this.pace);
  }

  /** For people. */
  toString(): string {
    const { rate, burst, per } = this.options;
    return `${this.name}: ${rateText(rate)}, at most ${burst} at once, per ${per}`;
  }
}

const SOURCES: Readonly<Record<string, string>> = { identity: "{identity}", all: "" };
