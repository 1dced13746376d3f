import { OUTSIDE } from "../base/crowd.ts";
import type { Wire } from "../base/world.ts";
import { Arrivals } from "../core/arrival.ts";
import type { TunnelEnd } from "../core/downstream.ts";
import { type Client, Exchange, type ExchangeTimes } from "../core/exchange.ts";
import type { Fault, FaultCode } from "../core/fault.ts";
import { FIRST_REQUEST_MS, LINGER_MS, UNSHED_MS } from "../core/limits.ts";
import { fail, serve } from "../core/pipeline.ts";
import type { ConnectionMeter, Listening, Worker } from "../core/worker.ts";
import type { RequestFacts } from "../protocol/h1/request-facts.ts";
import type { HeaderList } from "../protocol/http/header-list.ts";
import type { DownstreamConnection, InFlight } from "./downstream-connection.ts";
import { guard } from "./guard.ts";
import { asBuffer, clientOf, requestIdOf, unreadRequest } from "./peer.ts";
import { NO_PRELUDE, type Prelude } from "./prelude.ts";
import { RequestReader, type RequestTaker } from "./request-reader.ts";
import { Turn, type TurnGiver } from "./turn.ts";
import { type Waiter, Waiting } from "./waiting.ts";

/** What the connection waits for; the body and the response of an exchange have their own watches. */
type Awaited = "idle" | "head" | "half-close" | "linger";

/**
 * One HTTP/1 connection of a client, and what happens on it between exchanges: one request at a
 * time, answered in order, each in its Turn.
 */
