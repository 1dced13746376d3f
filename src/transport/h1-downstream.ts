import { Deadline } from "../base/timer-wheel.ts";
import type { Wire } from "../base/world.ts";
import { arrive } from "../core/arrival.ts";
import type { Downstream, ServingSide, SwitchedWire, TunnelEnd } from "../core/downstream.ts";
import { type Client, Exchange, type ResponseHead } from "../core/exchange.ts";
import type { Fault, FaultCode } from "../core/fault.ts";
import { HELD_BYTES_MAX, LINGER_BYTES_MAX, LINGER_MS } from "../core/limits.ts";
import { fail, serve } from "../core/pipeline.ts";
import type { ConnectionMeter, Listening, Worker } from "../core/worker.ts";
import { type BodyDecoder, bodyDecoder, DATA, END } from "../protocol/h1/body-decoder.ts";
import { CHUNKED, CLOSE, type Framing, NONE } from "../protocol/h1/framing.ts";
import { HeadParser, type HeadRefusal } from "../protocol/h1/head-parser.ts";
import {
  type RequestFacts,
  type RequestRefusal,
  readRequest,
} from "../protocol/h1/request-facts.ts";
import { NEED_MORE, REFUSE } from "../protocol/h1/scan.ts";
import { HeaderList } from "../protocol/http/header-list.ts";
import { MessageWriter } from "./message-writer.ts";
import { Progress } from "./progress.ts";
import { interimText, type Persistence, responseText, switchingText } from "./response-text.ts";

/**
 * What of the current request has been read (LIFECYCLE.md has the table):
 *
 *     head ─► body ─► done ─► head …      the next request
 *       │       └───► drop ─► head        the answer came first: the rest is read and dropped
 *       └─────────────────► shut          nothing more is read as HTTP
 */
type Reading = "head" | "body" | "done" | "drop" | "shut";

/** What the connection's own deadline is about. */
type Waiting = "idle" | "head" | "half-close" | "linger";

/** One HTTP/1 connection of a client: one request at a time, answered in order. */
export class H1Downstream extends Deadline implements Downstream {
  readonly #wire: Wire;
  readonly #worker: Worker;
  readonly #listening: Listening;
  readonly #meter: ConnectionMeter;
  readonly #onClosed: (connection: H1Downstream) => void;
  readonly #peer: Client;
  readonly #parser: HeadParser;
  #held: Buffer | undefined; // read and not consumed, from #heldAt on
  #heldAt: number;
  #isPumping: boolean;
  #waiting: Waiting;
  #startedMs: number; // the first byte of the head that is being read; 0 before
  #served: number; // requests begun on this connection

  #exchange: Exchange | undefined;
  #facts: RequestFacts | undefined;
  #side: ServingSide | undefined;
  #tunnel: TunnelEnd | undefined;

  #reading: Reading;
  #decoder: BodyDecoder | undefined;
  #dropped: number; // bytes of a body nobody wanted
  #isBodyWanted: boolean;
  #isPaused: boolean; // the wire is
  #readProgress: Progress | undefined;

  #isAnswered: boolean;
  #isEnded: boolean; // the response is written to its end
  #framing: Framing; // of the response
  #closesAfter: boolean;
  #hasFinished: boolean; // the client sent its FIN
  readonly #writer: MessageWriter;

