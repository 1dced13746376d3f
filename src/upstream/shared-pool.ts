import { Crowd } from "../base/crowd.ts";
import type { Directory } from "../core/directory.ts";
import type { OwnConnections } from "../core/downstream.ts";
import type { FaultCode } from "../core/fault.ts";
import type { Speech } from "../core/upstream.ts";
import type { ConnectionMeter, Worker } from "../core/worker.ts";
import { AwaitingCarrier, type WaitingRoom } from "../transport/awaiting-carrier.ts";
import type { Carrier, ConnectTimeouts, Destination } from "../transport/carrier.ts";
import { type H2Home, H2Upstream } from "../transport/h2-upstream.ts";
import { type DialOwner, UpstreamDial } from "../transport/upstream-dial.ts";
import { Astray } from "./astray.ts";
import type { EndpointPool, PoolShape } from "./endpoint-pool.ts";
import { overHttp1 } from "./manner.ts";
import { Pool } from "./pool.ts";

/**
 * The connections to an endpoint that speaks HTTP/2, or may: exchanges share them, and only when all
 * are full is there another. Who comes before there is one waits in line for it.
 *
 * Where the endpoint may speak both, it says which with each handshake; what it said last is believed
 * for as long as there is a connection of that kind. WebSockets always go over HTTP/1.
 */
export class SharedPool implements EndpointPool, H2Home, DialOwner, WaitingRoom {
  readonly #worker: Worker;
  readonly #destination: Destination;
  readonly #meter: ConnectionMeter;
  readonly #plain: Pool | undefined; // of connections in HTTP/1, where the endpoint may be asked so
  readonly #open: Crowd<H2Upstream>;
  readonly #idle: Set<H2Upstream>;
  #taking: H2Upstream | undefined; // the one that took the last exchange, if it may take more
  readonly #dials: Set<UpstreamDial>;
  readonly #line: Set<AwaitingCarrier>; // the longest waiting first
  readonly #astray: Astray;
  #timeouts: ConnectTimeouts | undefined; // of whoever came last
  #said: Speech | undefined; // what the endpoint chose to speak
  #avoidsHttp2: boolean; // it can, and does not want to (HTTP_1_1_REQUIRED)
  #isClosed: boolean;
  #shape: PoolShape;

  constructor(worker: Worker, destination: Destination, meter: ConnectionMeter, shape: PoolShape) {
    const { manner } = destination;
    this.#worker = worker;
    this.#destination = destination;
    this.#meter = meter;
    this.#plain = manner.speaks.includes("h1")
      ? new Pool(worker, { ...destination, manner: overHttp1(manner) }, meter, shape)
      : undefined;
    this.#open = new Crowd();
    this.#idle = new Set();
    this.#taking = undefined;
    this.#dials = new Set();
    this.#line = new Set();
    this.#astray = new Astray();
    this.#timeouts = undefined;
    this.#said = this.#plain === undefined ? "h2" : undefined;
    this.#avoidsHttp2 = false;
    this.#isClosed = false;
    this.#shape = shape;
  }

  reshape(shape: PoolShape): void {
    this.#shape = shape;
    this.#plain?.reshape(shape);
  }

