import type { Clock } from "../base/world.ts";
import type { Breaker, Passage } from "../core/breaker.ts";
import type { Directory } from "../core/directory.ts";
import type { Fault } from "../core/fault.ts";
import type { BuildTools } from "../core/feature.ts";
import type { Limits, Timeouts } from "../core/limits.ts";
import {
  type Balancer,
  type BalancerFactory,
  type Claim,
  type ClaimWatch,
  type Endpoint,
  isUsable,
  type Need,
  type Outcome,
  type RetryBudget,
  type Upstream,
} from "../core/upstream.ts";
import { BALANCER_DEFAULT, BALANCERS } from "./balancers/named.ts";
import type { EndpointOptions } from "./endpoint.ts";
import { Membership } from "./membership.ts";
import {
  RETRY_BUDGET,
  type RetryBudgetShape,
  RetryCounts,
  SharedRetryBudget,
} from "./retry-budget.ts";
import { StateChanges } from "./state-changes.ts";

export interface UpstreamOptions {
  readonly name: string;
  readonly endpoints: readonly EndpointOptions[];
  readonly balance?: BalancerFactory;
  readonly retryBudget?: RetryBudgetShape;
  readonly timeouts?: Partial<Timeouts>;
  readonly limits?: Partial<Limits>;
  /** Told of its endpoints whenever they have become others. */
  readonly onMembers?: (endpoints: readonly Endpoint[]) => void;
  readonly watch?: ClaimWatch; // passive health
  readonly breaker?: Breaker | undefined;
}

export type UpstreamTools = Pick<BuildTools, "keep" | "machine"> & {
  readonly world: Pick<BuildTools["world"], "random" | "clock">;
  readonly directory?: Directory; // without one, endpoints are those of the config as they stand
};

/** An upstream as one runtime sees it; what is live about it is kept and outlives the runtime. */
export function createUpstream(options: UpstreamOptions, tools: UpstreamTools): Upstream {
  const balance = options.balance ?? BALANCERS[BALANCER_DEFAULT];
  return new EndpointGroup(options, {
    members: new Membership(options, tools),
    balancer: (endpoints) => balance(endpoints, tools.world.random),
    changes: StateChanges.keep(tools),
    clock: tools.world.clock,
    retries: RetryCounts.keep(options.name, tools),
  });
}

interface GroupParts {
  readonly members: Membership;
  readonly balancer: (endpoints: readonly Endpoint[]) => Balancer;
  readonly changes: StateChanges;
  readonly clock: Clock;
  readonly retries: RetryCounts;
}

/** Who is asked first: a tier is used only if nobody in the tiers before it may be. */
const TIERS: readonly ((endpoint: Endpoint) => boolean)[] = [
  (endpoint) => endpoint.weight > 0 && !endpoint.backup,
  (endpoint) => endpoint.weight > 0 && endpoint.backup,
  (endpoint) => endpoint.weight === 0,
];

class EndpointGroup implements Upstream {
  readonly name: string;
  readonly timeouts: Partial<Timeouts>;
  readonly limits: Partial<Limits>;
  readonly retryBudget: RetryBudget;
  readonly breaker: Breaker | undefined;
  readonly #parts: GroupParts;
  #endpoints: readonly Endpoint[] = [];
  #tiers: readonly (readonly Endpoint[])[] = [];
  #balancer: Balancer;
  #membersAsOf: number;
  readonly #onMembers: UpstreamOptions["onMembers"];
  readonly #watch: ClaimWatch | undefined;
  #ready: readonly Endpoint[] = []; // for a first try, as of the change that is counted below
  #readyAsOf = -1;
  #readyUntilMs = 0; // when the next ejection ends

  constructor(options: UpstreamOptions, parts: GroupParts) {
    this.name = options.name;
    this.timeouts = options.timeouts ?? {};
    this.limits = options.limits ?? {};
    this.retryBudget = new SharedRetryBudget(parts.retries, options.retryBudget ?? RETRY_BUDGET);
    this.breaker = options.breaker;
    this.#parts = parts;
    this.#watch = options.watch;
    this.#onMembers = options.onMembers;
    this.#membersAsOf = parts.members.version;
    this.#balancer = this.#take(parts.members.endpoints());
  }

  get endpoints(): readonly Endpoint[] {
    this.#refresh();
    return this.#endpoints;
  }

