import type { Lanes } from "../base/lanes.ts";
import type { BuildTools } from "../core/feature.ts";
import type { RetryBudget } from "../core/upstream.ts";

/** How much may be retries: of what is in flight, or of what was begun lately, whichever is more. */
export interface RetryBudgetShape {
  readonly percent: number; // of the upstream's claims
  readonly minConcurrent: number; // so many may always be, or a quiet upstream could never retry
}

const ACTIVE = 0;
const RETRYING = 1;

// "Lately" is counted in requests: it needs no clock, and says the same at any rate.
const LATELY_MOST = 1_000;

/** Live counts of one upstream in all workers; kept across reloads, for old exchanges count them down. */
export class RetryCounts {
  readonly #lanes: Lanes;
  // Of this worker alone: each holds itself to its share, and so do all together.
  #begun: number;
  #retried: number; // of those

  static keep(upstream: string, { keep, machine }: Pick<BuildTools, "keep" | "machine">) {
    const key = `upstream ${upstream} retries`;
    return keep(key, () => new RetryCounts(machine.lanes(key)));
  }

  constructor(lanes: Lanes) {
    this.#lanes = lanes;
    this.#begun = 0;
    this.#retried = 0;
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

  /** Would one more be no more than that share of the claims that were made lately? */
  isLatelyBelow(percent: number): boolean {
    return (this.#retried + 1) * 100 <= this.#begun * percent;
  }

  enter(): void {
    this.#lanes.add(ACTIVE, 1);
    if (++this.#begun < LATELY_MOST) return;
    this.#begun /= 2;
    this.#retried /= 2;
  }

  leave(): void {
    this.#lanes.add(ACTIVE, -1);
  }

  retry(): void {
    this.#lanes.add(RETRYING, 1);
    this.#retried++;
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
    const { percent, minConcurrent } = this.#shape;
    const share = Math.floor((this.#counts.active * percent) / 100);
    const isRoom = this.#counts.retrying < Math.max(minConcurrent, share);
    // An endpoint that dies fails all it has in flight in one moment, which may be a third of all.
    if (!isRoom && !this.#counts.isLatelyBelow(percent)) return false;
    this.#counts.retry();
    return true;
  }

  giveBack(): void {
    if (this.#counts.retryingHere === 0) throw new Error("a retry was given back that nobody took");
    this.#counts.retried();
  }
}
