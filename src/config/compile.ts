/**
 * Config → runtime. Starts nothing and binds nothing: a compile that fails, or whose runtime is
 * never used, leaves nothing to clean up but its draft.
 */
import type { Certificates } from "../core/certificates.ts";
import type { Directory } from "../core/directory.ts";
import type { BuildTools, Feature } from "../core/feature.ts";
import type { Filter, Handler } from "../core/filter.ts";
import type { Geo } from "../core/geo.ts";
import type { Machine } from "../core/machine.ts";
import type {
  ErrorReplies,
  Forwarding,
  ListenerPlan,
  Route,
  Runtime,
  SiteTable,
} from "../core/runtime.ts";
import type { SharedLimits } from "../core/shared-limits.ts";
import type { StateDraft } from "../core/state.ts";
import { type Endpoint, PLAIN, type Upstream } from "../core/upstream.ts";
import type { Worker } from "../core/worker.ts";
import { Forward } from "../features/forward/forward.ts";
import type { ForwardTarget } from "../features/forward/target.ts";
import { features } from "../features/index.ts";
import type { MatchConfig } from "../route/match-config.ts";
import { compileRoutes } from "../route/route-table.ts";
import { compileSites, type SitePlan } from "../route/site-table.ts";
import { openStorage } from "../tls/acme/disk-storage.ts";
import { ShownProofs } from "../tls/acme/proofs.ts";
import { ClientAuth } from "../tls/client-auth.ts";
import { hashWithin } from "../upstream/balancers/hash.ts";
import { BALANCERS } from "../upstream/balancers/named.ts";
import { type BreakerOptions, CircuitBreaker } from "../upstream/circuit-breaker.ts";
import type { EndpointPool, PoolShape } from "../upstream/endpoint-pool.ts";
import { EndpointPools, FoundPools, poolKey } from "../upstream/endpoint-pools.ts";
import { HealthLog } from "../upstream/health/health-log.ts";
import { PassiveCheck } from "../upstream/health/passive-check.ts";
import { LatencyHistogram } from "../upstream/latency-histogram.ts";
import type { UpstreamTls } from "../upstream/manner.ts";
import { poolShape, poolTo } from "../upstream/pool-to.ts";
import { createUpstream } from "../upstream/upstream.ts";
import { isHostName } from "./address.ts";
import { bansOf } from "./compile-bans.ts";
import { cacheBytes, cachingOf } from "./compile-cache.ts";
import { type ClientsOf, clientLimits } from "./compile-clients.ts";
import { compileErrors } from "./compile-errors.ts";
import { compileForward, type Forwards, questionRoute } from "./compile-forward.ts";
import { geoOf } from "./compile-geo.ts";
import { phasesOf, withMaintenance } from "./compile-phases.ts";
import { shedderOf } from "./compile-shed.ts";
import { sharedLimitsOf } from "./compile-state.ts";
import { addressTest, compileStreamListeners, proxyVersionOf } from "./compile-streams.ts";
import { compileTls, redirectingSite } from "./compile-tls.ts";
import {
  type Config,
  type ListenerConfig,
  type PartConfig,
  type RouteConfig,
  type SiteConfig,
  settledLevels,
  type UpstreamConfig,
} from "./config.ts";

export interface CompileTools {
  readonly worker: Worker;
  readonly draft: StateDraft;
  readonly machine: Machine;
  /** What names stand for; without it they stand for themselves, as for `explain`. */
  readonly directory?: Directory;
  /** What there is by now; without it no client gets one, as for `explain`. */
  readonly certificates?: Certificates | undefined;
  readonly version: number;
  readonly pseudonym: string; // in Via, unless the config has one
  /** Endpoints are written to in plain HTTP/1, whatever they speak: for people to read. */
  readonly isDry?: boolean;
  /** Told what each route was made of; for `explain`. */
  readonly onRoute?: (route: Route, origin: RouteOrigin) => void;
}

/** Where a compiled route comes from. */
export interface RouteOrigin {
  readonly listener: ListenerConfig;
  readonly site: SiteConfig;
  readonly route: RouteConfig;
  readonly filters: readonly Filter[];
}

