import type { Address, Random } from "../base/world.ts";
import type { Limits, Timeouts } from "./limits.ts";

/** A named group of endpoints that can serve the same requests. */
export interface Upstream {
  readonly name: string;
  readonly endpoints: readonly Endpoint[];
  readonly timeouts: Partial<Timeouts>; // what the upstream itself sets: the nearest level
  readonly limits: Partial<Limits>;
  readonly retryBudget: RetryBudget;
  /** The same counts, held to what a route sets. */
  retryBudgetOf(percent: number, minConcurrent: number): RetryBudget;
  /** Picks an endpoint that may be used and is not in `tried`; counts this request on it. */
  claim(need: Need): Claim | undefined;
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
  release(outcome: Outcome): void; // exactly once
}

/** Chooses among endpoints the upstream has found ready. Built anew when the membership changes. */
export interface Balancer {
  pick(ready: readonly Endpoint[], need: Need): Endpoint | undefined;
}

export type BalancerFactory = (endpoints: readonly Endpoint[], random: Random) => Balancer;
