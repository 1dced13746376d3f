import type { Timer } from "../../base/world.ts";
import type { Attempt, Exchange } from "../../core/exchange.ts";
import { FAULTS, type Fault, type FaultCode } from "../../core/fault.ts";
import type { Handler } from "../../core/filter.ts";
import { fail } from "../../core/pipeline.ts";
import type {
  Claim,
  ClaimLine,
  ClaimWaiter,
  Endpoint,
  Need,
  RetryBudget,
} from "../../core/upstream.ts";
import type { Worker } from "../../core/worker.ts";
import { Relay, type RelayOwner } from "../../transport/relay.ts";
import { backoffMs } from "../../upstream/backoff.ts";
import { decideRetry, type RetryPolicy } from "../../upstream/retry-policy.ts";
import type { Mirror, MirrorCopy } from "./mirror.ts";
import type { ForwardTarget, TargetChoice } from "./target.ts";

/** The target is the only one, or the first in the order written. */
export interface ForwardOptions extends ForwardTarget {
  readonly choice?: TargetChoice | undefined; // where there is more than one
  readonly mirror?: Mirror | undefined;
  readonly retry: RetryPolicy;
  readonly replaysBody: boolean; // the route keeps small bodies for another try
}

/** Sends exchanges to an upstream, and tries other endpoints for as long as that is safe. */
export class Forward implements Handler {
  readonly kind = "forward";
  readonly options: ForwardOptions;
  readonly #worker: Worker;

  constructor(options: ForwardOptions, worker: Worker) {
    this.options = options;
    this.#worker = worker;
  }

  handle(exchange: Exchange): undefined {
    new Forwarding(this.#worker, exchange, this.options).begin();
  }
}

// A place may be free at any moment, but not for all who were refused.
const FULL_RETRY_AFTER_MS = 1_000;
const NONE_TRIED: readonly Endpoint[] = [];

/** One exchange on its way to some endpoint: claims, attempts, and the decision to try again. */
class Forwarding implements RelayOwner, ClaimWaiter, Need {
  readonly #worker: Worker;
  readonly #exchange: Exchange;
  readonly #options: ForwardOptions;
  readonly #relay: Relay;
  readonly #targets: readonly ForwardTarget[] | undefined; // where there is more than one
  readonly #mirrored: MirrorCopy | undefined;
  #target: ForwardTarget;
  #targetAt: number;
  hashKey: string | undefined; // as the target's upstream wants it
  stuckTo: Endpoint | undefined;
  tried: readonly Endpoint[];
  #line: ClaimLine | undefined; // that we stand in
  #claim: Claim | undefined;
  #attempt: Attempt | undefined;
  #isRetry: boolean; // the budget is charged for the attempt under way
  #usesFresh: boolean; // the last kept connection was dead: do not trust another
  #backoff: Timer | undefined;
  #fault: Fault | undefined; // of the last attempt
  #refused: FaultCode; // why there was no claim

  constructor(worker: Worker, exchange: Exchange, options: ForwardOptions) {
    this.#worker = worker;
    this.#exchange = exchange;
    this.#options = options;
    this.#targets = options.choice?.order(exchange);
    this.#mirrored = options.mirror?.copyOf(exchange);
    this.#target = this.#targets === undefined ? options : this.#targets[0]!;
    this.#targetAt = 0;
    this.hashKey = undefined;
    this.stuckTo = undefined;
    this.tried = NONE_TRIED;
    this.#line = undefined;
    this.#claim = undefined;
    this.#attempt = undefined;
    this.#isRetry = false;
    this.#usesFresh = false;
    this.#backoff = undefined;
    this.#fault = undefined;
    this.#refused = "no_endpoint";
    const { timeouts, limits } = this.#target;
    this.#relay = new Relay(worker, exchange, this, timeouts, limits, options.replaysBody);
    this.#relay.tap = this.#mirrored;
    this.#ask();
  }

  get need(): Need {
    return this;
  }

  begin(): void {
    this.attempt();
    this.#mirrored?.requestBegun();
  }

  attempt(): void {
    const claim = this.#target.upstream.claim(this) ?? this.#claimElsewhere();
    if (claim !== undefined) this.#start(claim);
    else if (this.#line === undefined) this.#giveUp(this.#fault ?? this.#refusal());
  }

  /** What the balancer of the target wants to know of the request. */
  #ask(): void {
    const { upstream } = this.#target;
    const exchange = this.#exchange;
    exchange.upstream = upstream.name;
    this.hashKey = upstream.hashKeyOf?.(exchange);
    this.stuckTo = upstream.sticky?.endpointOf(exchange);
  }

