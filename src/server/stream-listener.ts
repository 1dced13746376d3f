import type { Lanes } from "../base/lanes.ts";
import type { Door, Wire, World } from "../base/world.ts";
import { type Seat, UNCOUNTED } from "../core/client-limit.ts";
import type { Fault } from "../core/fault.ts";
import { LoneMachine } from "../core/machine.ts";
import type { Runtime } from "../core/runtime.ts";
import {
  Session,
  type StreamClient,
  type StreamListenerPlan,
  type StreamPlan,
  type StreamWorker,
} from "../core/stream.ts";
import type { ConnectionMeter } from "../core/worker.ts";
import { NO_FACTS } from "../protocol/proxy-protocol/proxy-header.ts";
import { SignatureWatch } from "../protocol/proxy-protocol/signature-watch.ts";
import { type Opened, Opening } from "../transport/opening.ts";
import { StreamConnection } from "../transport/stream-connection.ts";
import { localEnd, plainAddress } from "../transport/wire-peer.ts";
import type { Leaving } from "./crew.ts";
import { type Drained, Emptying, type HandOver } from "./emptying.ts";
import { isKeptOut } from "./kept-out.ts";
import { CLIENT_FULL, FULL } from "./make-room.ts";

/** A bound socket for TCP streams, and the connections that came through it. */
export class StreamListener {
  readonly protocol = "tcp";
  readonly #worker: StreamWorker;
  readonly #counts: Lanes; // of all workers' listeners of this key
  readonly #connections: Set<StreamConnection>;
  readonly #openings: Set<Opening>; // not known yet where they go
  readonly #emptying: Emptying;
  readonly #meter: ConnectionMeter;
  #plan: StreamListenerPlan;
  #door: Door | undefined;
  #isDraining: boolean;

  constructor(
    worker: StreamWorker,
    plan: StreamListenerPlan,
    counts: Lanes = new LoneMachine().lanes(),
  ) {
    this.#worker = worker;
    this.#counts = counts;
    this.#connections = new Set();
    this.#openings = new Set();
    this.#emptying = new Emptying(worker.world.clock, () => this.connectionCount);
    this.#meter = worker.listenerMeter(plan.key);
    this.#plan = plan;
    this.#door = undefined;
    this.#isDraining = false;
  }

  get key(): string {
    return this.#plan.key;
  }

  get door(): Door | undefined {
    return this.#door;
  }

  get drainMs(): number {
    return this.#plan.drainMs;
  }

  get connectionCount(): number {
    return this.#connections.size + this.#openings.size;
  }

  /** Rejects with a ListenError if the address cannot be bound. */
  async open(
    network: World["network"],
    address = this.#plan.address,
    holds = false,
  ): Promise<void> {
    this.#door = await network.listen(address, (wire) => this.#accept(wire), holds);
  }

  letIn(): void {
    this.#door?.letIn?.();
  }

  /** From the next connection on; false if the runtime does not have it any more. */
  serve(runtime: Runtime): boolean {
    const plan = runtime.streamListeners.get(this.key);
    if (plan !== undefined) this.#plan = plan;
    return plan !== undefined;
  }

  /** Stops accepting; connections have until the deadline. */
  async drain(deadlineMs: number): Promise<Drained> {
    await this.shut();
    return await this.#finish(deadlineMs);
  }

  /** Nobody comes in any more; who waits in front of the door is taken in before. */
  async shut(): Promise<void> {
    await this.#door?.[Symbol.asyncDispose]();
  }

  /** As drain(), but another process has the socket. */
  async handOver(_manner: HandOver): Promise<Drained> {
    await this.#door?.handOver?.();
    return await this.#finish(this.drainMs);
  }

