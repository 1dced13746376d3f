import { Crowd } from "../base/crowd.ts";
import type { Door, World } from "../base/world.ts";
import type { Fault } from "../core/fault.ts";
import type { ListenerPlan, Runtime } from "../core/runtime.ts";
import type { Listening, Worker } from "../core/worker.ts";
import { H1Downstream } from "../transport/h1-downstream.ts";

/** What a drain came to. */
export interface Drained {
  readonly finished: number;
  readonly cut: number;
}

/** A bound socket and the connections that came through it. */
export class Listener implements Listening {
  readonly #worker: Worker;
  readonly #connections: Crowd<H1Downstream>;
  #runtime: Runtime;
  #plan: ListenerPlan;
  #door: Door | undefined;
  #isDraining: boolean;
  #onEmpty: (() => void) | undefined;

  constructor(worker: Worker, runtime: Runtime, plan: ListenerPlan) {
    this.#worker = worker;
    this.#connections = new Crowd();
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
    return this.#connections.size;
  }

  /** Rejects with a ListenError if the address cannot be bound. */
  async open(network: World["network"]): Promise<void> {
    const meter = this.#worker.listenerMeter(this.#plan.key);
    this.#door = await network.listen(this.#plan.address, (wire) => {
      if (this.#isDraining || this.#connections.size >= this.#plan.limits.connectionsMax) {
        wire.destroy();
        return;
      }
      const connection = new H1Downstream(wire, this.#worker, this, meter, (closed) => {
        this.#closed(closed);
      });
      this.#connections.add(connection);
      connection.start();
    });
  }

  /** From the next exchange on. */
  serve(runtime: Runtime, plan: ListenerPlan): void {
    this.#runtime = runtime;
    this.#plan = plan;
  }

  /** Stops accepting; exchanges in flight have until the deadline. */
  async drain(deadlineMs: number): Promise<Drained> {
    this.#isDraining = true;
    await this.#door?.[Symbol.asyncDispose]();
    const before = this.#connections.size;
    for (const connection of this.#connections.all()) connection.drain();
    await this.#emptyOr(deadlineMs);

    const left = this.#connections.all();
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
    if (this.#connections.size === 0) this.#onEmpty?.();
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
