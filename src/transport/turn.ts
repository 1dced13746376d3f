import type { Wire } from "../base/world.ts";
import {
  type Downstream,
  OwnConnections,
  type ServingSide,
  type SwitchedWire,
  type TunnelEnd,
} from "../core/downstream.ts";
import type { Exchange, ResponseHead } from "../core/exchange.ts";
import type { Fault } from "../core/fault.ts";
import { fail } from "../core/pipeline.ts";
import type { ConnectionMeter, Listening, Worker } from "../core/worker.ts";
import { CHUNKED, CLOSE, type Framing, NONE } from "../protocol/h1/framing.ts";
import type { RequestFacts } from "../protocol/h1/request-facts.ts";
import type { HeaderList } from "../protocol/http/header-list.ts";
import { type BugTaker, guard } from "./guard.ts";
import { MessageWriter } from "./message-writer.ts";
import { Progress } from "./progress.ts";
import type { RequestReader } from "./request-reader.ts";
import { interimText, type Persistence, responseText, switchingText } from "./response-text.ts";
import { heldBy, plainAddress } from "./wire-peer.ts";

/** The connection, which gives out the turns one after the other. */
export interface TurnGiver {
  /** The response is out; `closesAfter` says whether another turn may follow. */
  turnOver(): void;
  /** The wire has left HTTP: its events are the tunnel's. True: the client's FIN came before. */
  switched(end: TunnelEnd): boolean;
}

/**
 * One exchange's turn on an HTTP/1 connection: the client's side of it, from the head that begins it
 * until its response is out, is cut, or the client is gone. A connection has one Turn, and uses it
 * again: begin() for an exchange, clear() before the next.
 */
export class Turn implements Downstream, BugTaker {
  readonly #wire: Wire;
  readonly #worker: Worker;
  readonly #listening: Listening;
  readonly #meter: ConnectionMeter;
  readonly #reader: RequestReader;
  readonly #giver: TurnGiver;
  readonly #writer: MessageWriter;
  #exchange: Exchange | undefined;
  #facts: RequestFacts | undefined;
  #side: ServingSide | undefined;
  #readProgress: Progress | undefined; // of the request body
  #isAnswered: boolean;
  #isEnded: boolean; // the response is written to its end
  #framing: Framing; // of the response
  #own: OwnConnections | undefined;
  closesAfter: boolean; // the connection does; once true, it stays so

