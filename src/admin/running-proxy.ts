import { availableParallelism } from "node:os";
import { InheritedSockets } from "../base/inherited-sockets.ts";
import { realWorld } from "../base/real-world.ts";
import { CAN_SHARE_PORTS } from "../base/system-network.ts";
import type { Address, World } from "../base/world.ts";
import { check } from "../config/check.ts";
import type { AdminConfig, Config } from "../config/config.ts";
import type { Loaded } from "../config/load.ts";
import { type PlacedProblem, problemLine } from "../config/problems.ts";
import { vocabulary } from "../features/index.ts";
import { Metrics } from "../observe/metrics.ts";
import { ProcessGauges } from "../observe/process-gauges.ts";
import type { Descriptor, Leaving } from "../server/crew.ts";
import type { Drained } from "../server/emptying.ts";
import { type BoundAddress, type OpenedBeside, Server } from "../server/server.ts";
import type { ThreadMaking } from "../server/workers/thread-crew.ts";
import type { TicketHeritage } from "../tls/ticket-secrets.ts";
import { endpointName } from "../upstream/endpoint.ts";
import type { Admin } from "./admin.ts";
import { BanControl } from "./ban-control.ts";
import { ConfigSource } from "./config-source.ts";
import { EndpointControl } from "./endpoint-control.ts";
import { MaintenanceControl } from "./maintenance-control.ts";
import { OwnLog } from "./own-log.ts";
import { PlanControl } from "./plan-control.ts";
import { metricsText, statusOf } from "./proxy-reports.ts";
import { PurgeControl } from "./purge-control.ts";
import { Readiness } from "./readiness.ts";
import { type Command, Upgrade, type UpgradeOutcome } from "./upgrade.ts";

export interface ProxyExtras {
  readonly world?: World; // tests put a simulated one here
}

export interface ProxyStart extends ProxyExtras {
  /** How many workers a config has that does not say; 1 unless said here. */
  readonly workers?: number | "auto";
  /** Where the config comes from, to take it anew; from nowhere unless said. */
  readonly source?: () => Loaded | Promise<Loaded>;
  readonly threads?: ThreadMaking;
  /** Listening sockets that are there already. */
  readonly inherited?: InheritedSockets;
  /** What session tickets were sealed with by the process before this one. */
  readonly tickets?: TicketHeritage | undefined;
  /** How the program is started anew, for an upgrade. */
  readonly command?: Command;
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

/** What became of a reload. Only "taken" has changed anything. */
export type ReloadOutcome =
  | {
      readonly kind: "taken";
      readonly version: number;
      readonly leaving: Leaving;
      readonly warnings: readonly string[];
    }
  | { readonly kind: "problems"; readonly problems: readonly PlacedProblem[] }
  | { readonly kind: "refused"; readonly message: string };

// Longer than the usual pause between two requests of a client that is at work, so that such a one
// is told to close rather than cut off.
const IDLE_AT_HAND_OVER_MS = 10_000;

/** The whole program but its command line: a server, and the admin listener that watches it. */
export class RunningProxy implements AsyncDisposable {
  readonly #world: World;
  readonly #log: OwnLog | undefined; // unless the world came with one
  readonly #server: Server;
  readonly #metrics: Metrics;
  readonly #gauges: ProcessGauges;
  readonly #readiness: Readiness;
  readonly #source: ConfigSource;
  readonly #upgrade: Upgrade;
  readonly #inherited: InheritedSockets | undefined;
  readonly #handedOver: PromiseWithResolvers<void>;
  readonly #goneOver: PromiseWithResolvers<void>;
  readonly #startedMs: number;
  #loaded: Loaded; // what is running
  #takenWallMs: number; // when the running config was taken
  #lastReloadSucceeded: boolean;
  #admin: Admin | undefined;
  #stopping: Promise<void> | undefined;

