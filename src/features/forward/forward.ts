import type { Timer } from "../../base/world.ts";
import type { Attempt, Exchange } from "../../core/exchange.ts";
import { FAULTS, type Fault, type FaultCode } from "../../core/fault.ts";
import type { Handler } from "../../core/filter.ts";
import type { Limits, Timeouts } from "../../core/limits.ts";
import { fail } from "../../core/pipeline.ts";
import type { Claim, Endpoint, Outcome, RetryBudget, Upstream } from "../../core/upstream.ts";
import type { Worker } from "../../core/worker.ts";
import type { ResponseFacts } from "../../protocol/h1/response-facts.ts";
import { Relay, type RelayOwner } from "../../transport/relay.ts";
import { backoffMs } from "../../upstream/backoff.ts";
import type { PoolDirectory } from "../../upstream/endpoint-pools.ts";
import { statusRetryMs } from "../../upstream/retry-after.ts";
import { TryDeadline } from "../../upstream/retry-deadline.ts";
import {
  addsNoLoad,
  decideRetry,
  isIdleRace,
  mayBeKeyed,
  type RetryPolicy,
} from "../../upstream/retry-policy.ts";

export interface ForwardOptions {
  readonly upstream: Upstream;
  readonly pools: PoolDirectory;
  readonly retry: RetryPolicy;
  readonly budget: RetryBudget;
  readonly replaysBody: boolean; // the route keeps small bodies for another try
  readonly timeouts: Timeouts; // resolved to the last level
  readonly limits: Limits;
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
    exchange.upstream = this.options.upstream.name;
    new Forwarding(this.#worker, exchange, this.options).attempt();
  }
}

const NONE_TRIED: readonly Endpoint[] = [];

/** One exchange on its way to some endpoint: claims, attempts, and the decision to try again. */
class Forwarding implements RelayOwner {
  readonly #worker: Worker;
  readonly #exchange: Exchange;
  readonly #options: ForwardOptions;
  readonly #relay: Relay;
  #tried: Endpoint[] | undefined;
  #claim: Claim | undefined;
  #attempt: Attempt | undefined;
  #isCharged: boolean; // the budget, for the retries of this exchange
  #usesFresh: boolean; // the last kept connection was dead: do not trust another
  #backoff: Timer | undefined;
  #fault: Fault | undefined; // of the last attempt
  readonly #isKeyed: boolean; // the client says that the request may come twice
  #tryDeadline: TryDeadline | undefined;
  #declinedMs: number; // how long the endpoint wants to be left alone, after a declined response

  constructor(worker: Worker, exchange: Exchange, options: ForwardOptions) {
    this.#worker = worker;
    this.#exchange = exchange;
    this.#options = options;
    this.#tried = undefined;
    this.#claim = undefined;
    this.#attempt = undefined;
    this.#isCharged = false;
    this.#usesFresh = false;
    this.#backoff = undefined;
    this.#fault = undefined;
    const { timeouts, limits, retry } = options;
    const { method, headers } = exchange.request;
    this.#isKeyed = mayBeKeyed(retry, method) && headers.has("idempotency-key");
    this.#tryDeadline = undefined;
    this.#declinedMs = 0;
    const replaysBody = options.replaysBody || this.#isKeyed;
    this.#relay = new Relay(worker, exchange, this, timeouts, limits, replaysBody);
  }

