import type { Address, Clock, Random, TlsClient } from "../base/world.ts";
import type { Breaker } from "./breaker.ts";
import type { ConcurrencyBounds, ConcurrencyLimit } from "./concurrency.ts";
import type { Exchange } from "./exchange.ts";
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
  /** Each endpoint has a limit between these, which follows its latency; undefined: none has. */
  readonly concurrency: ConcurrencyBounds | undefined;
  /** The same counts, held to what a route sets. */
  retryBudgetOf(percent: number, minConcurrent: number): RetryBudget;
  /** What of a request its balancer goes by; undefined: by nothing of it. */
  readonly hashKeyOf: ((exchange: Exchange) => string | undefined) | undefined;
  readonly sticky: Stickiness | undefined;
  /** Picks an endpoint that may be used and is not in `tried`; counts this request on it. */
  claim(need: Need): Claim | undefined;
  /**
   * After a claim in vain: the line that the waiter now stands in, or why there is none for it. To
   * park is to wait although there is no endpoint at all.
   */
  wait(waiter: ClaimWaiter, mayPark: boolean): ClaimLine | Fault;
  /** After a claim in vain, for who does not wait: why there was none. */
  refusal(tried?: readonly Endpoint[]): Fault;
  /** How long a request may wait for an endpoint to come back; 0: not at all. */
  readonly parkingMs: number;
  /** Those that wait in all workers: for a place on an endpoint, and for an endpoint at all. */
  readonly waiting: { readonly queued: number; readonly parked: number };
  readonly mirrored: MirrorCounts; // copies of requests that it was sent
  /** So few may be used that all are. */
  readonly isPanicking: boolean;
  /** Why each endpoint would or would not be picked now; for `explain`. */
  describe(): readonly EndpointChance[];
}

/** What became of mirrored requests, in all workers. */
export interface MirrorCounts {
  readonly answered: number;
  readonly failed: number;
  readonly dropped: number; // never sent: too many at once, too large, or nobody to send them to
  add(result: "answered" | "failed" | "dropped"): void;
}

export interface EndpointChance {
  readonly endpoint: Endpoint;
  readonly usable: boolean;
  readonly share: number; // of the requests that go to its group: those of its priority and zone
}

/** Somebody who wants a claim and is ready to wait for it. Hears of it once, unless it leaves. */
export interface ClaimWaiter {
  readonly need: Need;
  claimed(claim: Claim): void;
  waitedInVain(fault: Fault): void;
}

export interface ClaimLine {
  leave(waiter: ClaimWaiter): void;
}

/** Keeps a client on its endpoint by a cookie. */
export interface Stickiness {
  /** The one that the request asks for, if its cookie is one of ours. */
  endpointOf(exchange: Exchange): Endpoint | undefined;
  /** Tells the client whom it belongs to from now on, unless it knows. */
  keep(exchange: Exchange, endpoint: Endpoint): void;
}

export interface Endpoint {
  readonly name: string; // as in logs and metrics: "10.0.0.1:3000" or "unix:/run/app.sock"
  readonly address: Address;
  readonly manner: Manner;
  readonly weight: number;
  readonly backup: boolean; // asked only when nobody else is left
  readonly priority: number; // 0 is asked first; the next one gets what that cannot bear
  readonly isStrict: boolean; // of its priority: the next one is asked when nobody of it is left
  readonly zone: string; // "" if none was given
  readonly maxRequests: number; // in flight at once, of all workers; Infinity: no limit
  readonly state: EndpointState; // kept by upstream and address across reloads
}

/** The protocols of an endpoint, the one preferred first. */
export type Speech = "h1" | "h2";

/** How an endpoint is spoken to. */
export interface Manner {
  readonly scheme: Scheme;
  readonly speaks: readonly Speech[]; // with both it says which (ALPN)
  readonly tls: TlsClient | undefined;
  /** Connections may be shared only where it is the same (SECURITY N1); "" for plain HTTP/1. */
  readonly key: string;
}

/** As in the URL of an endpoint. */
export type Scheme = "http" | "https" | "h2" | "h2c";

export const PLAIN: Manner = { scheme: "http", speaks: ["h1"], tls: undefined, key: "" };

/** What the active checks say. */
export type Health = "unknown" | "up" | "down";

/**
 * Live facts about one endpoint of one upstream, the same for all workers. Survives reloads, so a
 * deploy does not forget who is sick. Times are those of the world's monotonic clock, which is one
 * for all threads of the process.
 */
export interface EndpointState {
  readonly active: number; // claims that are open, of all workers
  readonly unanswered: number; // of those, without an answer; counted where concurrency is limited
  enter(): void; // a claim is made
  leave(): void; // and released
  countUnanswered(by: 1 | -1): void;
  readonly concurrency: ConcurrencyLimit;
  health: Health;
  isDraining: boolean; // an operator took it out of service: no new requests
  isUnresolved: boolean; // its name has no address, and never had, or not for too long
  ejectedUntilMs: number; // by passive checks; 0: not
  readySinceMs: number; // when it came, or came back, for a slow start; 0: there from the beginning
  latencyMs: number; // exponentially weighted, time to the first response byte; 0 before the first
  /** An attempt took so long to its first byte; rises at once, falls slowly. */
  took(ms: number, nowMs: number): void;
  /** latencyMs, the less the longer ago it was measured; 0 if it never was. */
  latelyMs(nowMs: number): number;
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

/** As isUsable, for who is there already: an endpoint that drains keeps the clients that it has. */
export function mayStay(state: EndpointState, nowMs: number): boolean {
  return !state.isUnresolved && state.health !== "down" && state.ejectedUntilMs <= nowMs;
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
  readonly hashKey: string | undefined; // what the balancer goes by, if it goes by anything
  readonly tried: readonly Endpoint[];
  readonly stuckTo?: Endpoint | undefined; // asked before all others, for as long as it serves
}

export type Outcome = "served" | "failed" | "abandoned";

export interface Claim {
  readonly endpoint: Endpoint;
  /** The request has a body that is still on its way: until it is whole it is the client who is slow. */
  uploading(): void;
  uploaded(): void;
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

export type BalancerFactory = (
  endpoints: readonly Endpoint[],
  random: Random,
  clock: Clock,
) => Balancer;
