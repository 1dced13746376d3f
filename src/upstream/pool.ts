import type { Address } from "../base/world.ts";
import type { Worker } from "../core/worker.ts";
import { H1Upstream, type UpstreamHome } from "../transport/h1-upstream.ts";

const IDLE_MAX = 1024; // per endpoint and worker; beyond it connections close instead of waiting

/**
 * The idle connections to one endpoint, most recently used first: the ones on top stay warm, the
 * ones below time out, so the pool shrinks to what the traffic needs.
 */
export class Pool implements UpstreamHome {
  readonly #worker: Worker;
  readonly #address: Address;
  readonly #idle: H1Upstream[]; // the last one was used last
  readonly #open: Set<H1Upstream>; // idle and busy
  #isClosed: boolean;
  keepAliveMs: number; // a reload may change it

  constructor(worker: Worker, address: Address, keepAliveMs: number) {
    this.#worker = worker;
    this.#address = address;
    this.#idle = [];
    this.#open = new Set();
    this.#isClosed = false;
    this.keepAliveMs = keepAliveMs;
  }

  /** The connection used last, or a new one, which is still connecting. */
  take(connectMs: number): H1Upstream {
    return this.#idle.pop() ?? this.fresh(connectMs);
  }

  /** A new connection: for another try after a kept one turned out to be dead. */
  fresh(connectMs: number): H1Upstream {
    const connection = new H1Upstream(this.#worker, this.#address, connectMs, this);
    this.#open.add(connection);
    return connection;
  }

  get idleCount(): number {
    return this.#idle.length;
  }

  get openCount(): number {
    return this.#open.size;
  }

  idle(connection: H1Upstream): void {
    if (this.#isClosed || this.#idle.length >= IDLE_MAX || this.keepAliveMs <= 0) {
      connection.abandon();
      return;
    }
    this.#idle.push(connection);
    connection.keepIdle(this.keepAliveMs);
  }

  gone(connection: H1Upstream): void {
    this.#open.delete(connection);
    const at = this.#idle.lastIndexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  /** Closes what is idle now, and the rest as it comes back. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    for (const connection of [...this.#idle]) connection.abandon();
  }
}
