/** What a request would use of one key. */
export interface SharedTake {
  readonly key: string;
  readonly costMs: number;
  readonly burstMs: number;
  readonly isWarning: boolean; // it is not refused for this one
}

/** As DueTimes.take() says it, for each that was asked for. */
export interface SharedVerdict {
  readonly refusedBy: number; // which of them refused; -1 for none. Then nothing was used of any
  readonly leftMs: readonly number[]; // below zero: it is over that one, by so long
}

/** Limits that several machines count together. */
export interface SharedLimits {
  /** At once, if there is nobody to ask: then it is undefined, as it is when no answer came in time. */
  take(takes: readonly SharedTake[]): Promise<SharedVerdict | undefined> | undefined;
}

/** Watches who keeps the shared state, for the metrics. */
export interface StateMeter {
  answered(): void;
  failed(): void; // no answer, or none in time
  skipped(): void; // not asked, since it is away
  connected(isConnected: boolean): void;
}
