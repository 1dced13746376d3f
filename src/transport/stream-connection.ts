import type { Wire } from "../base/world.ts";
import type { Fault } from "../core/fault.ts";
import type { Session, StreamMeter, StreamWorker } from "../core/stream.ts";
import type { Outcome } from "../core/upstream.ts";
import type { SignatureWatch } from "../protocol/proxy-protocol/signature-watch.ts";
import { writeProxyHeader } from "../protocol/proxy-protocol/write-proxy-header.ts";
import { Flow } from "./flow.ts";
import { type BugTaker, guard } from "./guard.ts";
import { type DialOwner, StreamDial } from "./stream-dial.ts";
import { type Waiter, Waiting } from "./waiting.ts";

/** One end of the connection. */
interface Side {
  readonly flow: Flow; // of what is read here
  wire: Wire | undefined;
  hasFinished: boolean; // its FIN came
  isClosed: boolean;
  resets: boolean; // is to be reset as soon as it has taken what was written
}

/** What the connection waits for (LIFECYCLE.md). While connecting, StreamDial waits. */
type Awaited = "idle" | "answer" | "flush";

export interface StreamConnectionParts {
  readonly wire: Wire;
  readonly session: Session;
  readonly early: Buffer | undefined; // read before it was known where to
  readonly watch: SignatureWatch | undefined; // the peer must not send a PROXY header
  readonly onClosed: (connection: StreamConnection) => void;
}

const ANSWER_MS = 250; // for the last bytes of an endpoint that takes no more
const FLUSH_MS = 100; // how often a side that is to be reset is looked at …
const FLUSHES_MAX = 20; // … so, two seconds in all

/**
 * One connection of a client through a stream: bytes and FINs pass as they come, each direction with
 * its own backpressure and its own end, and a reset passes as a reset, so that nobody takes half of
 * something for the whole.
 */
export class StreamConnection implements DialOwner, Waiter<Awaited>, BugTaker {
  readonly session: Session;
  readonly #worker: StreamWorker;
  readonly #meter: StreamMeter;
  readonly #onClosed: (connection: StreamConnection) => void;
  readonly #waiting: Waiting<Awaited>;
  readonly #dial: StreamDial;
  readonly #down: Side;
  readonly #up: Side;
  #watch: SignatureWatch | undefined;
  #held: Buffer | undefined; // of the client, until there is an endpoint
  #state: "connecting" | "passing" | "ending" | "over";
  #flushes: number;
  #takesNoMore: boolean; // the endpoint: what the client sends is dropped

