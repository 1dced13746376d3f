import { realWorld } from "../base/real-world.ts";
import { SystemClock } from "../base/system-clock.ts";
import { VERSION } from "../base/version.ts";
import type { Address, World } from "../base/world.ts";
import { check } from "../config/check.ts";
import type { Config } from "../config/config.ts";
import type { Loaded } from "../config/load.ts";
import { type PlacedProblem, problemLine } from "../config/problems.ts";
import { vocabulary } from "../features/index.ts";
import { CONTENT_TYPES, formatFor } from "../observe/exposition.ts";
import { JsonLog, type LogLevel } from "../observe/json-log.ts";
import { LogSink } from "../observe/log-sink.ts";
import { Metrics } from "../observe/metrics.ts";
import { ProcessGauges } from "../observe/process-gauges.ts";
import { renderMetrics } from "../observe/render-metrics.ts";
import { Server } from "../server/server.ts";
import { endpointName } from "../upstream/endpoint.ts";
import type { Admin } from "./admin.ts";
import { Readiness } from "./readiness.ts";

export interface ProxyExtras {
  readonly world?: World; // tests put a simulated one here
}

/** Every problem of a config that cannot run. */
export class ConfigError extends Error {
  readonly problems: readonly PlacedProblem[];

  constructor(problems: readonly PlacedProblem[]) {
    super(problems.map(problemLine).join("\n"));
    this.name = "ConfigError";
    this.problems = problems;
  }
}

/** The whole program but its command line: a server, and the admin listener that watches it. */
export class RunningProxy implements AsyncDisposable {
  readonly #world: World;
  readonly #server: Server;
  readonly #metrics: Metrics;
  readonly #logSink: LogSink | undefined; // of the log, unless the world came with one
  readonly #gauges: ProcessGauges;
  readonly #readiness: Readiness;
  readonly #startedMs: number;
  #configName: string;
  #takenWallMs: number; // when the running config was taken
  #lastReloadSucceeded: boolean;
  #admin: Admin | undefined;
  #stopping: Promise<void> | undefined;

  /** Rejects with a ConfigError, or with the system's error if an address cannot be had. */
  static async start(loaded: Loaded, extras: ProxyExtras = {}): Promise<RunningProxy> {
    const config = checked(loaded);
    const logSink = extras.world === undefined ? await stderrSink() : undefined;
    const world = extras.world ?? loggingWorld(config.log.level, logSink!);
    const metrics = new Metrics();
    metrics.declare(namesOf(config));
    const server = await Server.start(config, world, metrics);
    const proxy = new RunningProxy(world, server, metrics, logSink, loaded.origin.name);
    try {
      await proxy.#openAdmin();
    } catch (error) {
      await proxy.stop(0);
      throw error;
    }
    proxy.#readiness.set("ready");
    return proxy;
  }

  private constructor(
    world: World,
    server: Server,
    metrics: Metrics,
    logSink: LogSink | undefined,
    configName: string,
  ) {
    this.#world = world;
    this.#logSink = logSink;
    this.#server = server;
    this.#metrics = metrics;
    this.#gauges = new ProcessGauges();
    this.#readiness = new Readiness();
    this.#startedMs = world.clock.nowMs();
    this.#configName = configName;
    this.#takenWallMs = world.clock.wallMs();
    this.#lastReloadSucceeded = true;
    this.#admin = undefined;
    this.#stopping = undefined;
  }

  /** As bound, in the order of the config: port 0 is resolved. */
  get addresses(): readonly Address[] {
    return this.#server.addresses;
  }

  /** Of the admin listener; undefined if it is off. */
  get adminAddress(): Address | undefined {
    return this.#admin?.address;
  }

  /**
   * Takes another config, from the next exchange on. A config with problems, or one whose addresses
   * cannot be bound, changes nothing and rejects.
   */
  async reload(loaded: Loaded): Promise<void> {
    this.#lastReloadSucceeded = false;
    const config = checked(loaded);
    const refused = await this.#server.reload(config);
    if (refused !== undefined) throw new Error(refused.message);
    this.#metrics.declare(namesOf(config));
    this.#configName = loaded.origin.name;
    this.#takenWallMs = this.#world.clock.wallMs();
    this.#lastReloadSucceeded = true;
  }

