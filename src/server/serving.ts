import type { Address, World } from "../base/world.ts";
import type { LogConfig } from "../config/config.ts";
import type { ListenerPlan, Runtime } from "../core/runtime.ts";
import { AccessLog } from "../observe/access-log.ts";
import { LogSink } from "../observe/log-sink.ts";
import type { Crew, CrewHealth, Leaving, NextConfig, Turnover } from "./crew.ts";
import { Departures, type InFlight } from "./departures.ts";
import type { Engine, EngineDraft } from "./engine.ts";
import { type Drained, Listener } from "./listener.ts";
import { type TrafficByRoute, trafficOf } from "./route-traffic.ts";

export interface ServingOptions {
  readonly world: World;
  readonly engine: Engine;
  /** Not every worker has every listener. */
  readonly isOurs?: (plan: ListenerPlan) => boolean;
}

/** A config with everything open that it needs. */
interface Prepared {
  readonly next: NextConfig;
  readonly draft: EngineDraft;
  readonly opened: readonly Listener[];
  readonly sink: LogSink | undefined;
}

/** What serves, in one thread: listeners, the runtime that they serve, and the access log. */
export class Serving implements Crew {
  readonly #world: World;
  readonly #engine: Engine;
  readonly #isOurs: (plan: ListenerPlan) => boolean;
  readonly #listeners: Map<string, Listener>;
  readonly #leaving: Set<Listener>; // gone from the config, and draining
  readonly #departures: Departures;
  #sink: LogSink | undefined;

  constructor({ world, engine, isOurs }: ServingOptions) {
    this.#world = world;
    this.#engine = engine;
    this.#isOurs = isOurs ?? (() => true);
    this.#listeners = new Map();
    this.#leaving = new Set();
    this.#departures = new Departures(world.clock);
    this.#sink = undefined;
  }

  readonly banks = []; // it counts in the metrics of its engine

  get droppedLogLines(): number {
    return this.#sink?.dropped ?? 0;
  }

  get health(): CrewHealth {
    return { wanted: 1, running: 1, restarts: new Map(), loopUtilization: [] };
  }

  /**
   * Compiles, and opens what is new. `bound`: where port 0 has become one already. A new listener
   * serves from the moment it is open: what comes before the commit is served like what comes after.
   */
  async prepare(
    next: NextConfig,
    bound: ReadonlyMap<string, Address> = new Map(),
  ): Promise<Turnover> {
    const draft = this.#engine.draft(next.config, next.version);
    const opened: Listener[] = [];
    let sink: LogSink | undefined;
    try {
      sink = await this.#sinkFor(next.config.log);
      for (const plan of draft.runtime.listeners.values()) {
        if (this.#listeners.has(plan.key) || !this.#isOurs(plan)) continue;
        const listener = this.#listenerFor(plan, draft);
        await listener.open(this.#world.network, bound.get(plan.key));
        opened.push(listener);
      }
    } catch (error) {
      await this.#abort({ next, draft, opened, sink });
      throw error;
    }
    const prepared = { next, draft, opened, sink };
    return {
      bound: new Map(opened.map((each) => [each.key, each.door!.address])),
      commit: async () => this.#commit(prepared),
      abort: () => this.#abort(prepared),
    };
  }

  async stop(deadlineMs: number): Promise<Drained> {
    const all = [...this.#listeners.values(), ...this.#leaving];
    const drained = await Promise.all(all.map((each) => each.drain(deadlineMs)));
    await this.#sink?.close();
    return {
      finished: drained.reduce((sum, { finished }) => sum + finished, 0),
      cut: drained.reduce((sum, { cut }) => sum + cut, 0),
    };
  }

  hurry(): void {
    for (const listener of [...this.#listeners.values(), ...this.#leaving]) listener.hurry();
  }

  async reopenLogs(): Promise<void> {
    await this.#sink?.reopen();
  }

  tellDirectory(): void {} // it has the machine's own

  async inFlight(): Promise<TrafficByRoute> {
    return trafficOf(this.#inFlight());
  }

  #listenerFor(plan: ListenerPlan, { runtime, connections }: EngineDraft): Listener {
    return new Listener(this.#engine.worker, runtime, plan, connections.get(plan.key));
  }

  #commit({ next, draft, opened, sink }: Prepared): Leaving {
    const { runtime } = draft;
    for (const listener of opened) this.#listeners.set(listener.key, listener);
    const closing = this.#serve(runtime);
    draft.commit();
    this.#useSink(sink);
    const leaving = this.#departures.swapped(next.config, runtime, this.#inFlight());
    for (const listener of closing) void this.#close(listener);
    return addedUp([leaving, ...closing.map((each) => each.inFlightCounts)]);
  }

  async #abort({ draft, opened, sink }: Prepared): Promise<void> {
    draft.discard();
    if (sink !== this.#sink) void sink?.close();
    await Promise.all(opened.map((listener) => listener.drain(0)));
  }

  /** Hands the runtime to the listeners; answers with those that it no longer has. */
  #serve(runtime: Runtime): Listener[] {
    const closing: Listener[] = [];
    for (const [key, listener] of this.#listeners) {
      const plan = runtime.listeners.get(key);
      if (plan !== undefined) {
        listener.serve(runtime, plan);
      } else {
        this.#listeners.delete(key);
        closing.push(listener);
      }
    }
    return closing;
  }

  *#inFlight(): Iterable<InFlight> {
    for (const listener of this.#listeners.values()) yield* listener.connections;
  }

  async #close(listener: Listener): Promise<void> {
    const { drain, drainTunnel } = listener.plan.timeouts;
    this.#leaving.add(listener);
    await listener.drain(drain, drainTunnel, {
      code: "route_removed",
      detail: "with its listener",
    });
    this.#leaving.delete(listener);
  }

  async #sinkFor({ access }: LogConfig): Promise<LogSink | undefined> {
    if (access === "off") return undefined;
    const destination = typeof access === "string" ? access : access.file;
    if (this.#sink?.destination === destination) return this.#sink;
    const { clock, log } = this.#world;
    return await LogSink.open({ destination, clock, log });
  }

  #useSink(sink: LogSink | undefined): void {
    if (sink === this.#sink) return;
    void this.#sink?.close();
    this.#sink = sink;
    this.#engine.worker.accessLog = sink && new AccessLog(this.#world.clock, sink);
  }
}

export function addedUp(all: readonly Leaving[]): Leaving {
  return {
    exchanges: all.reduce((sum, { exchanges }) => sum + exchanges, 0),
    tunnels: all.reduce((sum, { tunnels }) => sum + tunnels, 0),
  };
}