  async #finish(deadlineMs: number): Promise<Drained> {
    this.#isDraining = true;
    for (const opening of [...this.#openings]) opening.abort();
    const before = this.#connections.size;
    await this.#emptying.within(deadlineMs);

    const left = [...this.#connections];
    for (const connection of left) this.#cut(connection);
    return { finished: before - left.length, cut: left.length };
  }

  /** What is on its connections now. */
  get inFlightCounts(): Leaving {
    return { exchanges: this.#connections.size, tunnels: 0 };
  }

  /** The drain's deadline is now. */
  hurry(): void {
    this.#emptying.hurry();
  }

  #cut(connection: StreamConnection): void {
    const { id, stream, startedMs } = connection.session;
    const ageMs = Math.round(this.#worker.clock.nowMs() - startedMs);
    const told = { id, stream: stream.name, ageMs };
    this.#worker.world.log.warn("stream cut by the drain deadline", told);
    connection.cut(DEADLINE);
  }

  // --- a connection, from its first byte to who serves it ----------------------------------------

  #accept(wire: Wire): void {
    const plan = this.#plan;
    if (isKeptOut(wire, this.key, this.#worker)) {
      wire.destroy();
      return;
    }
    if (this.#isDraining || this.#counts.sum(OPEN) >= plan.connectionsMax) {
      if (!this.#isDraining) this.#refused(wire, FULL, this.#worker.clock.nowMs());
      wire.destroy();
      return;
    }
    const isTrusted = plan.sendsProxyHeader?.(plainAddress(wire.remoteAddress)) ?? false;
    if (!isTrusted && !this.#seat(wire, plainAddress(wire.remoteAddress))) return;
    this.#counts.add(OPEN, 1);
    this.#counted(wire, UNCOUNTED);
    if (isTrusted || plan.readsHello) this.#open(wire, plan, isTrusted);
    else this.#serve(plan, { wire, proxy: undefined, hello: undefined, early: undefined });
  }

  /**
   * From a listener of sites on the same port, which has read the hello and counted the connection:
   * false if it is for none of the streams, and has not been touched.
   */
  take(opened: Opened, seat: Seat): boolean {
    const { wire, hello } = opened;
    if (this.#plan.streams.find(hello?.serverName ?? "") === undefined) return false;
    this.#counted(wire, seat);
    this.#serve(this.#plan, opened);
    return true;
  }

  /** Its place among the connections of its address, for as long as it is open; false: it has none. */
  #seat(wire: Wire, address: string): boolean {
    const { clients } = this.#plan;
    if (clients === undefined) return true;
    const seat = clients.take(address);
    if (seat !== undefined) wire.on("close", () => seat.leave());
    else {
      this.#worker.connectionShed(this.key, CLIENT_FULL);
      wire.destroy();
    }
    return seat !== undefined;
  }

  #counted(wire: Wire, seat: Seat): void {
    const meter = this.#meter;
    meter.opened();
    wire.on("close", () => {
      meter.closed();
      seat.leave();
      this.#counts.add(OPEN, -1);
    });
  }

  #open(wire: Wire, plan: StreamListenerPlan, proxyHeader: boolean): void {
    const startedMs = this.#worker.clock.nowMs();
    const address = plainAddress(wire.remoteAddress); // a wire that has closed does not know it
    const opening = new Opening(
      wire,
      this.#worker,
      { proxyHeader, hello: plan.readsHello },
      {
        opened: (opened) => {
          this.#openings.delete(opening);
          const source = opened.proxy?.ends?.source;
          if (source === undefined || this.#seat(wire, source.host)) this.#serve(plan, opened);
          else this.#emptying.check();
        },
        refused: (fault) => {
          this.#openings.delete(opening);
          if (fault !== undefined) {
            this.#worker.connectionRefused(plan.key, { address, fault, startedMs });
          }
          this.#emptying.check();
        },
      },
    );
    this.#openings.add(opening);
    opening.start(plan.openingMs);
  }

  #serve(plan: StreamListenerPlan, opened: Opened): void {
    const { wire, hello, early } = opened;
    const serverName = hello?.serverName ?? "";
    const nowMs = this.#worker.clock.nowMs();
    const stream = plan.streams.find(serverName);
    const fault =
      stream === undefined ? { ...NO_STREAM, detail: serverName } : this.#fullness(stream);
    if (stream === undefined || fault !== undefined) {
      this.#refused(wire, fault!, nowMs);
      wire.destroy();
      this.#emptying.check();
      return;
    }
    const client = clientOf(opened);
    const id = this.#worker.newId();
    const session = new Session(id, stream, "tcp", client, serverName, nowMs);
    // What nobody may send before a trusted proxy's header must not reach an endpoint that trusts us.
    const isWatched = plan.sendsProxyHeader !== undefined && opened.proxy === undefined;
    const connection = new StreamConnection(this.#worker, {
      wire,
      session,
      early,
      watch: isWatched ? new SignatureWatch() : undefined,
      onClosed: (closed) => {
        this.#connections.delete(closed);
        this.#emptying.check();
      },
    });
    this.#connections.add(connection);
  }

  #fullness({ name, connectionsMax }: StreamPlan): Fault | undefined {
    if (connectionsMax === Number.POSITIVE_INFINITY) return undefined;
    let count = 0;
    for (const { session } of this.#connections) if (session.stream.name === name) count++;
    return count >= connectionsMax ? FULL : undefined;
  }

  #refused(wire: Wire, fault: Fault, startedMs: number): void {
    const address = plainAddress(wire.remoteAddress);
    this.#worker.connectionRefused(this.key, { address, fault, startedMs });
  }
}

function clientOf({ wire, proxy }: Opened): StreamClient {
  const wireAddress = plainAddress(wire.remoteAddress);
  const ends = proxy?.ends;
  return {
    address: ends?.source.host ?? wireAddress,
    port: ends?.source.port ?? wire.remotePort ?? 0,
    wireAddress,
    destination: ends?.destination ?? localEnd(wire),
    facts: proxy?.facts ?? NO_FACTS,
  };
}

const NO_STREAM = { code: "no_stream" } as const;
const DEADLINE: Fault = { code: "shutting_down", detail: "the drain deadline passed" };
const OPEN = 0; // in each worker's lane
