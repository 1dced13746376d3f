import type { Timer } from "../../base/world.ts";
import { type Attempt, type Exchange, upstreamMethodOf } from "../../core/exchange.ts";
import { FAULTS, type Fault, type FaultCode } from "../../core/fault.ts";
import type { AttemptStep } from "../../core/filter.ts";
import { judgedStatusOf } from "../../core/grpc.ts";
import { fail } from "../../core/pipeline.ts";
import type { Claim, Outcome, RetryBudget } from "../../core/upstream.ts";
import type { Worker } from "../../core/worker.ts";
import { httpOfJudged } from "../../protocol/grpc/status.ts";
import type { ResponseFacts } from "../../protocol/h1/response-facts.ts";
import { Relay, type RelayOwner } from "../../transport/relay.ts";
import type { Rival, RivalOwner } from "../../transport/rival.ts";
import { backoffMs } from "../../upstream/backoff.ts";
import { statusRetryMs } from "../../upstream/retry-after.ts";
import { TryDeadline } from "../../upstream/retry-deadline.ts";
import {
  addsNoLoad,
  decideRetry,
  isIdleRace,
  mayBeKeyed,
  type RetryPolicy,
} from "../../upstream/retry-policy.ts";
import { attemptConnection } from "./attempt-connection.ts";
import { EndpointSearch, type SearchOwner } from "./endpoint-search.ts";
import {
  Hedge,
  type Hedged,
  type HedgePolicy,
  mayBeHedged,
  outcomeOf,
  type RunningRival,
} from "./hedge.ts";
import { answerWithPage, isIntercepted } from "./interception.ts";
import type { Mirror, MirrorCopy } from "./mirror.ts";
import type { ForwardTarget, TargetChoice } from "./target.ts";

/** The target is the only one, or the first in the order written. */
export interface ForwardOptions extends ForwardTarget {
  readonly choice?: TargetChoice | undefined; // where there is more than one
  readonly mirror?: Mirror | undefined;
  /** Tell the client whom it belongs to; they are among the steps of receive as well. */
  readonly cookies?: readonly AttemptStep[] | undefined;
  readonly retry: RetryPolicy;
  readonly replaysBody: boolean; // the route keeps small bodies for another try
  readonly hedge?: HedgePolicy | undefined;
}

// Of a request that nobody could be reached for: a quarter second at most, with the jitter of a retry.
const PARKED_RETRY_MS = 100;

/** One exchange on its way to some endpoint: claims, attempts, and the decision to try again. */
export class Forwarding implements RelayOwner, SearchOwner, Hedged {
  readonly #worker: Worker;
  readonly #exchange: Exchange;
  readonly #options: ForwardOptions;
  readonly #search: EndpointSearch;
  readonly #budget: RetryBudget; // of the upstream that is asked first, wherever a retry goes
  readonly #relay: Relay;
  readonly #copy: MirrorCopy | undefined;
  #claim: Claim | undefined;
  #attempt: Attempt | undefined;
  #isCharged: boolean; // the budget, for the retries of this exchange
  #usesFresh: boolean; // the last kept connection was dead: do not trust another
  #backoff: Timer | undefined;
  #fault: Fault | undefined; // of the last attempt
  readonly #isKeyed: boolean; // the client says that the request may come twice
  #tryDeadline: TryDeadline | undefined;
  #hedge: Hedge | undefined;
  #intercepted: ResponseFacts | undefined; // a page of ours goes out in its place
  #declinedMs: number; // how long the endpoint wants to be left alone, after a declined response

