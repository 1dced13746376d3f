import { Deadline } from "../base/timer-wheel.ts";
import type { Wire } from "../base/world.ts";
import { Arrivals } from "../core/arrival.ts";
import type { Downstream, ServingSide, SwitchedWire, TunnelEnd } from "../core/downstream.ts";
import { type Client, Exchange, type ExchangeTimes, type ResponseHead } from "../core/exchange.ts";
import type { Fault, FaultCode } from "../core/fault.ts";
import { LINGER_MS } from "../core/limits.ts";
import { fail, serve } from "../core/pipeline.ts";
import type { ConnectionMeter, Listening, Worker } from "../core/worker.ts";
import { CHUNKED, CLOSE, type Framing, NONE } from "../protocol/h1/framing.ts";
import type { RequestFacts } from "../protocol/h1/request-facts.ts";
import { HeaderList } from "../protocol/http/header-list.ts";
import { MessageWriter } from "./message-writer.ts";
import { Progress } from "./progress.ts";
import { RequestReader, type RequestTaker } from "./request-reader.ts";
import { interimText, type Persistence, responseText, switchingText } from "./response-text.ts";

/** What the connection's own deadline is about. */
type Waiting = "idle" | "head" | "half-close" | "linger";

/** One HTTP/1 connection of a client: one request at a time, answered in order. */
export class H1Downstream extends Deadline implements Downstream, RequestTaker {
  readonly #wire: Wire;
  readonly #worker: Worker;
  readonly #listening: Listening;
  readonly #meter: ConnectionMeter;
  readonly #onClosed: (connection: H1Downstream) => void;
  readonly #peer: Client;
  readonly #arrivals: Arrivals;
  readonly #reader: RequestReader;
  readonly #writer: MessageWriter;
  #waiting: Waiting;
  #served: number; // requests begun on this connection

  #exchange: Exchange | undefined;
  #facts: RequestFacts | undefined;
  #side: ServingSide | undefined;
  #tunnel: TunnelEnd | undefined;

  #readProgress: Progress | undefined; // of the request body