export function compile(config: Config, tools: CompileTools): Runtime {
  return new Compiler(config, tools).runtime();
}

class Compiler {
  readonly #config: Config;
  readonly #tools: CompileTools;
  readonly #proofs: ShownProofs | undefined;
  readonly #geo: Geo | undefined;
  readonly #sharedLimits: SharedLimits | undefined;
  readonly #upstreams: ReadonlyMap<string, Upstream>;
  readonly #pools: ReadonlyMap<string, EndpointPools>; // by upstream
  readonly #clientsOf: ClientsOf;

  constructor(config: Config, tools: CompileTools) {
    this.#config = config;
    this.#tools = tools;
    this.#clientsOf = clientLimits(config, tools);
    this.#proofs = config.sites.some(({ tls }) => tls?.automatic === "auto")
      ? new ShownProofs(openStorage(tools.worker.clock, config.acme.storage))
      : undefined;
    this.#geo = geoOf(config, tools.draft, tools.worker.world);
    this.#sharedLimits = sharedLimitsOf(config, tools);
    this.#upstreams = new Map(
      [...config.upstreams].map(([name, upstream]) => [name, this.#upstream(upstream)]),
    );
    this.#pools = new Map(
      [...this.#upstreams].map(([name, upstream]) => [name, this.#poolsOf(upstream)]),
    );
  }

  runtime(): Runtime {
    const compiled = this.#config.listeners.map((each): [string, ListenerPlan] => {
      return [each.key, this.#listener(each)];
    });
    return {
      version: this.#tools.version,
      listeners: new Map(compiled),
      streamListeners: compileStreamListeners(this.#config, this.#upstreams, this.#clientsOf),
      upstreams: this.#upstreams,
      forwarding: this.#forwarding(),
      bans: bansOf(this.#config, this.#tools),
      caching: cachingOf(this.#config, this.#tools),
      geo: this.#geo,
    };
  }

  #upstream(options: UpstreamConfig): Upstream {
    const { draft, machine, worker, directory } = this.#tools;
    const { clock, log } = worker.world;
    const { name, passive } = options;
    const { by, key: hashKey, bound } = options.balance;
    const healthLog = draft.keep(`health log ${name}`, () => new HealthLog(clock, log, name));
    const watch =
      passive &&
      new PassiveCheck(passive, { clock, log: healthLog, endpoints: () => upstream.endpoints });
    const upstream: Upstream = createUpstream(
      {
        ...options,
        tls: this.#tlsOf(options),
        balance: hashKey === undefined ? BALANCERS[by] : hashWithin(bound),
        hashKey,
        ...(watch && { watch }),
        breaker: options.breaker && this.#breaker(options.breaker, name, healthLog),
        onMembers: (endpoints) => this.#pools.get(name)?.retain(endpoints),
      },
      {
        keep: (key, make) => draft.keep(key, make),
        machine,
        world: worker.world,
        wheel: worker.wheel,
        ...(directory === undefined ? {} : { directory }),
      },
    );
    return upstream;
  }

  /** The identity stays the same object for as long as nothing about it is other: see TlsClient. */
  #tlsOf({ tls }: UpstreamConfig): UpstreamTls {
    const { identity } = tls;
    const key = `tls identity ${JSON.stringify(identity)}`;
    return { ...tls, identity: this.#tools.draft.keep(key, () => identity) };
  }

  // Under a key of what it counts: other rules begin with nothing counted.
  #breaker(options: BreakerOptions, upstream: string, log: HealthLog): CircuitBreaker {
    const { draft, machine, worker } = this.#tools;
    const rules = JSON.stringify({ ...options, statuses: [...options.statuses] });
    const key = `upstream ${upstream} breaker ${rules}`;
    return draft.keep(key, () => {
      const memory = machine.block(key, CircuitBreaker.byteLength);
      return new CircuitBreaker(memory, options, worker.world.clock, log);
    });
  }

  // Pools are kept by upstream and address: two upstreams may treat one endpoint differently.
  #poolsOf(upstream: Upstream): EndpointPools {
    const { draft, worker, directory } = this.#tools;
    const config = this.#config.upstreams.get(upstream.name)!;
    const shape = this.#poolShape(config);
    const poolOf = (endpoint: Endpoint): EndpointPool => {
      const meter = worker.endpointMeter(upstream.name, endpoint.name);
      const { address } = endpoint;
      const destination = this.#tools.isDry === true ? { address, manner: PLAIN } : endpoint;
      const pool = poolTo(destination, worker, meter, shape);
      if (directory !== undefined && isHostName(address)) pool.follow(directory);
      return pool;
    };
    const names = new Set(
      config.endpoints.filter(({ discover }) => discover === undefined).map(({ name }) => name),
    );
    const configured = upstream.endpoints
      .filter(({ name }) => names.has(name))
      .map((endpoint): [string, EndpointPool] => {
        const key = `pool ${upstream.name} ${poolKey(endpoint)}`;
        const pool = draft.keep(key, () => poolOf(endpoint));
        draft.onCommit(() => pool.reshape(shape));
        return [poolKey(endpoint), pool];
      });
    const found = draft.keep(`pools found ${upstream.name}`, () => new FoundPools(poolOf));
    draft.onCommit(() => found.reshape(poolOf, shape));
    return new EndpointPools(new Map(configured), found);
  }

