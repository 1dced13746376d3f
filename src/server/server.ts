import { randomBytes } from "node:crypto";
import type { Address, World } from "../base/world.ts";
import { compile } from "../config/compile.ts";
import type { Config, LogConfig } from "../config/config.ts";
import { Directory } from "../core/directory.ts";
import { LoneMachine } from "../core/machine.ts";
import type { Runtime } from "../core/runtime.ts";
import { KeyedState } from "../core/shared-state.ts";
import { AccessLog } from "../observe/access-log.ts";
import { LogSink } from "../observe/log-sink.ts";
import type { Metrics } from "../observe/metrics.ts";
import { EngineWorker } from "./engine-worker.ts";
import { type InFlight, inFlightOf } from "./in-flight.ts";
import { type Drained, Listener } from "./listener.ts";
import { MachineTasks } from "./machine-tasks.ts";

/** What a reload could not do; nothing has changed then. */
export interface ReloadRefused {
  readonly message: string;
}

/** A running proxy: listeners, the runtime that they serve, and the state under both. */
export class Server {
  readonly #world: World;
  readonly #directory: Directory;
  readonly #worker: EngineWorker;
  readonly #state: KeyedState;
  readonly #tasks: MachineTasks;
  readonly #pseudonym: string;
  readonly #listeners: Map<string, Listener>;
  #config: Config;
  #runtime: Runtime;
  #sink: LogSink | undefined;

  /** Rejects, with nothing left behind, if an address or the log file cannot be had. */
  static async start(config: Config, world: World, metrics: Metrics): Promise<Server> {
    const server = new Server(config, world, metrics);
    await server.#open();
    return server;
  }

  private constructor(config: Config, world: World, metrics: Metrics) {
    this.#world = world;
    this.#directory = new Directory();
    this.#worker = new EngineWorker(world, metrics, this.#directory);
    this.#state = new KeyedState(world.log);
    this.#tasks = new MachineTasks(world, this.#directory, config.dns);
    // Not the same on any two machines: two proxies in a row must not look like a loop.
    this.#pseudonym = `sluice-${randomBytes(4).toString("hex")}`;
    this.#listeners = new Map();
    this.#config = config;
    this.#sink = undefined;
    const draft = this.#state.draft();
    this.#runtime = compile(config, this.#compileTools(draft, 1));
    draft.commit();
  }

  get runtime(): Runtime {
    return this.#runtime;
  }

  get config(): Config {
    return this.#config;
  }

  /** As bound, in the order of the config. */
  get addresses(): readonly Address[] {
    return [...this.#listeners.values()].flatMap(({ door }) => door?.address ?? []);
  }

  /** How long exchanges may go on after a stop, as the config says. */
  get drainMs(): number {
    const deadlines = [...this.#runtime.listeners.values()].map(({ timeouts }) => timeouts.drain);
    return Math.max(0, ...deadlines);
  }

  /** How many connections each listener has. */
  get connectionCounts(): ReadonlyMap<string, number> {
    return new Map([...this.#listeners].map(([key, each]) => [key, each.connectionCount]));
  }

  /** Names, endpoints by operators: what changes without a reload. */
  get tasks(): MachineTasks {
    return this.#tasks;
  }

  /** By site and route, a line break between. */
  async inFlight(): Promise<ReadonlyMap<string, InFlight>> {
    return inFlightOf([...this.#listeners.values()].flatMap(({ exchanges }) => exchanges));
  }

  get droppedLogLines(): number {
    return this.#sink?.dropped ?? 0;
  }

  /**
   * Another config, from the next exchange on. Everything that can fail comes before the swap, so
   * a config that cannot be served changes nothing. What did not change is not touched.
   */
  async reload(config: Config): Promise<ReloadRefused | undefined> {
    await this.#tasks.prepare(config);
    const draft = this.#state.draft();
    const runtime = compile(config, this.#compileTools(draft, this.#runtime.version + 1));
    const opened: Listener[] = [];
    let sink: LogSink | undefined;
    try {
      sink = await this.#sinkFor(config.log);
      for (const plan of runtime.listeners.values()) {
        if (this.#listeners.has(plan.key)) continue;
        const listener = new Listener(this.#worker, runtime, plan);
        await listener.open(this.#world.network);
        opened.push(listener);
      }
    } catch (error) {
      draft.discard();
      for (const listener of opened) void listener.drain(0);
      if (sink !== this.#sink) void sink?.close();
      return { message: error instanceof Error ? error.message : String(error) };
    }

    this.#runtime = runtime;
    this.#config = config;
    for (const listener of opened) this.#listeners.set(listener.key, listener);
    const closing = this.#serve(runtime);
    draft.commit();
    this.#useSink(sink);
    this.#tasks.take(config, runtime);
    for (const listener of closing) void listener.drain(listener.plan.timeouts.drain);
    return undefined;
  }

  /** Stops accepting, lets exchanges finish until the deadline, and cuts and names the rest. */
  async stop(deadlineMs: number): Promise<Drained> {
    const drains = [...this.#listeners.values()].map((each) => each.drain(deadlineMs));
    const drained = await Promise.all(drains);
    this.#tasks[Symbol.dispose]();
    await this.#state[Symbol.asyncDispose]();
    await this.#sink?.close();
    return {
      finished: drained.reduce((sum, { finished }) => sum + finished, 0),
      cut: drained.reduce((sum, { cut }) => sum + cut, 0),
    };
  }

  /** While stop() waits: waits no longer. */
  hurry(): void {
    for (const listener of this.#listeners.values()) listener.hurry();
  }

  /** For logrotate: the log file is opened anew. */
  async reopenLogs(): Promise<void> {
    await this.#sink?.reopen();
  }

  async #open(): Promise<void> {
    try {
      this.#useSink(await this.#sinkFor(this.#config.log));
      await this.#tasks.prepare(this.#config);
      for (const plan of this.#runtime.listeners.values()) {
        const listener = new Listener(this.#worker, this.#runtime, plan);
        await listener.open(this.#world.network);
        this.#listeners.set(plan.key, listener);
      }
      this.#tasks.take(this.#config, this.#runtime);
    } catch (error) {
      await this.stop(0);
      throw error;
    }
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
    this.#worker.accessLog = sink && new AccessLog(this.#world.clock, sink);
  }

  #compileTools(draft: ReturnType<KeyedState["draft"]>, version: number) {
    const machine = new LoneMachine();
    const directory = this.#directory;
    return { worker: this.#worker, draft, machine, directory, version, pseudonym: this.#pseudonym };
  }
}
