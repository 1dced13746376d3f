import { randomBytes } from "node:crypto";
import { InheritedSockets } from "../base/inherited-sockets.ts";
import { Turns } from "../base/turns.ts";
import type { Address, World } from "../base/world.ts";
import type { Config } from "../config/config.ts";
import type { Loaded } from "../config/load.ts";
import { Certificates } from "../core/certificates.ts";
import { Directory } from "../core/directory.ts";
import { LoneMachine } from "../core/machine.ts";
import type { PurgeRequest, Runtime } from "../core/runtime.ts";
import { KeyedState } from "../core/shared-state.ts";
import type { SharedBank } from "../observe/metric-bank.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { TicketHeritage } from "../tls/ticket-secrets.ts";
import type { Crew, CrewHealth, Descriptor, Leaving, NextConfig, Turnover } from "./crew.ts";
import type { Drained } from "./emptying.ts";
import { Engine } from "./engine.ts";
import { MachineTasks } from "./machine-tasks.ts";
import type { TrafficByRoute } from "./route-traffic.ts";
import { Serving } from "./serving.ts";
import { SharedMemory } from "./workers/shared-memory.ts";
import { ThreadCrew, type ThreadMaking } from "./workers/thread-crew.ts";

export interface ServerOptions {
  readonly config: Config;
  readonly loaded: Loaded; // what the config was made of
  readonly world: World;
  readonly metrics: Metrics; // the main thread's
  readonly workers: number; // 1: this thread serves
  readonly threads?: ThreadMaking;
  readonly isReadableLog?: boolean;
  readonly inherited?: InheritedSockets; // of the world's network as well
  readonly tickets?: TicketHeritage | undefined; // of the process before this one
  readonly onLine?: (line: string) => void; // of a worker's log
}

/** Where something is served, and what. */
export interface BoundAddress extends Address {
  readonly protocol?: "http" | "https" | "tcp" | "udp";
}

/** What a reload could not do; nothing has changed then. */
export interface ReloadRefused {
  readonly kind: "refused";
  readonly message: string;
}

export interface Reloaded {
  readonly kind: "taken";
  readonly version: number;
  readonly leaving: Leaving;
}

/** What the caller opens besides, for the same config. */
export interface OpenedBeside {
  commit(): Promise<void>;
  abort(): Promise<void>;
}

type OpenBeside = () => Promise<OpenedBeside | undefined>;

/** A running proxy: the config in force, who serves it, and what runs once per machine. */
export class Server {
  readonly #world: World;
  readonly #model: Engine; // that which serves, or what main makes the workers' memory with
  readonly #crew: Crew;
  readonly #tasks: MachineTasks;
  readonly #turns: Turns;
  #config: Config;
  #bound: Map<string, Address>; // by listener key
  #isStopping: boolean;

  /** Rejects, with nothing left behind, if an address or the log file cannot be had. */
  static async start(options: ServerOptions): Promise<Server> {
    const server = new Server(options);
    try {
      await server.#take({ config: options.config, loaded: options.loaded, version: 1 });
    } catch (error) {
      await server.stop(0);
      throw error;
    }
    return server;
  }

