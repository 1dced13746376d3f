import type { Outcome } from "./upstream.ts";

/** Stops requests to an upstream that fails as a whole, the same for all workers. */
export interface Breaker {
  readonly state: BreakerState;
  readonly opensEver: number; // for the metrics
  readonly retryAfterMs: number; // until it lets requests through again, to see; 0: it does now
  /** A request would go on: whom to tell what becomes of it; undefined: it must not. */
  enter(): Passage | undefined;
}

export type BreakerState = "closed" | "open" | "half-open";

/** One request that a breaker let through. */
export interface Passage {
  answered(status: number, firstByteMs: number): void;
  over(outcome: Outcome): void; // exactly once
}
