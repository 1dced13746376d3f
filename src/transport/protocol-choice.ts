import { OUTSIDE } from "../base/crowd.ts";
import type { Wire } from "../base/world.ts";
import type { Fault } from "../core/fault.ts";
import { FIRST_REQUEST_MS, UNSHED_MS } from "../core/limits.ts";
import type { ConnectionMeter, Listening, Worker } from "../core/worker.ts";
import { PREFACE } from "../protocol/h2/frame-type.ts";
import type { DownstreamConnection, InFlight } from "./downstream-connection.ts";
import { guard } from "./guard.ts";
import { H1Downstream } from "./h1-downstream.ts";
import { H2Downstream } from "./h2-downstream.ts";
import { asBuffer } from "./peer.ts";
import type { Prelude } from "./prelude.ts";
import { Waiting } from "./waiting.ts";

/**
 * The connection for a wire that was accepted. Over TLS the handshake has settled what it speaks, and
 * there is no way round it (SECURITY T6); else it is the one protocol of its listener, or either.
 */
export function connectionFor(
  wire: Wire,
  worker: Worker,
  listening: Listening,
  onClosed: (connection: DownstreamConnection) => void,
  prelude: Prelude,
): DownstreamConnection {
  const { plan } = listening;
  const meter = worker.listenerMeter(plan.key);
  const { tls } = prelude;
  const isH2 = tls !== undefined ? tls.alpn === "h2" : !plan.protocols.includes("h1");
  if (!isH2) {
    const isEither = tls === undefined && plan.protocols.includes("h2c");
    const Chosen = isEither ? ProtocolChoice : H1Downstream;
    return new Chosen(wire, worker, listening, meter, onClosed, prelude);
  }
  const closed = () => onClosed(connection);
  const connection = new H2Downstream(wire, worker, listening, meter, closed, prelude);
  return connection;
}

// No method of HTTP/1 that we serve begins so, and PROPFIND and its like differ in the third byte.
const TELLING_BYTES = 4;

/**
 * A cleartext connection of which the first bytes say what it speaks: the preface of HTTP/2 with
 * prior knowledge (RFC 9113 §3.3), or else HTTP/1.
 */
class ProtocolChoice implements DownstreamConnection {
  place: number; // in the crowd of the listener's connections
  readonly #wire: Wire;
  readonly #worker: Worker;
  readonly #listening: Listening;
  readonly #meter: ConnectionMeter;
  readonly #onClosed: (connection: DownstreamConnection) => void;
  readonly #prelude: Prelude;
  readonly #waiting: Waiting<"first bytes">;
  #startedMs: number;
  #held: Buffer | undefined;
  #chosen: DownstreamConnection | undefined;
  #isDraining: boolean;

  constructor(
    wire: Wire,
    worker: Worker,
    listening: Listening,
    meter: ConnectionMeter,
    onClosed: (connection: DownstreamConnection) => void,
    prelude: Prelude,
  ) {
    this.place = OUTSIDE;
    this.#wire = wire;
    this.#worker = worker;
    this.#listening = listening;
    this.#meter = meter;
    this.#onClosed = onClosed;
    this.#prelude = prelude;
    this.#waiting = new Waiting(worker.wheel, { overdue: () => wire.destroy() }, "first bytes");
    this.#startedMs = 0;
    this.#held = undefined;
    this.#chosen = undefined;
    this.#isDraining = false;
  }

  start(early?: Buffer): void {
    this.#meter.opened();
    this.#meter.idle();
    const wire = this.#wire;
    wire.on("error", () => {});
    wire.on("data", (bytes) => {
      if (this.#chosen === undefined) guard(this, () => this.#onBytes(asBuffer(bytes)));
    });
    wire.on("end", () => {
      if (this.#chosen === undefined) wire.destroy();
    });
    wire.on("close", () => this.#onClose());
    this.#waiting.for("first bytes", this.#listening.plan.timeouts.keepAlive);
    this.#startedMs = this.#worker.clock.nowMs();
    if (early !== undefined) guard(this, () => this.#onBytes(early));
  }

  #onBytes(bytes: Buffer): void {
    const first = this.#held === undefined ? bytes : Buffer.concat([this.#held, bytes]);
    const count = Math.min(first.length, TELLING_BYTES);
    const isPreface = first.compare(PREFACE, 0, count, 0, count) === 0;
    if (isPreface && count < TELLING_BYTES) {
      if (this.#held === undefined) {
        this.#waiting.for("first bytes", this.#listening.plan.timeouts.requestHead);
      }
      this.#held = Buffer.from(first); // they are only lent
      return;
    }
    this.#held = undefined;
    this.#waiting.stop();
    const chosen = this.#choose(isPreface);
    chosen.start(first);
    if (this.#isDraining) chosen.drain();
  }

  #choose(isPreface: boolean): H1Downstream | H2Downstream {
    this.#meter.busy();
    // It was counted as opened when it was.
    const { closed, idle, busy } = this.#meter;
    const meter: ConnectionMeter = {
      opened: () => {},
      closed: closed.bind(this.#meter),
      idle: idle.bind(this.#meter),
      busy: busy.bind(this.#meter),
    };
    const Chosen = isPreface ? H2Downstream : H1Downstream;
    const onClosed = () => this.#onClosed(this);
    const wire = this.#wire;
    const chosen = new Chosen(wire, this.#worker, this.#listening, meter, onClosed, this.#prelude);
    this.#chosen = chosen;
    return chosen;
  }

  get inFlight(): Iterable<InFlight> {
    return this.#chosen?.inFlight ?? [];
  }

  get isTunnel(): boolean {
    return this.#chosen?.isTunnel === true;
  }

  drain(): void {
    if (this.#chosen !== undefined) {
      this.#chosen.drain();
      return;
    }
    // It has only just come: its first request is on the way, and has a moment to arrive.
    this.#isDraining = true;
    const { keepAlive } = this.#listening.plan.timeouts;
    this.#waiting.for("first bytes", Math.min(FIRST_REQUEST_MS, keepAlive));
  }

  get idleSinceMs(): number {
    if (this.#chosen !== undefined) return this.#chosen.idleSinceMs;
    const isNew = this.#worker.clock.nowMs() - this.#startedMs < UNSHED_MS;
    return isNew ? Number.POSITIVE_INFINITY : this.#startedMs;
  }

  shed(): void {
    if (this.#chosen === undefined) this.#wire.destroy();
    else this.#chosen.shed();
  }

  abort(fault: Fault): void {
    if (this.#chosen === undefined) this.#wire.destroy();
    else this.#chosen.abort(fault);
  }

  bug(error: unknown): void {
    this.#worker.bug(error, undefined);
    this.#wire.destroy();
  }

  #onClose(): void {
    if (this.#chosen !== undefined) return;
    this.#waiting.stop();
    this.#meter.busy();
    this.#meter.closed();
    this.#onClosed(this);
  }
}
