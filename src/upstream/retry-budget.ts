import type { Lanes } from "../base/lanes.ts";
import type { BuildTools } from "../core/feature.ts";
import type { RetryBudget } from "../core/upstream.ts";

/** How much of what is in flight may be retries. */
export interface RetryBudgetShape {
  readonly percent: number; // of the upstream's active claims
  readonly minConcurrent: number; // so many may always be, or a quiet upstream could never retry
}

const ACTIVE = 0;
const RETRYING = 1;

/** Live counts of one upstream in all workers; kept across reloads, for old exchanges count them down. */
export class RetryCounts {
  readonly #lanes: Lanes;

  static keep(upstream: string, { keep, machine }: Pick<BuildTools, "keep" | "machine">) {
    const key = `upstream ${upstream} retries`;
    return keep(key, () => new RetryCounts(machine.lanes(key)));
  }

  constructor(lanes: Lanes) {
    this.#lanes = lanes;
  }

  /** Claims not yet released, retries among them. */
  get active(): number {
    return this.#lanes.sum(ACTIVE);
  }

  /** Takes not yet given back. */
  get retrying(): number {
    return this.#lanes.sum(RETRYING);
  }

  get retryingHere(): number {
    return this.#lanes.own(RETRYING);
  }

  enter(): void {
    this.#lanes.add(ACTIVE, 1);
  }

  leave(): void {
    this.#lanes.add(ACTIVE, -1);
  }

  retry(): void {
    this.#lanes.add(RETRYING, 1);
  }

  retried(): void {
    this.#lanes.add(RETRYING, -1);
  }
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
    this.#counts.retry();
    return true;
  }

  giveBack(): void {
    if (this.#counts.retryingHere === 0) throw new Error("a retry was given back that nobody took");
    this.#counts.retried();
  }
}
