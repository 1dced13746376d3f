import type { Lanes } from "../base/lanes.ts";
import type { Address, Door, World } from "../base/world.ts";
import type { Fault } from "../core/fault.ts";
import { LoneMachine } from "../core/machine.ts";
import type { ListenerPlan, Runtime } from "../core/runtime.ts";
import type { Listening, Worker } from "../core/worker.ts";
import { H1Downstream } from "../transport/h1-downstream.ts";
import type { Leaving } from "./crew.ts";

/** What a drain came to. */
export interface Drained {
  readonly finished: number;
  readonly cut: number;
}

/** A bound socket and the connections that came through it. */
export class Listener implements Listening {
  readonly #worker: Worker;
  readonly #connections: Set<H1Downstream>;
  readonly #counts: Lanes; // of all workers' listeners of this key
  #runtime: Runtime;
  #plan: ListenerPlan;
  #door: Door | undefined;
  #isDraining: boolean;
  #waiting: ((why: WaitEnd) => void)[]; // for the last connection to close

  constructor(
    worker: Worker,
    runtime: Runtime,
    plan: ListenerPlan,
    counts: Lanes = new LoneMachine().lanes(),
  ) {
    this.#worker = worker;
    this.#connections = new Set();
    this.#counts = counts;
    this.#runtime = runtime;
    this.#plan = plan;
    this.#door = undefined;
    this.#isDraining = false;
    this.#waiting = [];
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

  /** In this thread. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  get connections(): Iterable<H1Downstream> {
    return this.#connections;
  }

  /** Rejects with a ListenError if the address cannot be bound. `address`: unless that of the plan. */
  async open(network: World["network"], address: Address = this.#plan.address): Promise<void> {
    const meter = this.#worker.listenerMeter(this.#plan.key);
    this.#door = await network.listen(address, (wire) => {
      if (this.#isDraining || this.#isFull) {
        wire.destroy();
        return;
      }
      const connection = new H1Downstream(wire, this.#worker, this, meter, (closed) => {
        this.#closed(closed);
      });
      this.#connections.add(connection);
      this.#counts.add(OPEN, 1);
      connection.start();
    });
  }

  get #isFull(): boolean {
    const { connectionsMax } = this.#plan.limits;
    return connectionsMax !== Number.POSITIVE_INFINITY && this.#counts.sum(OPEN) >= connectionsMax;
  }

  /** From the next exchange on. */
  serve(runtime: Runtime, plan: ListenerPlan): void {
    this.#runtime = runtime;
    this.#plan = plan;
  }

  /** What is on its connections now. */
  get inFlightCounts(): Leaving {
    let exchanges = 0;
    let tunnels = 0;
    for (const { exchange, isTunnel } of this.#connections) {
      if (isTunnel) tunnels++;
      else if (exchange !== undefined) exchanges++;
    }
    return { exchanges, tunnels };
  }

  /** Stops accepting; exchanges in flight have until the deadline, and tunnels until theirs. */
  async drain(
    deadlineMs: number,
    tunnelMs: number = deadlineMs,
    fault: Fault = DEADLINE,
  ): Promise<Drained> {
    // The door takes in first what waits in front of it, and is answered like the others.
    await this.#door?.[Symbol.asyncDispose]();
    this.#isDraining = true;
    const before = this.#connections.size;
    for (const connection of [...this.#connections]) connection.drain();
    let cut = 0;
    if ((await this.#emptyOr(deadlineMs)) === "hurried" || tunnelMs <= deadlineMs) {
      cut = this.#cutAll(fault, () => true);
    } else {
      cut = this.#cutAll(fault, ({ isTunnel }) => !isTunnel);
      await this.#emptyOr(tunnelMs - deadlineMs);
      cut += this.#cutAll(fault, () => true);
    }
    return { finished: before - cut, cut };
  }

  #cutAll(fault: Fault, isMeant: (connection: H1Downstream) => boolean): number {
    const left = [...this.#connections].filter(isMeant);
    for (const connection of left) this.#cut(connection, fault);
    return left.length;
  }

  #cut(connection: H1Downstream, fault: Fault): void {
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
    connection.abort(fault);
  }

  /** The drain's deadline is now. */
  hurry(): void {
    this.#wake("hurried");
  }

  #closed(connection: H1Downstream): void {
    if (!this.#connections.delete(connection)) return;
    this.#counts.add(OPEN, -1);
    if (this.#connections.size === 0) this.#wake("empty");
  }

  #wake(why: WaitEnd): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake(why);
  }

  #emptyOr(deadlineMs: number): Promise<WaitEnd> {
    if (this.#connections.size === 0) return Promise.resolve("empty");
    return new Promise((resolve) => {
      const timer = this.#worker.world.clock.after(deadlineMs, () => resolve("late"));
      this.#waiting.push((why) => {
        timer.cancel();
        resolve(why);
      });
    });
  }
}

type WaitEnd = "empty" | "late" | "hurried";

const OPEN = 0; // in each worker's lane
const DEADLINE: Fault = { code: "shutting_down", detail: "the drain deadline passed" };
