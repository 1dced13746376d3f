/**
 * One request through the real engine, on no socket: the head is read by the real parser from a
 * wire that leads nowhere, and what the proxy would write to the client or to an endpoint is kept
 * instead of sent. Nothing is decided here; what was decided is written down.
 */
import assert from "node:assert/strict";
import { LoopClock } from "../base/loop-clock.ts";
import { ReadBuffers } from "../base/read-buffers.ts";
import { TimerWheel } from "../base/timer-wheel.ts";
import { compile, type RouteOrigin } from "../config/compile.ts";
import type { Config } from "../config/config.ts";
import { believedAddress } from "../core/arrival.ts";
import type { Exchange } from "../core/exchange.ts";
import { LoneMachine } from "../core/machine.ts";
import type { FoundSite, ListenerPlan, Route } from "../core/runtime.ts";
import { KeyedState } from "../core/shared-state.ts";
import type { ClientTls } from "../core/tls.ts";
import type { ConnectionMeter, Worker } from "../core/worker.ts";
import { H1Downstream } from "../transport/h1-downstream.ts";
import { DryWire, DryWorld } from "./dry-world.ts";

export interface DryRequest {
  readonly listenerKey: string;
  readonly head: Buffer; // as a client writes it, to the empty line
  readonly peerAddress: string; // of the client's socket; "unix" for a unix socket
  readonly port: number; // of ours that the client is connected to
  readonly serverName: string | undefined; // as its TLS asks for; undefined: it speaks none
}

export interface Hop {
  readonly hop: string;
  readonly verdict: "trusted" | "client" | "no address";
}

export interface Condition {
  readonly name: string; // where it stands in the match: "header.x-version", "not.path"
  readonly wanted: string;
  readonly actual: string;
  readonly isMet: boolean;
}

export interface RouteTry {
  readonly name: string;
  readonly isMatch: boolean;
  readonly conditions: readonly Condition[];
}

export interface DryRun {
  readonly exchange: Exchange; // as it was left when its outcome was known
  readonly hops: readonly Hop[]; // of X-Forwarded-For, as far as they were believed
  readonly site: FoundSite | undefined;
  readonly tries: readonly RouteTry[]; // in order, up to the match
  readonly origin: RouteOrigin | undefined; // of the route
  readonly request: Buffer | undefined; // what the endpoint gets, if it comes to that
  readonly response: Buffer | undefined; // else what the client gets
}

/** Stand in the heads where every request or process has its own. */
export const EXAMPLE_ID = "00000000000000000000000000000000";
export const EXAMPLE_PSEUDONYM = "sluice-00000000";

/** A filter that waits this many turns of the event loop waits for what only the real world has. */
const TURNS_MAX = 1_000;
/** Of a reply whose body is with the threads that compress it: some ten seconds. */
const ANSWERED_TURNS_MAX = 5_000_000;

export async function dryRun(config: Config, request: DryRequest): Promise<DryRun> {
  const worker = new DryWorker();
  const origins = new Map<Route, RouteOrigin>();
  const draft = new KeyedState(worker.world.log).draft();
  const runtime = compile(config, {
    worker,
    draft,
    machine: new LoneMachine(),
    version: 1,
    pseudonym: EXAMPLE_PSEUDONYM,
    isDry: true,
    onRoute: (route, origin) => origins.set(route, origin),
  });
  const plan = runtime.listeners.get(request.listenerKey);
  assert.ok(plan !== undefined, `a listener ${request.listenerKey}`);
  const client = new DryWire({
    remoteAddress: request.peerAddress === "unix" ? undefined : request.peerAddress,
    remotePort: request.peerAddress === "unix" ? undefined : EXAMPLE_CLIENT_PORT,
  });
  try {
    const listening = { runtime, plan, localPort: request.port, isDraining: false };
    const prelude = { proxy: undefined, tls: tlsOf(request, plan) };
    new H1Downstream(client, worker, listening, METER, () => {}, prelude).start();
    client.emit("data", request.head);
    const upstreamBytes = await outcome(worker, client);
    return {
      ...worker.told(),
      ...written(upstreamBytes, client),
      origin: worker.originIn(origins),
    };
  } finally {
    draft.discard();
  }
}

/** Of a client that has what it takes: that it may be refused is not about the request. */
function tlsOf({ serverName }: DryRequest, plan: ListenerPlan): ClientTls | undefined {
  if (serverName === undefined) return undefined;
  return {
    version: "TLSv1.3",
    cipher: "TLS_AES_128_GCM_SHA256",
    serverName,
    alpn: "http/1.1",
    isResumed: false,
    certificate: undefined,
    policy: plan.sites.find(serverName)?.clientAuth?.policy ?? "",
  };
}

