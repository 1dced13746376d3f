import type { ServingSide } from "../core/downstream.ts";
import type { Attempt, Exchange } from "../core/exchange.ts";
import type { Fault, FaultCode } from "../core/fault.ts";
import { noteGrpcStatus } from "../core/grpc.ts";
import type { Limits, Timeouts } from "../core/limits.ts";
import { cutShort, fail, respond } from "../core/pipeline.ts";
import type { Worker } from "../core/worker.ts";
import { hasBody } from "../protocol/h1/framing.ts";
import type { ResponseFacts } from "../protocol/h1/response-facts.ts";
import type { HeaderList } from "../protocol/http/header-list.ts";
import { CallDeadline } from "./call-deadline.ts";
import type { Carrier } from "./carrier.ts";
import { discardResponse } from "./discard.ts";
import { Rival, type RivalOwner } from "./rival.ts";
import { Tunnel } from "./tunnel.ts";
import type { SwitchedUpstream, UpstreamEvents } from "./upstream-events.ts";
import { UpstreamRequest } from "./upstream-request.ts";

/** Who decides what becomes of an exchange when an attempt is over. Called once per attempt. */
export interface RelayOwner {
  /** The client has sent all of the body. */
  requestEnded(): void;
  /** The response head is here. False: the client must not have it; attemptDeclined() follows. */
  attemptAnswered(facts: ResponseFacts): boolean;
  /** The head of a response that leaves HTTP is about to go out. */
  attemptSwitched(): void;
  /** The connection is out of the way: the owner tries again. */
  attemptDeclined(): void;
  /** Nothing has been answered: the owner tries again or answers the fault. */
  attemptFailed(fault: Fault): void;
  /** A response went out, whole or cut short by the fault. */
  attemptServed(fault: Fault | undefined): void;
  /** The client went away. */
  attemptAbandoned(fault: Fault): void;
  /** Runs it so that a bug ends the exchange and nothing else. */
  guarded(act: () => void): void;
}

/** Hears the request body too. The bytes are lent for the call. */
export interface BodyTap {
  bodyBytes(bytes: Buffer): void;
  bodyEnd(trailers: HeaderList | undefined): void;
}

/** How much of the request body has left, and whether it could be sent once more. */
export type BodyState = "none" | "unsent" | "replayable" | "gone";

/**
 * One exchange between its two wires: request body one way, response the other, each direction
 * held back when the other side is full. Both run at the same time, so an endpoint may answer
 * before it has read the request.
 */
export class Relay implements ServingSide, UpstreamEvents {
  readonly #worker: Worker;
  readonly #exchange: Exchange;
  readonly #owner: RelayOwner;
  #timeouts: Timeouts;
  #limits: Limits;
  #attempt: Attempt | undefined;
  #connection: Carrier | undefined;
  #tunnel: Tunnel | undefined;
  #kept: Buffer[] | undefined; // the request body so far, for another attempt
  #keptBytes: number;
  #bodyState: BodyState;
  #isBodyEnded: boolean;
  #hasContinued: boolean; // the client has been told to send its body
  #trailers: HeaderList | undefined;
  readonly #deadline: CallDeadline | undefined;
  tap: BodyTap | undefined; // set before the body is read

  constructor(
    worker: Worker,
    exchange: Exchange,
    owner: RelayOwner,
    timeouts: Timeouts,
    limits: Limits,
    replays: boolean,
  ) {
    this.#worker = worker;
    this.#exchange = exchange;
    this.#owner = owner;
    this.#timeouts = timeouts;
    this.#limits = limits;
    this.#attempt = undefined;
    this.#connection = undefined;
    this.#tunnel = undefined;
    this.#kept = replays ? [] : undefined;
    this.#keptBytes = 0;
    this.#bodyState = hasBody(exchange.downstream.requestFraming) ? "unsent" : "none";
    this.#isBodyEnded = false;
    this.#hasContinued = false;
    this.#trailers = undefined;
    this.#deadline = CallDeadline.of(exchange, worker, () =>
      owner.guarded(() => this.#callOverdue()),
    );
    this.tap = undefined;
    exchange.downstream.attach(this);
  }

  /** The client has sent all that it will. */
  get isBodyEnded(): boolean {
    return this.#isBodyEnded || this.#bodyState === "none";
  }

  get bodyState(): BodyState {
    return this.#bodyState;
  }

  /** The next attempt goes elsewhere, where other numbers hold. */
  holdTo(timeouts: Timeouts, limits: Limits): void {
    this.#timeouts = timeouts;
    this.#limits = limits;
  }

