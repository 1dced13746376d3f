import type { Wire } from "../base/world.ts";
import type { Fault, FaultCode } from "../core/fault.ts";
import { FIRST_REQUEST_MS } from "../core/limits.ts";
import type { Worker } from "../core/worker.ts";
import type { ClientHello } from "../protocol/client-hello/client-hello.ts";
import { ClientHelloReader } from "../protocol/client-hello/client-hello-reader.ts";
import type { ProxyHeader } from "../protocol/proxy-protocol/proxy-header.ts";
import { readProxyHeader } from "../protocol/proxy-protocol/read-proxy-header.ts";
import { type BugTaker, guard } from "./guard.ts";
import { type Waiter, Waiting } from "./waiting.ts";

/** What is to be read of a connection before it is known who serves it. */
export interface OpeningWants {
  readonly proxyHeader: boolean;
  readonly hello: boolean;
}

/** What was read. The wire is nobody's: whoever gets this attaches handlers of its own at once. */
export interface Opened {
  readonly wire: Wire;
  readonly proxy: ProxyHeader | undefined;
  readonly hello: ClientHello | undefined;
  /** Read and not consumed, to be taken as if it came now: the PROXY header is off, the hello is in. */
  readonly early: Buffer | undefined;
}

/** Who waits for it; one of the two is called, once. */
export interface OpeningTaker {
  opened(opened: Opened): void;
  /** The wire is destroyed. undefined: it closed without a byte, as probes of ports do. */
  refused(fault: Fault | undefined): void;
}

const BYTES_FIRST = 1024;

/**
 * Reads a PROXY header, a ClientHello, or one behind the other, from the start of a connection, and
 * hands the connection on with what it has read. It peeks: nothing is answered here, and no more is
 * decided by a hello than where its bytes go (SECURITY T3).
 */
export class Opening implements Waiter<"opening">, BugTaker {
  readonly #wire: Wire;
  readonly #worker: Worker;
  readonly #taker: OpeningTaker;
  readonly #waiting: Waiting<"opening">;
  readonly #hello: ClientHelloReader | undefined;
  #wantsHeader: boolean;
  #proxy: ProxyHeader | undefined;
  #held: Buffer;
  #heldBytes: number; // of the buffer; grows by doubling, so that small reads stay cheap
  #isOver: boolean;

  constructor(wire: Wire, worker: Worker, wants: OpeningWants, taker: OpeningTaker) {
    this.#wire = wire;
    this.#worker = worker;
    this.#taker = taker;
    this.#waiting = new Waiting<"opening">(worker.wheel, this, "opening");
    this.#hello = wants.hello ? new ClientHelloReader() : undefined;
    this.#wantsHeader = wants.proxyHeader;
    this.#proxy = undefined;
    this.#held = Buffer.alloc(0);
    this.#heldBytes = 0;
    this.#isOver = false;
  }

  /** In total, from now on: a byte now and then wins nothing (slowloris). */
  start(deadlineMs: number): void {
    const wire = this.#wire;
    wire.on("data", this.#onData);
    wire.on("end", this.#onEnd);
    wire.on("close", this.#onEnd);
    this.#waiting.for("opening", deadlineMs);
  }

  /** The listener drains: who has said nothing is given a moment to. */
  drain(): void {
    this.#waiting.for("opening", FIRST_REQUEST_MS);
  }

  /** Gives it up. */
  abort(): void {
    if (this.#isOver) return;
    this.#leave();
    this.#wire.destroy();
    this.#taker.refused(undefined);
  }

  readonly #onData = (bytes: Uint8Array): void => {
    this.#worker.clock.enter();
    try {
      this.#take(bytes);
    } catch (error) {
      this.bug(error);
    } finally {
      this.#worker.clock.leave();
    }
  };

  readonly #onEnd = (): void => {
    guard(this, () => {
      if (this.#isOver) return;
      if (this.#heldBytes === 0) this.abort();
      else this.#refuse("client_gone", "before its first bytes were whole");
    });
  };

  #take(bytes: Uint8Array): void {
    if (this.#isOver) return;
    this.#hold(bytes);
    if (this.#wantsHeader) this.#readHeader();
    else this.#readHello(bytes);
  }

  #readHeader(): void {
    const read = readProxyHeader(this.#held, this.#heldBytes);
    if (read.kind === "more") return;
    if (read.kind === "refused") {
      this.#refuse("proxy_header_malformed", read.why);
      return;
    }
    this.#wantsHeader = false;
    this.#proxy = read.header;
    this.#held.copy(this.#held, 0, read.next, this.#heldBytes);
    this.#heldBytes -= read.next;
    this.#readHello(this.#held.subarray(0, this.#heldBytes));
  }

  #readHello(bytes: Uint8Array): void {
    if (this.#hello === undefined) {
      this.#handOver(undefined);
      return;
    }
    const read = this.#hello.feed(bytes);
    if (read.kind === "hello") this.#handOver(read.hello);
    else if (read.kind === "refused") this.#refuse("client_hello_malformed", read.why);
  }

  #handOver(hello: ClientHello | undefined): void {
    this.#leave();
    const early = this.#heldBytes === 0 ? undefined : this.#held.subarray(0, this.#heldBytes);
    this.#taker.opened({ wire: this.#wire, proxy: this.#proxy, hello, early });
  }

  #refuse(code: FaultCode, detail: string): void {
    this.#leave();
    this.#wire.destroy();
    this.#taker.refused({ code, detail });
  }

  #leave(): void {
    this.#isOver = true;
    this.#waiting.stop();
    const wire = this.#wire;
    wire.off("data", this.#onData);
    wire.off("end", this.#onEnd);
    wire.off("close", this.#onEnd);
  }

  // The bytes are lent for this moment only.
  #hold(bytes: Uint8Array): void {
    const count = this.#heldBytes + bytes.length;
    if (count > this.#held.length) {
      const larger = Buffer.allocUnsafe(Math.max(count, this.#held.length * 2, BYTES_FIRST));
      this.#held.copy(larger, 0, 0, this.#heldBytes);
      this.#held = larger;
    }
    this.#held.set(bytes, this.#heldBytes);
    this.#heldBytes = count;
  }

  overdue(): void {
    guard(this, () => {
      if (this.#isOver) return;
      if (this.#heldBytes === 0) this.abort();
      else this.#refuse("opening_timeout", this.#wantsHeader ? "PROXY header" : "ClientHello");
    });
  }

  bug(error: unknown): void {
    this.#worker.bug(error, undefined);
    if (!this.#isOver) this.#refuse("bug", String(error));
    else this.#wire.destroy();
  }
}
