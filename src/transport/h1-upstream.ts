import { type Member, OUTSIDE } from "../base/crowd.ts";
import type { Wire, WireReader } from "../base/world.ts";
import type { TunnelEnd } from "../core/downstream.ts";
import type { FaultCode } from "../core/fault.ts";
import type { Worker } from "../core/worker.ts";
import type { ResponseFacts } from "../protocol/h1/response-facts.ts";
import type { HeaderList } from "../protocol/http/header-list.ts";
import type { Carrier, Connected, Connecting, UpstreamHome } from "./carrier.ts";
import { connectCode } from "./connect-fault.ts";
import { type BugTaker, guard } from "./guard.ts";
import { MessageWriter } from "./message-writer.ts";
import { ResponseReader, type ResponseTaker } from "./response-reader.ts";
import type { UpstreamEvents } from "./upstream-events.ts";
import type { UpstreamRequest } from "./upstream-request.ts";
import { type Waiter, Waiting } from "./waiting.ts";

type Stage = "connecting" | "securing" | "idle" | "busy" | "tunnel" | "gone";
type Awaited = "connect" | "secure" | "continue" | "response" | "body" | "broken" | "idle";

const ANSWER_MS = 250; // for an answer to be read from a connection that cannot be written to

/**
 * One HTTP/1.1 connection to an endpoint. One request at a time, never pipelined, and used again
 * only when both messages ended where they said they would (SECURITY S2, S6).
 */
