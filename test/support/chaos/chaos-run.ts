import type { Address, Network, Wire, WireReader } from "../../../src/base/world.ts";
import type { Endpoint, Upstream } from "../../../src/core/upstream.ts";
import { requestsActiveIn } from "../../../src/observe/metrics.ts";
import { Server } from "../../../src/server/server.ts";
import { SimWorld } from "../sim-world.ts";
import { ChaosClient } from "./chaos-client.ts";
import { chaosConfig } from "./chaos-config.ts";
import { ChaosOrigin } from "./chaos-origin.ts";
import { type ChaosPlan, type Disturbance, ORIGIN_COUNT } from "./chaos-plan.ts";
import { ChaosRecord } from "./chaos-record.ts";
import { CheckedMetrics } from "./checked-metrics.ts";

const ALL_OVER_MS = 60_000; // every timeout of the proxy is far below
const STEP_MS = 500;
const AT_REST_MS = 6_000; // beyond the longest of them, for what waits idle
const RETRIES_MIN = 3; // what the budget of an idle upstream has to give

export interface ChaosOutcome {
  readonly complaints: readonly string[];
  readonly counts: ReadonlyMap<string, number>;
  readonly fingerprint: string; // alike for two runs of one plan
}

/**
 * The whole proxy, from sockets to reload, in a simulated world: clients, origins and a network that
 * all misbehave as the plan says. Then everybody leaves, and nothing may be left behind.
 */
