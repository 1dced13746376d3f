import type { Downstream, ServingSide, SwitchedWire, TunnelEnd } from "../core/downstream.ts";
import type { Exchange, ResponseHead } from "../core/exchange.ts";
import { FAULTS, type Fault } from "../core/fault.ts";
import { RESPONSE_DROPS, SWITCH_DROPS } from "../core/forwarding-fields.ts";
import { type Farewell, grpcFarewell } from "../core/grpc.ts";
import { fail } from "../core/pipeline.ts";
import type { Worker } from "../core/worker.ts";
import { type Framing, NONE } from "../protocol/h1/framing.ts";
import type { RequestFacts } from "../protocol/h1/request-facts.ts";
import { CANCEL, INTERNAL_ERROR } from "../protocol/h2/error-code.ts";
import type { Stream, StreamTaker } from "../protocol/h2/stream.ts";
import type { HeaderList } from "../protocol/http/header-list.ts";
import type { InFlight } from "./downstream-connection.ts";
import { type BugTaker, guard } from "./guard.ts";
import { H2RequestBody } from "./h2-request-body.ts";
import { H2Tunnel } from "./h2-tunnel.ts";
import { Progress } from "./progress.ts";
import { toldLength } from "./response-text.ts";
import { TRAILER_DROPS } from "./trailer-lines.ts";

/** The connection that a turn is on. */
export interface TurnHost {
  /** Something was given to the stream: frame what the windows allow, and write it soon. */
  moreToSend(): void;
  /** It was given bytes of its body. */
  bodyRead(turn: H2Turn): void;
  turnOver(turn: H2Turn): void;
}

const QUEUE_BYTES_MAX = 64 * 1024; // that wait for the client's windows before the endpoint is paused
const QUEUE_BYTES_LOW = 16 * 1024; // at which it is asked for more

/** One exchange on a stream of HTTP/2: the client's side of it, from its head to its last frame. */
export class H2Turn implements Downstream, StreamTaker, InFlight, BugTaker {
  readonly #stream: Stream;
  readonly #host: TurnHost;
  readonly #worker: Worker;
  readonly #facts: RequestFacts | undefined;
  #body: H2RequestBody | undefined; // made when there is something for it: most requests have none
  #exchange: Exchange | undefined;
  #side: ServingSide | undefined;
  #head: ResponseHead | undefined; // answered with, and not sent yet
  #framing: Framing; // of the response
  #isAnswered: boolean;
  #isFull: boolean; // we asked the other side to hold on
  #progress: Progress | undefined; // of the response, from the first time that it had to wait
  #tunnel: TunnelEnd | undefined; // the stream has left HTTP

  /** `facts`: unless the head was refused. */
  constructor(stream: Stream, host: TurnHost, worker: Worker, facts: RequestFacts | undefined) {
    this.#stream = stream;
    this.#host = host;
    this.#worker = worker;
    this.#facts = facts;
    this.#body = undefined;
    this.#exchange = undefined;
    this.#side = undefined;
    this.#head = undefined;
    this.#framing = NONE;
    this.#isAnswered = false;
    this.#isFull = false;
    this.#progress = undefined;
    this.#tunnel = undefined;
  }

  begin(exchange: Exchange): void {
    this.#exchange = exchange;
    this.#worker.started(exchange);
  }

  get exchange(): Exchange | undefined {
    return this.#exchange;
  }

  get isTunnel(): boolean {
    return this.#tunnel !== undefined;
  }

  // --- the request ---------------------------------------------------------------------------

  get requestFraming(): Framing {
    return this.#facts?.framing ?? NONE;
  }

  get expectsContinue(): boolean {
    const isUntouched = !this.#stream.isRemoteEnded && this.#exchange?.requestBytes === 0;
    return this.#facts?.expectsContinue === true && isUntouched;
  }

  get websocketKey(): string | undefined {
    return this.#facts?.websocketKey;
  }

  get takesTrailers(): boolean {
    return this.#facts?.takesTrailers === true;
  }

  attach(side: ServingSide): void {
    this.#side = side;
  }

  pauseBody(): void {
    this.#body?.pause();
  }

