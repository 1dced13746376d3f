import { Crowd } from "../base/crowd.ts";
import type { Directory } from "../core/directory.ts";
import type { OwnConnections } from "../core/downstream.ts";
import type { ConnectionMeter, Worker } from "../core/worker.ts";
import type { ConnectTimeouts, Destination, UpstreamHome } from "../transport/carrier.ts";
import { H1Upstream } from "../transport/h1-upstream.ts";
import type { UpstreamDial } from "../transport/upstream-dial.ts";
import { Astray } from "./astray.ts";
import type { EndpointPool, PoolShape } from "./endpoint-pool.ts";

/**
 * The idle connections to one endpoint, most recently used first: the ones on top stay warm, the
 * ones below time out, so the pool shrinks to what the traffic needs.
 */
export class Pool implements EndpointPool, UpstreamHome<H1Upstream> {
  readonly #worker: Worker;
  readonly #destination: Destination;
  readonly #idle: H1Upstream[]; // the last one was used last
  readonly #open: Crowd<H1Upstream>; // idle and busy
  readonly #owners: Map<H1Upstream, OwnConnections>; // of those that are for one client alone
  readonly #ownIdle: Set<H1Upstream>; // of those, the idle ones
  readonly #meter: ConnectionMeter;
  readonly #astray: Astray;
  #isClosed: boolean;
  #shape: PoolShape;

  constructor(worker: Worker, destination: Destination, meter: ConnectionMeter, shape: PoolShape) {
    this.#worker = worker;
    this.#destination = destination;
    this.#idle = [];
    this.#open = new Crowd();
    this.#owners = new Map();
    this.#ownIdle = new Set();
    this.#meter = meter;
    this.#astray = new Astray();
    this.#isClosed = false;
    this.#shape = shape;
  }

  reshape(shape: PoolShape): void {
    this.#shape = shape;
    const surplus = this.#idle.length - shape.idleMax;
    if (surplus > 0) for (const connection of this.#idle.slice(0, surplus)) connection.abandon();
  }

  /** The connection used last, or a new one, which is still connecting. */
  take(timeouts: ConnectTimeouts): H1Upstream {
    const connection = this.#idle.pop();
    if (connection === undefined) return this.fresh(timeouts);
    this.#meter.busy();
    return connection;
  }

  fresh(timeouts: ConnectTimeouts): H1Upstream {
    return this.#opened(new H1Upstream(this.#worker, { ...this.#destination, timeouts }, this));
  }

  /** One that somebody else has connected; it waits for its first exchange. */
  adopt(dial: UpstreamDial): H1Upstream {
    return this.#opened(new H1Upstream(this.#worker, { dial }, this));
  }

  #opened(connection: H1Upstream): H1Upstream {
    this.#open.add(connection);
    this.#meter.opened();
    return connection;
  }

  takeOwn(own: OwnConnections, header: () => Uint8Array, timeouts: ConnectTimeouts): H1Upstream {
    const kept = own.take(this) as H1Upstream | undefined; // kept by idle(), below
    if (kept !== undefined) {
      this.#ownIdle.delete(kept);
      this.#meter.busy();
      return kept;
    }
    const how = { ...this.#destination, timeouts, opening: header() };
    const connection = this.#opened(new H1Upstream(this.#worker, how, this));
    this.#owners.set(connection, own);
    return connection;
  }

  get idleCount(): number {
    return this.#idle.length + this.#ownIdle.size;
  }

  get openCount(): number {
    return this.#open.size;
  }

  idle(connection: H1Upstream): void {
    const { keepAliveMs, idleMax } = this.#shape;
    const isFull = this.idleCount >= idleMax || keepAliveMs <= 0;
    if (this.#isClosed || isFull || this.#isOld(connection) || this.#astray.has(connection)) {
      connection.abandon();
      return;
    }
    const owner = this.#owners.get(connection);
    if (owner === undefined) this.#idle.push(connection);
    else if (!owner.keep(this, connection)) {
      connection.abandon();
      return;
    } else this.#ownIdle.add(connection);
    this.#meter.idle();
    connection.keepIdle(keepAliveMs);
  }

  #isOld({ bornMs }: H1Upstream): boolean {
    const { ageMs } = this.#shape;
    return ageMs !== Number.POSITIVE_INFINITY && this.#worker.clock.nowMs() - bornMs >= ageMs;
  }

  gone(connection: H1Upstream): void {
    if (!this.#open.delete(connection)) return;
    this.#owners.get(connection)?.forget(this, connection);
    this.#owners.delete(connection);
    const at = this.#idle.lastIndexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    if (at >= 0 || this.#ownIdle.delete(connection)) this.#meter.busy();
    this.#meter.closed();
  }

  follow(directory: Directory): void {
    this.#astray.follow(directory, this.#destination.address.host, () => {
      for (const connection of [...this.#idle]) {
        if (this.#astray.has(connection)) connection.abandon();
      }
    });
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#astray[Symbol.dispose]();
    this.closeIdle();
  }

  closeIdle(): void {
    for (const connection of [...this.#idle, ...this.#ownIdle]) connection.abandon();
  }
}