  #isAnswered: boolean;
  #isEnded: boolean; // the response is written to its end
  #framing: Framing; // of the response
  #closesAfter: boolean;
  #hasFinished: boolean; // the client sent its FIN

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
    this.#arrivals = new Arrivals(this.#peer);
    this.#reader = new RequestReader(wire, worker.world.clock, plan.limits, this);
    this.#writer = new MessageWriter(wire, worker.wheel, () =>
      this.#guard(() => this.#abandon({ code: "response_write_timeout", detail: "" })),
    );
    this.#waiting = "idle";
    this.#served = 0;
    this.#exchange = undefined;
    this.#facts = undefined;
    this.#side = undefined;
    this.#tunnel = undefined;
    this.#readProgress = undefined;
    this.#isAnswered = false;
    this.#isEnded = false;
    this.#framing = NONE;
    this.#closesAfter = false;
    this.#hasFinished = false;
  }

  start(): void {
    this.#meter.opened();
    this.#meter.idle();
    const wire = this.#wire;
    wire.on("error", () => {}); // "close" follows, and says all that we need to know
    wire.on("data", (bytes) => {
      this.#worker.clock.enter();
      try {
        this.#onBytes(asBuffer(bytes));
      } catch (error) {
        this.#bug(error);
      } finally {
        this.#worker.clock.leave();
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
    if (this.#isIdle) this.#wire.destroySoon();
  }

  /** The exchange in flight, for the log of what a drain had to cut. */
  get exchange(): Exchange | undefined {
    return this.#exchange;
  }

  get #isIdle(): boolean {
    return this.#exchange === undefined && !this.#reader.holdsBytes;
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
    this.#readProgress?.hold();
    this.#reader.holdBody();
  }

  resumeBody(): void {
    if (this.#reader.reading === "body") this.#watchBody();
    this.#reader.wantBody();
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
    this.#tunnel = end;
    this.#stopWaiting();
    this.#wire.write(switchingText(response), "latin1");
    return {
      wire: this.#wire,
      early: this.#reader.handOver(),
      ended: (fault) => {
        if (this.#exchange === undefined) return;
        if (fault !== undefined) this.#exchange.fault ??= fault;
        this.#side = undefined;
        this.#endExchange();
      },
    };
  }

  // --- reading: what RequestReader found ---------------------------------------------------

  #onBytes(bytes: Buffer): void {
    if (this.#tunnel !== undefined) {
      this.#tunnel.bytes(bytes);
      return;
    }
    this.#readProgress?.moved(bytes.length);
    this.#reader.feed(bytes);
  }

  headUnderway(): void {
    // In total and from the first byte on, so that a byte now and then wins nothing (slowloris).
    if (this.#waiting === "idle") {
      this.#await("head", this.#listening.plan.timeouts.requestHead);
    }
  }

  headRead(facts: RequestFacts): void {
    const { runtime, plan } = this.#listening;
    if (!this.#hasFinished) this.#stopWaiting();
    this.#facts = facts;
    this.#served++;
    this.#closesAfter ||= !facts.keepsAlive || this.#served >= plan.limits.requestsPerConnection;
    const { client, request, site, fault } = this.#arrivals.arrive(facts, plan, runtime.forwarding);
    const exchange = new Exchange(runtime, plan, this, client, request, this.#newTimes());
    exchange.id = this.#idOf(facts.headers);
    exchange.site = site;
    this.#begin(exchange);
    if (fault !== undefined) {
      this.#closesAfter = true;
      fail(exchange, fault);
      return;
    }
    const served = serve(exchange);
    if (served instanceof Promise) served.catch((error) => this.#bug(error));
  }

  /** A head that is no request still gets an answer, a log line, and the end of the connection. */
  headRefused(code: FaultCode, detail: string): void {
    const { runtime, plan } = this.#listening;
    this.#closesAfter = true;
    this.#stopWaiting();
    const request = unreadRequest();
    const exchange = new Exchange(runtime, plan, this, this.#peer, request, this.#newTimes());
    exchange.id = this.#worker.newId();
    this.#begin(exchange);
    fail(exchange, { code, detail });
  }

  #begin(exchange: Exchange): void {
    this.#exchange = exchange;
    this.#meter.busy();
    this.#worker.started(exchange);
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

  #idOf(headers: HeaderList): string {
    if (this.#peer.isTrusted) {
      const [given, ...others] = headers.all("x-request-id");
      if (given !== undefined && others.length === 0 && /^[\w.~:=+/@-]{1,128}$/.test(given))
        return given;
    }
    return this.#worker.newId();
  }

  bodyBytes(bytes: Buffer, announced: number): boolean {
    const exchange = this.#exchange!;
    exchange.requestBytes += bytes.length;
    const bytesAtLeast = exchange.requestBytes + announced;
    if (bytesAtLeast > (exchange.route ?? exchange.listener).limits.bodyBytes) {
      this.#breakRequest({ code: "request_body_too_large", detail: `${bytesAtLeast}` });
      return false;
    }
    this.#side?.bodyBytes(bytes);
    return true;
  }

  bodyEnd(trailers: HeaderList | undefined): void {
    this.#readProgress?.stop();
    this.#readProgress = undefined;
    this.#side?.bodyEnd(trailers);
  }

  truncated(where: "head" | "body"): void {
    const fault = { code: "request_truncated", detail: `in the ${where}` } as const;
    if (where === "body") this.#breakRequest(fault);
    else this.#refuseHead(fault.code, fault.detail);
  }

  bodyMalformed(): void {
    this.#breakRequest({ code: "request_body_malformed", detail: "the chunked coding" });
  }

  dropEnd(isWhole: boolean): void {
    if (isWhole) this.#next();
    else this.#linger();
  }

  /** The request turned out to be none in the middle of its body. */
  #breakRequest(fault: Fault): void {
    const exchange = this.#exchange!;
    const side = this.#side;
    this.#closesAfter = true;
    this.#side = undefined;
    this.#reader.shut();
    side?.clientGone(fault);
    fail(exchange, fault);
  }

  #bodyIsUntouched(): boolean {
    return this.#reader.reading === "body" && this.#exchange?.requestBytes === 0;
  }

  #watchBody(): void {
    if (this.#readProgress !== undefined) {
      this.#readProgress.release();
      return;
    }
    const { timeouts, rates } = this.#exchange!.route ?? this.#listening.plan;
    this.#readProgress = new Progress(this.#worker.wheel, () =>
      this.#guard(() => this.#breakRequest({ code: "request_body_timeout", detail: "" })),
    );
    this.#readProgress.start(timeouts.requestBody, rates);
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
    if (this.#closesAfter || (this.#hasFinished && !this.#reader.holdsBytes)) {
      if (this.#reader.reading === "done" && !this.#reader.holdsBytes) this.#wire.destroySoon();
      else this.#linger();
    } else if (this.#reader.reading === "done") {
      this.#next();
    } else {
      // The answer came before the request was over; a small rest is read so that it can be.
      this.#await("linger", LINGER_MS);
      this.#reader.drop();
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

  #next(): void {
    this.#facts = undefined;
    this.#isAnswered = false;
    this.#isEnded = false;
    if (this.#listening.isDraining && !this.#reader.holdsBytes) {
      this.#wire.destroySoon();
      return;
    }
    if (!this.#hasFinished) this.#await("idle", this.#listening.plan.timeouts.keepAlive);
    this.#reader.readNext();
  }

  /**
   * Half-closes and reads on for a while: to close with unread bytes would send a reset, which can
   * overtake the response on its way (RFC 9112 §9.6).
   */
  #linger(): void {
    this.#wire.end();
    this.#reader.shut();
    this.#await("linger", LINGER_MS);
  }

  /** The exchange is over because of the client or the deadline; nobody is left to answer. */
  #abandon(fault: Fault): void {
    const exchange = this.#exchange;
    this.#reader.shut();
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
    } else if (this.#reader.reading === "shut" || this.#reader.reading === "drop") {
      this.#wire.destroySoon();
      return;
    }
    this.#hasFinished = true;
    this.#reader.finish();
    if (this.#exchange !== undefined) {
      // The client is done sending. It may be waiting for the answer or gone: the two look the
      // same, so the exchange gets a moment to finish and not more. What it sent before is served.
      this.#await("half-close", this.#exchange.listener.timeouts.halfClose);
    } else if (this.#reader.reading === "head") {
      this.#wire.destroySoon();
    }
  }

  #onClose(): void {
    if (this.#tunnel !== undefined) this.#tunnel.closed();
    else if (this.#exchange !== undefined) this.#abandon({ code: "client_gone", detail: "" });
    this.#reader.shut();
    this.#stopProgress();
    this.#worker.wheel.disarm(this);
    this.#meter.busy();
    this.#meter.closed();
    this.#onClosed(this);
  }

  // --- time, and the boundary of bugs --------------------------------------------------------

  #refuseHead(code: FaultCode, detail: string): void {
    this.#reader.shut();
    this.headRefused(code, detail);
  }

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
    scheme: "http",
    address,
    tls: undefined,
  };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
