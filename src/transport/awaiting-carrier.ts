import type { FaultCode } from "../core/fault.ts";
import type { HeaderList } from "../protocol/http/header-list.ts";
import type { Carrier } from "./carrier.ts";
import type { UpstreamEvents } from "./upstream-events.ts";
import type { UpstreamRequest } from "./upstream-request.ts";

/** Where exchanges wait for a connection. */
export interface WaitingRoom {
  left(carrier: AwaitingCarrier): void;
}

/**
 * Carries nothing until there is a connection; then it hands everything on to what does. The exchange
 * sends nothing before connected(), so there is nothing to be kept but the request.
 */
export class AwaitingCarrier implements Carrier {
  readonly #room: WaitingRoom;
  #request: UpstreamRequest | undefined;
  #events: UpstreamEvents | undefined; // while it waits
  #carrier: Carrier | undefined;

  constructor(room: WaitingRoom) {
    this.#room = room;
    this.#request = undefined;
    this.#events = undefined;
    this.#carrier = undefined;
  }

  /** This is what carries it. */
  board(carrier: Carrier): void {
    const [request, events] = [this.#request, this.#events];
    if (request === undefined || events === undefined) throw new Error("it does not wait");
    this.#carrier = carrier;
    carrier.begin(request, events);
    this.#events = undefined;
  }

  /** There is no connection. */
  fail(code: FaultCode, detail: string): void {
    const events = this.#events;
    this.#events = undefined;
    this.#carrier = undefined;
    events?.failed(code, detail);
  }

  get isReused(): boolean {
    return this.#carrier?.isReused ?? false;
  }

  begin(request: UpstreamRequest, events: UpstreamEvents): void {
    request.keep();
    this.#request = request;
    this.#events = events;
  }

  handOver(events: UpstreamEvents): void {
    if (this.#carrier === undefined) this.#events = events;
    else this.#carrier.handOver(events);
  }

  get holdsRequest(): boolean {
    return this.#carrier?.holdsRequest ?? false;
  }

  writeBody(bytes: Buffer): boolean {
    return this.#carrier?.writeBody(bytes) ?? true;
  }

  flush(): void {
    this.#carrier?.flush();
  }

  flushAndAwaitContinue(delayMs: number): void {
    this.#carrier?.flushAndAwaitContinue(delayMs);
  }

  endRequest(trailers: HeaderList | undefined): void {
    this.#carrier?.endRequest(trailers);
  }

  pause(): void {
    this.#carrier?.pause();
  }

  resume(): void {
    this.#carrier?.resume();
  }

  abandon(): void {
    this.#events = undefined;
    if (this.#carrier === undefined) this.#room.left(this);
    else this.#carrier.abandon();
  }
}
