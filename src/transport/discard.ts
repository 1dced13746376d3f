import { Deadline, type TimerWheel } from "../base/timer-wheel.ts";
import type { ResponseFacts } from "../protocol/h1/response-facts.ts";
import type { Carrier } from "./carrier.ts";
import type { UpstreamEvents } from "./upstream-events.ts";

const DISCARD_BYTES_MAX = 64 * 1024;
const DISCARD_MS = 1_000;

/**
 * Nobody wants the response whose head has come, but its connection may serve again: what is left
 * of it is read and dropped if it is little and comes soon. Else the connection is closed.
 */
export function discardResponse(
  connection: Carrier,
  { framing }: ResponseFacts,
  wheel: TimerWheel,
): void {
  const isLong = framing.kind === "length" && framing.bytes > DISCARD_BYTES_MAX;
  if (framing.kind === "close" || isLong) connection.abandon();
  else connection.handOver(new Discard(connection, wheel));
}

class Discard extends Deadline implements UpstreamEvents {
  readonly #connection: Carrier;
  readonly #wheel: TimerWheel;
  #leftBytes: number;

  constructor(connection: Carrier, wheel: TimerWheel) {
    super();
    this.#connection = connection;
    this.#wheel = wheel;
    this.#leftBytes = DISCARD_BYTES_MAX;
    wheel.arm(this, DISCARD_MS);
  }

  get holdsBytes(): boolean {
    return false;
  }

  responseBytes(bytes: Buffer): void {
    this.#leftBytes -= bytes.length;
    if (this.#leftBytes < 0) this.fire();
  }

  responseEnd(): void {
    this.#wheel.disarm(this);
  }

  failed(): void {
    this.#wheel.disarm(this);
  }

  override fire(): void {
    this.#wheel.disarm(this);
    this.#connection.abandon();
  }

  // Nothing of this comes behind a response head, or it is nobody's concern.
  connected(): void {}
  interim(): void {}
  continueOverdue(): void {}
  responded(): void {}
  switched(): void {}
  readOver(): void {}
  sendMore(): void {}
}
