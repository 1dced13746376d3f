import type { Timer } from "../../base/world.ts";
import type { Attempt, Exchange } from "../../core/exchange.ts";
import { FAULTS, type Fault } from "../../core/fault.ts";
import type { Handler } from "../../core/filter.ts";
import type { Limits, Timeouts } from "../../core/limits.ts";
import { fail } from "../../core/pipeline.ts";
import type { Claim, Endpoint, RetryBudget, Upstream } from "../../core/upstream.ts";
import type { Worker } from "../../core/worker.ts";
import { Relay, type RelayOwner } from "../../transport/relay.ts";
import { backoffMs } from "../../upstream/backoff.ts";
import type { PoolDirectory } from "../../upstream/endpoint-pools.ts";
import { decideRetry, type RetryPolicy } from "../../upstream/retry-policy.ts";

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
  #isRetry: boolean; // the budget is charged for the attempt under way
  #usesFresh: boolean; // the last kept connection was dead: do not trust another
  #backoff: Timer | undefined;
  #fault: Fault | undefined; // of the last attempt

  constructor(worker: Worker, exchange: Exchange, options: ForwardOptions) {
    this.#worker = worker;
    this.#exchange = exchange;
    this.#options = options;
    this.#tried = undefined;
    this.#claim = undefined;
    this.#attempt = undefined;
    this.#isRetry = false;
    this.#usesFresh = false;
    this.#backoff = undefined;
    this.#fault = undefined;
    const { timeouts, limits, replaysBody } = options;
    this.#relay = new Relay(worker, exchange, this, timeouts, limits, replaysBody);
  }

  attempt(): void {
    const { upstream, pools, timeouts } = this.#options;
    const exchange = this.#exchange;
    const claim = upstream.claim({ hashKey: undefined, tried: this.#tried ?? NONE_TRIED });
    if (claim === undefined) {
      // The last attempt's fault says more than that nobody is left to ask.
      this.#giveUp(this.#fault ?? { code: "no_endpoint", detail: upstream.name });
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
    this.#relay.start(connection, attempt);
  }

  attemptFailed(fault: Fault): void {
    this.#release(outcomeOf(fault));
    this.#worker.attemptFailed(this.#options.upstream.name, this.#attempt!);
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
    this.#tried ??= [];
    this.#tried.push(endpoint);
    const delayMs = backoffMs(this.#exchange.attempts, this.#worker.world.random);
    this.#backoff = this.#worker.world.clock.after(delayMs, () => this.#resume());
  }

  attemptServed(fault: Fault | undefined): void {
    this.#release(fault === undefined ? "served" : outcomeOf(fault));
    this.#settleRetry();
  }

  attemptAbandoned(): void {
    this.#backoff?.cancel();
    this.#release("abandoned");
    this.#settleRetry();
  }

  #resume(): void {
    this.#backoff = undefined;
    try {
      this.attempt();
    } catch (error) {
      const fault: Fault = { code: "bug", detail: String(error) };
      this.#worker.bug(error, this.#exchange);
      this.#relay.clientGone(fault); // gives back the connection, the claim and the budget
      fail(this.#exchange, fault);
    }
  }

  #mayRetry(fault: Fault): boolean {
    const exchange = this.#exchange;
    const { retry, budget } = this.#options;
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
    return this.#isRetry || budget.take();
  }

  #giveUp(fault: Fault): void {
    this.#settleRetry();
    fail(this.#exchange, fault);
  }

  #settleRetry(): void {
    if (this.#isRetry) this.#options.budget.giveBack();
    this.#isRetry = false;
  }

  #release(outcome: "served" | "failed" | "abandoned"): void {
    const claim = this.#claim;
    this.#claim = undefined;
    claim?.release(outcome);
  }
}

/** A client that leaves is no mark against the endpoint that was serving it. */
function outcomeOf(fault: Fault): "failed" | "abandoned" {
  return FAULTS[fault.code].side === "upstream" ? "failed" : "abandoned";
}
