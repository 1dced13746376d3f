import { Deadline } from "../../base/timer-wheel.ts";
import type { Exchange } from "../../core/exchange.ts";
import type { FaultCode } from "../../core/fault.ts";
import type { Claim, Outcome } from "../../core/upstream.ts";
import type { Worker } from "../../core/worker.ts";
import type { ResponseFacts } from "../../protocol/h1/response-facts.ts";
import type { HeaderList } from "../../protocol/http/header-list.ts";
import type { Carrier } from "../../transport/carrier.ts";
import type { BodyTap } from "../../transport/relay.ts";
import type { UpstreamEvents } from "../../transport/upstream-events.ts";
import { UpstreamRequest } from "../../transport/upstream-request.ts";
import type { ForwardTarget } from "./target.ts";

export interface MirrorOptions {
  readonly target: ForwardTarget;
  readonly percent: number; // of the requests, chosen by chance
  readonly bodyBytesMax: number; // a request with more of a body is not mirrored
  readonly concurrentMax: number; // copies at once, per worker
}

const NONE_TRIED = { hashKey: undefined, tried: [] };
const DRAWS_PER_PERCENT = 100;

// Nobody reads the answer, so nobody waits for a long or a slow one.
const RESPONSE_BYTES_MAX = 1024 * 1024;
const RESPONSE_MS_MAX = 60_000;

/**
 * Sends a share of a route's requests to another upstream as well, and throws the answers away. The
 * client's exchange never waits for a copy: a body is collected as it passes by, and the copy is
 * sent when all of it has; one that is too large, or finds too many copies under way or no
 * endpoint, is dropped and counted.
 */
export class Mirror {
  readonly options: MirrorOptions;
  readonly #worker: Worker;
  #activeCount: number;

  constructor(options: MirrorOptions, worker: Worker) {
    this.options = options;
    this.#worker = worker;
    this.#activeCount = 0;
  }

  /** Undefined: this request is not one of those, or its copy is dropped at once. */
  copyOf(exchange: Exchange): MirrorCopy | undefined {
    const { target, percent, bodyBytesMax, concurrentMax } = this.options;
    const { downstream } = exchange;
    if (this.#worker.world.random.below(100 * DRAWS_PER_PERCENT) >= percent * DRAWS_PER_PERCENT) {
      return undefined;
    }
    if (downstream.websocketKey !== undefined) return undefined; // a tunnel has two sides
    const framing = downstream.requestFraming;
    const isTooLarge = framing.kind === "length" && framing.bytes > bodyBytesMax;
    if (isTooLarge || this.#activeCount >= concurrentMax) {
      target.upstream.mirrored.add("dropped");
      return undefined;
    }
    this.#activeCount++;
    return new MirrorCopy(this.#worker, exchange, this.options, () => this.#activeCount--);
  }
}

/**
 * One copy: collecting → sent → over. Whatever goes wrong with it ends here, a bug included.
 */
export class MirrorCopy extends Deadline implements BodyTap, UpstreamEvents {
  readonly #worker: Worker;
  readonly #options: MirrorOptions;
  readonly #onOver: () => void;
  #exchange: Exchange | undefined; // for as long as the copy is collecting
  #body: Buffer[];
  #bodyBytes: number;
  #trailers: HeaderList | undefined;
  #claim: Claim | undefined;
  #connection: Carrier | undefined;
  #sentMs: number;
  #responseBytes: number;
  #isOver: boolean;

  constructor(worker: Worker, exchange: Exchange, options: MirrorOptions, onOver: () => void) {
    super();
    this.#worker = worker;
    this.#options = options;
    this.#onOver = onOver;
    this.#exchange = exchange;
    this.#body = [];
    this.#bodyBytes = 0;
    this.#trailers = undefined;
    this.#claim = undefined;
    this.#connection = undefined;
    this.#sentMs = 0;
    this.#responseBytes = 0;
    this.#isOver = false;
  }

  // --- what the client's exchange tells -------------------------------------------------------

  /** The request itself is under way. Of a body that it has not got nobody will tell the end. */
  requestBegun(): void {
    const framing = this.#exchange?.downstream.requestFraming;
    if (framing?.kind === "none" || (framing?.kind === "length" && framing.bytes === 0)) {
      this.bodyEnd(undefined);
    }
  }

  bodyBytes(bytes: Buffer): void {
    if (this.#exchange === undefined) return;
    this.#bodyBytes += bytes.length;
    if (this.#bodyBytes > this.#options.bodyBytesMax) this.#end("dropped");
    else this.#body.push(Buffer.from(bytes)); // it is only lent
  }

  bodyEnd(trailers: HeaderList | undefined): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    this.#exchange = undefined;
    this.#trailers = trailers;
    try {
      this.#send(exchange);
    } catch (error) {
      this.#worker.bug(error, undefined); // the client's exchange has no part in it
      this.#end("failed");
    }
  }

  /** No more of the request will come; one that is whole by now goes its way. */
  sourceOver(): void {
    if (this.#exchange !== undefined) this.#end("dropped");
  }

  #send(exchange: Exchange): void {
    const { upstream, pools, timeouts, limits } = this.#options.target;
    const claim = upstream.claim({ ...NONE_TRIED, hashKey: upstream.hashKeyOf?.(exchange) });
    if (claim === undefined) {
      this.#end("dropped");
      return;
    }
    this.#claim = claim;
    this.#sentMs = this.#worker.clock.nowMs();
    this.#worker.wheel.arm(this, RESPONSE_MS_MAX);
    this.#connection = pools.get(claim.endpoint)!.take(timeouts, false);
    const request = new UpstreamRequest(exchange, claim.endpoint, timeouts, limits);
    this.#connection.begin(request, this);
  }

  // --- what the connection tells --------------------------------------------------------------

  connected(): void {
    const connection = this.#connection;
    for (const bytes of this.#body) connection?.writeBody(bytes);
    this.#body = [];
    connection?.endRequest(this.#trailers);
    connection?.flush();
  }

  interim(): void {}
  continueOverdue(): void {}
  sendMore(): void {}

  responded({ status }: ResponseFacts): void {
    this.#claim?.answered(status, this.#worker.clock.nowMs() - this.#sentMs);
  }

  switched(): void {
    this.#end("failed"); // not without websocketKey
  }

  responseBytes(bytes: Buffer): void {
    this.#responseBytes += bytes.length;
  }

  readOver(): void {
    if (this.#responseBytes <= RESPONSE_BYTES_MAX) return;
    const connection = this.#connection;
    this.#end("answered");
    connection?.abandon();
  }

  get holdsBytes(): boolean {
    return false;
  }

  responseEnd(): void {
    this.#end("answered");
  }

  failed(_code: FaultCode, _detail: string): void {
    this.#end("failed");
  }

  override fire(): void {
    const connection = this.#connection;
    this.#end("failed");
    connection?.abandon();
  }

  #end(result: "answered" | "failed" | "dropped"): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#exchange = undefined;
    this.#connection = undefined;
    this.#body = [];
    this.#worker.wheel.disarm(this);
    const outcome: Outcome = result === "answered" ? "served" : "failed";
    this.#claim?.release(outcome);
    this.#claim = undefined;
    this.#options.target.upstream.mirrored.add(result);
    this.#onOver();
  }
}
