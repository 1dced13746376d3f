import type { FaultCode } from "../core/fault.ts";
import { INTERIM_RESPONSES_MAX } from "../core/limits.ts";
import type { Worker } from "../core/worker.ts";
import type { ResponseFacts } from "../protocol/h1/response-facts.ts";
import { CANCEL, HTTP_1_1_REQUIRED, PROTOCOL_ERROR } from "../protocol/h2/error-code.ts";
import type { FieldSection } from "../protocol/h2/field-section.ts";
import { readResponse } from "../protocol/h2/response-head.ts";
import type { Stream, StreamTaker } from "../protocol/h2/stream.ts";
import type { HeaderList } from "../protocol/http/header-list.ts";
import type { Carrier } from "./carrier.ts";
import type { CarrierHost } from "./carrier-host.ts";
import { guard } from "./guard.ts";
import { REFUSAL_FAULTS, resetFault } from "./h2-stream-fault.ts";
import { Progress } from "./progress.ts";
import { asSwitch, type StreamOwner, SwitchedStream } from "./switched-stream.ts";
import { NO_TRAILERS, TRAILER_DROPS } from "./trailer-lines.ts";
import type { UpstreamEvents } from "./upstream-events.ts";
import type { UpstreamRequest } from "./upstream-request.ts";
import { type Waiter, Waiting } from "./waiting.ts";

type Awaited = "continue" | "response" | "body";

const NO_TUNNELS = "it does not offer extended CONNECT"; // RFC 8441 §3
const QUEUE_BYTES_MAX = 64 * 1024; // that wait for the endpoint's windows before the client is paused
const QUEUE_BYTES_LOW = 16 * 1024; // at which it is asked for more

/**
 * One exchange on a stream of a shared connection to an endpoint:
 *
 *     new ─begin()─► begun ─head is sent─► open ─────────────► over
 *                                            └─► a tunnel ──────┘
 *
 * The stream is opened with the head, since ids have to come in order on the wire.
 */
export class H2Carrier implements Carrier, StreamTaker, Waiter<Awaited>, StreamOwner {
  readonly #worker: Worker;
  readonly #host: CarrierHost;
  readonly #waiting: Waiting<Awaited>;
  #request: UpstreamRequest | undefined;
  #events: UpstreamEvents | undefined; // until the exchange is over
  #mayBegin: boolean; // it is known that the endpoint takes what is asked for
  #stream: Stream | undefined;
  #readCountAtStart: number;
  #isRequestEnded: boolean;
  #isFull: boolean; // the client was asked to hold on
  #progress: Progress | undefined; // of the request, from the first time that it had to wait
  #facts: ResponseFacts | undefined; // of the response, once its head has come
  #interims: number;
  #isPaused: boolean;
  #heldBytes: number; // handed on while paused: not credited yet
  #tunnel: SwitchedStream | undefined; // the exchange has left HTTP, and us
  #isOver: boolean;

  constructor(worker: Worker, host: CarrierHost) {
    this.#worker = worker;
    this.#host = host;
    this.#waiting = new Waiting<Awaited>(worker.wheel, this, "response");
    this.#request = undefined;
    this.#events = undefined;
    this.#mayBegin = false;
    this.#stream = undefined;
    this.#readCountAtStart = 0;
    this.#isRequestEnded = false;
    this.#isFull = false;
    this.#progress = undefined;
    this.#facts = undefined;
    this.#interims = 0;
    this.#isPaused = false;
    this.#heldBytes = 0;
    this.#tunnel = undefined;
    this.#isOver = false;
  }

  get isReused(): boolean {
    return this.#host.hasServed;
  }

  begin(request: UpstreamRequest, events: UpstreamEvents): void {
    this.#request = request;
    this.#events = events;
    const takesIt = request.websocketKey === undefined || this.#host.takesTunnels;
    if (takesIt === undefined) this.#host.onceSettled(this);
    else if (takesIt) this.#connected();
    else this.#failSoon("upstream_no_upgrade", NO_TUNNELS);
  }

