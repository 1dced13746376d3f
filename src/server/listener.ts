import type { Door, Wire, World } from "../base/world.ts";
import type { Fault } from "../core/fault.ts";
import type { ListenerPlan, Runtime } from "../core/runtime.ts";
import type { ConnectionMeter, Listening, Worker } from "../core/worker.ts";
import type { ProxyHeader } from "../protocol/proxy-protocol/proxy-header.ts";
import { H1Downstream } from "../transport/h1-downstream.ts";
import { Opening } from "../transport/opening.ts";
import { plainAddress } from "../transport/wire-peer.ts";
import type { Drained } from "./emptying.ts";

/** A bound socket and the connections that came through it. */
export class Listener implements Listening {
  readonly protocol = "http";
  readonly #worker: Worker;
  readonly #connections: Set<H1Downstream>;
  readonly #openings: Set<Opening>; // whose PROXY header has not come yet
  #runtime: Runtime;
  #plan: ListenerPlan;
  #door: Door | undefined;
  #isDraining: boolean;
  #onEmpty: (() => void) | undefined;

  constructor(worker: Worker, runtime: Runtime, plan: ListenerPlan) {
    this.#worker = worker;
    this.#connections = new Set();
    this.#openings = new Set();
    this.#runtime = runtime;
    this.#plan = plan;
    this.#door = undefined;
    this.#isDraining = false;
    this.#onEmpty = undefined;
  }

  get runtime(): Runtime {
    return this.#runtime;
  }

  get plan(): ListenerPlan {
    return this.#plan;
  }

  get localPort(): number {
    return this.#door?.address.port ?? 0;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  get key(): string {
    return this.#plan.key;
  }

  /** As bound, once open. */
  get door(): Door | undefined {
    return this.#door;
  }

  get connectionCount(): number {
    return this.#connections.size + this.#openings.size;
  }

  get drainMs(): number {
    return this.#plan.timeouts.drain;
  }

  /** Rejects with a ListenError if the address cannot be bound. */
  async open(network: World["network"]): Promise<void> {
    const meter = this.#worker.listenerMeter(this.#plan.key);
    this.#door = await network.listen(this.#plan.address, (wire) => {
      if (this.#isDraining || this.connectionCount >= this.#plan.limits.connectionsMax) {
        wire.destroy();
        return;
      }
      const { sendsProxyHeader } = this.#plan;
      if (sendsProxyHeader?.(plainAddress(wire.remoteAddress)) === true) this.#open(wire, meter);
      else this.#start(wire, meter);
    });
  }

  #start(wire: Wire, meter: ConnectionMeter, proxy?: ProxyHeader, early?: Buffer): void {
    const closed = (connection: H1Downstream) => this.#closed(connection);
    const connection = new H1Downstream(wire, this.#worker, this, meter, closed, proxy);
    this.#connections.add(connection);
    connection.start(early);
  }

  #open(wire: Wire, meter: ConnectionMeter): void {
    const address = plainAddress(wire.remoteAddress); // a wire that has closed does not know it
    const startedMs = this.#worker.clock.nowMs();
    const wants = { proxyHeader: true, hello: false };
    const opening = new Opening(wire, this.#worker, wants, {
      opened: ({ proxy, early }) => {
        this.#openings.delete(opening);
        this.#start(wire, meter, proxy, early);
      },
      refused: (fault) => {
        this.#openings.delete(opening);
        if (fault !== undefined) {
          this.#worker.connectionRefused(this.key, { address, fault, startedMs });
        }
        if (this.connectionCount === 0) this.#onEmpty?.();
      },
    });
    this.#openings.add(opening);
    opening.start(this.#plan.timeouts.requestHead);
  }

  /** From the next exchange on; false if the runtime does not have it any more. */
  serve(runtime: Runtime): boolean {
    const plan = runtime.listeners.get(this.key);
    if (plan === undefined) return false;
    this.#runtime = runtime;
    this.#plan = plan;
    return true;
  }

  /** Stops accepting; exchanges in flight have until the deadline. */
  async drain(deadlineMs: number): Promise<Drained> {
    this.#isDraining = true;
    await this.#door?.[Symbol.asyncDispose]();
    for (const opening of [...this.#openings]) opening.abort();
    const before = this.#connections.size;
    for (const connection of [...this.#connections]) connection.drain();
    await this.#emptyOr(deadlineMs);

    const left = [...this.#connections];
    for (const connection of left) this.#cut(connection);
    return { finished: before - left.length, cut: left.length };
  }

  #cut(connection: H1Downstream): void {
    const { exchange } = connection;
    if (exchange !== undefined) {
      this.#worker.world.log.warn("exchange cut by the drain deadline", {
        id: exchange.id,
        method: exchange.request.method,
        host: exchange.request.host,
        path: exchange.request.path,
        route: exchange.route?.name,
        upstream: exchange.upstream,
        ageMs: Math.round(this.#worker.world.clock.nowMs() - exchange.times.startedMs),
      });
    }
    connection.abort(DEADLINE);
  }

  /** The drain's deadline is now. */
  hurry(): void {
    this.#onEmpty?.();
  }

  #closed(connection: H1Downstream): void {
    this.#connections.delete(connection);
    if (this.connectionCount === 0) this.#onEmpty?.();
  }

  #emptyOr(deadlineMs: number): Promise<void> {
    if (this.#connections.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#worker.world.clock.after(deadlineMs, resolve);
      this.#onEmpty = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}

const DEADLINE: Fault = { code: "shutting_down", detail: "the drain deadline passed" };
