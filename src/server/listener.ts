import { Crowd } from "../base/crowd.ts";
import type { Lanes } from "../base/lanes.ts";
import type { Address, Door, Network, Wire } from "../base/world.ts";
import { type Seat, UNCOUNTED } from "../core/client-limit.ts";
import type { Fault } from "../core/fault.ts";
import { LoneMachine } from "../core/machine.ts";
import type { ListenerPlan, Runtime } from "../core/runtime.ts";
import type { StreamWorker } from "../core/stream.ts";
import type { TlsPlan, TlsTerms } from "../core/tls.ts";
import type { Listening } from "../core/worker.ts";
import type { DownstreamConnection, InFlight } from "../transport/downstream-connection.ts";
import { Handshake } from "../transport/handshake.ts";
import { type Opened, Opening, type OpeningWants } from "../transport/opening.ts";
import { NO_PRELUDE, type Prelude } from "../transport/prelude.ts";
import { connectionFor } from "../transport/protocol-choice.ts";
import { TermsAwaited } from "../transport/terms-awaited.ts";
import { localEnd, plainAddress } from "../transport/wire-peer.ts";
import type { Leaving } from "./crew.ts";
import { Cutting } from "./cutting.ts";
import {
  type Drained,
  drainedInAll,
  Emptying,
  type HandOver,
  NOTHING_DRAINED,
} from "./emptying.ts";
import { isKeptOut } from "./kept-out.ts";
import { CLIENT_FULL, FULL, type Newcomer, OPEN, Room } from "./make-room.ts";
import { StreamListener } from "./stream-listener.ts";
import { refuseName, TurnAway } from "./turn-away.ts";

/** A bound socket and the connections that came through it. */
export class Listener implements Listening {
  readonly protocol = "http";
  readonly #worker: StreamWorker;
  readonly #connections: Crowd<DownstreamConnection>;
  readonly #openings: Map<Opening | Handshake | TermsAwaited, Newcomer>; // the oldest first
  readonly #room: Room;
  readonly #turnAway: TurnAway;
  readonly #counts: Lanes; // of all workers' listeners of this key
  readonly #emptying: Emptying;
  #streams: StreamListener | undefined; // TLS on this port that is passed through
  #runtime: Runtime;
  #plan: ListenerPlan;
  #network: Network | undefined; // that the door is in
  #door: Door | undefined;
  #isDraining: boolean;