  take(timeouts: ConnectTimeouts, needsHttp1: boolean): Carrier {
    const plain = this.#plain;
    if (plain !== undefined) {
      if (needsHttp1 || this.#avoidsHttp2) return plain.take(timeouts);
      if (this.#said === "h1" && plain.openCount > 0) return plain.take(timeouts);
    }
    return this.#withRoom()?.take() ?? this.#wait(timeouts);
  }

  fresh(timeouts: ConnectTimeouts, needsHttp1: boolean): Carrier {
    const plain = this.#plain;
    if (plain !== undefined && (needsHttp1 || this.#avoidsHttp2)) return plain.fresh(timeouts);
    return this.#wait(timeouts);
  }

  /** A connection for one client alone is one in HTTP/1; the config refuses what could not be. */
  takeOwn(own: OwnConnections, header: () => Uint8Array, timeouts: ConnectTimeouts): Carrier {
    if (this.#plain === undefined) throw new Error("HTTP/2 has no connections of one client");
    return this.#plain.takeOwn(own, header, timeouts);
  }

  get idleCount(): number {
    return this.#idle.size + (this.#plain?.idleCount ?? 0);
  }

  get openCount(): number {
    return this.#open.size + this.#dials.size + (this.#plain?.openCount ?? 0);
  }

  // --- the line -------------------------------------------------------------------------------

  /** One is filled before the next is asked, so that those that are not needed become idle. */
  #withRoom(): H2Upstream | undefined {
    if (this.#taking?.takesMore === true) return this.#taking;
    this.#taking = this.#open.all().find(({ takesMore }) => takesMore);
    return this.#taking;
  }

  #wait(timeouts: ConnectTimeouts): Carrier {
    this.#timeouts = timeouts;
    const carrier = new AwaitingCarrier(this);
    this.#line.add(carrier);
    this.#dialForAll();
    return carrier;
  }

  left(carrier: AwaitingCarrier): void {
    if (!this.#line.delete(carrier) || this.#line.size > 0) return;
    for (const dial of this.#dials) {
      dial.abandon();
      this.#dialOver(dial);
    }
  }

  #dialForAll(): void {
    const { streamsMax } = this.#shape;
    while (this.#dials.size * streamsMax < this.#line.size) {
      this.#meter.opened();
      this.#dials.add(new UpstreamDial(this.#worker, this.#destination, this.#timeouts!, this));
    }
  }

  #dialOver(dial: UpstreamDial): void {
    if (this.#dials.delete(dial)) this.#meter.closed();
  }

  dialled(dial: UpstreamDial, alpn: string | undefined): void {
    this.#dialOver(dial);
    const isHttp2 = alpn === "h2" || alpn === undefined;
    if (isHttp2) this.#begin(dial);
    else if (this.#plain === undefined) {
      dial.taken(NOBODY).destroy();
      this.#failLine("upstream_tls_failed", "it does not speak h2");
    } else this.#beginHttp1(this.#plain, dial);
  }

  notDialled(dial: UpstreamDial, code: FaultCode, detail: string): void {
    this.#dialOver(dial);
    // Those who cannot be taken by a dial that goes on.
    if (this.#dials.size === 0) this.#failLine(code, detail);
  }

  #failLine(code: FaultCode, detail: string): void {
    const line = [...this.#line];
    this.#line.clear();
    for (const carrier of line) carrier.fail(code, detail);
  }

  #begin(dial: UpstreamDial): void {
    this.#said = "h2";
    const connection = new H2Upstream(this.#worker, dial, this, this.#shape);
    this.#open.add(connection);
    this.#meter.opened();
    this.#meter.idle();
    this.#idle.add(connection);
    connection.start();
    this.hasRoom(connection);
    if (connection.isIdle) this.idle(connection);
    if (this.#isClosed) connection.leave();
  }

  #beginHttp1(plain: Pool, dial: UpstreamDial): void {
    this.#said = "h1";
    const line = [...this.#line];
    this.#line.clear();
    const [first, ...others] = line;
    const connection = plain.adopt(dial);
    if (first === undefined) connection.abandon();
    else this.#board(first, connection);
    for (const carrier of others) this.#board(carrier, plain.take(this.#timeouts!));
  }

  /** A bug of one exchange must not keep the others from theirs. */
  #board(waiting: AwaitingCarrier, carrier: Carrier): void {
    try {
      waiting.board(carrier);
    } catch (error) {
      this.#worker.bug(error, undefined);
      carrier.abandon();
      waiting.fail("bug", String(error));
    }
  }

  // --- what connections tell --------------------------------------------------------------------

  hasRoom(connection: H2Upstream): void {
    for (const carrier of this.#line) {
      if (!connection.takesMore) return;
      this.#line.delete(carrier);
      this.#board(carrier, connection.take());
    }
  }

  busy(connection: H2Upstream): void {
    if (this.#idle.delete(connection)) this.#meter.busy();
  }

  idle(connection: H2Upstream): void {
    const { keepAliveMs, idleMax } = this.#shape;
    if (!this.#idle.has(connection)) {
      this.#idle.add(connection);
      this.#meter.idle();
    }
    const isFull = this.#idle.size > idleMax;
    if (this.#isClosed || isFull || keepAliveMs <= 0 || this.#astray.has(connection)) {
      connection.leave();
    } else connection.keepIdle(keepAliveMs);
  }

  gone(connection: H2Upstream): void {
    if (!this.#open.delete(connection)) return;
    if (this.#taking === connection) this.#taking = undefined;
    if (this.#idle.delete(connection)) this.#meter.busy();
    this.#meter.closed();
  }

  refusesHttp2(): void {
    this.#avoidsHttp2 = this.#plain !== undefined;
  }

  // --- the end ----------------------------------------------------------------------------------

  follow(directory: Directory): void {
    this.#plain?.follow(directory);
    this.#astray.follow(directory, this.#destination.address.host, () => {
      for (const each of this.#open.all()) if (this.#astray.has(each)) each.leave();
    });
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#astray[Symbol.dispose]();
    this.#plain?.[Symbol.dispose]();
    for (const connection of this.#open.all()) connection.leave();
  }

  closeIdle(): void {
    this.#plain?.closeIdle();
    for (const connection of [...this.#idle]) connection.leave();
  }
}

const NOBODY = { buffer: () => Buffer.alloc(1), read: () => {} };