  constructor(worker: StreamWorker, parts: StreamConnectionParts) {
    this.session = parts.session;
    this.#worker = worker;
    this.#meter = worker.streamMeter(parts.session.stream);
    this.#onClosed = parts.onClosed;
    this.#waiting = new Waiting<Awaited>(worker.wheel, this, "idle");
    this.#dial = new StreamDial(worker, parts.session, this);
    this.#down = newSide(parts.wire, worker);
    this.#up = newSide(undefined, worker);
    this.#watch = parts.watch;
    this.#held = undefined;
    this.#state = "connecting";
    this.#flushes = 0;
    this.#takesNoMore = false;
    this.#listenDown(parts.wire);
    guard(this, () => this.#start(parts.early));
  }

  #start(early: Buffer | undefined): void {
    this.#worker.sessionStarted(this.session);
    if (early !== undefined) this.#fromClient(early);
    if (this.#state === "connecting") this.#dial.start();
  }

  /** The drain deadline passed. */
  cut(fault: Fault): void {
    guard(this, () => this.#abort(fault));
  }

  // --- the client ------------------------------------------------------------------------------

  #listenDown(wire: Wire): void {
    wire.on("error", () => {}); // "close" follows, and says all that we need to know
    wire.on("data", (bytes) => {
      this.#worker.clock.enter();
      try {
        this.#fromClient(asBuffer(bytes));
      } catch (error) {
        this.bug(error);
      } finally {
        this.#worker.clock.leave();
      }
    });
    wire.on("end", () => guard(this, () => this.#finished(this.#down, this.#up)));
    wire.on("drain", () => guard(this, () => this.#drained(this.#down, this.#up)));
    wire.on("close", () => guard(this, () => this.#closed(this.#down)));
  }

  #fromClient(bytes: Buffer): void {
    if (this.#state === "ending" || this.#state === "over" || this.#takesNoMore) return;
    this.session.bytesIn += bytes.length;
    this.#meter.received(bytes.length);
    if (this.#watch !== undefined && this.#isForbidden(bytes)) {
      this.#abort({ code: "proxy_header_untrusted", detail: "" });
    } else if (this.#state === "passing") {
      const { wire, flow } = this.#down;
      this.#pass(bytes, this.#down, this.#up);
      wire!.readInto?.(flow.own);
    } else this.#hold(bytes);
  }

  #isForbidden(bytes: Buffer): boolean {
    const seen = this.#watch!.feed(bytes);
    if (seen === "clean") this.#watch = undefined;
    return seen === "found";
  }

  // What is in one read is enough to hold; the rest waits in the kernel.
  #hold(bytes: Buffer): void {
    this.#held = this.#held === undefined ? Buffer.from(bytes) : Buffer.concat([this.#held, bytes]);
    this.#down.wire!.pause();
  }

  // --- the endpoint ----------------------------------------------------------------------------

  connected(wire: Wire): void {
    const { session } = this;
    session.connectedMs = this.#worker.clock.nowMs();
    this.#state = "passing";
    this.#up.wire = wire;
    wire.on("error", (error) => guard(this, () => this.#onUpError(error)));
    wire.on("end", () => guard(this, () => this.#finished(this.#up, this.#down)));
    wire.on("drain", () => guard(this, () => this.#drained(this.#up, this.#down)));
    wire.on("close", () => guard(this, () => this.#closed(this.#up)));
    this.#waiting.for("idle", session.stream.timeouts.idle);
    const header = headerFor(session);
    if (header !== undefined) wire.write(header);
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined || wire.write(held)) this.#down.wire!.resume();
    if (this.#down.hasFinished) wire.end();
  }

  notConnected(fault: Fault): void {
    this.session.fault = fault;
    this.#end(() => resetNow(this.#down));
  }

  buffer(): Uint8Array {
    return this.#up.flow.own ?? this.#worker.buffers.shared;
  }

  read(count: number, buffer: Uint8Array): void {
    this.#worker.clock.enter();
    try {
      this.#fromEndpoint((buffer as Buffer).subarray(0, count)); // ours: it came from buffer()
    } catch (error) {
      this.bug(error);
    } finally {
      this.#worker.clock.leave();
    }
  }

  #fromEndpoint(bytes: Buffer): void {
    if (this.#state !== "passing") return;
    this.session.bytesOut += bytes.length;
    this.#meter.sent(bytes.length);
    this.#pass(bytes, this.#up, this.#down);
  }

  // An endpoint that takes no more may have said why: what it sent before is read first.
  #onUpError(error: NodeJS.ErrnoException): void {
    if (error.syscall !== "write") return;
    if (this.#state !== "passing") {
      this.#up.wire!.destroy();
      return;
    }
    this.#takesNoMore = true;
    this.#down.wire!.resume();
    this.#waiting.for("answer", ANSWER_MS);
  }

  // --- both ------------------------------------------------------------------------------------

  #pass(bytes: Buffer, from: Side, to: Side): void {
    if (!this.#takesNoMore) this.#waiting.for("idle", this.session.stream.timeouts.idle);
    if (!from.flow.pass(bytes, to.wire!)) from.wire!.pause();
  }

  #drained(side: Side, other: Side): void {
    other.flow.drained();
    if (side.resets) resetNow(side);
    else if (this.#state === "passing") other.wire!.resume();
  }

  #finished(side: Side, other: Side): void {
    side.hasFinished = true;
    if (this.#state !== "passing") return; // while connecting: connected() passes it on
    if (other.hasFinished || (this.#takesNoMore && side === this.#up)) {
      this.#end(() => {
        side.wire!.destroySoon();
        other.wire!.destroySoon();
      });
    } else {
      this.#waiting.for("idle", this.session.stream.timeouts.idle);
      other.wire!.end();
    }
  }

  #closed(side: Side): void {
    side.isClosed = true;
    if (this.#state === "connecting") {
      this.session.fault = { code: "client_gone", detail: "before an endpoint was connected" };
      this.#end(() => {});
    } else if (this.#state === "passing") {
      // Closed without having finished, or while the other side was still sending.
      const isClient = side === this.#down;
      this.session.fault = isClient
        ? { code: "client_gone", detail: "" }
        : { code: "stream_reset", detail: "" };
      this.#end(() => this.#resetSoon(isClient ? this.#up : this.#down));
    } else this.#settle();
  }

  #resetSoon(side: Side): void {
    if (side.wire!.writableLength === 0) resetNow(side);
    else side.resets = true;
  }

  /** Closes what is open and waits for it, with the time that a client has to take the last bytes. */
  #end(close: () => void): void {
    if (this.#state === "ending" || this.#state === "over") return;
    this.#state = "ending";
    if (this.#up.wire === undefined) {
      this.#up.isClosed = true;
      this.#dial.end("abandoned"); // or it would connect in the meantime
    }
    this.#waiting.for("flush", FLUSH_MS);
    close();
    if (!this.#isResetting) this.#waiting.for("flush", this.session.stream.timeouts.idle);
    this.#settle();
  }

  get #isResetting(): boolean {
    return this.#down.resets || this.#up.resets;
  }

  #abort(fault: Fault): void {
    if (this.#state === "over") return;
    this.session.fault ??= fault;
    this.#end(() => {});
    this.#destroy();
  }

  #destroy(): void {
    for (const { wire } of [this.#down, this.#up]) wire?.destroy();
    this.#settle();
  }

  #settle(): void {
    if (this.#state === "over") return;
    if (!this.#down.isClosed || !this.#up.isClosed) return;
    this.#state = "over";
    this.#waiting.stop();
    this.#dial.end(this.#outcome());
    this.session.endedMs = this.#worker.clock.nowMs();
    this.#worker.sessionEnded(this.session);
    this.#onClosed(this);
  }

  /** A client that leaves, or a session that had its answers, is no mark against the endpoint. */
  #outcome(): Outcome {
    const { fault, bytesOut } = this.session;
    if (fault === undefined) return "served";
    if (fault.code === "stream_reset") return bytesOut === 0 ? "failed" : "served";
    return "abandoned";
  }

  overdue(what: Awaited): void {
    guard(this, () => {
      if (what === "idle") this.#abort({ code: "stream_idle", detail: "" });
      else if (what === "answer") this.#answerOverdue();
      else if (this.#isResetting && ++this.#flushes < FLUSHES_MAX && this.#holds()) {
        this.#waiting.for("flush", FLUSH_MS);
      } else if (this.#isResetting) {
        for (const side of [this.#down, this.#up]) if (side.resets) resetNow(side);
        this.#waiting.for("flush", FLUSH_MS);
      } else this.#destroy();
    });
  }

  #answerOverdue(): void {
    this.session.fault ??= { code: "stream_reset", detail: "it takes no more" };
    this.#end(() => {
      resetNow(this.#up);
      this.#resetSoon(this.#down);
    });
  }

  #holds(): boolean {
    return [this.#down, this.#up].some(({ resets, wire }) => resets && wire!.writableLength > 0);
  }

  bug(error: unknown): void {
    this.#worker.bug(error, undefined);
    this.session.fault = { code: "bug", detail: String(error) };
    this.#abort(this.session.fault);
  }
}

function newSide(wire: Wire | undefined, worker: StreamWorker): Side {
  return {
    flow: new Flow(worker.buffers),
    wire,
    hasFinished: false,
    isClosed: false,
    resets: false,
  };
}

function resetNow(side: Side): void {
  side.resets = false;
  const wire = side.wire!;
  // A unix socket knows no reset.
  if (wire.remoteAddress === undefined) wire.destroy();
  else wire.resetAndDestroy();
}

/** Who the client is, for an endpoint that wants to be told. */
function headerFor({ stream, client, serverName, id }: Session): Buffer | undefined {
  if (stream.proxyVersion === undefined) return undefined;
  const ends = {
    source: { host: client.address, port: client.port },
    destination: client.destination,
  };
  const { facts } = client;
  return writeProxyHeader(stream.proxyVersion, ends, {
    authority: serverName === "" ? facts.authority : serverName,
    alpn: facts.alpn,
    uniqueId: facts.uniqueId === "" ? id : facts.uniqueId,
    isTls: facts.isTls,
  });
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