  /** Rejects with a ConfigError, or with the system's error if an address cannot be had. */
  static async start(loaded: Loaded, start: ProxyStart = {}): Promise<RunningProxy> {
    const { config, problems } = check(loaded, vocabulary);
    if (config === undefined) throw new ConfigError(problems);
    const workers = workerCount(config, start);
    const { inherited = new InheritedSockets([]) } = start;
    const log = start.world === undefined ? await OwnLog.open(config) : undefined;
    const world =
      start.world ?? realWorld({ log: log!.log, reusePort: CAN_SHARE_PORTS, inherited });
    const metrics = new Metrics();
    metrics.declare(namesOf(config));
    const { threads = {} } = start;
    const parts = {
      config,
      loaded,
      world,
      metrics,
      workers,
      threads,
      inherited,
      tickets: start.tickets,
      ...log?.forWorkers,
    };
    const server = await Server.start(parts);
    const proxy = new RunningProxy({ world, server, metrics, log, start, loaded });
    try {
      await (await proxy.#openAdmin(config.admin))?.commit();
    } catch (error) {
      await proxy.stop(0);
      throw error;
    }
    proxy.#closeUnwanted(inherited, config);
    proxy.#readiness.set("ready");
    proxy.#source.watch(config.watch ? loaded : undefined);
    return proxy;
  }

  private constructor(parts: ProxyParts) {
    const { world } = parts;
    this.#world = world;
    this.#log = parts.log;
    this.#server = parts.server;
    this.#metrics = parts.metrics;
    this.#gauges = new ProcessGauges();
    this.#readiness = new Readiness(() => this.#server.health.running > 0);
    this.#source = new ConfigSource(world, parts.start.source, (loaded) => this.#take(loaded));
    this.#upgrade = new Upgrade({
      world,
      command: parts.start.command,
      areForeign: parts.start.inherited?.areForeign ?? false,
      descriptors: () => this.#descriptors(),
      tickets: () => this.#server.tasks.tickets,
      handOver: () => void this.#handOver(),
    });
    this.#inherited = parts.start.inherited;
    this.#handedOver = Promise.withResolvers();
    this.#goneOver = Promise.withResolvers();
    this.#startedMs = world.clock.nowMs();
    this.#loaded = parts.loaded;
    this.#takenWallMs = world.clock.wallMs();
    this.#lastReloadSucceeded = true;
    this.#admin = undefined;
    this.#stopping = undefined;
  }

  /** As bound, in the order of the config: port 0 is resolved. */
  get addresses(): readonly BoundAddress[] {
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
    const outcome = await this.#take(loaded);
    if (outcome.kind === "problems") throw new ConfigError(outcome.problems);
    if (outcome.kind === "refused") throw new Error(outcome.message);
  }

  /** Takes the config anew from where it came from. */
  reloadFromSource(): Promise<ReloadOutcome> {
    return this.#source.reload();
  }

  /** For logrotate. */
  async reopenLogs(): Promise<void> {
    await this.#server.reopenLogs();
  }

  /**
   * Not ready any more, no new connections, idle ones closed; exchanges have until the deadline
   * (timeouts.drain of each listener unless given). What is left then is cut and named in the log. A second call
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

  async #take(loaded: Loaded): Promise<ReloadOutcome> {
    const outcome = await this.#tryToTake(loaded);
    this.#lastReloadSucceeded = outcome.kind === "taken";
    if (outcome.kind === "taken") {
      this.#loaded = loaded;
      this.#takenWallMs = this.#world.clock.wallMs();
    }
    return outcome;
  }

  async #tryToTake(loaded: Loaded): Promise<ReloadOutcome> {
    const { config, problems, warnings } = check(loaded, vocabulary);
    if (config === undefined) return { kind: "problems", problems };
    const workersBefore = this.#server.config.workers;
    const outcome = await this.#server.reload({ config, loaded }, () =>
      this.#openAdmin(config.admin),
    );
    if (outcome.kind === "refused") return outcome;
    this.#metrics.declare(namesOf(config));
    this.#log?.follow(config);
    this.#source.watch(config.watch ? loaded : undefined);
    const told = warnings.map(problemLine);
    if (config.workers !== workersBefore) told.push("workers: taken at the next start only");
    return { ...outcome, warnings: told };
  }

  /** Starts the program anew, with the same listening sockets, and goes once that one serves. */
  upgrade(): Promise<UpgradeOutcome> {
    return this.#upgrade.run();
  }

  /** When another process serves in our place. */
  get handedOver(): Promise<void> {
    return this.#handedOver.promise;
  }

  /** When that is so, and what was in flight here is over. */
  get goneOver(): Promise<void> {
    return this.#goneOver.promise;
  }

