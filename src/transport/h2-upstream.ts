import { type Member, OUTSIDE } from "../base/crowd.ts";
import { READ_BYTES } from "../base/read-buffers.ts";
import type { Wire, WireReader } from "../base/world.ts";
import { H2_SETTINGS_MS, LINGER_MS } from "../core/limits.ts";
import type { Worker } from "../core/worker.ts";
import {
  Connection,
  type ConnectionLimits,
  type ConnectionTaker,
} from "../protocol/h2/connection.ts";
import { INTERNAL_ERROR, NO_ERROR, SETTINGS_TIMEOUT } from "../protocol/h2/error-code.ts";
import type { Stream } from "../protocol/h2/stream.ts";
import type { UpstreamHome } from "./carrier.ts";
import type { CarrierHost } from "./carrier-host.ts";
import { type Flushable, flushSoon } from "./flush-soon.ts";
import { type BugTaker, guard } from "./guard.ts";
import { H2Carrier } from "./h2-carrier.ts";
import type { UpstreamDial } from "./upstream-dial.ts";
import type { UpstreamEvents } from "./upstream-events.ts";
import { Waiting } from "./waiting.ts";

/** Who has the connections to an endpoint: `idle` is a connection without exchanges. */
export interface H2Home extends UpstreamHome<H2Upstream> {
  busy(connection: H2Upstream): void;
  /** It may take on one more exchange. */
  hasRoom(connection: H2Upstream): void;
  refusesHttp2(): void;
}

export interface H2Shape {
  readonly limits: ConnectionLimits;
  readonly streamsMax: number; // of ours on one connection at once
  readonly sendMs: number; // the endpoint takes nothing at all
  readonly ageMs: number; // from then on it takes nothing new
}

const READ_BYTES_SMALL = 16 * 1024;
const OUTPUT_BYTES_SOON = 32 * 1024; // of output that need not wait for more
const STALE_MS = 5_000; // who has not been heard of for so long is asked with the next request
const QUIET_MS = 300_000; // as often, while it serves; servers take more for a flood
const PING_MS = 10_000; // for an answer, or anything else

/**
 * One HTTP/2 connection to an endpoint, which any number of exchanges share, each on a stream of its
 * own (H2Carrier).
 *
 *     open ─► leaving ─► ended ─► gone      leaving: takes nothing new; ended: GOAWAY is on its way
 */