  constructor(worker: Worker, exchange: Exchange, options: ForwardOptions) {
    this.#worker = worker;
    this.#exchange = exchange;
    this.#options = options;
    this.#search = new EndpointSearch(exchange, this, options, options.choice?.order(exchange));
    const { timeouts, limits, budget } = this.#search.target;
    this.#budget = budget;
    const { headers } = exchange.request;
    const method = upstreamMethodOf(exchange.request);
    this.#isKeyed = mayBeKeyed(options.retry, method) && headers.has("idempotency-key");
    const replaysBody = options.replaysBody || this.#isKeyed;
    this.#relay = new Relay(worker, exchange, this, timeouts, limits, replaysBody);
    this.#copy = options.mirror?.copyOf(exchange);
    this.#relay.tap = this.#copy;
    this.#claim = undefined;
    this.#attempt = undefined;
    this.#isCharged = false;
    this.#usesFresh = false;
    this.#backoff = undefined;
    this.#fault = undefined;
    this.#tryDeadline = undefined;
    this.#hedge = undefined;
    this.#intercepted = undefined;
    this.#declinedMs = 0;
  }

  begin(): void {
    this.attempt();
    this.#copy?.requestBegun();
  }

  attempt(): void {
    const claim = this.#search.claim();
    if (claim === undefined) return; // it waits: claimed() or waitedInVain() follows
    // The last attempt's fault says more than that nobody is left to ask.
    if ("code" in claim) this.#giveUpOrPark(this.#fault ?? claim);
    else this.#start(claim);
  }

  turnedTo({ timeouts, limits }: ForwardTarget): void {
    this.#relay.holdTo(timeouts, limits);
  }