  #connected(): void {
    this.#mayBegin = true;
    this.#events?.connected();
  }

  /** The endpoint's SETTINGS are here. */
  settled(): void {
    guard(this, () => {
      if (this.#host.takesTunnels === true) this.#connected();
      else this.#fail("upstream_no_upgrade", NO_TUNNELS);
    });
  }

  handOver(events: UpstreamEvents): void {
    this.#events = events;
  }

  // --- the request ---------------------------------------------------------------------------

  get holdsRequest(): boolean {
    return this.#stream !== undefined && this.#stream.queuedBytes > 0;
  }

  writeBody(bytes: Buffer): boolean {
    if (this.#isOver || this.#isRequestEnded) return true;
    const stream = this.#sendHead(false);
    if (stream === undefined) return true;
    stream.send(bytes);
    this.#host.moreToSend();
    if (stream.queuedBytes > 0) this.#watch();
    this.#isFull = stream.queuedBytes > QUEUE_BYTES_MAX;
    return !this.#isFull;
  }

  flush(): void {
    if (this.#isOver || !this.#mayBegin) return;
    this.#sendHead(false);
    this.#host.moreToSend();
  }

  flushAndAwaitContinue(delayMs: number): void {
    this.flush();
    if (!this.#isOver) this.#waiting.for("continue", delayMs);
  }

  endRequest(trailers: HeaderList | undefined): void {
    if (this.#isOver || this.#isRequestEnded) return;
    this.#isRequestEnded = true;
    const { websocketKey } = this.#request!;
    if (websocketKey !== undefined) {
      // What would be the body is the tunnel's, and ends with it.
      this.flush();
      if (!this.#isOver) this.#waiting.for("response", this.#request!.timeouts.responseHead);
      return;
    }
    const isWhole = this.#stream === undefined && trailers === undefined;
    const stream = this.#sendHead(isWhole);
    if (stream === undefined) return;
    if (!isWhole) stream.end(trailers, TRAILER_DROPS);
    this.#host.moreToSend();
    if (stream.queuedBytes > 0) this.#watch();
    if (this.#facts === undefined && !this.#isOver) {
      this.#waiting.for("response", this.#request!.timeouts.responseHead);
    }
  }

  /** Undefined: the connection has no room any more. */
  #sendHead(isLast: boolean): Stream | undefined {
    if (this.#stream !== undefined) return this.#stream;
    const stream = this.#host.open();
    if (stream === undefined) {
      this.#failSoon("upstream_going_away", "the connection has no room");
      return undefined;
    }
    this.#stream = stream;
    this.#readCountAtStart = this.#host.readCount;
    stream.taker = this;
    stream.sendRequest(this.#request!.fields, isLast);
    return stream;
  }

  /** A window held shut must not hold a request for ever (SECURITY D4). */
  #watch(): void {
    if (this.#progress !== undefined) {
      this.#progress.release();
      return;
    }
    this.#progress = new Progress(this.#worker.wheel, () =>
      guard(this, () => this.#cancel("upstream_send_timeout", "")),
    );
    this.#progress.start(this.#request!.timeouts.send, undefined);
  }

  moved(count: number, left: number): void {
    this.#progress?.moved(count);
    if (left === 0) this.#progress?.hold();
    if (!this.#isFull || left > QUEUE_BYTES_LOW) return;
    this.#isFull = false;
    guard(this, () => this.#events?.sendMore());
  }

  sent(): void {
    this.#stopProgress();
  }

  // --- the response --------------------------------------------------------------------------

  pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    if (this.#facts !== undefined) this.#waiting.rest(); // it is the client that is slow
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#facts !== undefined) this.#awaitBody();
    const held = this.#heldBytes;
    this.#heldBytes = 0;
    if (held === 0) return;
    this.#stream?.consumed(held);
    this.#host.moreToSend(); // windows, that is
  }

  head(section: FieldSection, isLast: boolean): void {
    guard(this, () => this.#onHead(section, isLast));
  }

  #onHead(section: FieldSection, isLast: boolean): void {
    const events = this.#events;
    if (events === undefined) return;
    const facts = readResponse(section, isLast, this.#request!.method);
    if ("refused" in facts) {
      this.#cancel(REFUSAL_FAULTS[facts.refused], facts.why, PROTOCOL_ERROR);
      return;
    }
    const { status, framing } = facts;
    if (status < 200) {
      if (++this.#interims > INTERIM_RESPONSES_MAX) {
        this.#cancel("response_interim", `more than ${INTERIM_RESPONSES_MAX}`);
      } else events.interim(status, facts.headers);
      return;
    }
    const stream = this.#stream!;
    stream.hasHead = true;
    const { websocketKey } = this.#request!;
    if (websocketKey !== undefined) {
      if (status < 300) {
        this.#switch(asSwitch(facts, websocketKey));
        return;
      }
      stream.end(undefined, NO_TRAILERS); // there is nothing more to say
      this.#host.moreToSend();
    }
    if (framing.kind === "length") stream.bytesLeft = framing.bytes;
    else if (framing.kind === "none") stream.bytesLeft = 0; // whatever its Content-Length says
    this.#facts = facts;
    this.#waiting.rest();
    if (!isLast) this.#awaitBody();
    events.responded(facts);
  }

  #switch(facts: ResponseFacts): void {
    const events = this.#events!;
    this.#events = undefined;
    this.#waiting.stop();
    this.#tunnel = new SwitchedStream(this.#stream!, this.#worker, this);
    events.switched(facts, this.#tunnel);
  }

  moreToSend(): void {
    this.#host.moreToSend();
  }

  tunnelOver(): void {
    this.#over(CANCEL);
  }

  #awaitBody(): void {
    if (!this.#isPaused && !this.#isOver) {
      this.#waiting.for("body", this.#request!.timeouts.responseBody);
    }
  }

  data(bytes: Buffer): void {
    guard(this, () => this.#onData(bytes));
  }

  #onData(bytes: Buffer): void {
    const events = this.#events;
    const stream = this.#stream!;
    if (events === undefined || bytes.length === 0) {
      stream.consumed(bytes.length);
      return;
    }
    this.#host.bodyRead(events);
    events.responseBytes(bytes);
    if (this.#isPaused) this.#heldBytes += bytes.length;
    else {
      stream.consumed(bytes.length);
      this.#awaitBody();
    }
  }

  ended(trailers: HeaderList | undefined): void {
    guard(this, () => {
      const events = this.#events;
      if (events === undefined) return;
      // What the endpoint has answered to without reading it need not be sent.
      this.#over(CANCEL);
      events.responseEnd(trailers);
    });
  }

  // --- what goes wrong ------------------------------------------------------------------------

  reset(code: number, why: string, byPeer: boolean): void {
    guard(this, () => {
      if (code === HTTP_1_1_REQUIRED && byPeer) this.#host.refusesHttp2();
      const fault = resetFault({ code, why, byPeer, hasHead: this.#facts !== undefined });
      this.#fail(fault, why === "" ? `reset with code ${code}` : why);
    });
  }

  /** The connection broke. */
  broken(detail: string): void {
    this.#lost(this.#brokenCode(), detail);
  }

  /** The connection takes nothing that is written to it. */
  stalled(): void {
    this.#lost("upstream_send_timeout", "");
  }

  #lost(code: FaultCode, detail: string): void {
    guard(this, () => {
      this.#tunnel?.broken();
      this.#fail(code, detail);
    });
  }

  /** While nothing has been heard, the endpoint may have closed what was idle to it. */
  #brokenCode(): FaultCode {
    if (this.#facts !== undefined) return "response_truncated";
    if (this.#stream === undefined) return "upstream_going_away";
    const hasHeard = this.#host.readCount > this.#readCountAtStart;
    return hasHeard ? "upstream_stream_reset" : "reset_before_head";
  }

  abandon(): void {
    this.#over(CANCEL);
  }

  #cancel(code: FaultCode, detail: string, streamCode = CANCEL): void {
    this.#stream?.reset(streamCode);
    this.#host.moreToSend();
    this.#fail(code, detail);
  }

  #fail(code: FaultCode, detail: string): void {
    const events = this.#events;
    if (events === undefined) return;
    this.#over(CANCEL);
    events.failed(code, detail);
  }

  /** Not from within begin() or a write: who calls those is not ready to hear of it. */
  #failSoon(code: FaultCode, detail: string): void {
    this.#worker.world.clock.after(0, () => guard(this, () => this.#fail(code, detail)));
  }

  #over(streamCode: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#events = undefined;
    this.#waiting.stop();
    this.#stopProgress();
    const stream = this.#stream;
    if (stream !== undefined && !stream.isOver) {
      stream.reset(streamCode);
      this.#host.moreToSend();
    }
    this.#host.left(this);
  }

  #stopProgress(): void {
    this.#progress?.stop();
    this.#progress = undefined;
  }

  overdue(what: Awaited): void {
    guard(this, () => {
      if (what === "continue") this.#events?.continueOverdue();
      else if (what === "response") this.#cancel("response_timeout", "");
      else this.#cancel("response_body_timeout", "");
    });
  }

  bug(error: unknown): void {
    this.#worker.bug(error, undefined);
    this.#tunnel?.broken();
    this.#fail("bug", String(error));
  }
}
