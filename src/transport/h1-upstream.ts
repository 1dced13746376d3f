import { latin1Text } from "../base/latin1.ts";
import { Deadline } from "../base/timer-wheel.ts";
import type { Address, Wire, WireReader } from "../base/world.ts";
import type { TunnelEnd } from "../core/downstream.ts";
import type { FaultCode } from "../core/fault.ts";
import { INTERIM_RESPONSES_MAX, type Limits, type Timeouts } from "../core/limits.ts";
import type { Worker } from "../core/worker.ts";
import { type BodyDecoder, bodyDecoder, DATA, END } from "../protocol/h1/body-decoder.ts";
import { HeadParser } from "../protocol/h1/head-parser.ts";
import { type ResponseFacts, readResponse } from "../protocol/h1/response-facts.ts";
import { NEED_MORE, REFUSE } from "../protocol/h1/scan.ts";
import type { HeaderList } from "../protocol/http/header-list.ts";
import { acceptOf } from "../protocol/websocket/handshake.ts";
import { MessageWriter } from "./message-writer.ts";

/** What an upstream connection tells the exchange that it serves, in this order. */
export interface UpstreamEvents {
  /** The wire is open; nothing has been sent. */
  connected(): void;
  interim(status: number, headers: HeaderList): void;
  /** The endpoint did not answer Expect in time. */
  continueOverdue(): void;
  responded(facts: ResponseFacts): void;
  /** 101, and the handshake is sound. */
  switched(facts: ResponseFacts, switched: SwitchedUpstream): void;
  /** Lent until holdsBytes is false. */
  responseBytes(bytes: Buffer): void;
  /** All that one read brought has been handed over. */
  readOver(): void;
  responseEnd(trailers: HeaderList | undefined): void;
  /** The endpoint takes more of the request body again. */
  sendMore(): void;
  /** The connection is gone; nothing follows. */
  failed(code: FaultCode, detail: string): void;
  readonly holdsBytes: boolean;
}

export interface SwitchedUpstream {
  readonly wire: Wire;
  readonly early: Buffer | undefined; // what came behind the 101
  follow(end: TunnelEnd): void;
}

/** What one exchange wants of a connection. */
export interface UpstreamRequest {
  readonly text: string; // the head
  readonly method: string;
  readonly isChunked: boolean; // the request body
  readonly awaitsContinue: boolean;
  readonly websocketKey: string | undefined;
  readonly timeouts: Timeouts;
  readonly limits: Limits;
}

/** Where a connection lives while no exchange uses it. */
export interface UpstreamHome {
  idle(connection: H1Upstream): void;
  gone(connection: H1Upstream): void;
}

type Stage = "connecting" | "idle" | "busy" | "tunnel" | "gone";
type Waiting = "connect" | "continue" | "response" | "body" | "broken" | "idle";

const ANSWER_MS = 250; // for an answer to be read from a connection that cannot be written to
const READ_BYTES_SMALL = 16 * 1024;
const READ_BYTES_LARGE = 64 * 1024;

/**
 * One HTTP/1.1 connection to an endpoint. One request at a time, never pipelined, and used again
 * only when both messages ended where they said they would (SECURITY S2, S6).
 */
export class H1Upstream extends Deadline implements WireReader {
  readonly #worker: Worker;
  readonly #home: UpstreamHome;
  readonly #wire: Wire;
  readonly #connectMs: number;
  #parser: HeadParser | undefined;
  #stage: Stage;
  #waiting: Waiting;
  #events: UpstreamEvents | undefined;
  #request: UpstreamRequest | undefined;
  #tunnel: TunnelEnd | undefined;
  #error: NodeJS.ErrnoException | undefined; // why the wire broke

  readonly #writer: MessageWriter;
  #isRequestEnded: boolean;

  #buffer: Buffer | undefined; // what the wire reads into
  #bufferBytes: number;
  #held: Buffer | undefined; // a head that came in pieces
  #hasReceived: boolean; // any byte of a response to this request
  #facts: ResponseFacts | undefined; // of the response, once its head has been read
  #decoder: BodyDecoder | undefined; // of its body
  #interims: number;
  #isPaused: boolean;
  #served: number; // exchanges that ended on this connection
  idleMs: number; // how long it may be kept idle, as the endpoint told; Infinity if it did not