export class H2Upstream
  implements CarrierHost, ConnectionTaker, WireReader, Flushable, Member, BugTaker
{
  place: number; // among the open connections of its pool
  readonly #worker: Worker;
  readonly #home: H2Home;
  readonly #shape: H2Shape;
  readonly #wire: Wire;
  readonly #connection: Connection;
  readonly #carriers: Set<H2Carrier>;
  #unsettled: H2Carrier[]; // wait for the endpoint's SETTINGS
  readonly #waiting: Waiting<"idle" | "linger">;
  readonly #settings: Waiting<"settings">;
  readonly #listening: Waiting<"quiet" | "ping">;
  readonly #writing: Waiting<"write">;
  readonly #aging: Waiting<"age">;
  hasServed: boolean;
  readCount: number;
  #readMs: number; // when something was read last
  #buffer: Buffer | undefined; // that the wire reads into
  #isReading: boolean;
  #readers: UpstreamEvents[]; // that were given some of what is being read
  #isDirty: boolean;
  #isFull: boolean; // the wire asked us to hold on
  #isLeaving: boolean;
  #closes: boolean; // once all has been written
  #isGone: boolean;
  #error: NodeJS.ErrnoException | undefined;

  /** To be started once whoever makes it is ready to hear of it. */
  constructor(worker: Worker, dial: UpstreamDial, home: H2Home, shape: H2Shape) {
    const { wheel } = worker;
    this.place = OUTSIDE;
    this.#worker = worker;
    this.#home = home;
    this.#shape = shape;
    this.#wire = dial.taken(this);
    this.#connection = new Connection("client", shape.limits, this);
    this.#carriers = new Set();
    this.#unsettled = [];
    this.#waiting = new Waiting(wheel, { overdue: (what) => this.#overdue(what) }, "idle");
    this.#settings = new Waiting(wheel, { overdue: () => this.#settingsOverdue() }, "settings");
    this.#listening = new Waiting(wheel, { overdue: (what) => this.#heardNothing(what) }, "quiet");
    this.#writing = new Waiting(wheel, { overdue: () => this.#takesNothing() }, "write");
    this.#aging = new Waiting(wheel, { overdue: () => this.leave() }, "age");
    this.hasServed = false;
    this.readCount = 0;
    this.#readMs = worker.clock.nowMs();
    this.#buffer = undefined;
    this.#isReading = false;
    this.#readers = [];
    this.#isDirty = false;
    this.#isFull = false;
    this.#isLeaving = false;
    this.#closes = false;
    this.#isGone = false;
    this.#error = undefined;
  }

  start(): void {
    const wire = this.#wire;
    wire.on("error", (error) => {
      this.#error = error;
    });
    wire.on("end", () => guard(this, () => this.#broke("the endpoint closed the connection")));
    wire.on("drain", () => guard(this, () => this.#onDrain()));
    wire.on("close", () =>
      guard(this, () => this.#broke(this.#error?.code ?? "the connection was closed")),
    );
    this.#settings.for("settings", H2_SETTINGS_MS);
    this.#aging.for("age", this.#shape.ageMs);
    this.#connection.start();
    this.moreToSend();
  }

  /** The address at the other end. */
  get remoteHost(): string | undefined {
    return this.#wire.remoteAddress;
  }

  // --- exchanges -----------------------------------------------------------------------------

  get isIdle(): boolean {
    return this.#carriers.size === 0;
  }

  /** One more exchange may begin. */
  get takesMore(): boolean {
    const { peer, isStaying } = this.#connection;
    const count = this.#carriers.size;
    return (
      isStaying && !this.#isLeaving && count < this.#shape.streamsMax && count < peer.streamsMax
    );
  }

  take(): H2Carrier {
    const carrier = new H2Carrier(this.#worker, this);
    if (this.#carriers.size === 0) {
      this.#home.busy(this);
      this.#waiting.rest();
      this.#listenAgain();
    }
    this.#carriers.add(carrier);
    return carrier;
  }

  open(): Stream | undefined {
    return this.#connection.open();
  }

  left(carrier: H2Carrier): void {
    if (!this.#carriers.delete(carrier) || this.#isGone) return;
    this.hasServed = true;
    if (this.#carriers.size > 0) {
      if (this.takesMore) this.#home.hasRoom(this);
      return;
    }
    this.#listening.rest();
    if (this.#isLeaving || !this.#connection.isStaying) this.#connection.drainNow();
    else {
      this.#home.idle(this);
      if (this.takesMore) this.#home.hasRoom(this);
    }
    this.moreToSend();
  }

  /** In the pool without exchanges from now on, for at most this long. */
  keepIdle(delayMs: number): void {
    this.#waiting.for("idle", delayMs);
  }

  /** Takes nothing new, and closes when what it has is over. */
  leave(): void {
    guard(this, () => {
      if (this.#isLeaving) return;
      this.#isLeaving = true;
      if (this.#carriers.size === 0) this.#connection.drainNow();
      this.moreToSend();
    });
  }

  get takesTunnels(): boolean | undefined {
    const { peer } = this.#connection;
    return peer.isKnown ? peer.takesTunnels : undefined;
  }

  onceSettled(carrier: H2Carrier): void {
    this.#unsettled.push(carrier);
  }

  refusesHttp2(): void {
    this.#home.refusesHttp2();
  }

  // --- reading -------------------------------------------------------------------------------

  buffer(): Uint8Array {
    this.#buffer ??= Buffer.allocUnsafeSlow(READ_BYTES_SMALL);
    return this.#buffer;
  }

  read(count: number, buffer: Uint8Array): void {
    const { clock } = this.#worker;
    clock.enter();
    this.#isReading = true;
    try {
      this.#onBytes(buffer as Buffer, count); // ours: it came from buffer()
    } catch (error) {
      this.bug(error);
    } finally {
      this.#isReading = false;
      clock.leave();
    }
    this.flushNow();
  }

  #onBytes(buffer: Buffer, count: number): void {
    const nowMs = this.#worker.clock.nowMs();
    this.#readMs = nowMs;
    this.readCount++;
    this.#connection.receive(buffer.subarray(0, count), nowMs);
    const isHeld = this.#readers.length > 0 && this.#readOver();
    if (buffer === this.#buffer) this.#chooseBuffer(buffer, count, isHeld);
    if (!this.#isLeaving && !this.#connection.isStaying) this.#isLeaving = true;
    if (this.#unsettled.length > 0 && this.#connection.peer.isKnown) this.#settled();
  }

  #settled(): void {
    const unsettled = this.#unsettled;
    this.#unsettled = [];
    for (const carrier of unsettled) carrier.settled();
  }

  /** True if somebody holds on to bytes of this read. */
  #readOver(): boolean {
    const readers = this.#readers;
    this.#readers = [];
    let isHeld = false;
    for (const events of readers) {
      events.readOver();
      isHeld ||= events.holdsBytes;
    }
    return isHeld;
  }

  #chooseBuffer(buffer: Buffer, count: number, isHeld: boolean): void {
    const { buffers } = this.#worker;
    const isFilled = count === buffer.length;
    if (!isHeld && !isFilled && buffer.length === READ_BYTES_SMALL) return; // nearly always
    if (!isHeld && isFilled === (buffer.length === READ_BYTES)) return;
    if (!isHeld && buffer.length === READ_BYTES) buffers.giveBack(buffer);
    this.#buffer = isFilled ? buffers.take(false) : undefined;
  }

  bodyRead(events: UpstreamEvents): void {
    if (!this.#readers.includes(events)) this.#readers.push(events);
  }

  opened(): void {
    throw new Error("an endpoint opened a stream"); // the engine refuses it before
  }

  settingsAcknowledged(): void {
    this.#settings.rest();
  }

  // --- is it there? --------------------------------------------------------------------------

  /** Of who was idle for long nobody knows whether it still is: the first request asks for a sign. */
  #listenAgain(): void {
    if (this.#worker.clock.nowMs() - this.#readMs < STALE_MS)
      this.#listening.for("quiet", QUIET_MS);
    else this.#ping();
  }

  #ping(): void {
    this.#connection.ping();
    this.#listening.for("ping", PING_MS);
  }

  #heardNothing(what: "quiet" | "ping"): void {
    guard(this, () => {
      const silentMs = this.#worker.clock.nowMs() - this.#readMs;
      if (what === "ping" && silentMs >= PING_MS) this.#broke("no answer to a PING");
      else if (silentMs < QUIET_MS) this.#listening.for("quiet", QUIET_MS - silentMs);
      else {
        this.#ping();
        this.moreToSend();
      }
    });
  }

  // --- writing -------------------------------------------------------------------------------

  moreToSend(): void {
    if (this.#isFull || this.#isGone) return;
    this.#connection.fill();
    if (this.#isReading) return; // the end of the read flushes
    if (this.#connection.output.length >= OUTPUT_BYTES_SOON) this.flushNow();
    else if (!this.#isDirty) {
      this.#isDirty = true;
      flushSoon(this);
    }
  }

  flushNow(): void {
    this.#isDirty = false;
    if (!this.#isGone) guard(this, () => this.#write());
  }

  #write(): void {
    const { output } = this.#connection;
    while (!this.#isFull) {
      this.#connection.fill();
      const bytes = output.take();
      if (bytes === undefined) break;
      const mayGoOn = this.#wire.write(bytes);
      if (this.#wire.writableLength === 0) output.giveBack();
      else if (!mayGoOn) {
        this.#isFull = true;
        this.#writing.for("write", this.#shape.sendMs);
      }
    }
    if (this.#isFull || !this.#closes) return;
    this.#closes = false;
    this.#wire.destroySoon();
  }

  #onDrain(): void {
    this.#isFull = false;
    this.#writing.rest();
    this.#write();
  }

  #takesNothing(): void {
    guard(this, () => {
      for (const carrier of [...this.#carriers]) carrier.stalled();
      this.#broke("it takes nothing");
    });
  }

  // --- the end -------------------------------------------------------------------------------

  /** Of the engine: nothing more is read, and the last frames are to be written. */
  ended(errorCode: number, why: string): void {
    this.#isLeaving = true;
    this.#closes = true;
    this.#waiting.for("linger", LINGER_MS);
    // Each stream has heard of a broken rule; what is left has had no head sent.
    if (errorCode !== NO_ERROR) for (const each of [...this.#carriers]) each.broken(why);
    if (!this.#isReading) this.#write();
  }

  #broke(detail: string): void {
    if (this.#isGone) return;
    this.#shut();
    this.#wire.destroy();
    for (const carrier of [...this.#carriers]) carrier.broken(detail);
    this.#carriers.clear();
  }

  #shut(): void {
    this.#isGone = true;
    this.#isLeaving = true;
    const waits = [this.#waiting, this.#settings, this.#listening, this.#writing, this.#aging];
    for (const each of waits) each.stop();
    this.#home.gone(this);
  }

  #settingsOverdue(): void {
    guard(this, () => {
      this.#connection.fail(SETTINGS_TIMEOUT, "our SETTINGS were not acknowledged");
      this.flushNow();
    });
  }

  #overdue(what: "idle" | "linger"): void {
    guard(this, () => {
      if (what === "linger") this.#broke("");
      else this.leave();
    });
  }

  bug(error: unknown): void {
    this.#worker.bug(error, undefined);
    this.#connection.fail(INTERNAL_ERROR, "");
    this.#broke(String(error));
  }
}
