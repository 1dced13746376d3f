import type { TunnelEnd, TunnelWire } from "../core/downstream.ts";
import type { FaultCode } from "../core/fault.ts";
import type { ResponseFacts } from "../protocol/h1/response-facts.ts";
import type { HeaderList } from "../protocol/http/header-list.ts";

/** What an upstream connection tells the exchange that it serves, in this order. */
export interface UpstreamEvents {
  /** The wire is open; nothing has been sent. */
  connected(): void;
  interim(status: number, headers: HeaderList): void;
  /** The endpoint did not answer Expect in time. */
  continueOverdue(): void;
  responded(facts: ResponseFacts): void;
  /** 101, and the handshake is sound. */
  switched(facts: ResponseFacts, switched: SwitchedUpstream): void;
  /** Lent until holdsBytes is false. */
  responseBytes(bytes: Buffer): void;
  /** All that one read brought has been handed over. */
  readOver(): void;
  responseEnd(trailers: HeaderList | undefined): void;
  /** The endpoint takes more of the request body again. */
  sendMore(): void;
  /** The connection is gone; nothing follows. */
  failed(code: FaultCode, detail: string): void;
  readonly holdsBytes: boolean;
}

export interface SwitchedUpstream {
  readonly wire: TunnelWire;
  readonly early: Buffer | undefined; // what came behind the 101
  follow(end: TunnelEnd): void;
}
