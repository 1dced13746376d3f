import { OUTSIDE } from "../base/crowd.ts";
import type { Wire } from "../base/world.ts";
import { Arrivals } from "../core/arrival.ts";
import { type Client, Exchange, type ExchangeTimes } from "../core/exchange.ts";
import type { Fault } from "../core/fault.ts";
import { H2_SETTINGS_MS, LINGER_MS, UNSHED_MS } from "../core/limits.ts";
import { fail, serve } from "../core/pipeline.ts";
import type { ConnectionMeter, Listening, Worker } from "../core/worker.ts";
import type { RequestFacts } from "../protocol/h1/request-facts.ts";
import { Connection, type ConnectionTaker } from "../protocol/h2/connection.ts";
import {
  INTERNAL_ERROR,
  NO_ERROR,
  PROTOCOL_ERROR,
  SETTINGS_TIMEOUT,
} from "../protocol/h2/error-code.ts";
import type { FieldSection } from "../protocol/h2/field-section.ts";
import { STREAM_ERROR_POINTS } from "../protocol/h2/flood-budget.ts";
import { type RefusedRequest, readRequest } from "../protocol/h2/request-head.ts";
import type { Stream } from "../protocol/h2/stream.ts";
import type { DownstreamConnection, InFlight } from "./downstream-connection.ts";
import { type Flushable, flushSoon } from "./flush-soon.ts";
import { guard } from "./guard.ts";
import { FAULTS_OF, MALFORMED } from "./h2-refusals.ts";
import { serverLimits } from "./h2-server-limits.ts";
import { H2Turn, type TurnHost } from "./h2-turn.ts";
import { asBuffer, clientOf, requestIdOf, unreadRequest } from "./peer.ts";
import type { Prelude } from "./prelude.ts";
import { type Waiter, Waiting } from "./waiting.ts";
import { heldBy } from "./wire-peer.ts";

/** What the connection waits for; bodies and responses have their own watches. */
type Awaited = "idle" | "head" | "half-close" | "linger";
/** What it waits for beside that. */
type AlsoAwaited = "settings" | "drain";

const OUTPUT_BYTES_SOON = 32 * 1024; // of output that need not wait for more
const DRAIN_MS = 1_000; // for the answer to the PING behind the first GOAWAY

