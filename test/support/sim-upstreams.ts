import type { TimerWheel } from "../../src/base/timer-wheel.ts";
import type { Address } from "../../src/base/world.ts";
import { LoneMachine } from "../../src/core/machine.ts";
import type {
  BalancerFactory,
  ClaimWatch,
  Endpoint,
  Outcome,
  Upstream,
} from "../../src/core/upstream.ts";
import { BALANCERS } from "../../src/upstream/balancers/named.ts";
import {
  BREAKER,
  type BreakerOptions,
  CircuitBreaker,
} from "../../src/upstream/circuit-breaker.ts";
import type { EndpointOptions } from "../../src/upstream/endpoint.ts";
import { HealthLog } from "../../src/upstream/health/health-log.ts";
import {
  PASSIVE,
  PassiveCheck,
  type PassiveOptions,
} from "../../src/upstream/health/passive-check.ts";
import type { RetryBudgetShape } from "../../src/upstream/retry-budget.ts";
import { createUpstream, type UpstreamOptions } from "../../src/upstream/upstream.ts";
import type { SimWorld } from "./sim-world.ts";

export interface SimUpstreamOptions {
  readonly retryBudget?: RetryBudgetShape;
  readonly passive?: Partial<PassiveOptions>; // off if absent
  readonly breaker?: Partial<BreakerOptions>; // off if absent
  readonly balance?: BalancerFactory; // first
  /** What "app" is like; all of its endpoints are as `endpoint` says. */
  readonly upstream?: Partial<UpstreamOptions>;
  readonly endpoint?: Partial<EndpointOptions>;
  /** Upstreams beside "app", which take the last addresses, one each. */
  readonly others?: readonly string[];
}

interface Around {
  readonly world: SimWorld;
  readonly wheel: TimerWheel;
  readonly addresses: readonly Address[];
  readonly outcomes: Outcome[]; // of "app", noted as they come
}

/** The upstreams of a SimProxy by name; "app" is the one that it forwards to. */
export function simUpstreams(options: SimUpstreamOptions, around: Around): Map<string, Upstream> {
  const kept = new Map<string, unknown>();
  const keep = <T>(key: string, make: () => T): T => {
    if (!kept.has(key)) kept.set(key, make());
    return kept.get(key) as T; // a key is of one type
  };
  const { world, wheel, addresses } = around;
  const { retryBudget, others = [], endpoint } = options;
  const tools = { keep, world, machine: new LoneMachine(), wheel };
  const own = addresses.slice(0, addresses.length - others.length);
  const app: Upstream = createUpstream(
    {
      name: "app",
      endpoints: own.map((address) => ({ address, ...endpoint })),
      balance: options.balance ?? BALANCERS.first,
      ...(retryBudget === undefined ? {} : { retryBudget }),
      watch: watchOf(options, around, () => app.endpoints),
      breaker: breakerOf(options, world),
      ...options.upstream,
    },
    tools,
  );
  const rest = others.map((name, place): [string, Upstream] => {
    const { scheme = "http" } = endpoint ?? {};
    const endpoints = [{ address: addresses[own.length + place]!, scheme }];
    return [name, createUpstream({ name, endpoints }, tools)];
  });
  return new Map([["app", app], ...rest]);
}

/** Passive health if it is asked for, and a note of every outcome. */
function watchOf(
  { passive }: SimUpstreamOptions,
  { world, outcomes }: Around,
  endpoints: () => readonly Endpoint[],
): ClaimWatch {
  const { clock, log } = world;
  const check =
    passive &&
    new PassiveCheck(
      { ...PASSIVE, ...passive },
      { clock, log: new HealthLog(clock, log, "app"), endpoints },
    );
  return {
    answered: (endpoint, status) => check?.answered(endpoint, status) ?? false,
    released: (endpoint, outcome, why) => {
      outcomes.push(outcome);
      check?.released(endpoint, outcome, why);
    },
  };
}

function breakerOf({ breaker }: SimUpstreamOptions, world: SimWorld): CircuitBreaker | undefined {
  if (breaker === undefined) return undefined;
  const memory = new SharedArrayBuffer(CircuitBreaker.byteLength);
  const { clock, log } = world;
  const health = new HealthLog(clock, log, "app");
  return new CircuitBreaker(memory, { ...BREAKER, ...breaker }, clock, health);
}