  attempt(): void {
    const { upstream, pools, timeouts } = this.#options;
    const exchange = this.#exchange;
    const claim = upstream.claim({ hashKey: undefined, tried: this.#tried ?? NONE_TRIED });
    if (claim === undefined) {
      // The last attempt's fault says more than that nobody is left to ask.
      this.#giveUp(this.#fault ?? upstream.refusal());
      return;
    }
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
    if (this.#options.retry.perTryMs !== Number.POSITIVE_INFINITY) this.#boundTry();
    this.#relay.start(connection, attempt);
  }

  #boundTry(): void {
    const { wheel } = this.#worker;
    this.#tryDeadline ??= new TryDeadline(wheel, this.#options.retry.perTryMs, () =>
      this.#guarded(() => this.#tryOverdue()),
    );
    this.#tryDeadline.begin();
  }

  /** The time is the endpoint's: it does not pass while the client is still sending. */
  #tryOverdue(): void {
    if (this.#relay.isBodyEnded) this.#relay.giveUp("response_timeout", "retry.perTry");
    else this.#tryDeadline?.begin();
  }

  attemptAnswered({ status, headers }: ResponseFacts): boolean {
    const { clock } = this.#worker.world;
    this.#tryDeadline?.end();
    this.#claim!.answered(status, clock.nowMs() - this.#exchange.times.claimedMs);
    const { retry, upstream } = this.#options;
    if (retry.statuses.size === 0 || !retry.statuses.has(status)) return true;

    const isLast = upstream.endpoints.length <= (this.#tried?.length ?? 0) + 1;
    this.#declinedMs = statusRetryMs(headers.get("retry-after"), isLast);
    const isWorthIt = this.#declinedMs !== Number.POSITIVE_INFINITY && this.#mayRetry(status);
    if (isWorthIt && !isLast) this.#avoid(this.#attempt!.endpoint);
    return !isWorthIt;
  }

  attemptDeclined(): void {
    this.#release("served");
    this.#waitAndRetry(this.#declinedMs);
  }

  attemptFailed(fault: Fault): void {
    this.#tryDeadline?.end();
    this.#release(this.#outcomeOf(fault), fault.code);
    this.#worker.attemptFailed(this.#options.upstream.name, this.#attempt!);
    this.#fault = fault;
    if (!this.#mayRetry(fault.code)) {
      this.#giveUp(fault);
      return;
    }
    const { endpoint, connectionReused } = this.#attempt!;
    if (isIdleRace(fault.code, connectionReused)) {
      // It may be asked again at once, as it is not at fault.
      this.#usesFresh = true;
      this.attempt();
      return;
    }
    this.#avoid(endpoint);
    this.#waitAndRetry(0);
  }

  attemptServed(fault: Fault | undefined): void {
    if (fault === undefined) this.#release("served");
    else this.#release(this.#outcomeOf(fault), fault.code);
    this.#settleRetry();
  }

  attemptAbandoned(): void {
    this.#tryDeadline?.end();
    this.#backoff?.cancel();
    this.#release("abandoned");
    this.#settleRetry();
  }

  #avoid(endpoint: Endpoint): void {
    this.#tried ??= [];
    this.#tried.push(endpoint);
  }

  #waitAndRetry(leastMs: number): void {
    const { clock, random } = this.#worker.world;
    const delayMs = Math.max(leastMs, backoffMs(this.#exchange.attempts, random));
    this.#backoff = clock.after(delayMs, () => {
      this.#backoff = undefined;
      this.#guarded(() => this.attempt());
    });
  }

  /** For what a timer calls: a bug ends this exchange, and nothing else. */
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

  #mayRetry(failure: FaultCode | number): boolean {
    const exchange = this.#exchange;
    const { retry, budget } = this.#options;
    const { connectionReused } = this.#attempt!;
    const decision = decideRetry(retry, {
      failure,
      attempts: exchange.attempts - (this.#usesFresh ? 1 : 0), // a dead connection was no attempt
      method: exchange.request.method,
      isKeyed: this.#isKeyed,
      body: this.#relay.bodyState,
      connectionReused,
      responseBegun: exchange.downstream.isAnswered,
    });
    if (decision === "give-up") return false;
    if (addsNoLoad(failure, connectionReused)) return true;
    // One retry of this exchange at a time is charged, however many it makes.
    this.#isCharged ||= budget.take();
    return this.#isCharged;
  }

  #giveUp(fault: Fault): void {
    this.#settleRetry();
    fail(this.#exchange, fault);
  }

  #settleRetry(): void {
    if (this.#isCharged) this.#options.budget.giveBack();
    this.#isCharged = false;
  }

  #release(outcome: Outcome, why?: string): void {
    const claim = this.#claim;
    this.#claim = undefined;
    claim?.release(outcome, why);
  }

  /** Who leaves, or closes what was idle, is no mark against the endpoint that was asked. */
  #outcomeOf({ code }: Fault): Outcome {
    if (isIdleRace(code, this.#attempt!.connectionReused)) return "abandoned";
    return FAULTS[code].side === "upstream" ? "failed" : "abandoned";
  }
}
