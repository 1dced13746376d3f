import { BREAKER, type BreakerOptions } from "../upstream/circuit-breaker.ts";
import { present } from "./settle-retry.ts";

/** What the schema of `breaker` answers with. */
export interface ParsedBreaker {
  readonly errorRate?: number | undefined;
  readonly within?: number | undefined;
  readonly minRequests?: number | undefined;
  readonly latency?: { readonly p?: number | undefined; readonly over: number } | undefined;
  readonly openFor?: number | undefined;
  readonly probes?: number | undefined;
  readonly statuses?: readonly number[] | undefined;
}

const PERCENTILE = 95;

export function settleBreaker(
  breaker: "off" | ParsedBreaker | undefined,
): BreakerOptions | undefined {
  if (breaker === undefined || breaker === "off") return undefined;
  const { errorRate, within, minRequests, latency, openFor, probes, statuses } = breaker;
  const own = {
    errorPercent: errorRate,
    withinMs: within,
    minRequests,
    openForMs: openFor,
    probes,
    statuses: statuses && new Set(statuses),
    latency: latency && { percentile: latency.p ?? PERCENTILE, overMs: latency.over },
  };
  return { ...BREAKER, ...(present(own) as Partial<BreakerOptions>) };
}
