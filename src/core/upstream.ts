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
  readonly state: EndpointState; // shared by address across reloads
}

/** Live facts about one address. Survives reloads, so a deploy does not forget who is sick. */
export interface EndpointState {
  active: number; // requests in flight
  health: "unknown" | "up" | "down" | "draining";
  latencyMs: number; // exponentially weighted, time to the first response byte; 0 before the first
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
