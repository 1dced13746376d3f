import { Crowd } from "../base/crowd.ts";
import type { Directory } from "../core/directory.ts";
import type { OwnConnections } from "../core/downstream.ts";
import type { ConnectionMeter, Worker } from "../core/worker.ts";
import type { ConnectTimeouts, Destination, UpstreamHome } from "../transport/carrier.ts";
import { H1Upstream } from "../transport/h1-upstream.ts";

/** How many connections may wait idle, and how long; per endpoint and worker. */
export interface PoolShape {
  readonly keepAliveMs: number;
  readonly idleMax: number;
}

/**
 * The idle connections to one endpoint, most recently used first: the ones on top stay warm, the
 * ones below time out, so the pool shrinks to what the traffic needs.
 */
export class Pool implements UpstreamHome<H1Upstream> {
  readonly #worker: Worker;
  readonly #destination: Destination;
  readonly #idle: H1Upstream[]; // the last one was used last
  readonly #open: Crowd<H1Upstream>; // idle and busy
  readonly #owners: Map<H1Upstream, OwnConnections>; // of those that are for one client alone
  readonly #ownIdle: Set<H1Upstream>; // of those, the idle ones
  readonly #meter: ConnectionMeter;
  #hosts: readonly string[] | undefined; // of the endpoint's name, once they have changed
  #following: Disposable | undefined;
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
    this.#hosts = undefined;
    this.#following = undefined;
    this.#isClosed = false;
    this.#shape = shape;
  }

  /** A reload may change it: what waits beyond the new bound is closed, the rest waits as it did. */
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

  /** A new connection: for another try after a kept one turned out to be dead. */
  fresh(timeouts: ConnectTimeouts, opening?: Uint8Array): H1Upstream {
    const connection = new H1Upstream(this.#worker, this.#destination, timeouts, this, opening);
    this.#open.add(connection);
    this.#meter.opened();
    return connection;
  }

  /** For one client alone: its own connection, or a new one that begins with this header. */
  takeOwn(own: OwnConnections, header: () => Uint8Array, timeouts: ConnectTimeouts): H1Upstream {
    const kept = own.take(this) as H1Upstream | undefined; // kept by idle(), below
    if (kept !== undefined) {
      this.#ownIdle.delete(kept);
      this.#meter.busy();
      return kept;
    }
    const connection = this.fresh(timeouts, header());
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
    const isFull = this.idleCount >= idleMax;
    if (this.#isClosed || isFull || keepAliveMs <= 0 || this.#isAstray(connection)) {
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

  gone(connection: H1Upstream): void {
    if (!this.#open.delete(connection)) return;
    this.#owners.get(connection)?.forget(this, connection);
    this.#owners.delete(connection);
    const at = this.#idle.lastIndexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    if (at >= 0 || this.#ownIdle.delete(connection)) this.#meter.busy();
    this.#meter.closed();
  }

  /** Where the name leads elsewhere, connections to where it led before are not used again. */
  follow(directory: Directory): void {
    const { host } = this.#destination.address;
    let known = directory.find("name", host);
    this.#following = directory.watch(() => {
      const now = directory.find("name", host);
      if (now === undefined || now === known) return;
      known = now;
      this.#hosts = now.hosts;
      for (const connection of [...this.#idle]) {
        if (this.#isAstray(connection)) connection.abandon();
      }
    });
  }

  #isAstray(connection: H1Upstream): boolean {
    const hosts = this.#hosts;
    if (hosts === undefined) return false;
    const { remoteHost } = connection;
    return remoteHost !== undefined && !hosts.includes(remoteHost);
  }

  /** Closes what is idle now, and the rest as it comes back. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#following?.[Symbol.dispose]();
    this.closeIdle();
  }

  closeIdle(): void {
    for (const connection of [...this.#idle, ...this.#ownIdle]) connection.abandon();
  }
}
