import type { RetryBudget } from "../core/upstream.ts";

/** How much of what is in flight may be retries. */
export interface RetryBudgetShape {
  readonly percent: number; // of the upstream's active claims
  readonly minConcurrent: number; // so many may always be, or a quiet upstream could never retry
}

/** Live counts of one upstream; kept across reloads, for old exchanges count them down. */
export interface RetryCounts {
  active: number; // claims not yet released, retries among them
  retrying: number; // takes not yet given back
}

export const RETRY_BUDGET: RetryBudgetShape = { percent: 20, minConcurrent: 3 };

export class SharedRetryBudget implements RetryBudget {
  readonly #counts: RetryCounts;
  readonly #shape: RetryBudgetShape;

  constructor(counts: RetryCounts, shape: RetryBudgetShape) {
    this.#counts = counts;
    this.#shape = shape;
  }

  take(): boolean {
    const share = Math.floor((this.#counts.active * this.#shape.percent) / 100);
    if (this.#counts.retrying >= Math.max(this.#shape.minConcurrent, share)) return false;
    this.#counts.retrying += 1;
    return true;
  }

  giveBack(): void {
    if (this.#counts.retrying === 0) throw new Error("a retry was given back that nobody took");
    this.#counts.retrying -= 1;
  }
}
