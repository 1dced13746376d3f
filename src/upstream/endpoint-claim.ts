import type { Clock } from "../base/world.ts";
import type { Claim, Endpoint, Outcome } from "../core/upstream.ts";
import type { RetryCounts } from "./retry-budget.ts";
import type { WaitingLines } from "./waiting-lines.ts";

/** What an upstream wants to know of its claims. */
export interface ClaimBook {
  readonly counts: RetryCounts;
  readonly lines: WaitingLines;
  readonly clock: Clock | undefined; // undefined: nobody asks how long endpoints take
  readonly onRelease: ((endpoint: Endpoint, outcome: Outcome) => void) | undefined;
}

// An endpoint that fails fast must not look like a fast one.
const FAILED_MS = 1_000;

/** One request's place on an endpoint. */
export class EndpointClaim implements Claim {
  readonly endpoint: Endpoint;
  readonly #book: ClaimBook;
  readonly #sinceMs: number;
  #isMeasured: boolean;
  #open: boolean;

  constructor(endpoint: Endpoint, book: ClaimBook) {
    this.endpoint = endpoint;
    this.#book = book;
    this.#sinceMs = book.clock === undefined ? 0 : book.clock.nowMs();
    this.#isMeasured = false;
    this.#open = true;
    endpoint.state.enter();
    book.counts.enter();
  }

  answered(_status: number, firstByteMs: number): void {
    this.#isMeasured = true;
    const { clock } = this.#book;
    if (clock !== undefined) this.endpoint.state.took(firstByteMs, clock.nowMs());
  }

  release(outcome: Outcome): void {
    // A second release would make the endpoint look idler than it is, for ever.
    if (!this.#open) throw new Error(`claim on ${this.endpoint.name} released twice`);
    this.#open = false;
    this.endpoint.state.leave();
    const { counts, lines, clock, onRelease } = this.#book;
    counts.leave();
    if (clock !== undefined && !this.#isMeasured) this.#measure(clock.nowMs(), outcome);
    onRelease?.(this.endpoint, outcome);
    if (lines.queuedHere > 0) lines.released();
  }

  /** It has not answered, which says something too. */
  #measure(nowMs: number, outcome: Outcome): void {
    const waitedMs = nowMs - this.#sinceMs;
    const { state } = this.endpoint;
    if (outcome === "failed") state.took(Math.max(waitedMs, FAILED_MS), nowMs);
    // A client that left tells that it would have taken longer: news only if it waited long.
    else if (waitedMs > state.latencyMs) state.took(waitedMs, nowMs);
  }
}
