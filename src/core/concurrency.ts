/** Between what the limit of an endpoint moves. */
export interface ConcurrencyBounds {
  readonly min: number;
  readonly max: number;
}

/** What one request tells about how busy its endpoint was. */
export interface ConcurrencySample {
  readonly ms: number; // from when the endpoint had the whole request
  readonly sinceMs: number; // when that was
  readonly unanswered: number; // requests then on the endpoint without an answer, this one included
  readonly isAnswered: boolean; // false: the wait was given up
}

/**
 * How many requests one endpoint bears that it has not answered yet, as its latency shows. The same
 * for all workers; survives reloads.
 */
export interface ConcurrencyLimit {
  within(bounds: ConcurrencyBounds): number; // a whole number
  readonly baseMs: number; // what an answer takes when nobody waits for others; 0: not known yet
  add(sample: ConcurrencySample, bounds: ConcurrencyBounds, nowMs: number): void;
}
