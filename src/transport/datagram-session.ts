import { Deadline } from "../base/timer-wheel.ts";
import type { DatagramReader, DatagramWire } from "../base/world.ts";
import type { Fault } from "../core/fault.ts";
import type { Session, StreamMeter, StreamWorker } from "../core/stream.ts";
import type { Claim, Outcome } from "../core/upstream.ts";
import type { ConnectionMeter } from "../core/worker.ts";
import { type BugTaker, guard } from "./guard.ts";

/** Where a session's datagrams go on their way back, and who is told that it is over. */
export interface DatagramSessionOwner {
  reply(session: DatagramSession, bytes: Uint8Array): void;
  ended(session: DatagramSession): void;
}

/**
 * The datagrams of one client's address and port, to one endpoint and back. UDP has no end, so it is
 * over when nothing moves, or when it has had all the answers that `responses` lets it expect.
 */
export class DatagramSession extends Deadline implements DatagramReader, BugTaker {
  readonly session: Session;
  readonly #worker: StreamWorker;
  readonly #owner: DatagramSessionOwner;
  readonly #claim: Claim;
  readonly #meter: StreamMeter;
  readonly #connections: ConnectionMeter;
  readonly #wire: DatagramWire;
  #asked: number;
  #answered: number;
  #isOver: boolean;

  constructor(worker: StreamWorker, session: Session, claim: Claim, owner: DatagramSessionOwner) {
    super();
    const { stream } = session;
    this.session = session;
    this.#worker = worker;
    this.#owner = owner;
    this.#claim = claim;
    this.#meter = worker.streamMeter(stream);
    this.#connections = worker.endpointMeter(stream.upstream.name, claim.endpoint.name);
    this.#asked = 0;
    this.#answered = 0;
    this.#isOver = false;
    session.endpoint = claim.endpoint;
    session.attempts = 1;
    session.connectedMs = worker.clock.nowMs();
    this.#connections.opened();
    worker.sessionStarted(session);
    this.#wire = worker.world.network.connectDatagrams(claim.endpoint.address, this);
  }

  fromClient(bytes: Uint8Array): void {
    if (this.#isOver) return;
    this.session.bytesIn += bytes.length;
    this.#meter.received(bytes.length);
    this.#asked++;
    this.#wire.send(bytes);
    this.#touch();
  }

  received(bytes: Uint8Array): void {
    guard(this, () => {
      if (this.#isOver) return;
      this.session.bytesOut += bytes.length;
      this.#meter.sent(bytes.length);
      this.#answered++;
      this.#owner.reply(this, bytes);
      if (this.#answered >= this.#expected) this.#end("served");
      else this.#touch();
    });
  }

  failed(error: NodeJS.ErrnoException): void {
    guard(this, () => {
      const isName = error.code === "ENOTFOUND" || error.code === "EAI_AGAIN";
      const code = isName ? "name_unresolved" : "connect_refused";
      this.#fail({ code, detail: error.code ?? "" });
    });
  }

  /** The drain deadline passed. */
  cut(fault: Fault): void {
    if (this.#isOver) return;
    this.session.fault = fault;
    this.#end("abandoned");
  }

  override fire(): void {
    guard(this, () => {
      const { responses } = this.session.stream;
      const isShort = Number.isFinite(responses) && this.#answered < this.#expected;
      if (isShort) this.#fail({ code: "datagram_unanswered", detail: "" });
      else this.#end("served");
    });
  }

  get #expected(): number {
    return this.#asked * this.session.stream.responses;
  }

  #touch(): void {
    const { timeouts, responses } = this.session.stream;
    // Nobody will answer; the endpoint may still refuse, which a moment shows.
    const waitMs = responses === 0 ? Math.min(timeouts.idle, UNANSWERED_MS) : timeouts.idle;
    this.#worker.wheel.arm(this, waitMs);
  }

  #fail(fault: Fault): void {
    if (this.#isOver) return;
    const { stream, endpoint, attempts } = this.session;
    this.session.fault = fault;
    this.#worker.attemptFailed(stream.upstream.name, {
      number: attempts,
      endpoint: endpoint!,
      connectionReused: false,
      fault,
    });
    this.#end("failed");
  }

  #end(outcome: Outcome): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#worker.wheel.disarm(this);
    this.#wire.destroy();
    this.#claim.release(outcome, this.session.fault?.code);
    this.#connections.closed();
    this.session.endedMs = this.#worker.clock.nowMs();
    this.#worker.sessionEnded(this.session);
    this.#owner.ended(this);
  }

  bug(error: unknown): void {
    this.#worker.bug(error, undefined);
    this.cut({ code: "bug", detail: String(error) });
  }
}

const UNANSWERED_MS = 1_000;