const EXAMPLE_CLIENT_PORT = 49_152;
const METER: ConnectionMeter = {
  opened: () => {},
  closed: () => {},
  idle: () => {},
  busy: () => {},
};

/** Waits until it is known; the bytes for the endpoint, if one would be asked. */
async function outcome(worker: DryWorker, client: DryWire): Promise<Buffer | undefined> {
  for (let turn = 0; turn < (worker.isAnswered ? ANSWERED_TURNS_MAX : TURNS_MAX); turn++) {
    worker.throwBug();
    const [upstream] = worker.world.network.connecting;
    if (upstream !== undefined) {
      // The engine writes the head once the connection is there, and this one is there at once.
      upstream.emit("connect");
      worker.throwBug();
      return upstream.bytes;
    }
    if (client.hasBytes || client.destroyed) return undefined;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error("the request waits for something outside of the proxy, which is not asked here");
}

function written(upstreamBytes: Buffer | undefined, client: DryWire) {
  const response = upstreamBytes === undefined && client.hasBytes ? client.bytes : undefined;
  return { request: upstreamBytes, response };
}

/** Watches its one exchange. What is told of it is read off before any filter has changed it. */
class DryWorker implements Worker {
  readonly world: DryWorld;
  readonly clock: LoopClock;
  readonly wheel: TimerWheel;
  readonly buffers: ReadBuffers;
  #bug: unknown;
  #seen: Seen | undefined;

  constructor() {
    const world = new DryWorld();
    this.clock = new LoopClock(world.clock);
    this.world = { ...world, clock: this.clock };
    this.wheel = new TimerWheel(this.clock);
    this.buffers = new ReadBuffers();
    this.#bug = undefined;
    this.#seen = undefined;
  }

  newId(): string {
    return EXAMPLE_ID;
  }

  started(exchange: Exchange): void {
    this.#seen ??= look(exchange);
  }

  ended(): void {}

  attemptFailed(): void {}

  secured(): void {}
  connectionShed(): void {}
  madeRoom(): void {}
  readonly exchangesUnderWay = 0;
  connectionRefused(): void {}

  bug(error: unknown): void {
    this.#bug ??= error;
  }

  throwBug(): void {
    if (this.#bug !== undefined) throw this.#bug;
  }

  listenerMeter(): ConnectionMeter {
    return METER;
  }

  endpointMeter(): ConnectionMeter {
    return METER;
  }

  /** The exchange and what was seen of it, held against what the engine did. */
  told(): Seen {
    const seen = this.#seen;
    assert.ok(seen !== undefined, "an exchange for every head");
    const { exchange } = seen;
    const wasRouted = exchange.route !== undefined || exchange.fault?.code === "no_route";
    if (!wasRouted) return { ...seen, tries: [] };
    const match = seen.tries.find(({ isMatch }) => isMatch);
    assert.equal(match?.name, exchange.route?.name, "the route told is the route taken");
    return seen;
  }

  get isAnswered(): boolean {
    return this.#seen?.exchange.response !== undefined;
  }

  originIn(origins: ReadonlyMap<Route, RouteOrigin>): RouteOrigin | undefined {
    const route = this.#seen?.exchange.route;
    return route === undefined ? undefined : origins.get(route);
  }
}

type Seen = Pick<DryRun, "exchange" | "hops" | "site" | "tries">;

function look(exchange: Exchange): Seen {
  const { listener, request, site } = exchange;
  const found = site === undefined ? undefined : listener.sites.explain(request.host);
  assert.equal(found?.site, site, "the site told is the site found");
  return { exchange, hops: hopsOf(exchange), site: found, tries: triesOf(exchange) };
}

function hopsOf({ client, request, runtime }: Exchange): Hop[] {
  const hops: Hop[] = [];
  if (!client.isTrusted || !request.headers.has("x-forwarded-for")) return hops;
  const { forwarding } = runtime;
  const believed = believedAddress(
    request.headers,
    client.wireAddress,
    forwarding,
    (hop, verdict) => hops.push({ hop, verdict }),
  );
  assert.equal(believed, client.address, "the client told is the client believed");
  return hops;
}

function triesOf({ site, request, client }: Exchange): RouteTry[] {
  const tries: { name: string; isMatch: boolean; conditions: Condition[] }[] = [];
  site?.routes.explain(request, client.address, {
    route: (name) => tries.push({ name, isMatch: false, conditions: [] }),
    condition: (name, wanted, actual, isMet) =>
      tries.at(-1)!.conditions.push({ name, wanted, actual, isMet }),
    matched: () => {
      tries.at(-1)!.isMatch = true;
    },
  });
  return tries;
}
