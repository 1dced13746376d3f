import { randomBytes } from "node:crypto";
import type { Address, World } from "../base/world.ts";
import { compile } from "../config/compile.ts";
import type { Config, LogConfig } from "../config/config.ts";
import type { Runtime } from "../core/runtime.ts";
import { KeyedState } from "../core/shared-state.ts";
import { AccessLog } from "../observe/access-log.ts";
import { LogSink } from "../observe/log-sink.ts";
import type { Metrics } from "../observe/metrics.ts";
import { SessionLog } from "../observe/session-log.ts";
import { DatagramListener } from "./datagram-listener.ts";
import type { Drained } from "./emptying.ts";
import { EngineWorker } from "./engine-worker.ts";
import { Listener } from "./listener.ts";
import { StreamListener } from "./stream-listener.ts";

/** Where something is served, and what. */
export interface BoundAddress extends Address {
  readonly protocol?: "http" | "tcp" | "udp";
}

type AnyListener = Listener | StreamListener | DatagramListener;

/** What a reload could not do; nothing has changed then. */
export interface ReloadRefused {
  readonly message: string;
}

/** A running proxy: listeners, the runtime that they serve, and the state under both. */
export class Server {
  readonly #world: World;
  readonly #worker: EngineWorker;
  readonly #state: KeyedState;
  readonly #pseudonym: string;
  readonly #listeners: Map<string, AnyListener>;
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
    this.#worker = new EngineWorker(world, metrics);
    this.#state = new KeyedState(world.log);
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
  get addresses(): readonly BoundAddress[] {
    return [...this.#listeners.values()].flatMap(({ door, protocol }) =>
      door === undefined ? [] : { ...door.address, protocol },
    );
  }

  /** How many connections each listener has. */
  get connectionCounts(): ReadonlyMap<string, number> {
    return new Map([...this.#listeners].map(([key, each]) => [key, each.connectionCount]));
  }

  get droppedLogLines(): number {
    return this.#sink?.dropped ?? 0;
  }

  /**
   * Another config, from the next exchange on. Everything that can fail comes before the swap, so
   * a config that cannot be served changes nothing. What did not change is not touched.
   */
  async reload(config: Config): Promise<ReloadRefused | undefined> {
    const draft = this.#state.draft();
    const runtime = compile(config, this.#compileTools(draft, this.#runtime.version + 1));
    const opened: AnyListener[] = [];
    let sink: LogSink | undefined;
    try {
      sink = await this.#sinkFor(config.log);
      for (const listener of this.#listenersFor(runtime)) {
        if (this.#listeners.has(listener.key)) continue;
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
    for (const listener of closing) void listener.drain(listener.drainMs);
    return undefined;
  }

  /**
   * Stops accepting, lets exchanges and sessions finish until the deadline, by default that of each
   * listener, and cuts and names the rest.
   */
  async stop(deadlineMs?: number): Promise<Drained> {
    const drains = [...this.#listeners.values()].map((each) =>
      each.drain(deadlineMs ?? each.drainMs),
    );
    const drained = await Promise.all(drains);
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
      for (const listener of this.#listenersFor(this.#runtime)) {
        await listener.open(this.#world.network);
        this.#listeners.set(listener.key, listener);
      }
    } catch (error) {
      await this.stop(0);
      throw error;
    }
  }

  /** One for each port of the runtime, not open yet, in the order of the config. */
  #listenersFor(runtime: Runtime): AnyListener[] {
    const ofSites = [...runtime.listeners.values()].map(
      (plan) => new Listener(this.#worker, runtime, plan),
    );
    const ofStreams = [...runtime.streamListeners.values()].map((plan) =>
      plan.protocol === "tcp"
        ? new StreamListener(this.#worker, plan)
        : new DatagramListener(this.#worker, plan),
    );
    return [...ofSites, ...ofStreams];
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
    this.#worker.sessionLog = sink && new SessionLog(this.#world.clock, sink);
  }

  #compileTools(draft: ReturnType<KeyedState["draft"]>, version: number) {
    return { worker: this.#worker, draft, version, pseudonym: this.#pseudonym };
  }
}
