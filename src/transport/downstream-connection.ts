import type { Member } from "../base/crowd.ts";
import type { Exchange } from "../core/exchange.ts";
import type { Fault } from "../core/fault.ts";

/** A client's connection, whichever protocol it speaks. */
export interface DownstreamConnection extends Member {
  /** What is in flight on it now. */
  readonly inFlight: Iterable<InFlight>;
  /** It, or a stream of it, has left HTTP: a WebSocket, say. */
  readonly isTunnel: boolean;
  /** `early`: bytes that somebody else has read. */
  start(early?: Buffer): void;
  /** The listener drains: an idle connection closes now, a busy one after what is in flight. */
  drain(): void;
  /**
   * Since when nothing is done for it, so that it may be shed; Infinity: something is, or the client
   * still has a moment to say what is to be done.
   */
  readonly idleSinceMs: number;
  /** Somebody else needs its place: closes it. Only while idleSinceMs is not Infinity. */
  shed(): void;
  /** The drain deadline passed. */
  abort(fault: Fault): void;
}

/** One exchange or tunnel of a connection. */
export interface InFlight {
  readonly exchange: Exchange | undefined;
  readonly isTunnel: boolean;
  abort(fault: Fault): void;
}