/** One HTTP/2 connection of a client: any number of exchanges at a time, each in its H2Turn. */
export class H2Downstream
  implements DownstreamConnection, ConnectionTaker, TurnHost, Flushable, Waiter<Awaited>
{
  place: number; // in the crowd of the listener's connections
  readonly #wire: Wire;
  readonly #worker: Worker;
  readonly #listening: Listening;
  readonly #meter: ConnectionMeter;
  readonly #onClosed: () => void;
  readonly #peer: Client;
  readonly #arrivals: Arrivals;
  readonly #connection: Connection;
  readonly #turns: Set<H2Turn>;
  readonly #waiting: Waiting<Awaited>;
  readonly #alsoWaiting: Waiting<AlsoAwaited>;
  readonly #writing: Waiting<"write">;
  #restingMs: number; // since when it has no turn
  #headAt: number; // how many frames were whole when the head began that is waited for
  #isReading: boolean;
  #readTurns: H2Turn[]; // that were given some of what is being read
  #isDirty: boolean; // there is or may be something to write, and flushNow() will come
  #isFull: boolean; // the wire asked us to hold on
  #closes: "" | "soon" | "lingering"; // once all has been written
  #isClosed: boolean;

  constructor(
    wire: Wire,
    worker: Worker,
    listening: Listening,
    meter: ConnectionMeter,
    onClosed: () => void,
    prelude: Prelude,
  ) {
    this.place = OUTSIDE;
    this.#wire = wire;
    this.#worker = worker;
    this.#listening = listening;
    this.#meter = meter;
    this.#onClosed = onClosed;
    this.#peer = clientOf(wire, listening, true, prelude);
    this.#arrivals = new Arrivals(this.#peer);
    this.#connection = new Connection("server", serverLimits(listening.plan.limits), this);
    this.#turns = new Set();
    this.#waiting = new Waiting<Awaited>(worker.wheel, this, "idle");
    this.#alsoWaiting = new Waiting<AlsoAwaited>(
      worker.wheel,
      { overdue: (what) => this.#alsoOverdue(what) },
      "settings",
    );
    this.#writing = new Waiting<"write">(
      worker.wheel,
      { overdue: () => this.#guard(() => this.#destroy("it takes nothing")) },
      "write",
    );
    this.#restingMs = 0;
    this.#headAt = 0;
    this.#isReading = false;
    this.#readTurns = [];
    this.#isDirty = false;
    this.#isFull = false;
    this.#closes = "";
    this.#isClosed = false;
  }

  /** `early`: bytes that somebody else has read, lent as those of "data" are. */
  start(early?: Buffer): void {
    this.#meter.opened();
    this.#meter.idle();
    const wire = this.#wire;
    wire.on("error", () => {}); // "close" follows, and says all that we need to know
    wire.on("data", (bytes) => this.#onBytes(asBuffer(bytes)));
    wire.on("end", () => this.#guard(() => this.#onFinished()));
    wire.on("drain", () => this.#guard(() => this.#onDrain()));
    wire.on("close", () => this.#guard(() => this.#onClose()));
    this.#waiting.for("idle", this.#listening.plan.timeouts.keepAlive);
    this.#alsoWaiting.for("settings", H2_SETTINGS_MS);
    this.#restingMs = this.#worker.clock.nowMs();
    this.#connection.start();
    if (early === undefined) this.flushNow();
    else this.#onBytes(early);
  }

  get inFlight(): Iterable<InFlight> {
    return this.#turns;
  }

  /** There is one on it, at least. */
  get isTunnel(): boolean {
    for (const turn of this.#turns) if (turn.isTunnel) return true;
    return false;
  }

  drain(): void {
    this.#guard(() => {
      if (this.#turns.size === 0 && !this.#connection.isMidFrame) this.#connection.drainNow();
      else {
        this.#connection.drain();
        this.#alsoWaiting.for("drain", DRAIN_MS);
      }
      this.flushNow();
    });
  }

  get idleSinceMs(): number {
    if (this.#turns.size > 0) return Number.POSITIVE_INFINITY;
    const isNew = this.#worker.clock.nowMs() - this.#restingMs < UNSHED_MS;
    return isNew || this.#wire.writableLength > 0 ? Number.POSITIVE_INFINITY : this.#restingMs;
  }

  shed(): void {
    this.#guard(() => {
      this.#connection.drainNow();
      this.flushNow();
      this.#wire.destroySoon();
    });
  }

  abort(fault: Fault): void {
    this.#guard(() => {
      for (const turn of [...this.#turns]) turn.abort(fault);
      this.#connection.drainNow();
      this.flushNow();
      this.#wire.destroy();
    });
  }

  // --- reading -------------------------------------------------------------------------------

  #onBytes(bytes: Buffer): void {
    const { clock } = this.#worker;
    clock.enter();
    this.#isReading = true;
    try {
      this.#connection.receive(bytes, clock.nowMs());
      if (this.#readTurns.length > 0) this.#readOver();
      this.#awaitNext();
    } catch (error) {
      this.#bug(error);
    } finally {
      this.#isReading = false;
      clock.leave();
    }
    this.flushNow();
  }

  #readOver(): void {
    const turns = this.#readTurns;
    this.#readTurns = [];
    for (const turn of turns) turn.readOver();
  }

  /** Bytes of a body came. */
  bodyRead(turn: H2Turn): void {
    if (!this.#readTurns.includes(turn)) this.#readTurns.push(turn);
  }

  // From the first byte of a frame on, and in total, so that a byte now and then wins nothing.
  #awaitNext(): void {
    const connection = this.#connection;
    if (connection.hasEnded) return;
    const { timeouts } = this.#listening.plan;
    const isIdle = this.#turns.size === 0;
    if (connection.isMidFrame) {
      const isSame = this.#waiting.what === "head" && this.#headAt === connection.wholeFrameCount;
      if (isSame) return;
      this.#headAt = connection.wholeFrameCount;
      this.#waiting.for("head", timeouts.requestHead);
    } else if (!isIdle) {
      if (this.#waiting.what === "head") this.#waiting.for("idle", Number.POSITIVE_INFINITY);
    } else if (this.#waiting.what === "head") {
      this.#waiting.for("idle", timeouts.keepAlive);
    }
  }

  opened(stream: Stream, section: FieldSection, isLast: boolean): void {
    const { plan, runtime } = this.#listening;
    const facts = readRequest(section, isLast, plan.limits.requestLineBytes);
    if ("refused" in facts) {
      this.#refuse(stream, facts);
      return;
    }
    const turn = this.#newTurn(stream, facts);
    if (facts.framing.kind === "length") stream.bytesLeft = facts.framing.bytes;
    const { client, request, site, fault } = this.#arrivals.arrive(facts, plan, runtime.forwarding);
    const exchange = new Exchange(runtime, plan, turn, client, request, this.#newTimes());
    exchange.id = requestIdOf(facts.headers, this.#peer, this.#worker);
    exchange.site = site;
    turn.begin(exchange);
    guard(turn, () => {
      if (fault !== undefined) {
        fail(exchange, fault);
        return;
      }
      const served = serve(exchange);
      if (served instanceof Promise) served.catch((error) => turn.bug(error));
    });
  }

  /** A head that is no request still gets an answer and a log line. */
  #refuse(stream: Stream, { refused, why }: RefusedRequest): void {
    const { runtime, plan } = this.#listening;
    const turn = this.#newTurn(stream, undefined);
    const request = unreadRequest();
    const exchange = new Exchange(runtime, plan, turn, this.#peer, request, this.#newTimes());
    exchange.id = this.#worker.newId();
    turn.begin(exchange);
    // RFC 9113 §8.1.1: malformed is a stream error, with or without an answer before it.
    if (MALFORMED.has(refused)) {
      stream.endCode = PROTOCOL_ERROR;
      if (!this.#connection.spend(STREAM_ERROR_POINTS)) return;
    }
    guard(turn, () => fail(exchange, { code: FAULTS_OF[refused], detail: why }));
  }

  #newTurn(stream: Stream, facts: RequestFacts | undefined): H2Turn {
    const turn = new H2Turn(stream, this, this.#worker, facts);
    stream.taker = turn;
    if (this.#turns.size === 0) {
      this.#meter.busy();
      this.#waiting.rest();
    }
    this.#turns.add(turn);
    return turn;
  }

  #newTimes(): ExchangeTimes {
    const now = this.#worker.clock.nowMs();
    return { startedMs: now, headMs: now, claimedMs: 0, connectedMs: 0, responseMs: 0, endedMs: 0 };
  }

  turnOver(turn: H2Turn): void {
    if (!this.#turns.delete(turn) || this.#turns.size > 0 || this.#isClosed) return;
    this.#meter.idle();
    this.#restingMs = this.#worker.clock.nowMs();
    if (this.#waiting.what === "head" && this.#connection.isMidFrame) return;
    if (this.#connection.hasEnded) return;
    this.#waiting.for("idle", this.#listening.plan.timeouts.keepAlive);
  }

  // --- writing -------------------------------------------------------------------------------

  moreToSend(): void {
    if (this.#isFull || this.#isClosed) return;
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
    if (this.#isClosed) return;
    this.#guard(() => this.#write());
  }

  #write(): void {
    const { output } = this.#connection;
    while (!this.#isFull) {
      this.#connection.fill();
      const bytes = output.take();
      if (bytes === undefined) break;
      const mayGoOn = this.#wire.write(bytes);
      if (heldBy(this.#wire) === 0) output.giveBack();
      if (!mayGoOn) {
        this.#isFull = true;
        this.#writing.for("write", this.#listening.plan.timeouts.write);
      }
    }
    if (this.#isFull || this.#closes === "") return;
    if (this.#closes === "soon") this.#wire.destroySoon();
    else this.#wire.end();
    this.#closes = "";
  }

  #onDrain(): void {
    this.#isFull = false;
    this.#writing.rest();
    this.#write();
  }

  // --- the end -------------------------------------------------------------------------------

  settingsAcknowledged(): void {
    if (this.#alsoWaiting.what === "settings") this.#alsoWaiting.rest();
  }

  ended(errorCode: number): void {
    this.#waiting.for("linger", LINGER_MS);
    // Someone who breaks rules may still be sending: to close with unread bytes would be a reset, which
    // can overtake GOAWAY on its way.
    this.#closes = errorCode === NO_ERROR ? "soon" : "lingering";
    this.#write();
  }

  #onFinished(): void {
    if (this.#turns.size === 0 || this.#connection.hasEnded) this.#wire.destroySoon();
    else {
      // Nothing more can be asked, and most likely nobody is there to hear what was.
      this.#waiting.for("half-close", this.#listening.plan.timeouts.halfClose);
      this.#connection.peerLeaves(0);
    }
  }

  #onClose(): void {
    this.#isClosed = true;
    if (this.#turns.size === 0) this.#meter.busy();
    for (const turn of [...this.#turns]) turn.abort({ code: "client_gone", detail: "" });
    this.#waiting.stop();
    this.#alsoWaiting.stop();
    this.#writing.stop();
    this.#meter.closed();
    this.#onClosed();
  }

  #alsoOverdue(what: AlsoAwaited): void {
    this.#guard(() => {
      if (what === "drain") this.#connection.drainNow();
      else this.#connection.fail(SETTINGS_TIMEOUT, "our SETTINGS were not acknowledged");
      this.flushNow();
    });
  }

  overdue(what: Awaited): void {
    this.#guard(() => {
      if (what === "linger" || what === "half-close") this.#wire.destroy();
      else if (what === "idle") this.#connection.drainNow();
      else this.#connection.fail(NO_ERROR, "the frame that had begun did not come");
      this.flushNow();
    });
  }

  #destroy(detail: string): void {
    for (const turn of [...this.#turns]) turn.abort({ code: "response_write_timeout", detail });
    this.#wire.destroy();
  }

  #guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#bug(error);
    }
  }

  /** Not of one exchange, which has its own guard: all of the connection is in doubt. */
  #bug(error: unknown): void {
    this.#worker.bug(error, undefined);
    const fault = { code: "bug", detail: String(error) } as const;
    for (const turn of [...this.#turns]) turn.abort(fault);
    this.#connection.fail(INTERNAL_ERROR, "");
    this.#wire.destroy();
  }
}