  /**
   * The target has nobody who could serve now. If it is only full we wait there; if it has nobody at
   * all the next one is asked; and if nobody is anywhere, we wait for the one that came first.
   */
  #claimElsewhere(): Claim | undefined {
    const firstAt = this.#targetAt;
    const last = (this.#targets?.length ?? 1) - 1;
    for (;;) {
      if (this.#waits(firstAt === last)) return undefined;
      if (this.#targetAt === last) break;
      this.#turnTo(this.#targetAt + 1);
      const claim = this.#target.upstream.claim(this);
      if (claim !== undefined) return claim;
    }
    if (firstAt === last) return undefined;
    this.#turnTo(firstAt);
    this.#waits(true);
    return undefined;
  }

  #turnTo(at: number): void {
    this.#target = this.#targets![at]!;
    this.#targetAt = at;
    this.#relay.holdTo(this.#target.timeouts, this.#target.limits);
    this.#ask();
  }

  #waits(mayPark: boolean): boolean {
    const line = this.#target.upstream.wait(this, mayPark);
    this.#line = typeof line === "string" ? undefined : line;
    this.#refused = typeof line === "string" ? line : this.#refused;
    return this.#line !== undefined;
  }

  #refusal(): Fault {
    const fault: Fault = { code: this.#refused, detail: this.#target.upstream.name };
    return fault.code === "no_endpoint" ? fault : { ...fault, retryAfterMs: FULL_RETRY_AFTER_MS };
  }

  claimed(claim: Claim): void {
    this.#line = undefined;
    this.#guarded(() => this.#start(claim));
  }

  waitedInVain(code: FaultCode): void {
    this.#line = undefined;
    this.#refused = code;
    this.#guarded(() => this.#giveUp(this.#fault ?? this.#refusal()));
  }

  #start(claim: Claim): void {
    const { pools, timeouts } = this.#target;
    const exchange = this.#exchange;
    const { endpoint } = claim;
    this.#claim = claim;
    exchange.attempts++;
    exchange.endpoint = endpoint;
    exchange.times.claimedMs = this.#worker.world.clock.nowMs();
    const attempt = {
      number: exchange.attempts,
      endpoint,
      connectionReused: false,
      fault: undefined,
    };
    this.#attempt = attempt;
    for (const step of exchange.route!.phases.send) step(exchange, attempt);

    const pool = pools.get(endpoint)!;
    const connection = this.#usesFresh ? pool.fresh(timeouts.connect) : pool.take(timeouts.connect);
    this.#relay.start(connection, attempt);
  }

  attemptFailed(fault: Fault): void {
    this.#release(outcomeOf(fault));
    this.#worker.attemptFailed(this.#exchange.upstream, this.#attempt!);
    this.#fault = fault;
    if (!this.#mayRetry(fault)) {
      this.#giveUp(fault);
      return;
    }
    this.#isRetry = true;
    const { endpoint, connectionReused } = this.#attempt!;
    if (connectionReused && fault.code === "reset_before_head") {
      // The endpoint is not at fault for closing what was idle: it may be asked again at once.
      this.#usesFresh = true;
      this.attempt();
      return;
    }
    this.tried = [...this.tried, endpoint];
    const delayMs = backoffMs(this.#exchange.attempts, this.#worker.world.random);
    this.#backoff = this.#worker.world.clock.after(delayMs, () => this.#resume());
  }

  attemptServed(fault: Fault | undefined): void {
    this.#release(fault === undefined ? "served" : outcomeOf(fault));
    this.#settleRetry();
    this.#mirrored?.sourceOver();
  }

  attemptAbandoned(): void {
    this.#backoff?.cancel();
    this.#line?.leave(this);
    this.#line = undefined;
    this.#release("abandoned");
    this.#settleRetry();
    this.#mirrored?.sourceOver();
  }

  #resume(): void {
    this.#backoff = undefined;
    this.#guarded(() => this.attempt());
  }

  /** For what a timer or another exchange calls: a bug ends this exchange, and nothing else. */
  #guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      const fault: Fault = { code: "bug", detail: String(error) };
      this.#worker.bug(error, this.#exchange);
      this.#relay.clientGone(fault); // gives back the connection, the claim and the budget
      fail(this.#exchange, fault);
    }
  }

  #mayRetry(fault: Fault): boolean {
    const exchange = this.#exchange;
    const { retry } = this.#options;
    const decision = decideRetry(retry, {
      code: fault.code,
      attempts: exchange.attempts,
      method: exchange.request.method,
      body: this.#relay.bodyState,
      connectionReused: this.#attempt!.connectionReused,
      responseBegun: exchange.downstream.isAnswered,
    });
    if (decision === "give-up") return false;
    // One retry of this exchange at a time is charged, however many it makes.
    return this.#isRetry || this.#budget.take();
  }

  /** Of the upstream that was asked first, wherever the retry goes. */
  get #budget(): RetryBudget {
    return (this.#targets?.[0] ?? this.#options).budget;
  }

  #giveUp(fault: Fault): void {
    this.#settleRetry();
    this.#mirrored?.sourceOver();
    fail(this.#exchange, fault);
  }

  #settleRetry(): void {
    if (this.#isRetry) this.#budget.giveBack();
    this.#isRetry = false;
  }

  #release(outcome: "served" | "failed" | "abandoned"): void {
    const claim = this.#claim;
    this.#claim = undefined;
    const { claimedMs, responseMs } = this.#exchange.times;
    if (responseMs > claimedMs) claim?.answered(0, responseMs - claimedMs);
    claim?.release(outcome);
  }
}

/** A client that leaves is no mark against the endpoint that was serving it. */
function outcomeOf(fault: Fault): "failed" | "abandoned" {
  return FAULTS[fault.code].side === "upstream" ? "failed" : "abandoned";
}
