import type { Exchange } from "./exchange.ts";
import { FAULTS, type Fault } from "./fault.ts";
import { wanted, z } from "./fields.ts";
import type { Reply } from "./filter.ts";

/** What a filter does with what it would refuse: "warn" lets it pass, and says so in log and metrics. */
export type Mode = "enforce" | "warn";

/** The key of every filter that can refuse. */
export const modeField = z
  .enum(["enforce", "warn"], { error: wanted('"enforce" or "warn"') })
  .default("enforce")
  .describe("Whether it refuses, or lets pass and says in log and metrics what it would refuse.");

/**
 * Refuses the exchange: what a filter hands on. In mode "warn" that is nothing, so the exchange goes
 * on, with what it would have been refused for in `warned`. `headers` come on top of the reply's.
 */
export function refuse(
  exchange: Exchange,
  fault: Fault,
  mode: Mode = "enforce",
  headers?: Readonly<Record<string, string>>,
): Reply | undefined {
  if (mode === "enforce") return refusal(exchange, fault, headers);
  warn(exchange, fault);
  return undefined;
}

/** The page for a fault, which is what the exchange ends with. */
export function refusal(
  exchange: Exchange,
  fault: Fault,
  headers?: Readonly<Record<string, string>>,
): Reply {
  exchange.fault ??= fault;
  const errors = (exchange.route ?? exchange.site ?? exchange.listener).errors;
  const reply = errors.reply(exchange, FAULTS[fault.code].status, fault.code);
  if (headers === undefined && fault.retryAfterMs === undefined) return reply;
  const retryAfter = fault.retryAfterMs === undefined ? {} : retryAfterOf(fault.retryAfterMs);
  return { ...reply, headers: { ...reply.headers, ...retryAfter, ...headers } };
}

function warn(exchange: Exchange, { code }: Fault): void {
  exchange.warned ??= [];
  if (!exchange.warned.includes(code)) exchange.warned.push(code);
}

/** RFC 9110 §10.2.3, in whole seconds: never sooner than it was meant. */
function retryAfterOf(ms: number): Readonly<Record<string, string>> {
  return { "retry-after": `${Math.max(1, Math.ceil(ms / 1000))}` };
}
