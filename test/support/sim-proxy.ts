import assert from "node:assert/strict";
import { test } from "node:test";
import type { Address, Network, Wire, WireReader } from "../../src/base/world.ts";
import { phasesOf } from "../../src/config/compile-phases.ts";
import type { Exchange } from "../../src/core/exchange.ts";
import type { Filter, Phases } from "../../src/core/filter.ts";
import {
  LIMITS,
  type Limits,
  RATES,
  type Rates,
  TIMEOUTS,
  type Timeouts,
} from "../../src/core/limits.ts";
import type {
  ErrorReplies,
  ListenerPlan,
  Protocol,
  Runtime,
  Site,
} from "../../src/core/runtime.ts";
import type { Endpoint, Outcome, Upstream } from "../../src/core/upstream.ts";
import { clientCookieSteps } from "../../src/features/forward/client-cookies.ts";
import { Forward } from "../../src/features/forward/forward.ts";
import { Mirror, type MirrorOptions } from "../../src/features/forward/mirror.ts";
import {
  type ForwardTarget,
  TargetChoice,
  type TargetChoiceOptions,
} from "../../src/features/forward/target.ts";
import { TARGET_POLICY } from "../../src/protocol/http/target.ts";
import { Listener } from "../../src/server/listener.ts";
import type { EndpointPool } from "../../src/upstream/endpoint-pool.ts";
import { LatencyHistogram } from "../../src/upstream/latency-histogram.ts";
import { poolShape, poolTo } from "../../src/upstream/pool-to.ts";
import { RETRY_POLICY, type RetryPolicy } from "../../src/upstream/retry-policy.ts";
import { cachePhases, type SimCache, type SimCacheDisk, simCache } from "./sim-cache.ts";
import type { SimNetworkOptions } from "./sim-network.ts";
import { type SimAnswer, SimOrigin } from "./sim-origin.ts";
import { SimPeer } from "./sim-peer.ts";
import { type SimUpstreamOptions, simUpstreams } from "./sim-upstreams.ts";
import { SimWorker } from "./sim-worker.ts";
import { SimWorld } from "./sim-world.ts";

export interface SimProxyOptions extends SimUpstreamOptions {
  readonly seed?: number;
  readonly network?: SimNetworkOptions;
  readonly origins?: readonly SimAnswer[]; // one endpoint each; asked in this order
  readonly timeouts?: Partial<Timeouts>;
  readonly limits?: Partial<Limits>;
  readonly rates?: Rates;
  readonly retry?: Partial<RetryPolicy>;
  readonly replaysBody?: boolean;
  readonly phases?: Partial<Phases>;
  readonly filters?: (worker: SimWorker) => readonly Filter[]; // of the route, in their order
  readonly cache?: unknown; // as in a config
  readonly disk?: SimCacheDisk; // behind its memory
  readonly respond?: Phases["respond"]; // behind those of the cache
  readonly hedge?: { readonly afterMs?: number; readonly percentile?: number };
  readonly idleMax?: number;
  readonly protocols?: readonly Protocol[];
  readonly proxyVersion?: 1 | 2; // of the PROXY header that origins get
  readonly bugsExpected?: boolean;
  readonly todo?: string; // why the engine does not do so yet
  readonly choice?: (targetOf: TargetOf) => Omit<TargetChoiceOptions, "clientKey"> & {
    readonly clientKey?: TargetChoiceOptions["clientKey"];
  };
  readonly mirror?: (targetOf: TargetOf) => MirrorOptions;
}

export type TargetOf = (upstream: string) => ForwardTarget;

export const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
export const GET = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
export const DOOR: Address = { host: "10.0.0.1", port: 80 };

/** A fault as a page that a test can read: its code and nothing else. */
const errors: ErrorReplies = {
  reply: (_exchange, status, code) => ({ status, headers: { "X-Fault": code }, body: `${code}\n` }),
};

/**
 * The whole engine on a simulated world: one listener, one site, one route that forwards to
 * simulated origins. Nothing happens but in advance(); end() lets everything run out and then
 * holds the engine to having left nothing behind.
 */
export class SimProxy {
  readonly world: SimWorld;
  readonly worker: SimWorker;
  readonly origins: readonly SimOrigin[];
  readonly upstream: Upstream;
  readonly upstreams: ReadonlyMap<string, Upstream>;
  readonly pools: ReadonlyMap<Endpoint, EndpointPool>;
  readonly listener: Listener;
  readonly cache: SimCache | undefined;
  readonly outcomes: Outcome[] = [];
  readonly timeouts: Timeouts;
  readonly #options: SimProxyOptions;
  readonly #clients: SimPeer[] = [];
  readonly #wires: Wire[] = []; // the engine's own ends

