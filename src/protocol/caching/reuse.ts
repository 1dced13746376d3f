import type { CacheControl } from "./cache-control.ts";
import type { ControlInForce } from "./targeted-control.ts";

/** What of a stored response decides whether it may serve a request, on one clock. */
export interface Freshness {
  readonly bornMs: number; // when its age was 0
  readonly lifetimeMs: number;
  readonly whileRevalidateMs: number; // beyond its lifetime; 0: never
  readonly ifErrorMs: number;
  readonly mayBeStale: boolean; // nothing forbids it
  readonly needsValidation: boolean; // no-cache: on every use
}

/** What a route gives where the response says nothing, in milliseconds. */
export interface StaleRules {
  readonly whileRevalidateMs: number;
  readonly ifErrorMs: number;
}

/** RFC 5861, and RFC 9111 §4.2.4 for what forbids it. */
export function freshnessOf(
  { control }: ControlInForce,
  lifetimeMs: number,
  bornMs: number,
  rules: StaleRules,
): Freshness {
  const { noCache, mustRevalidate, proxyRevalidate, sMaxAge } = control;
  const isStrict = noCache || mustRevalidate || proxyRevalidate;
  // §5.2.2.10: s-maxage implies proxy-revalidate; but who says beside it how stale is fine means it.
  const ours = isStrict || sMaxAge !== undefined ? NO_STALE : rules;
  return {
    bornMs,
    lifetimeMs,
    whileRevalidateMs: isStrict ? 0 : spanMs(control.staleWhileRevalidate, ours.whileRevalidateMs),
    ifErrorMs: isStrict ? 0 : spanMs(control.staleIfError, ours.ifErrorMs),
    mayBeStale: !isStrict && sMaxAge === undefined,
    needsValidation: noCache,
  };
}

const NO_STALE: StaleRules = { whileRevalidateMs: 0, ifErrorMs: 0 };

function spanMs(seconds: number | undefined, otherwiseMs: number): number {
  return seconds === undefined ? otherwiseMs : seconds * 1000;
}

/**
 * fresh: it serves. stale: it serves, and is asked about meanwhile. validate: the origin is asked
 * first.
 */
export type Reuse = "fresh" | "stale" | "validate";

/** `asked`: the client's directives, if they count here. */
export function reuseOf(stored: Freshness, nowMs: number, asked: CacheControl | undefined): Reuse {
  const ageMs = nowMs - stored.bornMs;
  if (asked !== undefined) return reuseAsked(stored, ageMs, asked);
  if (stored.needsValidation) return "validate";
  if (ageMs < stored.lifetimeMs) return "fresh";
  return ageMs < stored.lifetimeMs + stored.whileRevalidateMs ? "stale" : "validate";
}

/** RFC 9111 §5.2.1. */
function reuseAsked(stored: Freshness, ageMs: number, asked: CacheControl): Reuse {
  if (stored.needsValidation || asked.noCache) return "validate";
  if (asked.maxAge !== undefined && ageMs > asked.maxAge * 1000) return "validate";
  const leftMs = stored.lifetimeMs - ageMs;
  if (asked.minFresh !== undefined && leftMs < asked.minFresh * 1000) return "validate";
  if (leftMs > 0) return "fresh";
  const { maxStale } = asked;
  if (maxStale !== undefined && stored.mayBeStale && -leftMs <= maxStale * 1000) return "fresh";
  if (asked.maxAge !== undefined) return "validate"; // §5.2.1.1: stale is not what it asks for
  return -leftMs < stored.whileRevalidateMs ? "stale" : "validate";
}

/** The origin failed: may what is stored serve in its place? */
export function mayServeOnError(stored: Freshness, nowMs: number): boolean {
  const ageMs = nowMs - stored.bornMs;
  return ageMs < stored.lifetimeMs + stored.ifErrorMs && !stored.needsValidation;
}

/** For how long it can be of use at all; what has a validator always is. */
export function usefulUntilMs(stored: Freshness, hasValidator: boolean): number {
  if (hasValidator) return Number.POSITIVE_INFINITY;
  const graceMs = Math.max(stored.whileRevalidateMs, stored.ifErrorMs);
  return stored.bornMs + stored.lifetimeMs + graceMs;
}

/** Whole seconds, as Age says it. */
export function ageOf(stored: Pick<Freshness, "bornMs">, nowMs: number): number {
  return Math.max(0, Math.floor((nowMs - stored.bornMs) / 1000));
}