  constructor(
    wire: Wire,
    worker: Worker,
    listening: Listening,
    meter: ConnectionMeter,
    onClosed: (connection: H1Downstream) => void,
  ) {
    super();
    const { plan, runtime } = listening;
    this.#wire = wire;
    this.#worker = worker;
    this.#listening = listening;
    this.#meter = meter;
    this.#onClosed = onClosed;
    this.#peer = peerOf(wire, (address) => runtime.forwarding.isTrusted(address));
    this.#parser = new HeadParser("request", {
      lineBytes: plan.limits.requestLineBytes,
      fieldBytes: plan.limits.headerBytes,
      fieldCount: plan.limits.headerCount,
    });
    this.#held = undefined;
    this.#heldAt = 0;
    this.#isPumping = false;
    this.#waiting = "idle";
    this.#startedMs = 0;
    this.#served = 0;
    this.#exchange = undefined;
    this.#facts = undefined;
    this.#side = undefined;
    this.#tunnel = undefined;
    this.#reading = "head";
    this.#decoder = undefined;
    this.#dropped = 0;
    this.#isBodyWanted = false;
    this.#isPaused = false;
    this.#readProgress = undefined;
    this.#isAnswered = false;
    this.#isEnded = false;
    this.#framing = NONE;
    this.#closesAfter = false;
    this.#hasFinished = false;
    this.#writer = new MessageWriter(wire, worker.wheel, () =>
      this.#guard(() => this.#abandon({ code: "response_write_timeout", detail: "" })),
    );
  }

  start(): void {
    this.#meter.opened();
    this.#meter.idle();
    const wire = this.#wire;
    wire.on("error", () => {}); // "close" follows, and says all that we need to know
    wire.on("data", (bytes) => {
      try {
        this.#onBytes(bytes);
      } catch (error) {
        this.#bug(error);
      }
    });
    wire.on("end", () => this.#guard(() => this.#onFinished()));
    wire.on("drain", () => this.#guard(() => this.#onDrain()));
    wire.on("close", () => this.#guard(() => this.#onClose()));
    this.#await("idle", this.#listening.plan.timeouts.keepAlive);
  }

  /** The listener drains: an idle connection closes now, a busy one after its exchange. */
  drain(): void {
    this.#closesAfter = true;
    if (this.#isIdle) this.#closeSoon();
  }

  /** The exchange in flight, for the log of what a drain had to cut. */
  get exchange(): Exchange | undefined {
    return this.#exchange;
  }

  get #isIdle(): boolean {
    return this.#exchange === undefined && this.#held === undefined;
  }

  /** The drain deadline passed. */
  abort(fault: Fault): void {
    this.#guard(() => (this.#exchange === undefined ? this.#wire.destroy() : this.#abandon(fault)));
  }

  // --- Downstream ---------------------------------------------------------------------------

  get requestFraming(): Framing {
    return this.#facts?.framing ?? NONE;
  }

  get expectsContinue(): boolean {
    return this.#facts?.expectsContinue === true && this.#bodyIsUntouched();
  }

  get websocketKey(): string | undefined {
    return this.#facts?.websocketKey;
  }

  get takesTrailers(): boolean {
    return this.#facts?.takesTrailers === true;
  }

  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  get holdsBytes(): boolean {
    return this.#wire.writableLength > 0;
  }

  attach(side: ServingSide): void {
    this.#side = side;
  }

  pauseBody(): void {
    this.#isBodyWanted = false;
    this.#readProgress?.hold();
    this.#pauseWire();
  }

  resumeBody(): void {
    if (this.#reading === "head" || this.#reading === "shut") return;
    this.#isBodyWanted = true;
    if (this.#reading === "body") {
      if (this.#readProgress === undefined) this.#startReadProgress();
      else this.#readProgress.release();
    }
    this.#resumeWire();
    this.#pump();
    if (this.#hasFinished && this.#reading === "body" && this.#held === undefined) {
      this.#breakRequest({ code: "request_truncated", detail: "in the body" });
    }
  }

  interim(status: number, headers: HeaderList | undefined): void {
    if (this.#isAnswered || this.#exchange?.request.minorVersion !== 1) return;
    if (status === 100 && !this.expectsContinue) return;
    this.#wire.write(interimText(status, headers), "latin1");
  }

  respond(response: ResponseHead, framing: Framing): void {
    const exchange = this.#exchange!;
    const isOld = exchange.request.minorVersion === 0;
    this.#isAnswered = true;
    this.#framing = framing;
    if (isOld && framing.kind === "chunked") this.#framing = CLOSE;
    if (!isOld && framing.kind === "close") this.#framing = CHUNKED;
    // A client that waits for 100 may send its body now or never: no telling where the next
    // request would start (0.CL, SECURITY S3).
    this.#closesAfter ||=
      this.#framing.kind === "close" || this.#listening.isDraining || this.expectsContinue;
    const { timeouts, rates } = exchange.route ?? exchange.listener;
    this.#writer.begin(
      responseText(exchange, response, this.#framing, this.#persistence()),
      this.#framing.kind === "chunked",
      timeouts.write,
      rates,
    );
  }

  write(bytes: Buffer): boolean {
    const exchange = this.#exchange;
    if (exchange === undefined) return true; // the client has gone; what still comes is lost
    exchange.responseBytes += bytes.length;
    return this.#writer.write(bytes);
  }

  flush(): void {
    if (this.#exchange !== undefined) this.#writer.flush();
  }

  end(trailers: HeaderList | undefined): void {
    if (this.#exchange === undefined || this.#isEnded) return;
    this.#isEnded = true;
    this.#writer.end(trailers);
    if (!this.#writer.isFull) this.#finish();
  }

  cut(fault: Fault): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    exchange.fault ??= fault;
    this.#side = undefined; // it is the one who says so
    this.#endExchange();
    // Without a length or chunks the client takes a FIN for the end: only a reset tells it.
    if (this.#framing.kind === "close") this.#wire.resetAndDestroy();
    else this.#wire.destroy();
  }

  switchProtocols(response: ResponseHead, end: TunnelEnd): SwitchedWire {
    this.#isAnswered = true;
    this.#closesAfter = true;
    this.#reading = "shut";
    this.#tunnel = end;
    this.#stopWaiting();
    this.#wire.write(switchingText(response), "latin1");
    const early = this.#takeHeld();
    this.#resumeWire();
    return {
      wire: this.#wire,
      early,
      ended: (fault) => {
        if (this.#exchange === undefined) return;
        if (fault !== undefined) this.#exchange.fault ??= fault;
        this.#side = undefined;
        this.#endExchange();
      },
    };
  }

  // --- reading ------------------------------------------------------------------------------

  #onBytes(received: Uint8Array): void {
    const bytes = asBuffer(received);
    if (this.#tunnel !== undefined) {
      this.#tunnel.bytes(bytes);
      return;
    }
    if (this.#reading === "shut") {
      this.#dropped += bytes.length;
      if (this.#dropped > LINGER_BYTES_MAX) this.#wire.destroy();
      return;
    }
    this.#readProgress?.moved(bytes.length);
    this.#takeIn(bytes);
    this.#side?.bodyReadOver();
  }

  #takeIn(bytes: Buffer): void {
    if (this.#held === undefined) {
      this.#held = bytes;
      this.#heldAt = 0;
    } else {
      this.#held = Buffer.concat([this.#held.subarray(this.#heldAt), bytes]);
      this.#heldAt = 0;
    }
    this.#pump();
  }

  // Reads on for as long as there is something to read and someone to take it. Whoever is called
  // from here may call back in; the outermost loop goes on.
  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    try {
      while (this.#held !== undefined && this.#readSome()) this.#forgetConsumed();
      this.#forgetConsumed();
    } finally {
      this.#isPumping = false;
    }
  }

  #forgetConsumed(): void {
    if (this.#held !== undefined && this.#heldAt >= this.#held.length) this.#held = undefined;
  }

  #takeHeld(): Buffer | undefined {
    const held = this.#held?.subarray(this.#heldAt);
    this.#held = undefined;
    return held;
  }

  /** One step; false if it has to wait. */
  #readSome(): boolean {
    switch (this.#reading) {
      case "head":
        return this.#exchange === undefined && this.#readHead();
      case "body":
        if (this.#isBodyWanted) return this.#readBody();
        this.#boundHeld();
        return false;
      case "drop":
        return this.#readBody();
      case "done":
        this.#boundHeld(); // pipelined requests wait for their turn
        return false;
      case "shut":
        this.#held = undefined;
        return false;
    }
  }

  #boundHeld(): void {
    if (this.#held!.length - this.#heldAt > HELD_BYTES_MAX) this.#pauseWire();
  }

  #readHead(): boolean {
    const held = this.#held!;
    const start = this.#heldAt;
    if (this.#startedMs === 0) this.#startedMs = this.#worker.world.clock.nowMs();
    const after = this.#parser.parse(held, start, held.length);
    if (after === NEED_MORE) {
      if (this.#waiting === "idle") {
        this.#await("head", this.#listening.plan.timeouts.requestHead);
      }
      return false;
    }
    if (after === REFUSE) {
      this.#refuseHead(PARSER_FAULTS[this.#parser.refusal!], this.#parser.detail);
      return false;
    }
    this.#heldAt = after;
    this.#stopWaiting();
    const facts = readRequest(this.#parser, held.toString("latin1", start, after));
    if ("refused" in facts) this.#refuseHead(FACTS_FAULTS[facts.refused], facts.why);
    else this.#begin(facts);
    return true;
  }

  #begin(facts: RequestFacts): void {
    const { runtime, plan } = this.#listening;
    const { framing } = facts;
    this.#facts = facts;
    this.#served++;
    this.#closesAfter ||= !facts.keepsAlive || this.#served >= plan.limits.requestsPerConnection;
    if (framing.kind === "none" || (framing.kind === "length" && framing.bytes === 0)) {
      this.#reading = "done";
    } else {
      this.#reading = "body";
      this.#decoder = this.#newDecoder(framing);
    }
    const arrival = arrive(facts, this.#peer, plan, runtime.forwarding);
    const exchange = new Exchange(
      runtime,
      plan,
      this,
      arrival.client,
      arrival.request,
      this.#newTimes(),
    );
    exchange.id = this.#idOf(facts.headers);
    exchange.site = arrival.site;
    this.#beginExchange(exchange);
    if (arrival.fault !== undefined) {
      this.#closesAfter = true;
      fail(exchange, arrival.fault);
      return;
    }
    const served = serve(exchange);
    if (served instanceof Promise) served.catch((error) => this.#bug(error));
  }

  /** A head that is no request still gets an answer, a log line, and the end of the connection. */
  #refuseHead(code: FaultCode, detail: string): void {
    const { runtime, plan } = this.#listening;
    this.#reading = "shut";
    this.#closesAfter = true;
    this.#stopWaiting();
    const exchange = new Exchange(
      runtime,
      plan,
      this,
      this.#peer,
      unreadRequest(),
      this.#newTimes(),
    );
    exchange.id = this.#worker.newId();
    this.#beginExchange(exchange);
    fail(exchange, { code, detail });
  }

  #beginExchange(exchange: Exchange): void {
    this.#exchange = exchange;
    this.#meter.busy();
    this.#worker.started(exchange);
  }

  #newTimes() {
    const startedMs = this.#startedMs;
    this.#startedMs = 0;
    const headMs = this.#worker.world.clock.nowMs();
    return { startedMs, headMs, claimedMs: 0, connectedMs: 0, responseMs: 0, endedMs: 0 };
  }

  #idOf(headers: HeaderList): string {
    if (this.#peer.isTrusted) {
      const given = headers.get("x-request-id");
      if (given !== undefined && /^[\x21-\x7e]{1,128}$/.test(given)) return given;
    }
    return this.#worker.newId();
  }

  #newDecoder(framing: Framing): BodyDecoder {
    const { trailerBytes, trailerCount } = this.#listening.plan.limits;
    return bodyDecoder(framing, {
      lineBytes: 0,
      fieldBytes: trailerBytes,
      fieldCount: trailerCount,
    });
  }

  #readBody(): boolean {
    const decoder = this.#decoder!;
    const held = this.#held!;
    switch (decoder.step(held, this.#heldAt, held.length)) {
      case DATA:
        this.#heldAt = decoder.dataEnd;
        if (!this.#deliver(held.subarray(decoder.dataAt, decoder.dataEnd))) return false;
        // A body of known length is over with its last byte, not with the first byte behind it.
        if (this.#decoder?.isOver === true) this.#bodyEnded(undefined);
        return true;
      case END:
        this.#heldAt = decoder.next;
        this.#bodyEnded(decoder.trailers);
        return true;
      case REFUSE:
        // Of a rest that is being dropped: nobody waits to hear of it.
        if (this.#reading === "drop") this.#linger();
        else this.#breakRequest({ code: "request_body_malformed", detail: "the chunked coding" });
        return false;
      default:
        this.#heldAt = held.length;
        return true;
    }
  }

  /** Hands body bytes on, or drops them; false if the body is refused. */
  #deliver(bytes: Buffer): boolean {
    if (this.#reading === "drop") {
      this.#dropped += bytes.length;
      if (this.#dropped <= LINGER_BYTES_MAX) return true;
      this.#linger();
      return false;
    }
    const exchange = this.#exchange!;
    exchange.requestBytes += bytes.length;
    if (exchange.requestBytes > (exchange.route ?? exchange.listener).limits.bodyBytes) {
      this.#breakRequest({ code: "request_body_too_large", detail: `${exchange.requestBytes}` });
      return false;
    }
    this.#side?.bodyBytes(bytes);
    return true;
  }

  #bodyEnded(trailers: HeaderList | undefined): void {
    this.#readProgress?.stop();
    this.#readProgress = undefined;
    this.#decoder = undefined;
    const wasDropped = this.#reading === "drop";
    this.#reading = "done";
    if (!wasDropped) this.#side?.bodyEnd(trailers);
    else this.#next();
  }

  /** The request turned out to be none in the middle of its body. */
  #breakRequest(fault: Fault): void {
    const exchange = this.#exchange!;
    this.#closesAfter = true;
    this.#reading = "shut";
    this.#stopProgress();
    this.#side?.clientGone(fault);
    this.#side = undefined;
    fail(exchange, fault);
  }

  #bodyIsUntouched(): boolean {
    return this.#reading === "body" && this.#exchange?.requestBytes === 0;
  }

  #startReadProgress(): void {
    const { timeouts, rates } = this.#exchange!.route ?? this.#listening.plan;
    this.#readProgress = new Progress(this.#worker.wheel, () =>
      this.#guard(() => this.#breakRequest({ code: "request_body_timeout", detail: "" })),
    );
    this.#readProgress.start(timeouts.requestBody, rates);
  }

  #pauseWire(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#wire.pause();
  }

  #resumeWire(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#wire.resume();
  }

  // --- writing ------------------------------------------------------------------------------

  #persistence(): Persistence {
    if (this.#closesAfter) return "close";
    return this.#exchange!.request.minorVersion === 0 ? "keep-1.0" : "keep";
  }

  #onDrain(): void {
    if (this.#tunnel !== undefined) {
      this.#tunnel.drained();
      return;
    }
    this.#writer.drained();
    if (this.#isEnded) this.#finish();
    else this.#side?.resume();
  }

  // --- the end of an exchange -------------------------------------------------------------

  /** The response is out. */
  #finish(): void {
    if (this.#exchange === undefined) return;
    this.#side = undefined;
    this.#endExchange();
    if (this.#closesAfter) {
      if (this.#reading === "done" && this.#held === undefined) this.#closeSoon();
      else this.#linger();
    } else if (this.#reading === "done") {
      this.#next();
    } else {
      this.#dropBody();
    }
  }

  #endExchange(): void {
    const exchange = this.#exchange!;
    this.#exchange = undefined;
    this.#meter.idle();
    this.#stopProgress();
    exchange.times.endedMs = this.#worker.world.clock.nowMs();
    this.#worker.ended(exchange);
  }

  /** Reads the next request, which may be here already. */
  #next(): void {
    this.#facts = undefined;
    this.#reading = "head";
    this.#isAnswered = false;
    this.#isEnded = false;
    this.#isBodyWanted = false;
    this.#dropped = 0;
    this.#parser.reset();
    if (this.#listening.isDraining && this.#held === undefined) {
      this.#closeSoon();
      return;
    }
    this.#resumeWire();
    this.#await("idle", this.#listening.plan.timeouts.keepAlive);
    this.#pump();
  }

  /** The answer came before the request was over; a small rest is read so that it can be. */
  #dropBody(): void {
    this.#reading = "drop";
    this.#await("linger", LINGER_MS);
    this.#resumeWire();
    this.#pump();
  }

  /** Closes once what was written has left, and without that if the client does not take it. */
  #closeSoon(): void {
    this.#await("linger", this.#listening.plan.timeouts.write);
    this.#wire.destroySoon();
  }

  /**
   * Half-closes and reads on for a while: to close with unread bytes would send a reset, which can
   * overtake the response on its way (RFC 9112 §9.6).
   */
  #linger(): void {
    this.#reading = "shut";
    this.#held = undefined;
    this.#wire.end();
    this.#resumeWire();
    this.#await("linger", LINGER_MS);
  }

  /** The exchange is over because of the client or the deadline; nobody is left to answer. */
  #abandon(fault: Fault): void {
    const exchange = this.#exchange;
    this.#reading = "shut";
    if (exchange !== undefined) {
      exchange.fault ??= fault;
      const side = this.#side;
      this.#side = undefined;
      side?.clientGone(fault);
      if (this.#exchange !== undefined) this.#endExchange();
    }
    this.#wire.destroy();
  }

  #onFinished(): void {
    if (this.#tunnel !== undefined) {
      this.#tunnel.finished();
    } else if (this.#reading === "shut" || this.#reading === "drop") {
      this.#closeSoon();
    } else if (this.#reading === "body" && this.#held !== undefined) {
      // The rest of the body may be here, and nobody has asked for it yet.
      this.#hasFinished = true;
      this.#closesAfter = true;
      this.#await("half-close", this.#exchange!.listener.timeouts.halfClose);
    } else if (this.#reading === "body") {
      this.#breakRequest({ code: "request_truncated", detail: "in the body" });
    } else if (this.#exchange !== undefined) {
      // The client is done sending. It may be waiting for the answer or gone: the two look the
      // same, so the exchange gets a moment to finish and not more.
      this.#closesAfter = true;
      this.#await("half-close", this.#exchange.listener.timeouts.halfClose);
    } else if (this.#held !== undefined || this.#parser.isUnderway) {
      this.#refuseHead("request_truncated", "in the head");
    } else {
      this.#closeSoon();
    }
  }

  #onClose(): void {
    if (this.#tunnel !== undefined) this.#tunnel.closed();
    else if (this.#exchange !== undefined) this.#abandon({ code: "client_gone", detail: "" });
    this.#reading = "shut";
    this.#held = undefined;
    this.#stopProgress();
    this.#worker.wheel.disarm(this);
    this.#meter.busy();
    this.#meter.closed();
    this.#onClosed(this);
  }

  // --- time, and the boundary of bugs --------------------------------------------------------

  #await(waiting: Waiting, delayMs: number): void {
    this.#waiting = waiting;
    this.#worker.wheel.arm(this, delayMs);
  }

  #stopWaiting(): void {
    this.#worker.wheel.arm(this, Number.POSITIVE_INFINITY);
  }

  #stopProgress(): void {
    this.#readProgress?.stop();
    this.#readProgress = undefined;
    this.#writer.stop();
  }

  override fire(): void {
    this.#guard(() => {
      if (this.#waiting === "head") this.#refuseHead("request_head_timeout", "");
      else if (this.#waiting === "half-close") {
        this.#abandon({ code: "client_gone", detail: "it had closed its side" });
      } else this.#wire.destroy();
    });
  }

  #guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#bug(error);
    }
  }

  /** Nothing that arrives on a socket can throw past here. */
  #bug(error: unknown): void {
    this.#worker.bug(error, this.#exchange);
    this.#abandon({ code: "bug", detail: String(error) });
  }
}