  #poolShape({ timeouts, limits, maxIdle }: UpstreamConfig): PoolShape {
    const levels = settledLevels(this.#config, { ...NO_LEVELS, timeouts, limits });
    return poolShape(levels.timeouts, levels.limits, {
      maxIdle,
      streamsMax: limits.http2StreamsMax,
    });
  }

  #forwarding(): Forwarding {
    const { trustedProxies, via, forwarded } = this.#config;
    return {
      isTrusted: addressTest(trustedProxies)!,
      pseudonym: via.kind === "off" ? "" : (via.pseudonym ?? this.#tools.pseudonym),
      emitForwarded: forwarded,
    };
  }

  #listener(listener: ListenerConfig): ListenerPlan {
    const { key } = listener;
    const levels = settledLevels(this.#config, listener);
    const streams = this.#config.streamListeners.find((each) => each.key === key);
    const served = this.#config.sites.filter(({ listen }) => listen.includes(key));
    const redirecting = this.#config.sites
      .filter(({ tls }) => tls?.redirectFrom.includes(key))
      .map((site) => redirectingSite(site, this.#config));
    const sites = [...served, ...redirecting];
    return {
      key,
      address: listener.address,
      protocols: listener.protocols,
      ...levels,
      clients: this.#clientsOf(key, levels.limits.connectionsPerClient),
      sendsProxyHeader: addressTest(listener.proxiesFrom ?? streams?.proxiesFrom),
      proofs: this.#proofs,
      tls: listener.isTls
        ? compileTls(served, {
            listener,
            ...levels,
            draft: this.#tools.draft,
            machine: this.#tools.machine,
            certificates: this.#tools.certificates,
            proofs: this.#proofs,
            isOnDemand: this.#config.acme.onDemand !== undefined,
            world: this.#tools.worker.world,
          })
        : undefined,
      sites: this.#sites(sites, listener),
      errors: this.#errors(this.#config.errors, levels),
    };
  }

  #sites(sites: readonly SiteConfig[], listener: ListenerConfig): SiteTable {
    return compileSites(sites.map((site) => this.#site(site, listener)));
  }

  #site(site: SiteConfig, listener: ListenerConfig): SitePlan {
    const routes = site.routes.map((each) => ({
      match: each.match as MatchConfig | undefined, // what the match schema has made of it
      route: this.#route(each, site, listener),
    }));
    return {
      hosts: site.hosts,
      site: {
        name: site.name,
        paths: site.paths,
        hsts: site.tls?.hsts,
        routes: compileRoutes(routes, this.#geo),
        errors: this.#errors(site.errors, settledLevels(this.#config, listener, site)),
        clientAuth: site.tls?.clientAuth && new ClientAuth(site.tls.clientAuth),
      },
    };
  }

  #route(route: RouteConfig, site: SiteConfig, listener: ListenerConfig): Route {
    const levels = settledLevels(this.#config, listener, site, route);
    const { draft, machine, worker } = this.#tools;
    const tools: BuildTools = {
      world: worker.world,
      web: worker.world.web,
      upstream: (name) => this.#upstreams.get(name)!,
      routeTo: (name) => questionRoute(route, this.#target(name, route, levels), levels, worker),
      isDry: this.#tools.isDry === true,
      keep: (key, make) => draft.keep(`route ${site.name} ${route.name} ${key}`, make),
      keepForAll: (key, make) => draft.keep(`routes ${key}`, make),
      geo: this.#geo,
      machine,
      directory: this.#tools.directory,
      place: `${site.name} ${route.name}`,
      site: site.name,
      level: "route",
      wheel: worker.wheel,
      sharedLimits: this.#sharedLimits,
      shedder: shedderOf(this.#config, draft, worker),
      cacheBytes: cacheBytes(this.#config, machine),
      cacheStored: (counts) => worker.cacheStored?.(counts),
      bug: (error, exchange) => worker.bug(error, exchange),
    };
    const filters = route.filters.map((part) => build(part, tools) as Filter);
    const forwards = route.handler.key === "forward" ? this.#forwards(route, levels) : undefined;
    const phases = phasesOf(withMaintenance(filters, tools));
    const compiled = {
      name: route.name,
      phases: { ...phases, receive: [...phases.receive, ...(forwards?.cookies ?? [])] },
      handler:
        forwards === undefined
          ? (build(route.handler, tools) as Handler)
          : this.#forward(route, forwards),
      ...levels,
      errors: this.#errors(route.errors, levels),
    };
    this.#tools.onRoute?.(compiled, { listener, site, route, filters });
    return compiled;
  }

  #forwards(route: RouteConfig, levels: ReturnType<typeof settledLevels>): Forwards {
    return compileForward(route, (name) => this.#target(name, route, levels), this.#tools.worker);
  }

  #target(
    name: string,
    { retry }: Pick<RouteConfig, "retry">,
    levels: ReturnType<typeof settledLevels>,
  ): ForwardTarget {
    const upstream = this.#upstreams.get(name)!;
    return {
      upstream,
      pools: this.#pools.get(name)!,
      budget:
        retry === undefined
          ? upstream.retryBudget
          : upstream.retryBudgetOf(retry.budget.percent, retry.budget.min),
      timeouts: { ...levels.timeouts, ...upstream.timeouts },
      limits: { ...levels.limits, ...upstream.limits },
      proxyVersion: proxyVersionOf(this.#config.upstreams.get(name)!.proxyProtocol),
    };
  }

  #forward(route: RouteConfig, { first, choice, mirror, cookies }: Forwards): Forward {
    const { retry, hedge } = route;
    return new Forward(
      {
        ...first,
        choice,
        mirror,
        cookies,
        retry: {
          attempts: retry?.attempts ?? 1,
          on: new Set(retry?.on),
          statuses: new Set(retry?.statuses),
          nonIdempotent: retry?.replayBody ?? false,
          keyedRequests: retry?.idempotencyKey ?? false,
          perTryMs: retry?.perTry ?? Number.POSITIVE_INFINITY,
        },
        replaysBody: retry?.replayBody ?? false,
        hedge: hedge && {
          afterMs: hedge.afterMs,
          percentile: hedge.percentile,
          latencies: this.#tools.draft.keep(
            `latencies of ${route.name} to ${first.upstream.name}`,
            () => new LatencyHistogram(),
          ),
        },
      },
      this.#tools.worker,
    );
  }

  #errors(options: unknown, levels: ReturnType<typeof settledLevels>): ErrorReplies {
    const targetOf = (name: string) => this.#target(name, { retry: undefined }, levels);
    return compileErrors(options, levels, this.#tools, targetOf);
  }
}

const NO_LEVELS = { limits: {}, timeouts: {}, rates: {} };

const featuresByName: ReadonlyMap<string, Feature<unknown>> = new Map(
  features.map((feature) => [feature.name, feature]),
);

// The check has been through these options with the feature's own schema.
function build(part: PartConfig, tools: BuildTools): Filter | Handler {
  return featuresByName
    .get(part.key)!
    .build(part.options, { ...tools, level: part.level ?? "route" });
}