  retryBudgetOf(percent: number, minConcurrent: number): RetryBudget {
    return new SharedRetryBudget(this.#parts.retries, { percent, minConcurrent });
  }

  claim(need: Need): Claim | undefined {
    this.#refresh();
    const ready = need.tried.length === 0 ? this.#readyNow() : this.#readyBut(need.tried);
    const endpoint = this.#balancer.pick(ready, need);
    if (endpoint === undefined) return undefined;
    // Last, so that what it lets through is asked: a probe that goes nowhere tells nothing.
    const passage = this.breaker?.enter();
    if (this.breaker !== undefined && passage === undefined) return undefined;
    return new EndpointClaim(endpoint, this.#parts.retries, this.#watch, passage);
  }

  refusal(): Fault {
    const { breaker, name: detail } = this;
    if (breaker === undefined || breaker.state === "closed") return { code: "no_endpoint", detail };
    return { code: "circuit_open", detail, retryAfterMs: breaker.retryAfterMs };
  }

  describe(): readonly { readonly endpoint: Endpoint; readonly usable: boolean }[] {
    const { endpoints } = this;
    const ready = this.#readyNow();
    return endpoints.map((endpoint) => ({ endpoint, usable: ready.includes(endpoint) }));
  }

  /** Takes up what has become of the names and the operators' changes, if anything has. */
  #refresh(): void {
    const { members } = this.#parts;
    if (members.version === this.#membersAsOf) return;
    this.#membersAsOf = members.version;
    const endpoints = members.endpoints();
    if (endpoints === this.#endpoints) return;
    this.#balancer = this.#take(endpoints);
    this.#onMembers?.(endpoints);
  }

  #take(endpoints: readonly Endpoint[]): Balancer {
    this.#endpoints = endpoints;
    this.#tiers = TIERS.map((isIn) => endpoints.filter(isIn)).filter((tier) => tier.length > 0);
    this.#readyAsOf = -1;
    return this.#parts.balancer(endpoints);
  }

  #readyNow(): readonly Endpoint[] {
    const { changes, clock } = this.#parts;
    const { count } = changes;
    const nowMs = clock.nowMs();
    if (this.#readyAsOf !== count || nowMs >= this.#readyUntilMs) {
      this.#ready = this.#readyBut([]);
      this.#readyAsOf = count;
      this.#readyUntilMs = nextReturnMs(this.#endpoints, nowMs);
    }
    return this.#ready;
  }

  #readyBut(tried: readonly Endpoint[]): readonly Endpoint[] {
    const nowMs = this.#parts.clock.nowMs();
    for (const tier of this.#tiers) {
      const ready = tier.filter((each) => isUsable(each.state, nowMs) && !tried.includes(each));
      if (ready.length > 0) return ready;
    }
    return [];
  }
}

function nextReturnMs(endpoints: readonly Endpoint[], nowMs: number): number {
  let nextMs = Number.POSITIVE_INFINITY;
  for (const { state } of endpoints) {
    const { ejectedUntilMs } = state;
    if (ejectedUntilMs > nowMs && ejectedUntilMs < nextMs) nextMs = ejectedUntilMs;
  }
  return nextMs;
}

class EndpointClaim implements Claim {
  readonly endpoint: Endpoint;
  readonly #counts: RetryCounts;
  readonly #watch: ClaimWatch | undefined;
  readonly #passage: Passage | undefined;
  #hasFailed: boolean; // by its answer
  #open: boolean;

  constructor(
    endpoint: Endpoint,
    counts: RetryCounts,
    watch: ClaimWatch | undefined,
    passage: Passage | undefined,
  ) {
    this.endpoint = endpoint;
    this.#counts = counts;
    this.#watch = watch;
    this.#passage = passage;
    this.#hasFailed = false;
    this.#open = true;
    endpoint.state.enter();
    counts.enter();
  }

  answered(status: number, firstByteMs: number): void {
    this.#passage?.answered(status, firstByteMs);
    if (this.#watch === undefined) return;
    this.#hasFailed = this.#watch.answered(this.endpoint, status, firstByteMs);
  }

  release(outcome: Outcome, why?: string): void {
    // A second release would make the endpoint look idler than it is, for ever.
    if (!this.#open) throw new Error(`claim on ${this.endpoint.name} released twice`);
    this.#open = false;
    this.endpoint.state.leave();
    this.#counts.leave();
    this.#passage?.over(outcome);
    // What has counted as a failure is neither a success nor a second one.
    this.#watch?.released(this.endpoint, this.#hasFailed ? "abandoned" : outcome, why);
  }
}
