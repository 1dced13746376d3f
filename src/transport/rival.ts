import type { Attempt } from "../core/exchange.ts";
import type { Fault, FaultCode } from "../core/fault.ts";
import type { ResponseFacts } from "../protocol/h1/response-facts.ts";
import type { HeaderList } from "../protocol/http/header-list.ts";
import type { Carrier } from "./carrier.ts";
import type { SwitchedUpstream, UpstreamEvents } from "./upstream-events.ts";

/** Who decides which of two attempts counts. */
export interface RivalOwner {
  rivalAnswered(facts: ResponseFacts): void;
  rivalFailed(fault: Fault): void;
}

/**
 * A second attempt beside the one under way, of a request without a body. Until it has won nobody
 * sees anything of it; from then on all it brings is the winner's.
 */
export class Rival implements UpstreamEvents {
  readonly attempt: Attempt;
  readonly connection: Carrier;
  readonly #owner: RivalOwner;
  #winner: UpstreamEvents | undefined;

  constructor(connection: Carrier, attempt: Attempt, owner: RivalOwner) {
    this.connection = connection;
    this.attempt = attempt;
    this.#owner = owner;
    this.#winner = undefined;
  }

  /** It is the only one now. */
  become(winner: UpstreamEvents): void {
    this.#winner = winner;
  }

  get holdsBytes(): boolean {
    return this.#winner?.holdsBytes ?? false;
  }

  connected(): void {
    if (this.#winner !== undefined) this.#winner.connected();
    else this.connection.endRequest(undefined);
  }

  interim(status: number, headers: HeaderList): void {
    this.#winner?.interim(status, headers);
  }

  responded(facts: ResponseFacts): void {
    if (this.#winner !== undefined) this.#winner.responded(facts);
    else this.#owner.rivalAnswered(facts);
  }

  failed(code: FaultCode, detail: string): void {
    if (this.#winner !== undefined) {
      this.#winner.failed(code, detail);
      return;
    }
    const fault = { code, detail };
    this.attempt.fault = fault;
    this.#owner.rivalFailed(fault);
  }

  switched(facts: ResponseFacts, upstream: SwitchedUpstream): void {
    this.#winner?.switched(facts, upstream);
  }

  responseBytes(bytes: Buffer): void {
    this.#winner?.responseBytes(bytes);
  }

  readOver(): void {
    this.#winner?.readOver();
  }

  responseEnd(trailers: HeaderList | undefined): void {
    this.#winner?.responseEnd(trailers);
  }

  continueOverdue(): void {}

  sendMore(): void {}
}
