import type { Clock } from "../base/world.ts";
import type { Passage } from "../core/breaker.ts";
import type { ConcurrencyBounds } from "../core/concurrency.ts";
import type { Claim, ClaimWatch, Endpoint, Outcome } from "../core/upstream.ts";
import type { RetryCounts } from "./retry-budget.ts";
import type { WaitingLines } from "./waiting-lines.ts";

/** What an upstream wants to know of its claims. */
export interface ClaimBook {
  readonly counts: RetryCounts;
  readonly lines: WaitingLines;
  readonly clock: Clock | undefined; // undefined: nobody asks how long endpoints take
  readonly watch: ClaimWatch | undefined; // passive health
  readonly concurrency: ConcurrencyBounds | undefined; // undefined: nobody counts what is unanswered
}

// An endpoint that fails fast must not look like a fast one.
const FAILED_MS = 1_000;

/** One request's place on an endpoint. */
export class EndpointClaim implements Claim {
  readonly endpoint: Endpoint;
  readonly #book: ClaimBook;
  readonly #passage: Passage | undefined;
  #sinceMs: number; // when the endpoint had all of the request
  #isAwaited: boolean; // counted as unanswered
  #hasFailed: boolean; // by its answer
  #isMeasured: boolean;
  #open: boolean;

  constructor(endpoint: Endpoint, book: ClaimBook, passage: Passage | undefined) {
    this.endpoint = endpoint;
    this.#book = book;
    this.#passage = passage;
    this.#sinceMs = book.clock === undefined ? 0 : book.clock.nowMs();
    this.#isAwaited = false;
    this.#hasFailed = false;
    this.#isMeasured = false;
    this.#open = true;
    endpoint.state.enter();
    book.counts.enter();
    if (book.concurrency !== undefined) this.#await();
  }

  uploading(): void {
    if (!this.#isAwaited) return;
    this.#isAwaited = false;
    this.endpoint.state.countUnanswered(-1);
  }

  uploaded(): void {
    if (this.#book.concurrency === undefined || this.#isAwaited || this.#isMeasured) return;
    this.#sinceMs = this.#book.clock!.nowMs();
    this.#await();
  }

  #await(): void {
    this.#isAwaited = true;
    this.endpoint.state.countUnanswered(1);
  }

  answered(status: number, firstByteMs: number): void {
    this.#isMeasured = true;
    this.#passage?.answered(status, firstByteMs);
    const { clock, watch } = this.#book;
    if (watch !== undefined) {
      this.#hasFailed = watch.answered(this.endpoint, status, firstByteMs);
    }
    if (clock !== undefined) this.endpoint.state.took(firstByteMs, clock.nowMs());
    if (this.#isAwaited) this.#heard(true, status < 500 && status !== 429);
  }

  /**
   * The endpoint has one request less to answer. What it refused, and who gave up on it, tell of its
   * latency only if that took long.
   */
  #heard(isAnswered: boolean, isWork: boolean): void {
    const { concurrency, clock, lines } = this.#book;
    const { state } = this.endpoint;
    const nowMs = clock!.nowMs();
    const ms = nowMs - this.#sinceMs;
    this.#isAwaited = false;
    if (isWork || ms > state.concurrency.baseMs) {
      const sample = { ms, sinceMs: this.#sinceMs, unanswered: state.unanswered, isAnswered };
      state.concurrency.add(sample, concurrency!, nowMs);
    }
    state.countUnanswered(-1);
    if (lines.queuedHere > 0) lines.released();
  }

  release(outcome: Outcome, why?: string): void {
    // A second release would make the endpoint look idler than it is, for ever.
    if (!this.#open) throw new Error(`claim on ${this.endpoint.name} released twice`);
    this.#open = false;
    this.endpoint.state.leave();
    const { counts, lines, clock, watch } = this.#book;
    counts.leave();
    this.#passage?.over(outcome);
    if (clock !== undefined && !this.#isMeasured) this.#measure(clock.nowMs(), outcome);
    if (this.#isAwaited) this.#heard(false, false);
    // What has counted as a failure is neither a success nor a second one.
    watch?.released(this.endpoint, this.#hasFailed ? "abandoned" : outcome, why);
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