export class H1Downstream
  implements DownstreamConnection, InFlight, RequestTaker, TurnGiver, Waiter<Awaited>
{
  readonly #wire: Wire;
  readonly #worker: Worker;
  readonly #listening: Listening;
  readonly #meter: ConnectionMeter;
  readonly #onClosed: (connection: H1Downstream) => void;
  readonly #peer: Client;
  readonly #arrivals: Arrivals;
  readonly #reader: RequestReader;
  readonly #turn: Turn;
  readonly #waiting: Waiting<Awaited>;
  place: number; // among the connections of its listener
  #served: number; // requests begun on this connection
  #restingMs: number; // since when it has none
  #tunnel: TunnelEnd | undefined;
  #hasFinished: boolean; // the client sent its FIN

  constructor(
    wire: Wire,
    worker: Worker,
    listening: Listening,
    meter: ConnectionMeter,
    onClosed: (connection: H1Downstream) => void,
    prelude: Prelude = NO_PRELUDE,
  ) {
    const { plan } = listening;
    this.#wire = wire;
    this.#worker = worker;
    this.#listening = listening;
    this.#meter = meter;
    this.#onClosed = onClosed;
    this.#peer = clientOf(wire, listening, false, prelude);
    this.#arrivals = new Arrivals(this.#peer);
    this.#reader = new RequestReader(wire, worker, plan.limits, this);
    this.#turn = new Turn(wire, worker, listening, meter, this.#reader, this);
    this.#waiting = new Waiting<Awaited>(worker.wheel, this, "idle");
    this.place = OUTSIDE;
    this.#served = 0;
    this.#restingMs = 0;
    this.#tunnel = undefined;
    this.#hasFinished = false;
  }

  /** `early`: bytes that somebody else has read, lent as those of "data" are. */
  start(early?: Buffer): void {
    this.#meter.opened();
    this.#meter.idle();
    const wire = this.#wire;
    wire.on("error", () => {}); // "close" follows, and says all that we need to know
    if (wire.lendTo === undefined) wire.on("data", (bytes) => this.#read(asBuffer(bytes)));
    else wire.lendTo((bytes) => this.#read(bytes));
    wire.on("end", () => guard(this.#turn, () => this.#onFinished()));
    wire.on("drain", () => guard(this.#turn, () => this.#onDrain()));
    wire.on("close", () => guard(this.#turn, () => this.#onClose()));
    this.#waiting.for("idle", this.#listening.plan.timeouts.keepAlive);
    this.#restingMs = this.#worker.clock.nowMs();
    if (early !== undefined) this.#read(early);
  }

  get inFlight(): Iterable<InFlight> {
    return [this];
  }

  /**
   * The listener drains: an idle connection closes now, a busy one after its exchange. One that has
   * only just come is not idle: its first request is on the way, and has a moment to arrive.
   */
  drain(): void {
    this.#turn.closesAfter = true;
    if (!this.#isIdle) return;
    const isNew = this.#served === 0 && this.#waiting.what === "idle";
    const { keepAlive } = this.#listening.plan.timeouts;
    if (isNew) this.#waiting.for("idle", Math.min(FIRST_REQUEST_MS, keepAlive));
    else this.#closeSoon();
  }

  get idleSinceMs(): number {
    const isBusy = this.exchange !== undefined || this.#tunnel !== undefined;
    if (isBusy || this.#wire.writableLength > 0) return Number.POSITIVE_INFINITY;
    const { what } = this.#waiting;
    if (what !== "head" && this.#served > 0) return this.#restingMs;
    const sinceMs = what === "head" ? this.#reader.startedMs : this.#restingMs;
    const isNew = this.#worker.clock.nowMs() - sinceMs < UNSHED_MS;
    return isNew ? Number.POSITIVE_INFINITY : sinceMs;
  }

  shed(): void {
    this.#wire.destroy();
  }

  /** The exchange in flight, for the log of what a drain had to cut. */
  get exchange(): Exchange | undefined {
    return this.#turn.exchange;
  }

  /** It has left HTTP: a WebSocket, say. */
  get isTunnel(): boolean {
    return this.#tunnel !== undefined;
  }

  get #isIdle(): boolean {
    return this.exchange === undefined && !this.#reader.holdsBytes;
  }

  /** The drain deadline passed. */
  abort(fault: Fault): void {
    guard(this.#turn, () => {
      if (this.exchange === undefined) this.#turn.hangUp();
      else this.#turn.abandon(fault);
    });
  }

  // --- reading: what RequestReader found ---------------------------------------------------

  #read(bytes: Buffer): void {
    this.#worker.clock.enter();
    try {
      this.#onBytes(bytes);
    } catch (error) {
      this.#turn.bug(error);
    } finally {
      this.#worker.clock.leave();
    }
  }

  #onBytes(bytes: Buffer): void {
    if (this.#tunnel !== undefined) {
      this.#tunnel.bytes(this.#wire.readInto === undefined ? bytes : Buffer.from(bytes));
      return;
    }
    this.#turn.received(bytes.length);
    this.#reader.feed(bytes);
    this.#turn.readOver();
  }

  headUnderway(): void {
    // In total and from the first byte on, so that a byte now and then wins nothing (slowloris).
    if (this.#waiting.what === "idle") {
      this.#waiting.for("head", this.#listening.plan.timeouts.requestHead);
    }
  }

  headRead(facts: RequestFacts): void {
    const { runtime, plan } = this.#listening;
    if (!this.#hasFinished) this.#waiting.rest();
    this.#served++;
    this.#turn.closesAfter ||=
      !facts.keepsAlive || this.#served >= plan.limits.requestsPerConnection;
    const { client, request, site, fault } = this.#arrivals.arrive(facts, plan, runtime.forwarding);
    const exchange = new Exchange(runtime, plan, this.#turn, client, request, this.#newTimes());
    exchange.id = requestIdOf(facts.headers, this.#peer, this.#worker);
    exchange.site = site;
    this.#turn.begin(exchange, facts);
    if (fault !== undefined) {
      this.#turn.closesAfter = true;
      fail(exchange, fault);
      return;
    }
    const served = serve(exchange);
    if (served instanceof Promise) served.catch((error) => this.#turn.bug(error));
  }

  /** A head that is no request still gets an answer, a log line, and the end of the connection. */
  headRefused(code: FaultCode, detail: string): void {
    const { runtime, plan } = this.#listening;
    this.#turn.closesAfter = true;
    this.#waiting.rest();
    const request = unreadRequest();
    const exchange = new Exchange(runtime, plan, this.#turn, this.#peer, request, this.#newTimes());
    exchange.id = this.#worker.newId();
    this.#turn.begin(exchange, undefined);
    fail(exchange, { code, detail });
  }

  #newTimes(): ExchangeTimes {
    return {
      startedMs: this.#reader.startedMs,
      headMs: this.#worker.world.clock.nowMs(),
      claimedMs: 0,
      connectedMs: 0,
      responseMs: 0,
      endedMs: 0,
    };
  }

  bodyBytes(bytes: Buffer, announced: number): boolean {
    return this.#turn.bodyBytes(bytes, announced);
  }

  bodyEnd(trailers: HeaderList | undefined): void {
    this.#turn.bodyEnd(trailers);
  }

  holdsBody(): boolean {
    return this.#turn.holdsBody();
  }

  truncated(where: "head" | "body"): void {
    const fault = { code: "request_truncated", detail: `in the ${where}` } as const;
    if (where === "body") this.#turn.breakRequest(fault);
    else this.#refuseHead(fault.code, fault.detail);
  }

  bodyMalformed(): void {
    // Of a rest that is being dropped: nobody waits to hear of it.
    if (this.exchange === undefined) this.#linger();
    else this.#turn.breakRequest({ code: "request_body_malformed", detail: "the chunked coding" });
  }

  dropEnd(isWhole: boolean): void {
    if (isWhole) this.#next();
    else this.#linger();
  }

  // --- the end of a turn ---------------------------------------------------------------------

  turnOver(): void {
    if (this.#turn.closesAfter || (this.#hasFinished && !this.#reader.holdsBytes)) {
      if (this.#reader.reading === "done" && !this.#reader.holdsBytes) this.#closeSoon();
      else this.#linger();
    } else if (this.#reader.reading === "done") {
      this.#next();
    } else {
      // The answer came before the request was over; a small rest is read so that it can be.
      this.#waiting.for("linger", LINGER_MS);
      this.#reader.drop();
    }
  }

  switched(end: TunnelEnd): boolean {
    this.#tunnel = end;
    this.#waiting.rest();
    return this.#hasFinished;
  }

  #next(): void {
    this.#turn.clear();
    if (this.#listening.isDraining && !this.#reader.holdsBytes) {
      this.#closeSoon();
      return;
    }
    if (!this.#hasFinished) this.#waiting.for("idle", this.#listening.plan.timeouts.keepAlive);
    this.#restingMs = this.#worker.clock.nowMs();
    this.#reader.readNext();
  }

  /** Closes once what was written has left, and without that if the client does not take it. */
  #closeSoon(): void {
    // With nothing left to write, close() sends the FIN: one call less than to half-close first.
    if (this.#wire.writableLength === 0) {
      this.#wire.destroy();
      return;
    }
    this.#waiting.for("linger", this.#listening.plan.timeouts.write);
    this.#wire.destroySoon();
  }

  /**
   * Half-closes and reads on for a while: to close with unread bytes would send a reset, which can
   * overtake the response on its way (RFC 9112 §9.6).
   */
  #linger(): void {
    this.#wire.end();
    this.#reader.shut();
    this.#waiting.for("linger", LINGER_MS);
  }

  // --- the wire ------------------------------------------------------------------------------

  #onDrain(): void {
    if (this.#tunnel !== undefined) this.#tunnel.drained();
    else this.#turn.drained();
  }

  #onFinished(): void {
    if (this.#tunnel !== undefined) {
      this.#tunnel.finished();
      return;
    }
    if (this.#reader.reading === "shut" || this.#reader.reading === "drop") {
      this.#closeSoon();
      return;
    }
    this.#hasFinished = true;
    this.#reader.finish();
    const { exchange } = this.#turn;
    if (exchange !== undefined) {
      // The client is done sending. It may be waiting for the answer or gone: the two look the
      // same, so the exchange gets a moment to finish and not more. What it sent before is served.
      this.#waiting.for("half-close", (exchange.route ?? exchange.listener).timeouts.halfClose);
    } else if (this.#reader.reading === "head") {
      this.#closeSoon();
    }
  }

  #onClose(): void {
    if (this.#tunnel !== undefined) this.#tunnel.closed();
    else if (this.exchange !== undefined) this.#turn.abandon({ code: "client_gone", detail: "" });
    this.#reader.shut();
    this.#turn.closed();
    this.#waiting.stop();
    this.#meter.busy();
    this.#meter.closed();
    this.#onClosed(this);
  }

  #refuseHead(code: FaultCode, detail: string): void {
    this.#reader.shut();
    this.headRefused(code, detail);
  }

  overdue(what: Awaited): void {
    guard(this.#turn, () => {
      if (what === "head") this.#refuseHead("request_head_timeout", "");
      else if (what === "half-close") {
        this.#turn.abandon({ code: "client_gone", detail: "it had closed its side" });
      } else this.#turn.hangUp();
    });
  }
}
