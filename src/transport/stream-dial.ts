import type { Timer, Wire, WireReader } from "../base/world.ts";
import type { Attempt } from "../core/exchange.ts";
import type { Fault, FaultCode } from "../core/fault.ts";
import { STREAM_ATTEMPTS_MAX } from "../core/limits.ts";
import type { Session, StreamWorker } from "../core/stream.ts";
import type { Claim, ClaimLine, ClaimWaiter, Endpoint, Need, Outcome } from "../core/upstream.ts";
import type { ConnectionMeter } from "../core/worker.ts";
import { guard } from "./guard.ts";
import { type Waiter, Waiting } from "./waiting.ts";

/** Who is to be connected. */
export interface DialOwner extends WireReader {
  /** Nothing has been sent, and nothing read; the wire's events are the owner's from now on. */
  connected(wire: Wire): void;
  /** Nobody could be reached. */
  notConnected(fault: Fault): void;
  bug(error: unknown): void;
}

// Of a connection that no endpoint took, while the upstream lets clients wait for one to come back.
const PARKED_RETRY_MS = 100;

/**
 * A connection to one of a stream's endpoints. While nothing has been sent another endpoint may be
 * tried, within the upstream's budget for second tries; and it stands in the upstream's lines as a
 * request does.
 */
export class StreamDial implements Waiter<"connect">, ClaimWaiter {
  readonly #worker: StreamWorker;
  readonly #session: Session;
  readonly #owner: DialOwner;
  readonly #waiting: Waiting<"connect">;
  readonly #tried: Endpoint[];
  readonly need: Need;
  #line: ClaimLine | undefined; // that we stand in
  #pause: Timer | undefined; // until everybody is asked again
  #last: Fault | undefined; // what became of the try before; it says more than that nobody is left
  #claim: Claim | undefined;
  #meter: ConnectionMeter | undefined; // of the connection that there is, or may be
  #wire: Wire | undefined; // that is connecting, or has connected
  #isConnected: boolean;
  #isCharged: boolean; // the budget, for the try under way

  constructor(worker: StreamWorker, session: Session, owner: DialOwner) {
    this.#worker = worker;
    this.#session = session;
    this.#owner = owner;
    this.#waiting = new Waiting<"connect">(worker.wheel, this, "connect");
    this.#tried = [];
    this.need = { hashKey: session.client.address, tried: this.#tried };
    this.#line = undefined;
    this.#pause = undefined;
    this.#last = undefined;
    this.#claim = undefined;
    this.#meter = undefined;
    this.#wire = undefined;
    this.#isConnected = false;
    this.#isCharged = false;
  }

  start(): void {
    const { upstream } = this.#session.stream;
    const claim = upstream.claim(this.need);
    if (claim !== undefined) {
      this.#connect(claim);
      return;
    }
    this.#settleCharge();
    const answer = upstream.wait(this, true);
    if ("leave" in answer) this.#line = answer;
    else this.#giveUpOrPark(this.#last ?? answer);
  }

  claimed(claim: Claim): void {
    this.#line = undefined;
    guard(this.#owner, () => this.#connect(claim));
  }

  waitedInVain(fault: Fault): void {
    this.#line = undefined;
    guard(this.#owner, () => this.#owner.notConnected(this.#last ?? fault));
  }

  /** As for requests: who finds out that nobody can be reached goes on asking for as long. */
  #giveUpOrPark(fault: Fault): void {
    const { stream, startedMs } = this.#session;
    const { clock } = this.#worker.world;
    const isOver = clock.nowMs() - startedMs >= stream.upstream.parkingMs;
    if (isOver || this.#last === undefined) {
      this.#owner.notConnected(fault);
      return;
    }
    this.#tried.length = 0;
    this.#pause = clock.after(PARKED_RETRY_MS, () => {
      this.#pause = undefined;
      guard(this.#owner, () => this.start());
    });
  }

  #connect(claim: Claim): void {
    const session = this.#session;
    const { upstream, timeouts } = session.stream;
    const { endpoint } = claim;
    this.#claim = claim;
    session.attempts++;
    session.endpoint = endpoint;
    this.#meter = this.#worker.endpointMeter(upstream.name, endpoint.name);
    this.#meter.opened();
    const wire = this.#worker.world.network.connect(endpoint.address, this.#owner);
    this.#wire = wire;
    let reason: NodeJS.ErrnoException | undefined;
    wire.on("error", (error) => {
      reason = error;
    });
    wire.on("connect", () => guard(this.#owner, () => this.#onConnect(wire)));
    wire.on("close", () => guard(this.#owner, () => this.#onClose(wire, reason)));
    this.#waiting.for("connect", timeouts.connect);
  }

  /** The session is over: gives the endpoint back. */
  end(outcome: Outcome): void {
    this.#waiting.stop();
    this.#line?.leave(this);
    this.#line = undefined;
    this.#pause?.cancel();
    this.#pause = undefined;
    this.#settleCharge();
    const claim = this.#claim;
    this.#claim = undefined;
    claim?.release(outcome, this.#session.fault?.code);
    const wire = this.#wire;
    this.#wire = undefined;
    if (!this.#isConnected) wire?.destroy();
    this.#closed();
  }

  #onConnect(wire: Wire): void {
    if (wire !== this.#wire) return;
    this.#isConnected = true;
    this.#waiting.stop();
    this.#settleCharge();
    this.#owner.connected(wire);
  }

  #onClose(wire: Wire, reason: NodeJS.ErrnoException | undefined): void {
    if (wire !== this.#wire || this.#isConnected) return;
    const detail = reason?.code ?? "the connection was closed";
    this.#failed({ code: connectCode(reason), detail });
  }

  #failed(fault: Fault): void {
    const { stream, endpoint, attempts } = this.#session;
    const attempt: Attempt = {
      number: attempts,
      endpoint: endpoint!,
      connectionReused: false,
      fault,
    };
    this.#waiting.stop();
    this.#wire = undefined;
    this.#closed();
    this.#claim!.release("failed", fault.code);
    this.#claim = undefined;
    this.#worker.attemptFailed(stream.upstream.name, attempt);
    this.#last = fault;
    if (!this.#mayTryAgain()) {
      this.#settleCharge();
      this.#giveUpOrPark(fault);
      return;
    }
    this.#tried.push(endpoint!);
    this.start();
  }

  #mayTryAgain(): boolean {
    const { stream, attempts } = this.#session;
    if (attempts >= STREAM_ATTEMPTS_MAX) return false;
    if (!this.#isCharged) this.#isCharged = stream.upstream.retryBudget.take();
    return this.#isCharged;
  }

  #settleCharge(): void {
    if (this.#isCharged) this.#session.stream.upstream.retryBudget.giveBack();
    this.#isCharged = false;
  }

  #closed(): void {
    this.#meter?.closed();
    this.#meter = undefined;
  }

  overdue(): void {
    guard(this.#owner, () => {
      const wire = this.#wire;
      if (wire === undefined || this.#isConnected) return;
      this.#failed({ code: "connect_timeout", detail: "" });
      wire.destroy();
    });
  }
}

function connectCode(reason: NodeJS.ErrnoException | undefined): FaultCode {
  const isName = reason?.code === "ENOTFOUND" || reason?.code === "EAI_AGAIN";
  return isName ? "name_unresolved" : "connect_refused";
}
