import type { Address } from "../base/world.ts";
import type { BuildTools } from "../core/feature.ts";
import type { Limits, Timeouts } from "../core/limits.ts";
import type {
  Balancer,
  BalancerFactory,
  Claim,
  Endpoint,
  EndpointState,
  Need,
  Outcome,
  RetryBudget,
  Upstream,
} from "../core/upstream.ts";
import { BALANCER_DEFAULT, BALANCERS } from "./balancers/named.ts";
import {
  RETRY_BUDGET,
  type RetryBudgetShape,
  type RetryCounts,
  SharedRetryBudget,
} from "./retry-budget.ts";

export interface UpstreamOptions {
  readonly name: string;
  readonly endpoints: readonly EndpointOptions[];
  readonly balance?: BalancerFactory;
  readonly retryBudget?: RetryBudgetShape;
  readonly timeouts?: Partial<Timeouts>;
  readonly limits?: Partial<Limits>;
  /** Told how each claim ended; for passive health. */
  readonly onRelease?: (endpoint: Endpoint, outcome: Outcome) => void;
}

export interface EndpointOptions {
  readonly address: Address;
  readonly weight?: number; // a whole number; 1 by default, 0: only if nothing else may be used
  readonly backup?: boolean; // used only if no other endpoint may be
}

export type UpstreamTools = Pick<BuildTools, "keep"> & {
  readonly world: Pick<BuildTools["world"], "random">;
};

/** An upstream as one runtime sees it; what is live about it is kept and outlives the runtime. */
export function createUpstream(options: UpstreamOptions, tools: UpstreamTools): Upstream {
  const endpoints = options.endpoints.map((each) => createEndpoint(each, tools));
  const counts = tools.keep<RetryCounts>(`upstream ${options.name} retries`, () => ({
    active: 0,
    retrying: 0,
  }));
  const balance = options.balance ?? BALANCERS[BALANCER_DEFAULT];
  return new EndpointGroup(options, endpoints, balance(endpoints, tools.world.random), counts);
}

/** What an endpoint is called in logs, metrics and keys. */
export function endpointName({ host, port }: Address): string {
  if (host.startsWith("/")) return `unix:${host}`;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function createEndpoint(options: EndpointOptions, tools: UpstreamTools): Endpoint {
  const { address, weight = 1, backup = false } = options;
  const name = endpointName(address);
  if (!(Number.isInteger(weight) && weight >= 0 && weight <= WEIGHT_MAX)) {
    throw new RangeError(`weight of ${name} is ${weight}`); // the config's check comes before
  }
  const state = tools.keep<EndpointState>(`endpoint ${name}`, () => ({
    active: 0,
    health: "unknown",
    latencyMs: 0,
  }));
  return { name, address, weight, backup, state };
}

const WEIGHT_MAX = 65_535; // the sum over any real upstream stays far below 2^32

/** Who is asked first: a tier is used only if nobody in the tiers before it may be. */
const TIERS: readonly ((endpoint: Endpoint) => boolean)[] = [
  (endpoint) => endpoint.weight > 0 && !endpoint.backup,
  (endpoint) => endpoint.weight > 0 && endpoint.backup,
  (endpoint) => endpoint.weight === 0,
];

class EndpointGroup implements Upstream {
  readonly name: string;
  readonly endpoints: readonly Endpoint[];
  readonly timeouts: Partial<Timeouts>;
  readonly limits: Partial<Limits>;
  readonly retryBudget: RetryBudget;
  readonly #tiers: readonly (readonly Endpoint[])[];
  readonly #balancer: Balancer;
  readonly #counts: RetryCounts;
  readonly #onRelease: ((endpoint: Endpoint, outcome: Outcome) => void) | undefined;
  readonly #ready: Endpoint[] = []; // filled anew for every claim, so that none allocates a list

  constructor(
    options: UpstreamOptions,
    endpoints: readonly Endpoint[],
    balancer: Balancer,
    counts: RetryCounts,
  ) {
    this.name = options.name;
    this.endpoints = endpoints;
    this.timeouts = options.timeouts ?? {};
    this.limits = options.limits ?? {};
    this.retryBudget = new SharedRetryBudget(counts, options.retryBudget ?? RETRY_BUDGET);
    this.#tiers = TIERS.map((isIn) => endpoints.filter(isIn)).filter((tier) => tier.length > 0);
    this.#balancer = balancer;
    this.#counts = counts;
    this.#onRelease = options.onRelease;
  }

  claim(need: Need): Claim | undefined {
    this.#findReady(need.tried);
    const endpoint = this.#balancer.pick(this.#ready, need);
    if (endpoint === undefined) return undefined;
    return new EndpointClaim(endpoint, this.#counts, this.#onRelease);
  }

  describe(): readonly { readonly endpoint: Endpoint; readonly usable: boolean }[] {
    this.#findReady([]);
    return this.endpoints.map((endpoint) => ({ endpoint, usable: this.#ready.includes(endpoint) }));
  }

  #findReady(tried: readonly Endpoint[]): void {
    const ready = this.#ready;
    let count = 0;
    for (const tier of this.#tiers) {
      for (const endpoint of tier) {
        if (!isUsable(endpoint) || (tried.length > 0 && tried.includes(endpoint))) continue;
        ready[count] = endpoint;
        count += 1;
      }
      if (count > 0) break;
    }
    ready.length = count;
  }
}

function isUsable({ state: { health } }: Endpoint): boolean {
  return health !== "down" && health !== "draining";
}

class EndpointClaim implements Claim {
  readonly endpoint: Endpoint;
  readonly #counts: RetryCounts;
  readonly #onRelease: ((endpoint: Endpoint, outcome: Outcome) => void) | undefined;
  #open: boolean;

  constructor(
    endpoint: Endpoint,
    counts: RetryCounts,
    onRelease: ((endpoint: Endpoint, outcome: Outcome) => void) | undefined,
  ) {
    this.endpoint = endpoint;
    this.#counts = counts;
    this.#onRelease = onRelease;
    this.#open = true;
    endpoint.state.active += 1;
    counts.active += 1;
  }

  release(outcome: Outcome): void {
    // A second release would make the endpoint look idler than it is, for ever.
    if (!this.#open) throw new Error(`claim on ${this.endpoint.name} released twice`);
    this.#open = false;
    this.endpoint.state.active -= 1;
    this.#counts.active -= 1;
    this.#onRelease?.(this.endpoint, outcome);
  }
}