  #bodyOf(): H2RequestBody {
    this.#body ??= new H2RequestBody(this.#stream, this.#worker.wheel, {
      bytes: (bytes) => this.#bodyBytes(bytes),
      end: (trailers) => this.#side?.bodyEnd(trailers),
      stalled: () =>
        guard(this, () => this.breakRequest({ code: "request_body_timeout", detail: "" })),
    });
    return this.#body;
  }

  /** Nobody wants the rest, also of what has yet to come. */
  #dropBody(): void {
    if (this.#body !== undefined || !this.#stream.isRemoteEnded) this.#bodyOf().drop();
  }

  resumeBody(): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    if (this.#body === undefined && this.#stream.isRemoteEnded) return; // with the head
    this.#bodyOf().resume(exchange.route ?? exchange.listener);
    this.#host.moreToSend(); // windows, that is
  }

  data(bytes: Buffer): void {
    this.#host.bodyRead(this);
    guard(this, () => this.#bodyOf().data(bytes));
  }

  ended(trailers: HeaderList | undefined): void {
    guard(this, () => this.#bodyOf().ended(trailers));
  }

  /** All that one read brought has been handed over. */
  readOver(): void {
    guard(this, () => this.#side?.bodyReadOver());
  }

  #bodyBytes(bytes: Buffer): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    exchange.requestBytes += bytes.length;
    if (exchange.requestBytes > (exchange.route ?? exchange.listener).limits.bodyBytes) {
      const detail = `${exchange.requestBytes}`;
      this.breakRequest({ code: "request_body_too_large", detail });
      return;
    }
    this.#side?.bodyBytes(bytes);
  }

  /** The request turned out to be none in the middle of its body. */
  breakRequest(fault: Fault): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    const side = this.#side;
    this.#side = undefined;
    this.#dropBody();
    side?.clientGone(fault);
    fail(exchange, fault);
  }

  // --- the response --------------------------------------------------------------------------

  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  get holdsBytes(): boolean {
    return this.#stream.queuedBytes > 0;
  }

  get copiesUpTo(): number {
    return 0; // frames wait for windows
  }

  interim(status: number, headers: HeaderList | undefined): void {
    if (this.#isAnswered || (status === 100 && !this.expectsContinue)) return;
    this.#stream.sendResponse(status, headers, RESPONSE_DROPS, undefined, false);
    this.#host.moreToSend();
  }

  respond(response: ResponseHead, framing: Framing): void {
    const isSuccess = response.status >= 200 && response.status <= 299;
    if (isSuccess && this.websocketKey !== undefined) {
      this.#refuseSuccess(response.status);
      return;
    }
    this.#isAnswered = true;
    this.#head = response;
    this.#framing = framing;
  }

  // In HTTP/1 that is a plain answer; to the client of RFC 8441 it says that the tunnel is there, and
  // what follows would be taken for its frames (SECURITY S8).
  #refuseSuccess(status: number): void {
    const isEndpoints = this.#exchange?.endpoint !== undefined;
    const code = isEndpoints ? "response_upgrade" : "request_upgrade";
    this.breakRequest({ code, detail: `${status} to a WebSocket over HTTP/2` });
  }

  write(bytes: Buffer): boolean {
    const exchange = this.#exchange;
    if (exchange === undefined) return true; // the client has gone; what still comes is lost
    exchange.responseBytes += bytes.length;
    this.#sendHead(false);
    this.#stream.send(bytes);
    this.#isFull = this.#stream.queuedBytes > QUEUE_BYTES_MAX;
    if (!this.#isFull) return true;
    this.#send(); // there may be room
    return !this.#isFull;
  }

  flush(): void {
    if (this.#exchange === undefined) return;
    // What has no body ends with its head, which is one frame less.
    if (this.#framing.kind !== "none") this.#sendHead(false);
    this.#send();
  }

  end(trailers: HeaderList | undefined): void {
    if (this.#exchange === undefined) return;
    if (this.#head !== undefined && trailers === undefined) this.#sendHead(true);
    else {
      this.#sendHead(false);
      this.#stream.end(trailers, TRAILER_DROPS);
    }
    this.#send();
  }

  #sendHead(isLast: boolean): void {
    const head = this.#head;
    if (head === undefined) return;
    this.#head = undefined;
    const framing = this.#framing;
    const length =
      framing.kind === "length"
        ? String(framing.bytes)
        : framing.kind === "none"
          ? toldLength(this.#exchange!.request.method, head)
          : undefined;
    this.#stream.sendResponse(head.status, head.headers, RESPONSE_DROPS, length, isLast);
  }

  #send(): void {
    this.#host.moreToSend();
    if (this.#stream.queuedBytes > 0) this.#watch();
  }

  /** What waits must not wait for ever: a window held shut is a slow read (SECURITY D4). */
  #watch(): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    if (this.#progress !== undefined) {
      this.#progress.release();
      return;
    }
    const { timeouts, rates } = exchange.route ?? exchange.listener;
    this.#progress = new Progress(this.#worker.wheel, () =>
      guard(this, () => this.abort({ code: "response_write_timeout", detail: "" })),
    );
    this.#progress.start(timeouts.write, rates);
  }

  moved(count: number, left: number): void {
    this.#progress?.moved(count);
    if (left === 0) this.#progress?.hold();
    if (!this.#isFull || left > QUEUE_BYTES_LOW) return;
    this.#isFull = false;
    guard(this, () => this.#side?.resume());
  }

  sent(): void {
    if (this.#exchange === undefined) return;
    this.#side = undefined;
    this.#endExchange();
  }

  // --- the end -------------------------------------------------------------------------------

  head(): void {
    // Only responses have one that comes later.
  }

  reset(code: number, why: string, byPeer: boolean): void {
    guard(this, () =>
      this.#abandon(
        byPeer
          ? { code: "client_gone", detail: why === "" ? `reset with code ${code}` : why }
          : { code: "request_body_malformed", detail: why },
      ),
    );
  }

  cut(fault: Fault): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    exchange.fault ??= fault;
    this.#side = undefined; // it is the one who says so
    this.#endExchange();
    this.#resetStream(fault);
  }

  switchProtocols(response: ResponseHead, end: TunnelEnd): SwitchedWire {
    this.#isAnswered = true;
    this.#tunnel = end;
    this.#stream.sendResponse(200, response.headers, SWITCH_DROPS, undefined, false);
    const body = this.#bodyOf();
    const hasFinished = body.hasEnded;
    const tunnel = new H2Tunnel(this.#stream, this.#host, body, this, end);
    const early = tunnel.takeOver();
    this.#host.moreToSend();
    return {
      wire: tunnel,
      early,
      hasFinished,
      ended: (fault) => {
        if (this.#exchange === undefined) return;
        if (fault !== undefined) this.#exchange.fault ??= fault;
        this.#side = undefined;
        this.#endExchange();
      },
    };
  }

  /** Because of a deadline. */
  abort(fault: Fault): void {
    const tunnel = this.#tunnel;
    const farewell = tunnel === undefined ? this.#farewell(fault) : undefined;
    if (tunnel === undefined) this.#abandon(fault);
    else if (this.#exchange !== undefined && fault.code !== "client_gone") {
      this.#exchange.fault ??= fault; // whether that the client left is one is the tunnel's to say
    }
    if (farewell === undefined) this.#resetStream(fault);
    else this.#tell(farewell);
    tunnel?.closed();
  }

  /** A call of gRPC hears why, where nothing is in the way; its head leaves here, if it has not yet. */
  #farewell(fault: Fault): Farewell | undefined {
    const exchange = this.#exchange;
    if (exchange === undefined || this.#stream.isOver || this.holdsBytes) return undefined;
    const farewell = grpcFarewell(exchange, fault);
    if (farewell !== undefined) this.#sendHead(false);
    return farewell;
  }

  #tell({ isHead, fields }: Farewell): void {
    if (isHead) this.#stream.sendResponse(200, fields, RESPONSE_DROPS, undefined, true);
    else this.#stream.end(fields, TRAILER_DROPS);
    this.#host.moreToSend();
  }

  bug(error: unknown): void {
    this.#worker.bug(error, this.#exchange);
    this.abort({ code: "bug", detail: String(error) });
  }

  #abandon(fault: Fault): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    exchange.fault ??= fault;
    const side = this.#side;
    this.#side = undefined;
    side?.clientGone(fault);
    if (this.#exchange !== undefined) this.#endExchange();
  }

  #resetStream(fault: Fault): void {
    const isClients = FAULTS[fault.code].side === "downstream";
    this.#stream.reset(isClients ? CANCEL : INTERNAL_ERROR);
    this.#host.moreToSend();
  }

  #endExchange(): void {
    const exchange = this.#exchange!;
    this.#exchange = undefined;
    this.#dropBody();
    this.#progress?.stop();
    this.#progress = undefined;
    exchange.times.endedMs = this.#worker.world.clock.nowMs();
    this.#worker.ended(exchange);
    this.#host.turnOver(this);
  }
}