  private constructor(options: ServerOptions) {
    const { world, metrics, workers } = options;
    const directory = new Directory();
    const certificates = new Certificates();
    this.#world = world;
    this.#tasks = new MachineTasks(world, directory, {
      dns: options.config.dns,
      runtime: () => this.#model.runtime,
      certificates,
      tickets: options.tickets,
    });
    this.#turns = new Turns();
    this.#config = options.config;
    this.#bound = new Map();
    this.#isStopping = false;
    // Not the same on any two machines: two proxies in a row must not look like a loop.
    const pseudonym = `sluice-${randomBytes(4).toString("hex")}`;
    const state = new KeyedState(world.log);
    if (workers === 1) {
      const machine = new LoneMachine();
      const parts = { world, metrics, machine, state, directory, certificates, pseudonym };
      this.#model = new Engine(parts);
      this.#crew = new Serving({ world, engine: this.#model });
      return;
    }
    const memory = new SharedMemory(workers);
    const watched = memory.under(state);
    this.#model = new Engine({
      world,
      metrics,
      machine: memory,
      state: watched,
      directory,
      certificates,
      pseudonym,
    });
    this.#crew = new ThreadCrew({
      ...options.threads,
      world,
      model: this.#model,
      memory,
      directory,
      certificates,
      inherited: options.inherited ?? new InheritedSockets([]),
      turns: this.#turns,
      pseudonym,
      isReadableLog: options.isReadableLog ?? false,
      onLine: options.onLine ?? (() => {}),
    });
  }

  get runtime(): Runtime {
    return this.#model.runtime!; // from the end of start() on
  }

  get config(): Config {
    return this.#config;
  }

  /** As bound, in the order of the config. */
  get addresses(): readonly BoundAddress[] {
    const { listeners, streamListeners } = this.#config;
    const ofSites = listeners.map(({ key, isTls }) => ({
      key,
      protocol: isTls ? ("https" as const) : ("http" as const),
    }));
    return [...ofSites, ...streamListeners].flatMap(({ key, protocol }) => {
      const address = this.#bound.get(key);
      return address === undefined ? [] : { ...address, protocol };
    });
  }

  /** How long exchanges may go on after a stop, as the config says. */
  get drainMs(): number {
    const { listeners, streamListeners } = this.runtime;
    const ofSites = [...listeners.values()].map(({ timeouts }) => timeouts.drain);
    const ofStreams = [...streamListeners.values()].map(({ drainMs }) => drainMs);
    return Math.max(0, ...ofSites, ...ofStreams);
  }

  /** How many connections each listener has, in all workers. */
  get connectionCounts(): ReadonlyMap<string, number> {
    return new Map([...this.#model.connections].map(([key, lanes]) => [key, lanes.sum(0)]));
  }

  /** Names, and endpoints by operators: what changes without a reload. */
  get tasks(): MachineTasks {
    return this.#tasks;
  }

  /** By site and route, a line break between; of all workers. */
  inFlight(): Promise<TrafficByRoute> {
    return this.#crew.inFlight();
  }

  /** When all workers know what operators have said by now. */
  async directoryTold(): Promise<void> {
    this.#crew.tellDirectory(true);
    await this.#crew.inFlight(); // what they are asked next is answered after they have been told
  }

  /** Rejects with nothing: there may be no cache, and then there is nothing to go. */
  purge(wanted: PurgeRequest): Promise<number> {
    return this.#crew.purge(wanted);
  }

  get droppedLogLines(): number {
    return this.#crew.droppedLogLines;
  }

  get health(): CrewHealth {
    return this.#crew.health;
  }

  /** What is counted elsewhere than in the main thread's metrics. */
  get banks(): readonly SharedBank[] {
    return this.#crew.banks;
  }

  /**
   * Another config, from the next exchange on. Everything that can fail comes before the swap, so
   * a config that cannot be served changes nothing. What did not change is not touched. One at a
   * time; later ones wait.
   */
  async reload(
    { config, loaded }: Pick<NextConfig, "config" | "loaded">,
    openBeside: OpenBeside = nothing,
  ): Promise<Reloaded | ReloadRefused> {
    const done = await this.#turns.take();
    try {
      if (this.#isStopping) return { kind: "refused", message: "the proxy is stopping" };
      const version = this.runtime.version + 1;
      const leaving = await this.#take({ config, loaded, version }, openBeside);
      return { kind: "taken", version, leaving };
    } catch (error) {
      return { kind: "refused", message: error instanceof Error ? error.message : String(error) };
    } finally {
      done();
    }
  }

  /**
   * Stops accepting, lets exchanges and sessions finish until the deadline, by default that of each
   * listener, and cuts and names the rest.
   */
  stop(deadlineMs?: number): Promise<Drained> {
    return this.#end(this.#crew.stop(deadlineMs ?? this.drainMs, deadlineMs === undefined));
  }

  /** As stop(), for listening sockets that another process has by now. */
  handOver(idleMs: number): Promise<Drained> {
    const timeouts = [...this.runtime.listeners.values()].map((plan) => plan.timeouts);
    const tunnelMs = Math.max(0, ...timeouts.map(({ drainTunnel }) => drainTunnel));
    void this.runtime.caching?.handOver(); // what the other process waits for
    return this.#end(this.#crew.handOver({ deadlineMs: this.drainMs, tunnelMs, idleMs }));
  }

  /** Of every listening socket, with the key of its listener. */
  async descriptors(): Promise<readonly Descriptor[]> {
    const done = await this.#turns.take(); // a reload may open others
    try {
      return await this.#crew.descriptors();
    } finally {
      done();
    }
  }

  async #end(ending: Promise<Drained>): Promise<Drained> {
    this.#isStopping = true;
    const drained = await ending;
    this.#tasks[Symbol.dispose]();
    await this.#model[Symbol.asyncDispose]();
    return drained;
  }

  /** While stop() waits: waits no longer. */
  hurry(): void {
    this.#crew.hurry();
  }

  /** For logrotate: the log file is opened anew. */
  async reopenLogs(): Promise<void> {
    await this.#crew.reopenLogs();
  }

  async #take(next: NextConfig, openBeside: OpenBeside = nothing): Promise<Leaving> {
    await this.#tasks.prepare(next.config);
    await this.#claimPorts(next.config);
    const beside = await openBeside();
    let turnover: Turnover;
    try {
      turnover = await this.#crew.prepare(next);
    } catch (error) {
      await beside?.abort();
      throw error;
    }
    if (this.#isStopping) {
      await Promise.all([turnover.abort(), beside?.abort()]);
      throw new Error("the proxy is stopping");
    }
    this.#config = next.config;
    const leaving = await turnover.commit();
    const { listeners, streamListeners } = next.config;
    const keys = new Set([...listeners, ...streamListeners].map(({ key }) => key));
    const bound = [...this.#bound, ...turnover.bound].filter(([key]) => keys.has(key));
    this.#bound = new Map(bound);
    this.#tasks.take(next.config);
    this.#crew.tellDirectory();
    await beside?.commit();
    return leaving;
  }

  /** A port that is not ours yet must be nobody's: workers share it, but with no other program. */
  async #claimPorts({ listeners, streamListeners }: Config): Promise<void> {
    const { network } = this.#world;
    const ports = new Set([...this.#bound.values()].map(({ port }) => port));
    const ofTcp = streamListeners.filter(({ protocol }) => protocol === "tcp");
    for (const { address } of [...listeners, ...ofTcp]) {
      if (!ports.has(address.port)) await network.claim?.(address);
    }
  }
}

const nothing: OpenBeside = async () => undefined;