const PARSER_FAULTS: Readonly<Record<HeadRefusal, FaultCode>> = {
  grammar: "request_malformed",
  version: "request_version",
  "line-too-long": "request_line_too_long",
  "fields-too-large": "request_head_too_large",
};

const FACTS_FAULTS: Readonly<Record<RequestRefusal, FaultCode>> = {
  framing: "request_framing",
  coding: "request_coding",
  host: "request_host",
  expectation: "request_expectation",
  connection: "request_connection",
  upgrade: "request_upgrade",
  method: "request_method",
};

function unreadRequest() {
  return {
    method: "",
    scheme: "http",
    host: "",
    port: 0,
    path: "",
    query: "",
    minorVersion: 1,
    targetReceived: "",
    headers: HeaderList.empty(),
    upstreamPath: "",
    upstreamQuery: "",
  } as const;
}

function peerOf(wire: Wire, isTrusted: (address: string) => boolean): Client {
  // An IPv4 client on a dual-stack socket is still an IPv4 client to every rule and log.
  const address = wire.remoteAddress?.replace(/^::ffff:(?=\d+\.)/, "") ?? "unix";
  return {
    wireAddress: address,
    wirePort: wire.remotePort ?? 0,
    localPort: wire.localPort ?? 0,
    isTrusted: isTrusted(address),
    address,
    tls: undefined,
  };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