  constructor(worker: Worker, address: Address, connectMs: number, home: UpstreamHome) {
    super();
    this.#worker = worker;
    this.#home = home;
    this.#connectMs = connectMs;
    this.#parser = undefined;
    this.#stage = "connecting";
    this.#waiting = "connect";
    this.#events = undefined;
    this.#request = undefined;
    this.#tunnel = undefined;
    this.#error = undefined;
    this.#isRequestEnded = false;
    this.#buffer = undefined;
    this.#bufferBytes = READ_BYTES_SMALL;
    this.#held = undefined;
    this.#hasReceived = false;
    this.#facts = undefined;
    this.#decoder = undefined;
    this.#interims = 0;
    this.#isPaused = false;
    this.#served = 0;
    this.idleMs = Number.POSITIVE_INFINITY;
    this.#wire = worker.world.network.connect(address, this);
    this.#writer = new MessageWriter(this.#wire, worker.wheel, () =>
      this.#guard(() => this.#fail("upstream_send_timeout", "")),
    );
    this.#listen();
  }

  #listen(): void {
    const wire = this.#wire;
    wire.on("connect", () => this.#guard(() => this.#onConnect()));
    wire.on("error", (error) => this.#guard(() => this.#onError(error)));
    wire.on("end", () => this.#guard(() => this.#onFinished()));
    wire.on("drain", () => this.#guard(() => this.#onDrain()));
    wire.on("close", () => this.#guard(() => this.#onClose()));
    this.#await("connect", this.#connectMs);
  }

  /** Has served before: its endpoint may have closed it in the meantime. */
  get isReused(): boolean {
    return this.#served > 0;
  }

  get isConnected(): boolean {
    return this.#stage !== "connecting" && this.#stage !== "gone";
  }

  /** Takes on an exchange. The head leaves with the first body bytes or with flush(). */
  begin(request: UpstreamRequest, events: UpstreamEvents): void {
    this.#events = events;
    this.#request = request;
    this.#writer.begin(request.text, request.isChunked, request.timeouts.send, undefined);
    this.#isRequestEnded = false;
    this.#hasReceived = false;
    this.#facts = undefined;
    this.#interims = 0;
    if (this.#parser === undefined) {
      this.#parser = new HeadParser("response", {
        lineBytes: request.limits.requestLineBytes,
        fieldBytes: request.limits.responseHeaderBytes,
        fieldCount: request.limits.responseHeaderCount,
      });
    } else {
      this.#parser.reset();
    }
    if (this.#stage === "connecting") return;
    this.#stage = "busy";
    this.#stopWaiting();
    events.connected();
  }

  // --- the request ---------------------------------------------------------------------------

  /** False: hold on until sendMore(). */
  writeBody(bytes: Buffer): boolean {
    if (this.#stage !== "busy" || this.#isRequestEnded || this.#error !== undefined) return true;
    return this.#writer.write(bytes);
  }

  flush(): void {
    if (this.#stage === "busy") this.#writer.flush();
  }

  /** Sends the head and waits for a 100 before any of the body. */
  flushAndAwaitContinue(delayMs: number): void {
    this.flush();
    this.#await("continue", delayMs);
  }

  endRequest(trailers: HeaderList | undefined): void {
    if (this.#stage !== "busy" || this.#isRequestEnded) return;
    this.#isRequestEnded = true;
    this.#writer.end(trailers);
    if (this.#facts === undefined) this.#await("response", this.#request!.timeouts.responseHead);
  }

  #onDrain(): void {
    if (this.#tunnel !== undefined) {
      this.#tunnel.drained();
      return;
    }
    this.#writer.drained();
    this.#events?.sendMore();
  }

  // --- the response --------------------------------------------------------------------------

  pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#stopWaiting(); // it is the client that is slow
    this.#wire.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#facts !== undefined) this.#awaitBody();
    this.#wire.resume();
  }

  buffer(): Uint8Array {
    this.#buffer ??= Buffer.allocUnsafeSlow(this.#bufferBytes);
    return this.#buffer;
  }

  read(count: number, buffer: Uint8Array): void {
    this.#worker.clock.enter();
    try {
      this.#onBytes(buffer as Buffer, count); // ours: it came from buffer()
    } catch (error) {
      this.#bug(error);
    } finally {
      this.#worker.clock.leave();
    }
  }

  #onBytes(buffer: Buffer, count: number): void {
    if (this.#stage === "tunnel") {
      this.#tunnel!.bytes(buffer.subarray(0, count));
      this.#buffer = undefined; // the other side may still hold it
      return;
    }
    // Bytes that nobody asked for would be taken for the next answer (SECURITY S6).
    if (this.#stage !== "busy") {
      this.#destroy();
      return;
    }
    this.#hasReceived = true;
    const events = this.#events!;
    if (this.#decoder !== undefined) {
      this.#readBody(this.#decoder, buffer, 0, count);
    } else if (this.#held === undefined) {
      this.#readHead(buffer, 0, count);
    } else {
      const held = Buffer.concat([this.#held, buffer.subarray(0, count)]);
      this.#held = undefined;
      this.#readHead(held, 0, held.length);
    }
    events.readOver();
    if (events.holdsBytes) this.#buffer = undefined;
  }

  #readHead(bytes: Buffer, from: number, end: number): void {
    const parser = this.#parser!;
    const request = this.#request!;
    let at = from;
    while (this.#stage === "busy" && at < end) {
      const after = parser.parse(bytes, at, end);
      if (after === NEED_MORE) {
        this.#held = Buffer.from(bytes.subarray(at, end)); // a copy: the buffer will be read into
        return;
      }
      if (after === REFUSE) {
        const isLarge = parser.refusal === "fields-too-large" || parser.refusal === "line-too-long";
        this.#fail(isLarge ? "response_head_too_large" : "response_malformed", parser.detail);
        return;
      }
      const facts = readResponse(parser, latin1Text(bytes, at, after), request.method);
      at = after;
      if (typeof facts === "string") {
        this.#fail("response_framing", facts);
      } else if (facts.status >= 200) {
        this.#beginResponse(facts, bytes, at, end);
        return;
      } else if (facts.status === 101) {
        this.#switch(facts, request, at < end ? bytes.subarray(at, end) : undefined);
        return;
      } else {
        this.#interim(facts);
      }
    }
  }

  #interim(facts: ResponseFacts): void {
    if (++this.#interims > INTERIM_RESPONSES_MAX) {
      this.#fail("response_interim", `more than ${INTERIM_RESPONSES_MAX}`);
      return;
    }
    this.#parser!.reset();
    this.#events!.interim(facts.status, facts.headers);
  }

  // S8: only a handshake that the client asked for, for WebSocket, with the right proof.
  #switch(facts: ResponseFacts, request: UpstreamRequest, early: Buffer | undefined): void {
    const key = request.websocketKey;
    const isSound =
      key !== undefined &&
      facts.switchesTo === "websocket" &&
      facts.headers.get("sec-websocket-accept") === acceptOf(key);
    if (!isSound) {
      this.#fail("response_upgrade", "101 without a sound handshake");
      return;
    }
    this.#stage = "tunnel";
    this.#stopWaiting();
    const events = this.#events!;
    this.#events = undefined;
    events.switched(facts, {
      wire: this.#wire,
      early: early === undefined ? undefined : Buffer.from(early),
      follow: (end) => {
        this.#tunnel = end;
      },
    });
  }

  #beginResponse(facts: ResponseFacts, bytes: Buffer, at: number, end: number): void {
    this.#facts = facts;
    this.#stopWaiting();
    const { framing } = facts;
    this.#events!.responded(facts);
    if (this.#stage !== "busy") return;

    if (framing.kind === "none" || (framing.kind === "length" && framing.bytes === 0)) {
      this.#endResponse(undefined, at < end);
      return;
    }
    const { trailerBytes, trailerCount } = this.#request!.limits;
    const decoder = bodyDecoder(framing, {
      lineBytes: 0,
      fieldBytes: trailerBytes,
      fieldCount: trailerCount,
    });
    this.#decoder = decoder;
    if (framing.kind === "length" && framing.bytes > READ_BYTES_SMALL) this.#readLarge();
    this.#readBody(decoder, bytes, at, end);
  }

  #readLarge(): void {
    if (this.#bufferBytes === READ_BYTES_LARGE) return;
    this.#bufferBytes = READ_BYTES_LARGE;
    this.#buffer = undefined;
  }

  #readBody(decoder: BodyDecoder, bytes: Buffer, from: number, end: number): void {
    let at = from;
    while (this.#stage === "busy") {
      switch (decoder.step(bytes, at, end)) {
        case DATA:
          at = decoder.dataEnd;
          this.#events!.responseBytes(bytes.subarray(decoder.dataAt, at));
          break;
        case END:
          this.#endResponse(decoder.trailers, decoder.next < end);
          return;
        case REFUSE:
          this.#fail("response_body_malformed", "the chunked coding");
          return;
        default:
          if (end - from === this.#bufferBytes) this.#readLarge();
          this.#awaitBody();
          return;
      }
    }
  }

  #endResponse(trailers: HeaderList | undefined, hasExcess: boolean): void {
    const events = this.#events!;
    const { keepsAlive, keepAliveSeconds, framing } = this.#facts!;
    const mayBeReused =
      keepsAlive && framing.kind !== "close" && this.#isRequestEnded && !hasExcess;
    if (keepAliveSeconds > 0) this.idleMs = (keepAliveSeconds - 1) * 1000; // a second to be sure
    this.#events = undefined;
    this.#decoder = undefined;
    this.#stopWaiting();
    this.#served++;
    if (mayBeReused && !this.#writer.isFull && this.idleMs > 0) {
      this.#stage = "idle";
      this.#facts = undefined;
      this.#request = undefined;
      if (this.#isPaused) this.resume();
      events.responseEnd(trailers);
      this.#home.idle(this);
    } else {
      events.responseEnd(trailers);
      this.#destroy();
    }
  }

  #onFinished(): void {
    if (this.#stage === "tunnel") {
      this.#tunnel?.finished();
    } else if (this.#stage === "busy" && this.#decoder?.endsWithConnection === true) {
      this.#endResponse(undefined, false);
    } else if (this.#stage === "busy") {
      this.#fail(this.#brokenCode(), "the endpoint closed the connection");
    } else {
      this.#destroy();
    }
  }

  // An endpoint that answers early and hangs up breaks our sending, but its answer may have arrived:
  // it gets a moment to be read.
  #onError(error: NodeJS.ErrnoException): void {
    this.#error = error;
    if (error.syscall !== "write") return;
    this.#writer.stop();
    if (this.#stage === "busy" && !this.#isRequestEnded) this.#await("broken", ANSWER_MS);
    else this.#wire.destroy();
  }

  #onClose(): void {
    const wasBusy = this.#stage === "busy" || this.#stage === "connecting";
    if (this.#stage === "tunnel") this.#tunnel?.closed();
    if (wasBusy) {
      const code = this.#stage === "connecting" ? this.#connectCode() : this.#brokenCode();
      this.#fail(code, this.#error?.code ?? "the connection was closed");
    }
    this.#shut();
  }

  #connectCode(): FaultCode {
    const { code } = this.#error ?? {};
    return code === "ENOTFOUND" || code === "EAI_AGAIN" ? "name_unresolved" : "connect_refused";
  }

  #brokenCode(): FaultCode {
    return this.#hasReceived ? "response_truncated" : "reset_before_head";
  }

  // --- idling, and the end --------------------------------------------------------------------

  /** In the pool from now on, for at most this long. */
  keepIdle(delayMs: number): void {
    this.#await("idle", Math.min(delayMs, this.idleMs));
  }

  /** The exchange does not want it any more, or the pool closes. */
  abandon(): void {
    this.#events = undefined;
    this.#destroy();
  }

  #onConnect(): void {
    if (this.#stage !== "connecting") return;
    this.#stopWaiting();
    if (this.#events === undefined) {
      this.#destroy();
      return;
    }
    this.#stage = "busy";
    this.#events.connected();
  }

  #fail(code: FaultCode, detail: string): void {
    const events = this.#events;
    this.#events = undefined;
    this.#destroy();
    events?.failed(code, detail);
  }

  #destroy(): void {
    this.#shut();
    this.#wire.destroy();
  }

  #shut(): void {
    if (this.#stage === "gone") return;
    this.#stage = "gone";
    this.#writer.stop();
    this.#worker.wheel.disarm(this);
    this.#home.gone(this);
  }

  #awaitBody(): void {
    if (!this.#isPaused && this.#stage === "busy") {
      this.#await("body", this.#request!.timeouts.responseBody);
    }
  }

  #await(waiting: Waiting, delayMs: number): void {
    this.#waiting = waiting;
    this.#worker.wheel.arm(this, delayMs);
  }

  #stopWaiting(): void {
    this.#worker.wheel.arm(this, Number.POSITIVE_INFINITY);
  }

  override fire(): void {
    this.#guard(() => {
      switch (this.#waiting) {
        case "connect":
          return this.#fail("connect_timeout", "");
        case "continue":
          return this.#events?.continueOverdue();
        case "response":
          return this.#fail("response_timeout", "");
        case "body":
          return this.#fail("response_body_timeout", "");
        case "broken":
          return this.#fail(this.#brokenCode(), this.#error?.code ?? "");
        case "idle":
          return this.#destroy();
      }
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
    this.#worker.bug(error, undefined);
    this.#fail("bug", String(error));
  }
}