  static async start(options: SimProxyOptions = {}): Promise<SimProxy> {
    const proxy = new SimProxy(options);
    for (const origin of proxy.origins) await origin.open();
    await proxy.listener.open(proxy.worker.world.network);
    return proxy;
  }

  private constructor(options: SimProxyOptions) {
    this.#options = options;
    this.world = new SimWorld(options.seed, options.network);
    const { clock, random, log, names, web } = this.world;
    this.worker = new SimWorker({ clock, random, log, names, web, network: this.#watched() });
    this.timeouts = { ...TIMEOUTS, ...options.timeouts };
    this.cache =
      options.cache === undefined ? undefined : simCache(options.cache, this.worker, options.disk);
    const answers = options.origins ?? [OK];
    this.origins = answers.map(
      (answer, place) =>
        new SimOrigin(this.world.network, { host: `10.0.1.${place + 1}`, port: 80 }, answer),
    );
    this.upstreams = simUpstreams(options, {
      world: this.world,
      wheel: this.worker.wheel,
      addresses: this.origins.map(({ address }) => address),
      outcomes: this.outcomes,
    });
    this.upstream = this.upstreams.get("app")!;
    this.pools = this.#newPools();
    const plan = this.#plan();
    const runtime: Runtime = {
      version: 1,
      listeners: new Map([[plan.key, plan]]),
      streamListeners: new Map(),
      upstreams: this.upstreams,
      forwarding: { isTrusted: () => false, pseudonym: "sim", emitForwarded: false },
    };
    this.listener = new Listener(this.worker, runtime, plan);
  }

  get origin(): SimOrigin {
    return this.origins[0]!;
  }

  client(): SimPeer {
    const { network } = this.world;
    const client = new SimPeer((reader) => network.connectFrom("203.0.113.9", DOOR, reader));
    this.#clients.push(client);
    return client;
  }

  /** A client that has sent this much, and has let a moment pass. */
  async clientWith(text: string): Promise<SimPeer> {
    const client = this.client();
    client.send(text);
    await this.advance(5);
    return client;
  }

  advance(byMs: number): Promise<void> {
    return this.world.clock.advance(byMs);
  }

  /** Until it has been so, in small steps, but not longer than that. */
  async advanceUntil(isSo: () => boolean, mostMs = 600_000, stepMs = 50): Promise<void> {
    const endMs = this.world.clock.nowMs() + mostMs;
    while (!isSo()) {
      assert.ok(this.world.clock.nowMs() < endMs, `not so within ${mostMs} ms: ${isSo}`);
      await this.advance(stepMs);
    }
  }

  /** The exchanges that are over, each as its fault's code, or "served". */
  get ends(): string[] {
    return this.worker.over.map(({ fault }) => fault?.code ?? "served");
  }

  get lastOver(): Exchange {
    const exchange = this.worker.over.at(-1);
    assert.ok(exchange !== undefined, "no exchange is over");
    return exchange;
  }

  /** The bytes that the engine holds: written and not taken by the network. */
  get pendingBytes(): number {
    return this.#wires.reduce((sum, wire) => sum + wire.writableLength, 0);
  }

  get openWires(): number {
    return this.#wires.filter((wire) => !wire.destroyed).length;
  }

  get cacheDisk(): SimCacheDisk | undefined {
    return this.#options.disk;
  }

  /** Everyone leaves; then nothing may be left: no wire, claim, deadline, pool entry or timer. */
  async end(): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.advance(1_000);
    for (const origin of this.origins) {
      for (const connection of origin.connections) connection.close();
      await origin.refuse();
    }
    await this.advance(10_000);
    await this.isClean();
  }

  /** As end(), for a test in which everybody has left already. */
  async isClean(): Promise<void> {
    for (const pool of this.pools.values()) pool[Symbol.dispose]();
    await this.advance(1_000);
    await this.cache?.leave((ms) => this.advance(ms));
    const { worker, world } = this;
    if (this.#options.bugsExpected !== true) assert.deepEqual(worker.bugs, [], "bugs");
    assert.equal(worker.over.length, worker.begun.length, "exchanges that ended and that began");
    for (const upstream of this.upstreams.values()) {
      for (const { name, state } of upstream.endpoints) {
        assert.equal(state.active, 0, `claims on ${name}`);
        assert.equal(state.unanswered, 0, `unanswered on ${name}`);
      }
      assert.deepEqual(upstream.waiting, { queued: 0, parked: 0 }, upstream.name);
    }
    assert.equal(this.openWires, 0, "wires");
    assert.equal(this.listener.connectionCount, 0, "client connections");
    for (const pool of this.pools.values()) {
      assert.equal(pool.openCount, 0, "connections of a pool");
      assert.equal(pool.idleCount, 0, "idle connections of a pool");
    }
    for (const [name, { openCount, idleCount }] of worker.meters) {
      assert.deepEqual([name, openCount, idleCount], [name, 0, 0]);
    }
    assert.equal(this.#freeRetries(), this.#retriesMax(), "retries given back");
    assert.equal(world.clock.pendingCount, 0, "timers");
    this.cache?.isClean();
  }

  // What the budget has to give when nobody holds any of it.
  #freeRetries(): number {
    const retryBudget = this.upstream.retryBudgetOf(0, this.#retriesMax());
    let taken = 0;
    while (taken < 1_000 && retryBudget.take()) taken++;
    for (let count = 0; count < taken; count++) retryBudget.giveBack();
    return taken;
  }

  #retriesMax(): number {
    return this.#options.retryBudget?.minConcurrent ?? 3;
  }

  #watched(): Network {
    const { network } = this.world;
    return {
      bindDatagrams: (address, taker) => network.bindDatagrams(address, taker),
      connectDatagrams: (address, reader) => network.connectDatagrams(address, reader),
      connect: (address: Address, reader: WireReader) => {
        const wire = network.connect(address, reader);
        this.#wires.push(wire);
        return wire;
      },
      listen: (address, onWire) =>
        network.listen(address, (wire) => {
          this.#wires.push(wire);
          onWire(wire);
        }),
    };
  }

  #newPools(): Map<Endpoint, EndpointPool> {
    const limits = { ...LIMITS, ...this.#options.limits };
    const shape = poolShape(this.timeouts, limits, { maxIdle: this.#options.idleMax ?? 100 });
    const endpoints = [...this.upstreams.values()].flatMap((upstream) => upstream.endpoints);
    return new Map(
      endpoints.map((endpoint) => {
        const meter = this.worker.endpointMeter("app", endpoint.name);
        return [endpoint, poolTo(endpoint, this.worker, meter, shape)];
      }),
    );
  }

  #plan(): ListenerPlan {
    const options = this.#options;
    const levels = {
      limits: { ...LIMITS, ...options.limits },
      timeouts: this.timeouts,
      rates: options.rates ?? RATES,
    };
    const targetOf = (name: string): ForwardTarget => {
      const upstream = this.upstreams.get(name)!;
      const { proxyVersion } = options;
      return {
        upstream,
        pools: this.pools,
        budget: upstream.retryBudget,
        proxyVersion,
        ...levels,
      };
    };
    const choice = options.choice?.(targetOf);
    const mirror = options.mirror?.(targetOf);
    const cookies = clientCookieSteps([targetOf("app")], undefined);
    const forward = new Forward(
      {
        ...targetOf("app"),
        cookies,
        choice: choice && new TargetChoice({ clientKey: undefined, ...choice }, this.world.random),
        mirror: mirror && new Mirror(mirror, this.worker),
        retry: { ...RETRY_POLICY, ...options.retry },
        replaysBody: options.replaysBody ?? false,
        hedge: options.hedge && {
          afterMs: options.hedge.afterMs,
          percentile: options.hedge.percentile,
          latencies: new LatencyHistogram(),
        },
      },
      this.worker,
    );
    const cached = this.cache === undefined ? {} : cachePhases(this.cache.filter, cookies);
    const filtered = phasesOf(options.filters?.(this.worker) ?? []);
    const receive = [...cookies, ...filtered.receive];
    const all: Phases = { ...filtered, receive, ...cached, ...options.phases };
    const phases = { ...all, respond: [...all.respond, ...(options.respond ?? [])] };
    const route = { name: "a.test#1", phases, handler: forward, ...levels, errors };
    const routes = { find: () => route, explain: () => route, captures: () => undefined };
    const site: Site = { name: "a.test", paths: TARGET_POLICY, routes, errors };
    const key = `${DOOR.host}:${DOOR.port}`;
    return {
      key,
      address: DOOR,
      protocols: options.protocols ?? ["h1"],
      ...levels,
      tls: undefined,
      sites: { find: () => site, explain: () => undefined },
      errors,
    };
  }
}

/** A test over a SimProxy of its own, which must leave nothing behind. */
export function simulation(
  name: string,
  options: SimProxyOptions,
  act: (proxy: SimProxy) => Promise<void>,
): void {
  test(name, options.todo === undefined ? {} : { todo: options.todo }, async () => {
    const proxy = await SimProxy.start(options);
    await act(proxy);
    await proxy.end();
  });
}

/** The codes of the faults that a client was told, in order; "200" and the like for the rest. */
export function answersOf(client: SimPeer): string[] {
  const heads = client.text.matchAll(
    /HTTP\/1\.1 ([0-9]{3}) [^\r\n]*\r\n((?:[!-~]+:[^\r\n]*\r\n)*)/g,
  );
  return [...heads].map(([, status = "", fields = ""]) => {
    const [, code] = /^X-Fault: (\w+)/m.exec(fields) ?? [];
    return code === undefined ? status : `${status} ${code}`;
  });
}