  #handOver(): void {
    this.#handedOver.resolve();
    this.#readiness.set("draining");
    // With the answer that tells of it as its last one.
    void this.#admin?.[Symbol.asyncDispose]();
    this.#stopping = this.#end(this.#server.handOver(IDLE_AT_HAND_OVER_MS));
    this.#stopping.then(this.#goneOver.resolve, this.#goneOver.reject);
  }

  async #descriptors(): Promise<readonly Descriptor[]> {
    const descriptors = await this.#server.descriptors();
    const { admin } = this.#server.config;
    const own = this.#admin?.descriptor;
    if (admin === undefined || own === undefined) return descriptors;
    return [...descriptors, [endpointName(admin.address), own]];
  }

  #closeUnwanted(inherited: InheritedSockets, config: Config): void {
    const { listeners, streamListeners, admin } = config;
    const wanted = new Set([...listeners, ...streamListeners].map(({ key }) => key));
    if (admin !== undefined) wanted.add(endpointName(admin.address));
    const closed = inherited.closeAllBut(wanted);
    if (closed.length === 0) return;
    this.#world.log.warn("inherited sockets that the config does not have were closed", { closed });
  }

  #drain(deadlineMs: number | undefined): Promise<void> {
    this.#readiness.set("draining");
    return this.#end(this.#server.stop(deadlineMs));
  }

  async #end(ending: Promise<Drained>): Promise<void> {
    this.#source.watch(undefined);
    const { finished, cut } = await ending;
    await this.#admin?.[Symbol.asyncDispose]();
    this.#gauges[Symbol.dispose]();
    this.#world.log.info("stopped", { connectionsFinished: finished, connectionsCut: cut });
    await this.#log?.sink.close();
  }

  /** Opens what the config wants; it takes the place of the one there is with the commit. */
  async #openAdmin(wanted: AdminConfig | undefined): Promise<OpenedBeside> {
    const before = this.#admin;
    if (before !== undefined && isSame(before.wanted, wanted?.address)) {
      return { commit: async () => before.use(wanted?.token), abort: async () => {} };
    }
    const opened = wanted && (await this.#createAdmin(wanted));
    return {
      commit: async () => {
        this.#admin = opened;
        // Not waited for: the request that wants the reload may have come through it.
        void before?.[Symbol.asyncDispose]();
      },
      abort: async () => opened?.[Symbol.asyncDispose](),
    };
  }

  /** Loaded when it is wanted: a start without it need not wait for node:http. */
  async #createAdmin(wanted: AdminConfig): Promise<Admin> {
    const { createAdmin } = await import("./admin.ts");
    return await createAdmin({ ...wanted, ...this.#adminSources() });
  }

  #adminSources() {
    return {
      metrics: (accept: string | undefined) => metricsText(this.#facts(), accept),
      status: () => statusOf(this.#facts()),
      reload: () => this.reloadFromSource(),
      endpoints: new EndpointControl(() => this.#server, this.#world),
      plans: new PlanControl(
        () => this.#server,
        () => this.#loaded,
      ),
      purges: new PurgeControl(() => this.#server, this.#world.log),
      maintenance: new MaintenanceControl(() => this.#server, this.#world.log),
      bans: new BanControl(() => this.#server.runtime.bans, this.#world.log),
      upgrade: () => this.upgrade(),
      readiness: this.#readiness,
      inherited: this.#inherited,
      log: this.#world.log,
    };
  }

  #facts() {
    return {
      server: this.#server,
      metrics: this.#metrics,
      gauges: this.#gauges,
      readiness: this.#readiness.state,
      nowMs: this.#world.clock.nowMs(),
      startedMs: this.#startedMs,
      configName: this.#loaded.origin.name,
      takenWallMs: this.#takenWallMs,
      lastReloadSucceeded: this.#lastReloadSucceeded,
    };
  }
}

interface ProxyParts {
  readonly world: World;
  readonly server: Server;
  readonly metrics: Metrics;
  readonly log: OwnLog | undefined;
  readonly start: ProxyStart;
  readonly loaded: Loaded;
}

function workerCount({ workers }: Config, start: ProxyStart): number {
  const wanted = workers ?? start.workers ?? 1;
  if (start.world !== undefined) return 1; // a world cannot be handed to another thread
  // Sockets of another user: threads cannot bind beside them, nor anew if they lose one.
  if (start.inherited?.areForeign === true) return 1;
  if (CAN_SHARE_PORTS) return wanted === "auto" ? availableParallelism() : wanted;
  if (wanted === "auto" || wanted === 1) return 1;
  throw new Error(
    `Cannot use workers: must be 1 where threads cannot share a port (${process.platform}), ` +
      `got ${wanted}`,
  );
}

function isSame(one: Address, other: Address | undefined): boolean {
  return one.host === other?.host && one.port === other.port;
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
    listeners: [...config.listeners, ...config.streamListeners].map(({ key }) => key),
    streams: config.streamListeners.flatMap(({ streams }) => streams.map(({ name }) => name)),
  };
}
