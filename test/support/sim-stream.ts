import assert from "node:assert/strict";
import { test } from "node:test";
import type { Address, Network, Wire } from "../../src/base/world.ts";
import { STREAM_TIMEOUTS, type StreamTimeouts } from "../../src/core/limits.ts";
import { LoneMachine } from "../../src/core/machine.ts";
import type { StreamListenerPlan, StreamPlan } from "../../src/core/stream.ts";
import type { Outcome, Upstream } from "../../src/core/upstream.ts";
import { compileStreams } from "../../src/route/stream-table.ts";
import { DatagramListener } from "../../src/server/datagram-listener.ts";
import { StreamListener } from "../../src/server/stream-listener.ts";
import { BALANCERS } from "../../src/upstream/balancers/named.ts";
import type { EndpointOptions } from "../../src/upstream/endpoint.ts";
import { createUpstream, type UpstreamOptions } from "../../src/upstream/upstream.ts";
import type { SimNetworkOptions } from "./sim-network.ts";
import { SimPeer } from "./sim-peer.ts";
import { SimWorker } from "./sim-worker.ts";
import { SimWorld } from "./sim-world.ts";

export interface SimStreamOptions {
  readonly seed?: number;
  readonly network?: SimNetworkOptions;
  readonly servers?: number; // one unless said; asked in this order
  readonly timeouts?: Partial<StreamTimeouts>;
  readonly plan?: Partial<StreamPlan>;
  readonly listener?: Partial<StreamListenerPlan>;
  readonly upstream?: Partial<UpstreamOptions>;
  readonly endpoint?: Partial<EndpointOptions>; // of all servers
}

const DOOR: Address = { host: "10.0.0.1", port: 5432 };
const CLIENT = "203.0.113.9";

/** A server of a stream: its connections, in the hands of the test. */
export class SimServer {
  readonly address: Address;
  readonly connections: SimPeer[] = [];
  readonly #network: Network;
  #door: AsyncDisposable | undefined;

  constructor(address: Address, network: Network) {
    this.address = address;
    this.#network = network;
  }

  async open(): Promise<void> {
    this.#door = await this.#network.listen(this.address, (wire) => {
      this.connections.push(new SimPeer(() => wire, true));
    });
  }

  /** From now on, until it is opened again. */
  async refuse(): Promise<void> {
    await this.#door?.[Symbol.asyncDispose]();
  }

  get last(): SimPeer {
    const connection = this.connections.at(-1);
    assert.ok(connection !== undefined, "nobody has connected");
    return connection;
  }
}

/** Streams on a simulated world: one port, one upstream. end() holds them to leaving nothing. */
export class SimStream {
  readonly world: SimWorld;
  readonly worker: SimWorker;
  readonly servers: readonly SimServer[];
  readonly upstream: Upstream;
  readonly outcomes: Outcome[] = [];
  readonly listener: StreamListener | DatagramListener;
  readonly closers: (() => unknown)[] = []; // of what a test opened itself
  readonly #clients: SimPeer[] = [];
  readonly #wires: Wire[] = []; // of the engine

  static async start(options: SimStreamOptions): Promise<SimStream> {
    const stream = new SimStream(options);
    await stream.listener.open(stream.worker.world.network);
    for (const server of stream.servers) await server.open();
    return stream;
  }