  claimed(claim: Claim): void {
    this.guarded(() => this.#start(claim));
  }

  waitedInVain(fault: Fault): void {
    this.guarded(() => this.#giveUp(this.#fault ?? fault));
  }

  #start(claim: Claim): void {
    const exchange = this.#exchange;
    this.#claim = claim; // first: a filter of ours may throw
    const attempt = this.#newAttempt(claim);
    this.#attempt = attempt;
    exchange.endpoint = claim.endpoint;
    exchange.times.claimedMs = this.#worker.world.clock.nowMs();

    const connection = attemptConnection(exchange, this.#search.target, claim, this.#usesFresh);
    if (this.#options.retry.perTryMs !== Number.POSITIVE_INFINITY) this.#boundTry();
    if (this.#options.hedge !== undefined) this.#beginHedge(this.#options.hedge);
    if (!this.#relay.isBodyEnded) claim.uploading();
    this.#relay.start(connection, attempt);
  }

  #newAttempt({ endpoint }: Claim): Attempt {
    const exchange = this.#exchange;
    exchange.attempts++;
    const attempt = {
      number: exchange.attempts,
      endpoint,
      connectionReused: false,
      fault: undefined,
    };
    for (const step of exchange.route!.phases.send) step(exchange, attempt);
    return attempt;
  }

  // --- the second attempt beside the first --------------------------------------------------------

  #beginHedge(policy: HedgePolicy): void {
    if (this.#exchange.attempts > 1 || !mayBeHedged(this.#exchange)) return;
    const { proxyVersion, upstream } = this.#search.target;
    if (proxyVersion !== undefined) return; // a client has one connection of its own
    this.#hedge = new Hedge(this.#worker, upstream.name, policy, this);
    this.#hedge.begin();
  }

  claimRival(): Claim | undefined {
    if (this.#claim === undefined || !this.#budget.take()) return undefined;
    const claim = this.#search.claimBeside(this.#claim.endpoint);
    if (claim === undefined) this.#budget.giveBack();
    return claim;
  }

  startRival(claim: Claim, owner: RivalOwner): Rival {
    const { pools, timeouts } = this.#search.target;
    const connection = pools.get(claim.endpoint)!.take(timeouts, false);
    return this.#relay.startRival(connection, this.#newAttempt(claim), owner);
  }

  rivalWon(running: RunningRival, facts: ResponseFacts): void {
    const { clock } = this.#worker.world;
    // It would have taken longer; without it the slow ones were missing from what we know.
    this.#options.hedge?.latencies.add(clock.nowMs() - this.#exchange.times.claimedMs);
    this.#release("abandoned");
    this.#turnTo(running);
    this.#relay.win(running.rival, facts);
  }

  /** From now on that attempt is the exchange's. */
  #turnTo({ rival, claim, claimedMs }: RunningRival): void {
    this.#claim = claim;
    this.#attempt = rival.attempt;
    this.#exchange.endpoint = claim.endpoint;
    this.#exchange.times.claimedMs = claimedMs;
    this.#exchange.times.connectedMs = claimedMs;
  }

  isDeclined(status: number): boolean {
    return this.#options.retry.statuses.has(status);
  }

  giveBackBudget(): void {
    this.#budget.giveBack();
  }

  /** Goes on with the second attempt alone, if there is one. */
  #goOnWithRival(): boolean {
    const running = this.#hedge?.takeRival();
    if (running === undefined) return false;
    this.#search.avoid(this.#attempt!.endpoint);
    this.#turnTo(running);
    if (this.#tryDeadline !== undefined) this.#boundTry();
    this.#relay.adopt(running.rival);
    return true;
  }

  // --- what became of an attempt -------------------------------------------------------------------

  #boundTry(): void {
    const { wheel } = this.#worker;
    this.#tryDeadline ??= new TryDeadline(wheel, this.#options.retry.perTryMs, () =>
      this.guarded(() => this.#tryOverdue()),
    );
    this.#tryDeadline.begin();
  }

  /** The time is the endpoint's: it does not pass while the client is still sending. */
  #tryOverdue(): void {
    if (this.#relay.isBodyEnded) this.#relay.giveUp("response_timeout", "retry.perTry");
    else this.#tryDeadline?.begin();
  }

  requestEnded(): void {
    this.#claim?.uploaded();
  }

  attemptAnswered(facts: ResponseFacts): boolean {
    const status = judgedStatusOf(this.#exchange, facts);
    const { clock } = this.#worker.world;
    this.#tryDeadline?.end();
    this.#claim!.answered(httpOfJudged(status), clock.nowMs() - this.#exchange.times.claimedMs);
    const { retry } = this.#options;
    if (this.#hedge !== undefined) this.#hedgeAnswered(status);
    if (retry.statuses.size === 0 || !retry.statuses.has(status)) return this.#passesOn(facts);

    const { endpoint } = this.#attempt!;
    const isLast = this.#search.isLast(endpoint);
    this.#declinedMs = statusRetryMs(facts.headers.get("retry-after"), isLast);
    const isWorthIt = this.#declinedMs !== Number.POSITIVE_INFINITY && this.#mayRetry(status);
    if (isWorthIt && !isLast) this.#search.avoid(endpoint);
    if (isWorthIt) return false;
    this.#hedge?.cancel();
    return this.#passesOn(facts);
  }

  /** Unless the route has a page of ours for what the upstream says. */
  #passesOn(facts: ResponseFacts): boolean {
    if (!isIntercepted(this.#exchange, facts)) return true;
    this.#intercepted = facts;
    return false;
  }

  // A 101 goes through no phase: what it says is the handshake's.
  attemptSwitched(): void {
    for (const step of this.#options.cookies ?? []) step(this.#exchange, this.#attempt!);
  }

  #hedgeAnswered(status: number): void {
    const { clock } = this.#worker.world;
    this.#options.hedge?.latencies.add(clock.nowMs() - this.#exchange.times.claimedMs);
    if (!this.isDeclined(status)) this.#hedge?.cancel();
  }

  attemptDeclined(): void {
    this.#release("served");
    if (this.#intercepted !== undefined) {
      this.#replace(this.#intercepted);
      return;
    }
    if (this.#goOnWithRival()) return;
    this.#waitAndRetry(this.#declinedMs);
  }

  #replace(facts: ResponseFacts): void {
    this.#exchange.times.responseMs = this.#worker.world.clock.nowMs();
    this.#settleRetry();
    this.#copy?.sourceOver();
    answerWithPage(this.#exchange, facts);
  }

  attemptFailed(fault: Fault): void {
    this.#tryDeadline?.end();
    this.#release(outcomeOf(fault, this.#attempt!), fault.code);
    this.#worker.attemptFailed(this.#exchange.upstream, this.#attempt!);
    this.#fault = fault;
    if (this.#goOnWithRival()) return;
    if (!this.#mayRetry(fault.code)) {
      this.#giveUpOrPark(fault);
      return;
    }
    const { endpoint, connectionReused } = this.#attempt!;
    if (isIdleRace(fault.code, connectionReused)) {
      // It may be asked again at once, as it is not at fault.
      this.#usesFresh = true;
      this.attempt();
      return;
    }
    // One that refuses now may take it a moment later, where nobody else is there to ask.
    const mayBeAsked = fault.code === "upstream_stream_refused" && this.#search.isLast(endpoint);
    if (!mayBeAsked) this.#search.avoid(endpoint);
    this.#waitAndRetry(0);
  }

  attemptServed(fault: Fault | undefined): void {
    if (fault === undefined) this.#release("served");
    else this.#release(outcomeOf(fault, this.#attempt!), fault.code);
    this.#settleRetry();
    this.#copy?.sourceOver();
  }

  attemptAbandoned(): void {
    this.#tryDeadline?.end();
    this.#backoff?.cancel();
    this.#search.leave();
    this.#release("abandoned");
    this.#settleRetry();
    this.#copy?.sourceOver();
  }

  #waitAndRetry(leastMs: number): void {
    const { clock, random } = this.#worker.world;
    const delayMs = Math.max(leastMs, backoffMs(this.#exchange.attempts, random));
    this.#backoff = clock.after(delayMs, () => {
      this.#backoff = undefined;
      this.guarded(() => this.attempt());
    });
  }

  /** For what a timer or another exchange calls: a bug ends this exchange, and nothing else. */
  guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      const fault: Fault = { code: "bug", detail: String(error) };
      this.#worker.bug(error, this.#exchange);
      this.#relay.clientGone(fault); // gives back the connection, the claim and the budget
      fail(this.#exchange, fault);
    }
  }

  #mayRetry(failure: FaultCode | number): boolean {
    const exchange = this.#exchange;
    const { retry } = this.#options;
    const { connectionReused } = this.#attempt!;
    const decision = decideRetry(retry, {
      failure,
      attempts: exchange.attempts - (this.#usesFresh ? 1 : 0), // a dead connection was no attempt
      method: upstreamMethodOf(exchange.request),
      isKeyed: this.#isKeyed,
      body: this.#relay.bodyState,
      connectionReused,
      responseBegun: exchange.downstream.isAnswered,
    });
    if (decision === "give-up") return false;
    if (addsNoLoad(failure, connectionReused)) return true;
    // One retry of this exchange at a time is charged, however many it makes.
    this.#isCharged ||= this.#budget.take();
    return this.#isCharged;
  }

  /**
   * Nobody could be reached, and the upstream lets requests wait for such times: before its endpoints
   * are known to be away nobody is parked, so who finds out goes on asking for as long.
   */
  #giveUpOrPark(fault: Fault): void {
    const { upstream } = this.#search.target;
    const { times, downstream } = this.#exchange;
    const isOver = this.#worker.world.clock.nowMs() - times.headMs >= upstream.parkingMs;
    const isUnsent = FAULTS[fault.code].retry === "always" && this.#relay.bodyState !== "gone";
    if (isOver || !isUnsent || downstream.isAnswered) {
      this.#giveUp(fault);
      return;
    }
    this.#search.forgive();
    this.#waitAndRetry(PARKED_RETRY_MS);
  }

  #giveUp(fault: Fault): void {
    this.#settleRetry();
    this.#copy?.sourceOver();
    fail(this.#exchange, fault);
  }

  #settleRetry(): void {
    this.#hedge?.settle();
    this.#relay.end();
    if (this.#isCharged) this.#budget.giveBack();
    this.#isCharged = false;
  }

  #release(outcome: Outcome, why?: string): void {
    const claim = this.#claim;
    this.#claim = undefined;
    claim?.release(outcome, why);
  }
}