  constructor(
    wire: Wire,
    worker: Worker,
    listening: Listening,
    meter: ConnectionMeter,
    reader: RequestReader,
    giver: TurnGiver,
  ) {
    this.#wire = wire;
    this.#worker = worker;
    this.#listening = listening;
    this.#meter = meter;
    this.#reader = reader;
    this.#giver = giver;
    this.#writer = new MessageWriter(wire, worker.wheel, () =>
      guard(this, () => this.abandon({ code: "response_write_timeout", detail: "" })),
    );
    this.#exchange = undefined;
    this.#facts = undefined;
    this.#side = undefined;
    this.#readProgress = undefined;
    this.#isAnswered = false;
    this.#isEnded = false;
    this.#framing = NONE;
    this.closesAfter = false;
    this.#own = undefined;
  }

  /** `facts`: unless the head was refused. */
  begin(exchange: Exchange, facts: RequestFacts | undefined): void {
    this.#exchange = exchange;
    this.#facts = facts;
    this.#meter.busy();
    this.#worker.started(exchange);
  }

  /** Makes ready for the next exchange, and holds nothing of the last one. */
  clear(): void {
    this.#facts = undefined;
    this.#isAnswered = false;
    this.#isEnded = false;
  }

  get exchange(): Exchange | undefined {
    return this.#exchange;
  }

  get own(): OwnConnections {
    this.#own ??= new OwnConnections();
    return this.#own;
  }

  get localAddress(): string | undefined {
    const { localAddress } = this.#wire;
    return localAddress === undefined ? undefined : plainAddress(localAddress);
  }

  // --- the request ---------------------------------------------------------------------------

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

  /** Bytes came in, of whatever they are. */
  received(count: number): void {
    this.#readProgress?.moved(count);
  }

  /** As RequestTaker has it. Of a side that has left nobody knows what it still writes. */
  holdsBody(): boolean {
    return this.#side === undefined || this.#side.holdsRequest;
  }

  /** All that one read brought has been handed over. */
  readOver(): void {
    this.#side?.bodyReadOver();
  }

  /** As RequestTaker has it. */
  bodyBytes(bytes: Buffer, announced: number): boolean {
    const exchange = this.#exchange!;
    exchange.requestBytes += bytes.length;
    const bytesAtLeast = exchange.requestBytes + announced;
    if (bytesAtLeast > (exchange.route ?? exchange.listener).limits.bodyBytes) {
      this.breakRequest({ code: "request_body_too_large", detail: `${bytesAtLeast}` });
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

  /** The request turned out to be none in the middle of its body. */
  breakRequest(fault: Fault): void {
    const exchange = this.#exchange!;
    const side = this.#side;
    this.closesAfter = true;
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
      guard(this, () => this.breakRequest({ code: "request_body_timeout", detail: "" })),
    );
    this.#readProgress.start(timeouts.requestBody, rates);
  }

  // --- the response --------------------------------------------------------------------------

  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  get holdsBytes(): boolean {
    return heldBy(this.#wire) > 0;
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
    this.closesAfter ||=
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

  /** The wire takes more again. */
  drained(): void {
    this.#writer.drained();
    if (this.#isEnded) this.#finish();
    else this.#side?.resume();
  }

  #persistence(): Persistence {
    if (this.closesAfter) return "close";
    return this.#exchange!.request.minorVersion === 0 ? "keep-1.0" : "keep";
  }

  // --- the end -------------------------------------------------------------------------------

  /** The response is out. */
  #finish(): void {
    if (this.#exchange === undefined) return;
    this.#side = undefined;
    this.#endExchange();
    this.#giver.turnOver();
  }

  cut(fault: Fault): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    exchange.fault ??= fault;
    this.#side = undefined; // it is the one who says so
    this.#endExchange();
    this.hangUp();
  }

  /**
   * Closes now. Without a length or chunks the client takes a FIN for the end of the response: where
   * that is not written, or what was written has not all left, only a reset tells it.
   */
  hangUp(): void {
    const isShort = (this.#isAnswered && !this.#isEnded) || this.#wire.writableLength > 0;
    if (isShort && this.#framing.kind === "close") this.#wire.resetAndDestroy();
    else this.#wire.destroy();
  }

  switchProtocols(response: ResponseHead, end: TunnelEnd): SwitchedWire {
    this.#isAnswered = true;
    this.closesAfter = true;
    const hasFinished = this.#giver.switched(end);
    this.#wire.write(switchingText(response), "latin1");
    return {
      wire: this.#wire,
      early: this.#reader.handOver(),
      hasFinished,
      ended: (fault) => {
        if (this.#exchange === undefined) return;
        if (fault !== undefined) this.#exchange.fault ??= fault;
        this.#side = undefined;
        this.#endExchange();
      },
    };
  }

  /**
   * Because of the client, a deadline or a bug; nobody is left to answer. Ends the connection, with
   * an exchange or without.
   */
  abandon(fault: Fault): void {
    const exchange = this.#exchange;
    this.#reader.shut();
    if (exchange !== undefined) {
      exchange.fault ??= fault;
      const side = this.#side;
      this.#side = undefined;
      side?.clientGone(fault);
      if (this.#exchange !== undefined) this.#endExchange();
    }
    this.hangUp();
  }

  bug(error: unknown): void {
    this.#worker.bug(error, this.#exchange);
    this.abandon({ code: "bug", detail: String(error) });
  }

  #endExchange(): void {
    const exchange = this.#exchange!;
    this.#exchange = undefined;
    this.#meter.idle();
    this.#stopWatching();
    exchange.times.endedMs = this.#worker.world.clock.nowMs();
    this.#worker.ended(exchange);
  }

  /** The connection is over, and what was for it alone with it. */
  closed(): void {
    this.#stopWatching();
    this.#own?.end();
  }

  /** Nobody waits for the body or the response any more. */
  #stopWatching(): void {
    this.#readProgress?.stop();
    this.#readProgress = undefined;
    this.#writer.stop();
  }
}