  private constructor(options: SimStreamOptions) {
    this.world = new SimWorld(options.seed, options.network);
    const { clock, random, log, names, web } = this.world;
    this.worker = new SimWorker({ clock, random, log, names, web, network: this.#watched() });
    this.servers = Array.from(
      { length: options.servers ?? 1 },
      (_, place) => new SimServer({ host: `10.0.1.${place + 1}`, port: 5432 }, this.world.network),
    );
    this.upstream = this.#newUpstream(options);
    const plan = this.#plan(options);
    this.listener =
      plan.protocol === "tcp"
        ? new StreamListener(this.worker, plan)
        : new DatagramListener(this.worker, plan);
  }

  get server(): SimServer {
    return this.servers[0]!;
  }

  client(): SimPeer {
    const { network } = this.world;
    const client = new SimPeer((reader) => network.connectFrom(CLIENT, DOOR, reader));
    this.#clients.push(client);
    return client;
  }

  /** A client whose connection has reached a server. */
  async connected(): Promise<SimPeer> {
    const client = this.client();
    await this.advance(5);
    return client;
  }

  advance(byMs: number): Promise<void> {
    return this.world.clock.advance(byMs);
  }

  /** The sessions that are over, each as its fault's code, or "served". */
  get ends(): string[] {
    return this.worker.sessionsOver.map(({ fault }) => fault?.code ?? "served");
  }

  get pendingBytes(): number {
    return this.#wires.reduce((sum, wire) => sum + wire.writableLength, 0);
  }

  /** Everyone leaves; then nothing may be left: no wire, claim, deadline or timer. */
  async end(): Promise<void> {
    for (const client of this.#clients) client.close();
    for (const close of this.closers) await close();
    await this.advance(1_000);
    for (const { connections } of this.servers) for (const each of connections) each.close();
    await this.advance(700_000);
    const { worker, world } = this;
    assert.deepEqual(worker.bugs, [], "bugs");
    assert.equal(worker.sessionsOver.length, worker.sessions.length, "sessions over and begun");
    for (const { name, state } of this.upstream.endpoints) {
      assert.equal(state.active, 0, `claims on ${name}`);
    }
    assert.deepEqual(this.upstream.waiting, { queued: 0, parked: 0 });
    assert.equal(this.#wires.filter((wire) => !wire.destroyed).length, 0, "wires");
    assert.equal(this.listener.connectionCount, 0, "connections");
    for (const [name, { openCount, idleCount }] of worker.meters) {
      assert.deepEqual([name, openCount, idleCount], [name, 0, 0]);
    }
    let retries = 0;
    const budget = this.upstream.retryBudgetOf(0, 3); // whatever share of the requests that is
    while (retries < 100 && budget.take()) retries++;
    assert.equal(retries, 3, "retries given back");
    await this.listener.drain(0);
    await this.advance(1_000);
    assert.equal(world.network.openDatagrams, 0, "sockets for datagrams");
    assert.equal(world.clock.pendingCount, 0, "timers");
  }

  #watched(): Network {
    const { network } = this.world;
    return {
      bindDatagrams: (address, taker) => network.bindDatagrams(address, taker),
      connectDatagrams: (address, reader) => network.connectDatagrams(address, reader),
      connect: (address, reader) => {
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

  #newUpstream({ upstream, endpoint }: SimStreamOptions): Upstream {
    const kept = new Map<string, unknown>();
    const keep = <T>(key: string, make: () => T): T => {
      if (!kept.has(key)) kept.set(key, make());
      return kept.get(key) as T; // a key is of one type
    };
    return createUpstream(
      {
        name: "db",
        endpoints: this.servers.map(({ address }) => ({ address, ...endpoint })),
        balance: BALANCERS.first,
        watch: {
          answered: () => false,
          released: (_endpoint, outcome) => this.outcomes.push(outcome),
        },
        ...upstream,
      },
      { keep, world: this.world, machine: new LoneMachine(), wheel: this.worker.wheel },
    );
  }

  #plan(options: SimStreamOptions): StreamListenerPlan {
    const stream: StreamPlan = {
      name: "db",
      serverNames: [],
      upstream: this.upstream,
      timeouts: { connect: 3_000, ...STREAM_TIMEOUTS, ...options.timeouts },
      proxyVersion: undefined,
      connectionsMax: Number.POSITIVE_INFINITY,
      responses: Number.POSITIVE_INFINITY,
      ...options.plan,
    };
    return {
      key: "10.0.0.1:5432",
      protocol: "tcp",
      address: DOOR,
      connectionsMax: Number.POSITIVE_INFINITY,
      openingMs: 15_000,
      drainMs: 300_000,
      sendsProxyHeader: undefined,
      readsHello: false,
      streams: compileStreams([stream]),
      ...options.listener,
    };
  }
}

/** A test over a SimStream of its own, which must leave nothing behind. */
export function streaming(
  name: string,
  options: SimStreamOptions,
  act: (stream: SimStream) => Promise<void>,
): void {
  test(name, async () => {
    const stream = await SimStream.start(options);
    await act(stream);
    await stream.end();
  });
}