  /** Sends the exchange over this connection, which may still be connecting. */
  start(connection: Carrier, attempt: Attempt): void {
    this.#connection = connection;
    this.#attempt = attempt;
    attempt.connectionReused = connection.isReused;
    this.#exchange.connectionReused = connection.isReused;
    connection.begin(this.#requestFor(attempt), this);
  }

  #requestFor({ endpoint }: Attempt): UpstreamRequest {
    this.#deadline?.tell();
    return new UpstreamRequest(this.#exchange, endpoint, this.#timeouts, this.#limits);
  }

  /** Sends it once more beside the attempt under way; only what has no body can be. */
  startRival(connection: Carrier, attempt: Attempt, owner: RivalOwner): Rival {
    const rival = new Rival(connection, attempt, owner);
    attempt.connectionReused = connection.isReused;
    connection.begin(this.#requestFor(attempt), rival);
    return rival;
  }

  /** The attempt under way has failed: the rival is what is left. */
  adopt(rival: Rival): void {
    this.#connection = rival.connection;
    this.#attempt = rival.attempt;
    this.#exchange.connectionReused = rival.attempt.connectionReused;
    rival.become(this);
  }

  /** The rival answered before the attempt under way did. */
  win(rival: Rival, facts: ResponseFacts): void {
    this.#connection?.abandon();
    this.adopt(rival);
    this.responded(facts);
  }

  // --- the request, downstream to upstream ----------------------------------------------------

  connected(): void {
    const { downstream, times } = this.#exchange;
    times.connectedMs = this.#worker.world.clock.nowMs();
    const connection = this.#connection!;
    if (this.#bodyState === "none") {
      connection.endRequest(undefined);
    } else if (this.#bodyState === "replayable") {
      this.#replay(connection);
    } else if (downstream.expectsContinue && !this.#hasContinued) {
      connection.flushAndAwaitContinue(this.#timeouts.expectContinue);
    } else {
      downstream.resumeBody();
      connection.flush();
    }
  }

  #replay(connection: Carrier): void {
    let mayGoOn = true;
    for (const bytes of this.#kept!) mayGoOn = connection.writeBody(bytes);
    if (this.#isBodyEnded) connection.endRequest(this.#trailers);
    else if (mayGoOn) this.#exchange.downstream.resumeBody();
    connection.flush();
  }

  continueOverdue(): void {
    // The endpoint may be one that never says 100: do not wait for ever (RFC 9110 §10.1.1).
    this.#letBodyCome();
  }

  #letBodyCome(): void {
    // Once: ours may have gone out before the endpoint's came.
    if (!this.#hasContinued) this.#exchange.downstream.interim(100, undefined);
    this.#hasContinued = true;
    this.#exchange.downstream.resumeBody();
    this.#connection?.flush();
  }

  bodyBytes(bytes: Buffer): void {
    this.tap?.bodyBytes(bytes);
    this.#keep(bytes);
    if (this.#connection?.writeBody(bytes) === false) this.#exchange.downstream.pauseBody();
  }

  bodyEnd(trailers: HeaderList | undefined): void {
    this.#isBodyEnded = true;
    this.#trailers = trailers;
    this.tap?.bodyEnd(trailers);
    if (this.#bodyState === "unsent") this.#bodyState = this.#kept ? "replayable" : "gone";
    this.#connection?.endRequest(trailers);
    this.#owner.requestEnded();
  }

  get holdsRequest(): boolean {
    return this.#kept !== undefined || this.#connection?.holdsRequest !== false;
  }

  bodyReadOver(): void {
    this.#connection?.flush();
  }

  sendMore(): void {
    if (this.#isBodyEnded) return;
    this.#exchange.downstream.resumeBody();
    this.#connection?.flush();
  }

  #keep(bytes: Buffer): void {
    if (this.#bodyState === "gone") return;
    this.#keptBytes += bytes.length;
    if (this.#kept === undefined || this.#keptBytes > this.#limits.replayBytes) {
      this.#kept = undefined;
      this.#bodyState = "gone";
    } else {
      this.#kept.push(bytes);
      this.#bodyState = "replayable";
    }
  }

  // --- the response, upstream to downstream ---------------------------------------------------

  interim(status: number, headers: HeaderList): void {
    if (status === 100) {
      if (this.#exchange.downstream.expectsContinue) this.#letBodyCome();
    } else {
      this.#exchange.downstream.interim(status, headers);
    }
  }

  responded(facts: ResponseFacts): void {
    const exchange = this.#exchange;
    if (!this.#owner.attemptAnswered(facts)) {
      this.#decline(facts);
      return;
    }
    exchange.times.responseMs = this.#worker.world.clock.nowMs();
    this.#kept = undefined;
    const response = { status: facts.status, headers: facts.headers };
    exchange.response = response;
    noteGrpcStatus(exchange, facts.headers);
    for (const step of exchange.route!.phases.receive) step(exchange, this.#attempt!);
    respond(exchange, response, facts.framing, this);
  }

  /** The connection is worth keeping if what is left of the response is little. */
  #decline(facts: ResponseFacts): void {
    const connection = this.#connection!;
    this.#connection = undefined;
    if (this.isBodyEnded) discardResponse(connection, facts, this.#worker.wheel);
    else connection.abandon();
    this.#holdBody();
    this.#owner.attemptDeclined();
  }

  responseBytes(bytes: Buffer): void {
    if (!this.#exchange.downstream.write(bytes)) this.#connection?.pause();
  }

  readOver(): void {
    if (this.#connection !== undefined) this.#exchange.downstream.flush();
  }

  responseEnd(trailers: HeaderList | undefined): void {
    this.#connection = undefined;
    if (trailers !== undefined) noteGrpcStatus(this.#exchange, trailers);
    this.#exchange.downstream.end(trailers);
    this.#owner.attemptServed(undefined);
  }

  get holdsBytes(): boolean {
    return this.#exchange.downstream.holdsBytes;
  }

  pause(): void {
    this.#connection?.pause();
  }

  resume(): void {
    this.#connection?.resume();
  }

  switched(facts: ResponseFacts, upstream: SwitchedUpstream): void {
    const exchange = this.#exchange;
    this.#owner.attemptAnswered(facts); // a 101 is never declined
    exchange.times.responseMs = this.#worker.world.clock.nowMs();
    const response = { status: facts.status, headers: facts.headers };
    exchange.response = response;
    this.#connection = undefined;
    this.#owner.attemptSwitched();
    // The downstream end is handed over before the tunnel exists, so it looks the tunnel up.
    const down = exchange.downstream.switchProtocols(response, {
      bytes: (bytes) => this.#tunnel?.downstreamEnd.bytes(bytes),
      finished: () => this.#tunnel?.downstreamEnd.finished(),
      drained: () => this.#tunnel?.downstreamEnd.drained(),
      closed: () => this.#tunnel?.downstreamEnd.closed(),
    });
    const tunnel = new Tunnel(
      this.#worker,
      exchange,
      down.wire,
      upstream.wire,
      this.#timeouts.tunnelIdle,
      (fault) => {
        down.ended(fault);
        this.#owner.attemptServed(fault);
      },
    );
    this.#tunnel = tunnel;
    upstream.follow(tunnel.upstreamEnd);
    tunnel.start();
    if (upstream.early !== undefined) tunnel.fromUpstream(upstream.early);
    if (down.early !== undefined) tunnel.fromDownstream(down.early);
    if (down.hasFinished) tunnel.downstreamEnd.finished();
  }

  // --- what goes wrong ------------------------------------------------------------------------

  failed(code: FaultCode, detail: string): void {
    const { downstream } = this.#exchange;
    const fault = { code, detail };
    this.#connection = undefined;
    if (this.#attempt !== undefined) this.#attempt.fault = fault;
    if (downstream.isAnswered) {
      cutShort(this.#exchange, fault);
      this.#owner.attemptServed(fault);
      return;
    }
    this.#holdBody();
    this.#owner.attemptFailed(fault);
  }

  /** Between two attempts there is nobody to take it. */
  #holdBody(): void {
    if (!this.isBodyEnded) this.#exchange.downstream.pauseBody();
  }

  /** The owner waits no longer for this attempt: as if the endpoint had failed so. */
  giveUp(code: FaultCode, detail: string): void {
    this.#connection?.abandon();
    this.failed(code, detail);
  }

  /** The exchange is over, or the owner has given it up. */
  end(): void {
    this.#deadline?.end();
  }

  #callOverdue(): void {
    const fault = { code: "deadline_exceeded", detail: "" } as const;
    this.clientGone(fault); // who waits for an answer waits no longer
    fail(this.#exchange, fault);
  }

  clientGone(fault: Fault): void {
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.abandon();
    this.#owner.attemptAbandoned(fault);
  }
}
