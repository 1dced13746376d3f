import type { Wire, WireReader } from "../base/world.ts";
import type { FaultCode } from "../core/fault.ts";
import type { Worker } from "../core/worker.ts";
import type { ConnectTimeouts, Destination } from "./carrier.ts";
import { connectCode } from "./connect-fault.ts";
import { type BugTaker, guard } from "./guard.ts";
import { type Waiter, Waiting } from "./waiting.ts";

/** Who waits for a connection whose protocol is known once it is there. Hears of it once. */
export interface DialOwner {
  /** `alpn`: what was chosen; undefined where nothing was offered. To be taken over at once. */
  dialled(dial: UpstreamDial, alpn: string | undefined): void;
  notDialled(dial: UpstreamDial, code: FaultCode, detail: string): void;
}

const READ_BYTES = 16 * 1024;

/** A connection to an endpoint on its way, up to where somebody takes it over. */
export class UpstreamDial implements WireReader, Waiter<"connect" | "secure">, BugTaker {
  readonly #worker: Worker;
  readonly #timeouts: ConnectTimeouts;
  readonly #owner: DialOwner;
  readonly #waiting: Waiting<"connect" | "secure">;
  readonly #wire: Wire;
  #isSecuring: boolean;
  #error: NodeJS.ErrnoException | undefined;
  #isOver: boolean; // it is somebody else's wire, or nobody's
  #reader: WireReader | undefined; // from taken() on
  #buffer: Buffer | undefined; // of the first read: it is asked for when the wire is made

  constructor(
    worker: Worker,
    { address, manner }: Destination,
    timeouts: ConnectTimeouts,
    owner: DialOwner,
  ) {
    this.#worker = worker;
    this.#timeouts = timeouts;
    this.#owner = owner;
    this.#waiting = new Waiting<"connect" | "secure">(worker.wheel, this, "connect");
    this.#isSecuring = false;
    this.#error = undefined;
    this.#isOver = false;
    this.#reader = undefined;
    this.#buffer = undefined;
    this.#wire = worker.world.network.connect(address, this, manner.tls);
    this.#listen(manner.tls !== undefined);
  }

  #listen(isSecured: boolean): void {
    const wire = this.#wire;
    wire.on("connect", () =>
      guard(this, () => (isSecured ? this.#onSecuring() : this.#done(undefined))),
    );
    if (isSecured) {
      wire.on("secureConnect", () => guard(this, () => this.#done(wire.alpnProtocol || "")));
    }
    wire.on("error", (error) => {
      this.#error = error;
    });
    wire.on("end", () => guard(this, () => this.#onClose("the endpoint closed the connection")));
    wire.on("close", () => guard(this, () => this.#onClose("the connection was closed")));
    this.#waiting.for("connect", this.#timeouts.connect);
  }

  /** The wire, which reads into the buffers of `reader` from now on. */
  taken(reader: WireReader): Wire {
    this.#reader = reader;
    return this.#wire;
  }

  /** Nobody waits for it any more. */
  abandon(): void {
    if (this.#isOver) return;
    this.#end();
    this.#wire.destroy();
  }

  buffer(): Uint8Array {
    if (this.#reader !== undefined) return this.#reader.buffer();
    this.#buffer ??= Buffer.allocUnsafeSlow(READ_BYTES);
    return this.#buffer;
  }

  read(count: number, buffer: Uint8Array): void {
    // Nobody reads before it is taken over, but for an endpoint that talks to itself.
    if (this.#reader === undefined) guard(this, () => this.#onClose("it spoke out of turn"));
    else this.#reader.read(count, buffer);
  }

  #onSecuring(): void {
    if (this.#isOver) return;
    this.#isSecuring = true;
    this.#waiting.for("secure", this.#timeouts.connectTls);
  }

  #done(alpn: string | undefined): void {
    if (this.#isOver) return;
    this.#end();
    this.#owner.dialled(this, alpn);
  }

  #onClose(detail: string): void {
    if (this.#isOver) return;
    this.#fail(connectCode(this.#error, this.#isSecuring), this.#error?.code ?? detail);
  }

  #fail(code: FaultCode, detail: string): void {
    if (this.#isOver) return;
    this.#end();
    this.#wire.destroy();
    this.#owner.notDialled(this, code, detail);
  }

  #end(): void {
    this.#isOver = true;
    this.#waiting.stop();
  }

  overdue(what: "connect" | "secure"): void {
    const code = what === "connect" ? "connect_timeout" : "upstream_tls_timeout";
    guard(this, () => this.#fail(code, ""));
  }

  bug(error: unknown): void {
    this.#worker.bug(error, undefined);
    this.#fail("bug", String(error));
  }
}
