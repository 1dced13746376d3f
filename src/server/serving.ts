import type { Address, World } from "../base/world.ts";
import type { LogConfig } from "../config/config.ts";
import type { ListenerPlan, Runtime } from "../core/runtime.ts";
import { AccessLog } from "../observe/access-log.ts";
import { LogSink } from "../observe/log-sink.ts";
import { SessionLog } from "../observe/session-log.ts";
import type { InFlight } from "../transport/downstream-connection.ts";
import type { Crew, CrewHealth, Descriptor, Leaving, NextConfig, Turnover } from "./crew.ts";
import { DatagramListener } from "./datagram-listener.ts";
import { Departures } from "./departures.ts";
import { type Drained, drainedInAll, type HandOver } from "./emptying.ts";
import type { Engine, EngineDraft } from "./engine.ts";
import { Listener } from "./listener.ts";
import { type TrafficByRoute, trafficOf } from "./route-traffic.ts";
import { StreamListener } from "./stream-listener.ts";

type AnyListener = Listener | StreamListener | DatagramListener;
type AnyPlan = Pick<ListenerPlan, "key" | "address">;

export interface ServingOptions {
  readonly world: World;
  readonly engine: Engine;
  /** Not every worker has every listener. */
  readonly isOurs?: (plan: AnyPlan) => boolean;
}

/** A config with everything open that it needs. */
interface Prepared {
  readonly next: NextConfig;
  readonly draft: EngineDraft;
  readonly opened: readonly AnyListener[];
  readonly sink: LogSink | undefined;
}

/** What serves, in one thread: listeners, the runtime that they serve, and the access log. */
export class Serving implements Crew {
  readonly #world: World;
  readonly #engine: Engine;
  readonly #isOurs: (plan: AnyPlan) => boolean;
  readonly #listeners: Map<string, AnyListener>;
  readonly #leaving: Set<AnyListener>; // gone from the config, and draining
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
   * Compiles, and opens what is new: who comes through a new listener waits for the commit.
   * `bound`: where port 0 has become one already.
   */
  async prepare(
    next: NextConfig,
    bound: ReadonlyMap<string, Address> = new Map(),
  ): Promise<Turnover> {
    const draft = this.#engine.draft(next.config, next.version);
    this.#refuseOtherKinds(draft);
    const opened: AnyListener[] = [];
    let sink: LogSink | undefined;
    try {
      sink = await this.#sinkFor(next.config.log);
      for (const listener of this.#newListeners(draft)) {
        await listener.open(this.#world.network, bound.get(listener.key), true);
        opened.push(listener);
      }
    } catch (error) {
      await this.#abort({ next, draft, opened, sink });
      throw error;
    }
    const prepared = { next, draft, opened, sink };
    return {
      bound: new Map(opened.map((each) => [each.key, each.door!.address])),
      commit: () => this.#commit(prepared),
      abort: () => this.#abort(prepared),
    };
  }

  async stop(deadlineMs: number, isOwn = false): Promise<Drained> {
    const all = [...this.#listeners.values(), ...this.#leaving];
    const drained = await Promise.all(
      all.map((each) => each.drain(isOwn ? Math.min(deadlineMs, each.drainMs) : deadlineMs)),
    );
    await this.#sink?.close();
    return drainedInAll(drained);
  }

  async handOver(manner: HandOver): Promise<Drained> {
    const going = [...this.#listeners.values()].map((each) => each.handOver(manner));
    const gone = [...this.#leaving].map((each) => each.drain(manner.deadlineMs));
    const drained = await Promise.all([...going, ...gone]);
    await this.#sink?.close();
    return drainedInAll(drained);
  }

  async descriptors(): Promise<readonly Descriptor[]> {
    return [...this.#listeners.values()].flatMap(({ key, door }) => {
      const numbers = door !== undefined && "descriptors" in door ? door.descriptors : undefined;
      return (numbers ?? []).map((descriptor): Descriptor => [key, descriptor]);
    });
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

  /** What the runtime has and this thread has not, in the order of the config; not open yet. */
  #newListeners({ runtime, connections }: EngineDraft): AnyListener[] {
    const { worker } = this.#engine;
    const isNew = (plan: AnyPlan) => !this.#listeners.has(plan.key) && this.#isOurs(plan);
    const ofSites = [...runtime.listeners.values()]
      .filter(isNew)
      .map((plan) => new Listener(worker, runtime, plan, connections.get(plan.key)));
    const ofOwn = ({ key }: AnyPlan) => !runtime.listeners.has(key); // else the sites' has them
    const ofStreams = [...runtime.streamListeners.values()]
      .filter(ofOwn)
      .filter(isNew)
      .map((plan) => {
        const Kind = plan.protocol === "tcp" ? StreamListener : DatagramListener;
        return new Kind(worker, plan, connections.get(plan.key));
      });
    return [...ofSites, ...ofStreams];
  }

  /** Who serves a port cannot be told to hand it to one who serves something else. */
  #refuseOtherKinds(draft: EngineDraft): void {
    const { listeners, streamListeners } = draft.runtime;
    for (const { key, protocol } of this.#listeners.values()) {
      const was = protocol === "http" ? "sites" : "streams";
      const is = listeners.has(key) ? "sites" : streamListeners.has(key) ? "streams" : was;
      if (is === was) continue;
      draft.discard();
      throw new Error(
        `Cannot serve ${is} on ${key}, where ${was} are served: restart, or use another port`,
      );
    }
  }

  async #commit({ next, draft, opened, sink }: Prepared): Promise<Leaving> {
    const { runtime } = draft;
    for (const listener of opened) this.#listeners.set(listener.key, listener);
    const closing = this.#serve(runtime);
    draft.commit();
    this.#useSink(sink);
    for (const listener of opened) listener.letIn();
    const leaving = this.#departures.swapped(next.config, runtime, this.#inFlight());
    for (const listener of closing) void this.#close(listener);
    // Who connects from the answer on finds nobody there, and not somebody who is about to leave.
    await Promise.all(closing.map((listener) => listener.shut()));
    return addedUp([leaving, ...closing.map((each) => each.inFlightCounts)]);
  }

  async #abort({ draft, opened, sink }: Prepared): Promise<void> {
    draft.discard();
    if (sink !== this.#sink) void sink?.close();
    await Promise.all(opened.map((listener) => listener.drain(0)));
  }

  /** Hands the runtime to the listeners; answers with those that it no longer has. */
  #serve(runtime: Runtime): AnyListener[] {
    const closing: AnyListener[] = [];
    for (const [key, listener] of this.#listeners) {
      if (listener.serve(runtime)) continue;
      this.#listeners.delete(key);
      closing.push(listener);
    }
    return closing;
  }

  *#inFlight(): Iterable<InFlight> {
    for (const listener of this.#listeners.values()) {
      if (listener instanceof Listener) yield* listener.inFlight();
    }
  }

  async #close(listener: AnyListener): Promise<void> {
    this.#leaving.add(listener);
    if (listener instanceof Listener) {
      const { drain, drainTunnel } = listener.plan.timeouts;
      const fault = { code: "route_removed", detail: "with its listener" } as const;
      await listener.drain(drain, drainTunnel, fault);
    } else await listener.drain(listener.drainMs);
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
    this.#engine.worker.sessionLog = sink && new SessionLog(this.#world.clock, sink);
  }
}

export function addedUp(all: readonly Leaving[]): Leaving {
  return {
    exchanges: all.reduce((sum, { exchanges }) => sum + exchanges, 0),
    tunnels: all.reduce((sum, { tunnels }) => sum + tunnels, 0),
  };
}