  /** A reload did not get as far as reload(): the file has problems. */
  reloadRefused(): void {
    this.#lastReloadSucceeded = false;
  }

  /** For logrotate. */
  async reopenLogs(): Promise<void> {
    await this.#server.reopenLogs();
  }

  /**
   * Not ready any more, no new connections, idle ones closed; exchanges have until the deadline
   * (timeouts.drain unless given). What is left then is cut and named in the log. A second call
   * with 0 ends the wait of the first.
   */
  stop(deadlineMs?: number): Promise<void> {
    if (this.#stopping === undefined) this.#stopping = this.#drain(deadlineMs);
    else if (deadlineMs === 0) this.#server.hurry();
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #drain(deadlineMs: number | undefined): Promise<void> {
    this.#readiness.set("draining");
    const { finished, cut } = await this.#server.stop(deadlineMs ?? this.#server.drainMs);
    await this.#admin?.[Symbol.asyncDispose]();
    this.#gauges[Symbol.dispose]();
    this.#world.log.info("stopped", { connectionsFinished: finished, connectionsCut: cut });
    await this.#logSink?.close();
  }

  async #openAdmin(): Promise<void> {
    const { admin } = this.#server.config;
    if (admin === undefined) return;
    const { createAdmin } = await import("./admin.ts"); // after the listeners: they are open by now
    this.#admin = await createAdmin({
      address: admin.address,
      token: admin.token,
      metrics: (accept) => this.#renderMetrics(accept),
      status: () => this.#status(),
      readiness: this.#readiness,
      log: this.#world.log,
    });
  }

  #renderMetrics(accept: string | undefined) {
    const format = formatFor(accept);
    const { runtime } = this.#server;
    const facts = {
      upstreams: runtime.upstreams.values(),
      logDropped: this.#server.droppedLogLines,
      config: {
        version: runtime.version,
        lastReloadSucceeded: this.#lastReloadSucceeded,
        takenWallMs: this.#takenWallMs,
      },
      build: { version: VERSION },
    };
    const text = renderMetrics([this.#metrics.share()], facts, this.#gauges, format);
    return { text, contentType: CONTENT_TYPES[format] };
  }

  #status() {
    const { runtime, connectionCounts } = this.#server;
    return {
      version: VERSION,
      uptimeSeconds: Math.round((this.#world.clock.nowMs() - this.#startedMs) / 1000),
      readiness: this.#readiness.state,
      config: { name: this.#configName, version: runtime.version },
      requestsActive: this.#metrics.requestsActive,
      listeners: [...runtime.listeners.keys()].map((key) => ({
        key,
        connections: connectionCounts.get(key) ?? 0,
      })),
      upstreams: [...runtime.upstreams.values()].map((upstream) => ({
        name: upstream.name,
        endpoints: upstream.describe().map(({ endpoint, usable }) => ({
          name: endpoint.name,
          weight: endpoint.weight,
          backup: endpoint.backup,
          health: endpoint.state.health,
          active: endpoint.state.active,
          usable,
        })),
      })),
    };
  }
}

function stderrSink(): Promise<LogSink> {
  const clock = new SystemClock();
  return LogSink.open({ destination: "stderr", clock, log: undefined });
}

/** The real world, with its log in the sink. */
function loggingWorld(level: LogLevel, sink: LogSink): World {
  const isReadable = process.stderr.isTTY === true;
  return realWorld({ log: new JsonLog({ sink, clock: new SystemClock(), level, isReadable }) });
}

function checked(loaded: Loaded): Config {
  const { config, problems } = check(loaded, vocabulary);
  if (config === undefined) throw new ConfigError(problems);
  return config;
}

function namesOf(config: Config) {
  return {
    sites: config.sites.map(({ name, routes }) => ({
      name,
      routes: routes.map((route) => route.name),
    })),
    upstreams: [...config.upstreams.values()].map(({ name, endpoints }) => ({
      name,
      endpoints: endpoints.map(({ address }) => endpointName(address)),
    })),
    listeners: config.listeners.map(({ key }) => key),
  };
}