  constructor(
    worker: StreamWorker,
    runtime: Runtime,
    plan: ListenerPlan,
    counts: Lanes = new LoneMachine().lanes(),
  ) {
    this.#worker = worker;
    this.#connections = new Crowd();
    this.#openings = new Map();
    this.#room = new Room(plan.key, worker, counts, {
      connections: this.#connections,
      openings: this.#openings,
    });
    this.#turnAway = new TurnAway();
    this.#counts = counts;
    this.#streams = undefined;
    this.#runtime = runtime;
    this.#plan = plan;
    this.#network = undefined;
    this.#door = undefined;
    this.#isDraining = false;
    this.#emptying = new Emptying(
      worker.world.clock,
      () => this.#connections.size + this.#openings.size,
    );
    this.#serveStreams();
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

  get drainMs(): number {
    return this.#plan.timeouts.drain;
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
    return this.#connections.size + (this.#streams?.connectionCount ?? 0);
  }

  /** What is on its connections now. */
  *inFlight(): Iterable<InFlight> {
    for (const connection of this.#connections.all()) yield* connection.inFlight;
  }

  /**
   * Rejects with a ListenError if the address cannot be bound. `address`: unless that of the plan.
   * `holds`: who comes is not served before letIn().
   */
  async open(
    network: Network,
    address: Address = this.#plan.address,
    holds = false,
  ): Promise<void> {
    this.#network = network;
    this.#door = await network.listen(address, (wire) => this.#accept(wire), holds);
  }

  letIn(): void {
    this.#door?.letIn?.();
  }

  #accept(wire: Wire): void {
    if (this.#isDraining || isKeptOut(wire, this.key, this.#worker)) {
      wire.destroy();
      return;
    }
    const { sendsProxyHeader, tls, clients } = this.#plan;
    const proxyHeader = sendsProxyHeader?.(plainAddress(wire.remoteAddress)) === true;
    const isPlain = !proxyHeader && tls === undefined;
    const isCounted = clients !== undefined && !proxyHeader;
    const seat = isCounted ? clients.take(plainAddress(wire.remoteAddress)) : UNCOUNTED;
    if (seat === undefined) {
      this.#refuse(wire, CLIENT_FULL, isPlain);
      return;
    }
    if (!this.#room.hasRoom(this.#plan.limits.connectionsMax)) {
      seat.leave();
      this.#refuse(wire, FULL, isPlain);
      return;
    }
    this.#counts.add(OPEN, 1);
    if (isPlain) this.#start(wire, NO_PRELUDE, seat);
    else this.#open(wire, { proxyHeader, hello: tls !== undefined }, seat);
  }

  #refuse(wire: Wire, fault: Fault, isPlain: boolean): void {
    this.#worker.connectionShed(this.key, fault);
    if (isPlain) this.#turnAway.refuse(wire, this.#worker, fault.code, this.#plan.protocols);
    else wire.destroy();
  }

  #start(wire: Wire, prelude: Prelude, seat: Seat, early?: Buffer): void {
    const closed = (connection: DownstreamConnection) => this.#closed(connection, seat);
    const connection = connectionFor(wire, this.#worker, this, closed, prelude);
    this.#connections.add(connection);
    connection.start(early);
    if (this.#isDraining) connection.drain();
  }

  #open(wire: Wire, wants: OpeningWants, seat: Seat): void {
    const { tls, timeouts } = this.#plan;
    const newcomer: Newcomer = {
      address: plainAddress(wire.remoteAddress), // a wire that has closed does not know it
      startedMs: this.#worker.clock.nowMs(),
      seat,
    };
    const opening = new Opening(wire, this.#worker, wants, {
      opened: (opened) => {
        this.#openings.delete(opening);
        const { proxy, hello, early } = opened;
        if (wants.proxyHeader && !this.#seatProxied(opened, newcomer)) return;
        if (tls === undefined || hello === undefined)
          this.#start(wire, { proxy, tls: undefined }, newcomer.seat, early);
        else this.#choose(opened, tls, newcomer);
      },
      refused: (fault) => this.#refused(opening, newcomer, fault),
    });
    this.#openings.set(opening, newcomer);
    opening.start(tls === undefined ? timeouts.requestHead : timeouts.handshake);
  }

  /** Whose connection it is a PROXY header has only now told. */
  #seatProxied({ wire, proxy }: Opened, newcomer: Newcomer): boolean {
    const { clients } = this.#plan;
    if (clients === undefined || proxy?.ends === undefined) return true;
    const seat = clients.take(proxy.ends.source.host);
    newcomer.seat = seat ?? UNCOUNTED;
    if (seat !== undefined) return true;
    this.#refused(undefined, newcomer, undefined);
    this.#refuse(wire, CLIENT_FULL, this.#plan.tls === undefined);
    return false;
  }

  #choose(opened: Opened, tls: TlsPlan, newcomer: Newcomer): void {
    if (this.#streams?.take(opened, newcomer.seat) === true) return;
    const { wire, proxy } = opened;
    const hello = opened.hello!; // that is what it was opened for
    if (!tls.admits(proxy?.ends?.source.host ?? newcomer.address)) {
      wire.destroy();
      this.#worker.connectionShed(this.key, LIMITED);
      this.#refused(undefined, newcomer, undefined);
      return;
    }
    const later = tls.later?.(hello);
    if (later === undefined) {
      const local = proxy?.ends?.destination.host ?? localEnd(wire).host;
      this.#secure(opened, tls.find(hello, local), newcomer);
      return;
    }
    const awaited = new TermsAwaited(wire, this.#worker, {
      found: (terms) => {
        this.#openings.delete(awaited);
        this.#secure(opened, terms, newcomer);
      },
      refused: (fault) => this.#refused(awaited, newcomer, fault),
    });
    this.#openings.set(awaited, newcomer);
    awaited.start(later, this.#plan.timeouts.handshake);
  }

  #secure(opened: Opened, terms: TlsTerms | undefined, newcomer: Newcomer): void {
    const { wire, proxy, hello, early } = opened;
    const { serverName } = hello!;
    if (terms === undefined) {
      refuseName(wire);
      this.#refused(undefined, newcomer, {
        code: "no_certificate",
        detail: serverName === "" ? "no server name" : serverName,
      });
      return;
    }
    const wants = { wire, early: early!, serverName, terms };
    const handshake = new Handshake(this.#worker, wants, {
      secured: (secured, clientTls) => {
        this.#openings.delete(handshake);
        this.#worker.secured(this.key, clientTls);
        if (terms.isForShow === true) this.#show(secured, newcomer);
        else this.#start(secured, { proxy, tls: clientTls }, newcomer.seat);
      },
      refused: (fault) => this.#refused(handshake, newcomer, fault),
    });
    this.#openings.set(handshake, newcomer);
    const takenMs = this.#worker.clock.nowMs() - newcomer.startedMs;
    handshake.start(this.#network!, Math.max(0, this.#plan.timeouts.handshake - takenMs));
  }

  /** A CA has seen what it came for; nobody speaks HTTP there. */
  #show(wire: Wire, newcomer: Newcomer): void {
    wire.on("error", () => {});
    wire.destroySoon();
    this.#refused(undefined, newcomer, undefined);
  }

  #refused(
    opening: Opening | Handshake | TermsAwaited | undefined,
    { address, startedMs, seat }: Newcomer,
    fault: Fault | undefined,
  ): void {
    seat.leave();
    if (opening !== undefined) this.#openings.delete(opening);
    this.#counts.add(OPEN, -1);
    if (fault !== undefined) {
      this.#worker.connectionRefused(this.key, { address, fault, startedMs });
    }
    this.#emptying.check();
  }

  /** From the next exchange on; false if the runtime does not have it any more. */
  serve(runtime: Runtime): boolean {
    const plan = runtime.listeners.get(this.key);
    if (plan === undefined) return false;
    this.#runtime = runtime;
    this.#plan = plan;
    this.#serveStreams();
    return true;
  }

  /** Those of the same port; sessions of those that a reload took away have their time. */
  #serveStreams(): void {
    const plan = this.#runtime.streamListeners.get(this.key);
    if (plan === undefined) {
      void this.#streams?.drain(this.#streams.drainMs);
      this.#streams = undefined;
    } else if (this.#streams === undefined) {
      this.#streams = new StreamListener(this.#worker, plan, this.#counts);
    } else this.#streams.serve(this.#runtime);
  }

  get inFlightCounts(): Leaving {
    let exchanges = 0;
    let tunnels = 0;
    for (const { exchange, isTunnel } of this.inFlight()) {
      if (isTunnel) tunnels++;
      else if (exchange !== undefined) exchanges++;
    }
    return { exchanges: exchanges + (this.#streams?.inFlightCounts.exchanges ?? 0), tunnels };
  }

  /** Nobody comes in any more; who waits in front of the door is taken in before. */
  async shut(): Promise<void> {
    await this.#door?.[Symbol.asyncDispose]();
  }

  /** Stops accepting; exchanges in flight have until the deadline, and tunnels until theirs. */
  async drain(
    deadlineMs: number,
    tunnelMs: number = deadlineMs,
    fault: Fault = DEADLINE,
  ): Promise<Drained> {
    await this.shut();
    this.#isDraining = true;
    for (const opening of [...this.#openings.keys()]) opening.drain();
    const before = this.#connections.size;
    for (const connection of this.#connections.all()) connection.drain();
    const passed = this.#streams?.drain(tunnelMs);
    const cut = await this.#finish(deadlineMs, tunnelMs, fault);
    return drainedInAll([{ finished: before - cut, cut }, (await passed) ?? NOTHING_DRAINED]);
  }

  /**
   * As drain(), but another process has the socket, and no client should notice: a connection that is
   * idle may have a request on its way, so it stays until it has had one more, with "close" in the
   * answer, or for `idleMs`.
   */
  async handOver({ deadlineMs, tunnelMs, idleMs }: HandOver): Promise<Drained> {
    await this.#door?.handOver?.();
    this.#isDraining = true;
    const before = this.#connections.size;
    this.#worker.world.clock.after(idleMs, () => {
      for (const connection of this.#connections.all()) connection.drain();
    });
    const passed = this.#streams?.drain(this.#streams.drainMs);
    const cut = await this.#finish(deadlineMs, tunnelMs, DEADLINE);
    return drainedInAll([{ finished: before - cut, cut }, (await passed) ?? NOTHING_DRAINED]);
  }

  async #finish(deadlineMs: number, tunnelMs: number, fault: Fault): Promise<number> {
    if ((await this.#emptying.within(deadlineMs)) === "hurried" || tunnelMs <= deadlineMs) {
      return this.#cutAll(fault);
    }
    const cut = this.#cutAllButTunnels(fault);
    await this.#emptying.within(tunnelMs - deadlineMs);
    return cut + this.#cutAll(fault);
  }

  #cutAll(fault: Fault): number {
    for (const opening of [...this.#openings.keys()]) opening.abort();
    const cutting = this.#cutting(fault);
    const left = this.#connections.all();
    for (const connection of left) cutting.cut(connection);
    return left.length;
  }

  /** Answers with how many connections that ended. */
  #cutAllButTunnels(fault: Fault): number {
    for (const opening of [...this.#openings.keys()]) opening.abort();
    const cutting = this.#cutting(fault);
    let cut = 0;
    for (const connection of this.#connections.all()) {
      if (connection.isTunnel) cutting.cutBesideTunnels(connection);
      else {
        cut++;
        cutting.cut(connection);
      }
    }
    return cut;
  }

  #cutting(fault: Fault): Cutting {
    const { clock, log } = this.#worker.world;
    return new Cutting(fault, log, clock.nowMs());
  }

  /** The drain's deadline is now, also if it has only been asked for. */
  hurry(): void {
    this.#emptying.hurry();
    this.#streams?.hurry();
  }

  #closed(connection: DownstreamConnection, seat: Seat): void {
    if (!this.#connections.delete(connection)) return;
    seat.leave();
    this.#counts.add(OPEN, -1);
    this.#emptying.check();
  }
}

const LIMITED: Fault = { code: "handshakes_limited", detail: "" };
const DEADLINE: Fault = { code: "shutting_down", detail: "the drain deadline passed" };
