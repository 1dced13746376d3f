import type { Address, Random } from "../base/world.ts";
import type { Breaker } from "./breaker.ts";
import type { Fault } from "./fault.ts";
import type { Limits, Timeouts } from "./limits.ts";

/** A named group of endpoints that can serve the same requests. */
export interface Upstream {
  readonly name: string;
  readonly endpoints: readonly Endpoint[];
  readonly timeouts: Partial<Timeouts>; // what the upstream itself sets: the nearest level
  readonly limits: Partial<Limits>;
  readonly retryBudget: RetryBudget;
  readonly breaker: Breaker | undefined;
  /** The same counts, held to what a route sets. */
  retryBudgetOf(percent: number, minConcurrent: number): RetryBudget;
  /** Picks an endpoint that may be used and is not in `tried`; counts this request on it. */
  claim(need: Need): Claim | undefined;
  /** Why there was no claim. */
  refusal(): Fault;
  /** Why each endpoint would or would not be picked now; for `explain`. */
  describe(): readonly { readonly endpoint: Endpoint; readonly usable: boolean }[];
}

export interface Endpoint {
  readonly name: string; // as in logs and metrics: "10.0.0.1:3000" or "unix:/run/app.sock"
  readonly address: Address;
  readonly weight: number;
  readonly backup: boolean;
  readonly state: EndpointState; // kept by upstream and address across reloads
}

/** What the active checks say. */
export type Health = "unknown" | "up" | "down";

/**
 * Live facts about one endpoint of one upstream, the same for all workers. Survives reloads, so a
 * deploy does not forget who is sick. Times are those of the world's monotonic clock, which is one
 * for all threads of the process.
 */
export interface EndpointState {
  readonly active: number; // claims that are open, of all workers
  enter(): void; // a claim is made
  leave(): void; // and released
  health: Health;
  isDraining: boolean; // an operator took it out of service: no new requests
  isUnresolved: boolean; // its name has no address, and never had, or not for too long
  ejectedUntilMs: number; // by passive checks; 0: not
  readySinceMs: number; // when it came back into use, for a slow start; 0: it was never away
  latencyMs: number; // exponentially weighted, time to the first response byte; 0 before the first
  readonly failures: FailureCount;
  readonly checks: CheckCount;
}

/** What passive health knows of one endpoint, the same for all workers. */
export interface FailureCount {
  readonly count: number; // in a row
  /** One more; how many there are now. A row that began longer ago than that begins anew. */
  add(nowMs: number, withinMs: number): number;
  /** The row is broken. True: it was the first success after an ejection. */
  clear(): boolean;
  /** Claims the row for an ejection: of all workers who see it whole, one gets true. */
  take(count: number): boolean;
  /** After an ejection: so many count as having failed already, as of then. */
  resume(count: number, sinceMs: number): void;
  ejectionsInRow: number;
  ejectionsEver: number; // for the metrics
}

/** How many active checks went well, and how many did not. */
export interface CheckCount {
  passed: number;
  failed: number;
}

/** How an endpoint stands now, in one word: for operators, and for whom may be asked. */
export type Condition = Health | "draining" | "ejected" | "unresolved";

export function conditionOf(state: EndpointState, nowMs: number): Condition {
  if (state.isDraining) return "draining";
  if (state.isUnresolved) return "unresolved";
  if (state.health === "down") return "down";
  return state.ejectedUntilMs > nowMs ? "ejected" : state.health;
}

export function isUsable(state: EndpointState, nowMs: number): boolean {
  const condition = conditionOf(state, nowMs);
  return condition === "up" || condition === "unknown";
}

/**
 * How many second tries an upstream bears at once: when much of it fails, retries would multiply
 * the load on what is left. Taken before each try but the first, given back when that try is over.
 */
export interface RetryBudget {
  take(): boolean; // false: give up, there are too many already
  giveBack(): void; // exactly once for each take() that said true
}

/** What the caller needs of an endpoint. */
export interface Need {
  readonly hashKey: string | undefined;
  readonly tried: readonly Endpoint[];
}

export type Outcome = "served" | "failed" | "abandoned";

export interface Claim {
  readonly endpoint: Endpoint;
  /** The response head is here, at most once: its status, and how long that took from the claim. */
  answered(status: number, firstByteMs: number): void;
  release(outcome: Outcome, why?: string): void; // exactly once
}

/** Told what became of claims; for passive health. */
export interface ClaimWatch {
  /** True: this answer is a failure of the endpoint, however whole it comes. */
  answered(endpoint: Endpoint, status: number, firstByteMs: number): boolean;
  /** "served" only for what was no failure in answered(). */
  released(endpoint: Endpoint, outcome: Outcome, why: string | undefined): void;
}

/** Chooses among endpoints the upstream has found ready. Built anew when the membership changes. */
export interface Balancer {
  pick(ready: readonly Endpoint[], need: Need): Endpoint | undefined;
}

export type BalancerFactory = (endpoints: readonly Endpoint[], random: Random) => Balancer;