export async function runChaos(plan: ChaosPlan): Promise<ChaosOutcome> {
  const run = new ChaosRun(plan);
  try {
    await run.act();
  } catch (error) {
    run.record.complain(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  return run.outcome();
}

class ChaosRun {
  readonly record: ChaosRecord;
  readonly #plan: ChaosPlan;
  readonly #world: SimWorld;
  readonly #metrics = new CheckedMetrics();
  readonly #origins: readonly ChaosOrigin[];
  readonly #clients: readonly ChaosClient[];
  readonly #wires: Wire[] = []; // the proxy's own ends
  readonly #endpoints = new Set<Endpoint>(); // of every config
  readonly #upstreams = new Set<Upstream>();
  #version = 0;
  #isCalm = false; // nothing of its own goes on any more
  #reloading: Promise<unknown> = Promise.resolve();
  #stopping: Promise<unknown> | undefined;

  constructor(plan: ChaosPlan) {
    this.#plan = plan;
    this.record = new ChaosRecord(plan);
    this.#world = new SimWorld(plan.seed, plan.network);
    this.#origins = Array.from(
      { length: ORIGIN_COUNT },
      (_, place) => new ChaosOrigin(this.#world, this.record, place),
    );
    this.#clients = plan.clients.map((each) => new ChaosClient(each, this.#world, this.record));
  }

  async act(): Promise<void> {
    const { clock, random, log, names, web } = this.#world;
    for (const origin of this.#origins) await origin.open();
    const world = { clock, random, log, names, web, network: this.#watched() };
    const metrics = this.#metrics;
    const server = await Server.start({ ...this.#config(), world, metrics, workers: 1 });
    this.#keepTrack(server);
    for (const client of this.#clients) client.start();
    for (const each of this.#plan.disturbances) {
      clock.after(each.atMs, () => this.#disturb(server, each));
    }
    const { drainsAtMs } = this.#plan;
    if (drainsAtMs !== undefined) clock.after(drainsAtMs, () => this.#stop(server));

    await this.#untilOver();
    for (const client of this.#clients) client.leave();
    this.#isCalm = true;
    this.#reloading = this.#reloading.then(() => this.#reload(server));
    await clock.advance(AT_REST_MS);
    this.#checkRest();
    this.#stop(server);
    for (const origin of this.#origins) origin.closeAll();
    await clock.advance(AT_REST_MS);
    await this.#stopping;
    if (clock.pendingCount > 0) this.record.complain(`${clock.pendingCount} timers left`);
  }

  outcome(): ChaosOutcome {
    const { complaints, counts } = this.record;
    const facts = [...counts].sort().map(([what, count]) => `${what}: ${count}`);
    const fingerprint = `${this.#world.clock.nowMs()} ${this.#wires.length}\n${facts.join("\n")}`;
    return { complaints, counts, fingerprint };
  }

  /** As long as anybody has something to do, within reason. */
  async #untilOver(): Promise<void> {
    const { clock } = this.#world;
    const endMs = clock.nowMs() + ALL_OVER_MS;
    const isOver = () => this.#clients.every((client) => client.isOver);
    while (!isOver() && clock.nowMs() < endMs) await clock.advance(STEP_MS);
    if (!isOver()) this.record.complain("a client still waits");
  }

  #config() {
    const addresses = this.#origins.map(({ address: { host, port } }) => `http://${host}:${port}`);
    return chaosConfig(this.#plan.seed, this.#version, addresses, this.#isCalm);
  }

  #keepTrack({ runtime }: Server): void {
    for (const upstream of runtime.upstreams.values()) {
      this.#upstreams.add(upstream);
      for (const endpoint of upstream.endpoints) this.#endpoints.add(endpoint);
    }
  }

  #disturb(server: Server, { kind, origin: place }: Disturbance): void {
    const origin = this.#origins[place]!;
    this.record.count(kind);
    switch (kind) {
      case "refuse":
        void origin.refuse();
        break;
      case "open":
        void origin.open();
        break;
      case "crash":
        void origin.crash();
        break;
      case "blackhole":
        this.#world.network.blackhole(origin.address);
        break;
      case "answer":
        this.#world.network.answer(origin.address);
        break;
      case "jump":
        this.#world.clock.jumpWall(-3_600_000);
        break;
      case "reload":
        this.#reloading = this.#reloading.then(() => this.#reload(server));
    }
  }

  async #reload(server: Server): Promise<void> {
    if (this.#stopping !== undefined) return;
    this.#version++;
    const reload = await server.reload(this.#config());
    if (reload.kind === "refused") {
      if (this.#stopping === undefined) this.record.complain(`refused: ${reload.message}`);
      return;
    }
    this.#keepTrack(server);
  }

  #stop(server: Server): void {
    this.record.isDraining = true;
    this.#stopping ??= this.#reloading.then(() => server.stop(server.drainMs));
  }

  /** Everybody has left: nothing may hold anything but what the next requests would use. */
  #checkRest(): void {
    const { startedCount, over, bugCount, meters } = this.#metrics;
    const found: string[] = this.#world.lines
      .filter(({ message }) => message === "bug")
      .map(({ fields }) => `bug: ${fields["stack"]}`);
    const wanted = (what: string, got: number, want: number) => {
      if (got !== want) found.push(`${what}: ${got}, wanted ${want}`);
    };
    wanted("bugs", bugCount, 0);
    wanted("exchanges that ended, of those that began", over.size, startedCount);
    wanted("requests active", requestsActiveIn(this.#metrics.share()), 0);
    for (const { name, state } of this.#endpoints) {
      wanted(`claims on ${name}`, state.active, 0);
      wanted(`unanswered on ${name}`, state.unanswered, 0);
    }
    for (const each of this.#upstreams)
      wanted(`retries of ${each.name}`, freeRetries(each), RETRIES_MIN);
    for (const [name, { openCount, idleCount }] of meters) {
      wanted(`connections of ${name}`, openCount, 0);
      wanted(`idle connections of ${name}`, idleCount, 0);
    }
    wanted("wires", this.#wires.filter(({ destroyed }) => !destroyed).length, 0);
    wanted("timers", this.#world.clock.pendingCount, 0);
    for (const complaint of found) this.record.complain(complaint);
  }

  #watched(): Network {
    const { network } = this.#world;
    return {
      bindDatagrams: (address, taker) => network.bindDatagrams(address, taker),
      connectDatagrams: (address, reader) => network.connectDatagrams(address, reader),
      connect: (address: Address, reader: WireReader) => {
        const wire = network.connect(address, reader);
        this.#wires.push(wire);
        return wire;
      },
      listen: (address, onWire) =>
        network.listen(address, (wire) => {
          this.#wires.push(wire);
          onWire(wire);
        }),
    };
  }
}

function freeRetries(upstream: Upstream): number {
  const retryBudget = upstream.retryBudgetOf(0, RETRIES_MIN); // no share: what was begun lately is none
  let taken = 0;
  while (taken <= RETRIES_MIN && retryBudget.take()) taken++;
  for (let count = 0; count < taken; count++) retryBudget.giveBack();
  return taken;
}