export class H1Upstream
  implements Carrier, WireReader, ResponseTaker, Waiter<Awaited>, BugTaker, Member
{
  readonly #worker: Worker;
  readonly #home: UpstreamHome<H1Upstream>;
  readonly #wire: Wire;
  readonly #waiting: Waiting<Awaited>;
  place: number; // among the open connections of its pool
  #stage: Stage;
  #events: UpstreamEvents | undefined;
  #request: UpstreamRequest | undefined;
  #tunnel: TunnelEnd | undefined;
  #error: NodeJS.ErrnoException | undefined; // why the wire broke

  readonly #writer: MessageWriter;
  #isRequestEnded: boolean;

  readonly #reader: ResponseReader;
  #facts: ResponseFacts | undefined; // of the response, once its head has been read
  #isPaused: boolean;
  #served: number; // exchanges that ended on this connection
  #opening: Uint8Array | undefined; // of the connection: is sent before anything else
  readonly bornMs: number;
  idleMs: number; // how long it may be kept idle, as the endpoint told; Infinity if it did not

  constructor(worker: Worker, how: Connecting | Connected, home: UpstreamHome<H1Upstream>) {
    this.#worker = worker;
    this.#home = home;
    this.#waiting = new Waiting<Awaited>(worker.wheel, this, "connect");
    this.place = OUTSIDE;
    this.#stage = "connecting";
    this.#events = undefined;
    this.#request = undefined;
    this.#tunnel = undefined;
    this.#error = undefined;
    this.#isRequestEnded = false;
    this.#reader = new ResponseReader(this, worker.buffers);
    this.#facts = undefined;
    this.#isPaused = false;
    this.#served = 0;
    this.bornMs = worker.clock.nowMs();
    this.idleMs = Number.POSITIVE_INFINITY;
    this.#opening = undefined;
    this.#wire = "dial" in how ? how.dial.taken(this) : this.#connect(how);
    this.#writer = new MessageWriter(this.#wire, worker.wheel, () =>
      guard(this, () => this.#fail("upstream_send_timeout", "")),
    );
    if ("dial" in how) this.#stage = "idle";
    else this.#listenForIt(how);
    this.#listen();
  }

  #connect({ address, manner: { tls }, opening }: Connecting): Wire {
    const { network } = this.#worker.world;
    if (tls === undefined) this.#opening = opening;
    // What is to come before anything else comes before the handshake, too.
    const preamble = opening === undefined ? {} : { preamble: opening };
    return network.connect(address, this, tls && { ...tls, ...preamble });
  }

  #listenForIt({ manner: { tls }, timeouts }: Connecting): void {
    const wire = this.#wire;
    if (tls === undefined) wire.on("connect", () => guard(this, () => this.#onConnect()));
    else {
      wire.on("connect", () => guard(this, () => this.#onSecuring(timeouts.connectTls)));
      wire.on("secureConnect", () => guard(this, () => this.#onConnect()));
    }
    this.#waiting.for("connect", timeouts.connect);
  }

  #listen(): void {
    const wire = this.#wire;
    wire.on("error", (error) => guard(this, () => this.#onError(error)));
    wire.on("end", () => guard(this, () => this.#onFinished()));
    wire.on("drain", () => guard(this, () => this.#onDrain()));
    wire.on("close", () => guard(this, () => this.#onClose()));
  }

  get isReused(): boolean {
    return this.#served > 0;
  }

  /** The address at the other end, once there is one. */
  get remoteHost(): string | undefined {
    return this.#wire.remoteAddress;
  }

  begin(request: UpstreamRequest, events: UpstreamEvents): void {
    this.#events = events;
    this.#request = request;
    this.#writer.begin(request.text, request.isChunked, request.timeouts.send, undefined);
    this.#isRequestEnded = false;
    this.#reader.begin(request);
    this.#facts = undefined;
    if (this.#isConnecting) return;
    this.#stage = "busy";
    this.#waiting.rest();
    events.connected();
  }

  handOver(events: UpstreamEvents): void {
    this.#events = events;
  }

  // --- the request ---------------------------------------------------------------------------

  get holdsRequest(): boolean {
    return this.#wire.writableLength > 0;
  }

  writeBody(bytes: Buffer): boolean {
    if (this.#stage !== "busy" || this.#isRequestEnded || this.#error !== undefined) return true;
    return this.#writer.write(bytes);
  }

  flush(): void {
    if (this.#stage === "busy") this.#writer.flush();
  }

  flushAndAwaitContinue(delayMs: number): void {
    this.flush();
    this.#waiting.for("continue", delayMs);
  }

  endRequest(trailers: HeaderList | undefined): void {
    if (this.#stage !== "busy" || this.#isRequestEnded) return;
    this.#isRequestEnded = true;
    this.#writer.end(trailers);
    if (this.#facts === undefined)
      this.#waiting.for("response", this.#request!.timeouts.responseHead);
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
    this.#waiting.rest(); // it is the client that is slow
    this.#wire.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#facts !== undefined) this.bodyUnderway();
    this.#wire.resume();
  }

  buffer(): Uint8Array {
    return this.#reader.buffer();
  }

  read(count: number, buffer: Uint8Array): void {
    this.#worker.clock.enter();
    try {
      this.#onBytes(buffer as Buffer, count); // ours: it came from buffer()
    } catch (error) {
      this.bug(error);
    } finally {
      this.#worker.clock.leave();
    }
  }

  #onBytes(buffer: Buffer, count: number): void {
    if (this.#stage === "tunnel") {
      this.#tunnel!.bytes(buffer.subarray(0, count));
      this.#reader.readOver(count, true); // the other side may still hold it
      return;
    }
    // Bytes that nobody asked for would be taken for the next answer (SECURITY S6).
    if (this.#stage !== "busy") {
      this.#destroy();
      return;
    }
    const events = this.#events!;
    this.#reader.feed(buffer, count);
    events.readOver();
    this.#reader.readOver(count, events.holdsBytes);
  }

  // --- what ResponseReader found ---------------------------------------------------------------

  interimRead(facts: ResponseFacts): void {
    this.#events!.interim(facts.status, facts.headers);
  }

  switchRead(facts: ResponseFacts, early: Buffer | undefined): void {
    this.#stage = "tunnel";
    this.#waiting.rest();
    const events = this.#events!;
    this.#events = undefined;
    events.switched(facts, {
      wire: this.#wire,
      early,
      follow: (end) => {
        this.#tunnel = end;
      },
    });
  }

  headRead(facts: ResponseFacts): void {
    this.#facts = facts;
    this.#waiting.rest();
    this.#events!.responded(facts);
  }

  bodyBytes(bytes: Buffer): void {
    this.#events!.responseBytes(bytes);
  }

  bodyUnderway(): void {
    if (!this.#isPaused && this.#stage === "busy") {
      this.#waiting.for("body", this.#request!.timeouts.responseBody);
    }
  }

  bodyEnd(trailers: HeaderList | undefined, hasExcess: boolean): void {
    const events = this.#events!;
    const { keepsAlive, keepAliveSeconds, framing } = this.#facts!;
    const mayBeReused =
      keepsAlive && framing.kind !== "close" && this.#isRequestEnded && !hasExcess;
    if (keepAliveSeconds > 0) this.idleMs = (keepAliveSeconds - 1) * 1000; // a second to be sure
    this.#events = undefined;
    this.#waiting.rest();
    this.#served++;
    if (mayBeReused && !this.#writer.isFull && this.idleMs > 0) {
      this.#stage = "idle";
      this.#facts = undefined;
      this.#request = undefined;
      if (this.#isPaused) this.resume();
      this.#home.idle(this); // first, so that a pipelined request finds it
      events.responseEnd(trailers);
    } else {
      events.responseEnd(trailers);
      this.#destroy();
    }
  }

  refused(code: FaultCode, detail: string): void {
    this.#fail(code, detail);
  }

  // --- the wire --------------------------------------------------------------------------------

  get #isConnecting(): boolean {
    return this.#stage === "connecting" || this.#stage === "securing";
  }

  #onSecuring(delayMs: number): void {
    if (this.#stage !== "connecting") return;
    this.#stage = "securing";
    this.#waiting.for("secure", delayMs);
  }

  #onConnect(): void {
    if (!this.#isConnecting) return;
    this.#waiting.rest();
    if (this.#events === undefined) {
      this.#destroy();
      return;
    }
    this.#stage = "busy";
    if (this.#opening !== undefined) this.#wire.write(this.#opening);
    this.#events.connected();
  }

  #onFinished(): void {
    if (this.#stage === "tunnel") {
      this.#tunnel?.finished();
    } else if (this.#isConnecting) {
      this.#onClose();
    } else if (this.#stage !== "busy") {
      this.#destroy();
    } else if (!this.#reader.finish()) {
      this.#fail(this.#brokenCode(), "the endpoint closed the connection");
    }
  }

  // An endpoint that answers early and hangs up breaks our sending, but its answer may have arrived:
  // it gets a moment to be read.
  #onError(error: NodeJS.ErrnoException): void {
    this.#error = error;
    if (error.syscall !== "write") return;
    this.#writer.stop();
    if (this.#stage === "busy" && !this.#isRequestEnded) this.#waiting.for("broken", ANSWER_MS);
    else this.#wire.destroy();
  }

  #onClose(): void {
    const wasConnecting = this.#isConnecting;
    if (this.#stage === "tunnel") this.#tunnel?.closed();
    if (wasConnecting || this.#stage === "busy") {
      const code = wasConnecting
        ? connectCode(this.#error, this.#stage === "securing")
        : this.#brokenCode();
      this.#fail(code, this.#error?.code ?? "the connection was closed");
    }
    this.#shut();
  }

  #brokenCode(): FaultCode {
    return this.#reader.hasReceived ? "response_truncated" : "reset_before_head";
  }

  // --- idling, and the end --------------------------------------------------------------------

  /** In the pool from now on, for at most this long. */
  keepIdle(delayMs: number): void {
    this.#waiting.for("idle", Math.min(delayMs, this.idleMs));
  }

  /** The exchange does not want it any more, or the pool closes. */
  abandon(): void {
    this.#events = undefined;
    this.#destroy();
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
    this.#waiting.stop();
    this.#reader.stop();
    this.#home.gone(this);
  }

  overdue(what: Awaited): void {
    guard(this, () => {
      switch (what) {
        case "connect":
          return this.#fail("connect_timeout", "");
        case "secure":
          return this.#fail("upstream_tls_timeout", "");
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

  bug(error: unknown): void {
    this.#worker.bug(error, undefined);
    this.#fail("bug", String(error));
  }
}
