/**
 * RateLimit and RateLimit-Policy, as draft-ietf-httpapi-ratelimit-headers-10 has them: lists of structured
 * fields, a policy's name with its parameters. Names of limits need no escapes.
 */
import type { Limit } from "./limit.ts";

const ROUNDING = 0.001; // of a unit: sums of times are not exact to the last bit

/** "api";q=100;w=1: so many in so many seconds. */
export function policyOf({ name, options }: Limit): string {
  const { count, perMs } = options.rate;
  return `"${name}";q=${count};w=${Math.max(1, Math.round(perMs / 1000))}`;
}

/**
 * "api";r=12;t=3: so many are left, and in so many seconds all are there again. Where none is left, `t` is
 * when the next may come, which Retry-After says as well.
 */
export function stateOf({ name, options, pace }: Limit, leftMs: number): string {
  const count = Math.floor(Math.max(0, leftMs) / pace.perUnitMs + ROUNDING);
  const waitMs =
    leftMs < 0 ? -leftMs : count === 0 ? pace.perUnitMs - leftMs : pace.burstMs - leftMs;
  return `"${name}";r=${Math.min(count, options.rate.count)};t=${Math.max(1, Math.ceil(waitMs / 1000))}`;
}
