import type { Timeouts } from "../core/limits.ts";
import type { Endpoint } from "../core/upstream.ts";
import type { HeaderList } from "../protocol/http/header-list.ts";
import type { UpstreamDial } from "./upstream-dial.ts";
import type { UpstreamEvents } from "./upstream-events.ts";
import type { UpstreamRequest } from "./upstream-request.ts";

/** Where a connection lives while no exchange uses it. */
export interface UpstreamHome<Connection> {
  idle(connection: Connection): void;
  gone(connection: Connection): void;
}

/** Where a connection leads, and how. */
export type Destination = Pick<Endpoint, "address" | "manner">;

/** How long a connection may take to be there. */
export type ConnectTimeouts = Pick<Timeouts, "connect" | "connectTls">;

/** A connection that is to be made. */
export interface Connecting extends Destination {
  readonly timeouts: ConnectTimeouts;
  readonly opening?: Uint8Array; // is sent before anything else
}

/** One that somebody else has made. */
export interface Connected {
  readonly dial: UpstreamDial;
}

/** What carries one exchange to an endpoint and its response back. */
export interface Carrier {
  /** Its connection has served before: the endpoint may have closed it in the meantime. */
  readonly isReused: boolean;
  /** Takes on an exchange. The head leaves with the first body bytes or with flush(). */
  begin(request: UpstreamRequest, events: UpstreamEvents): void;
  /** Someone else cares for the rest of the response. */
  handOver(events: UpstreamEvents): void;
  /** Bytes that writeBody() was given have not left. */
  readonly holdsRequest: boolean;
  /** False: hold on until sendMore(). */
  writeBody(bytes: Buffer): boolean;
  flush(): void;
  /** Sends the head and waits for a 100 before any of the body. */
  flushAndAwaitContinue(delayMs: number): void;
  endRequest(trailers: HeaderList | undefined): void;
  pause(): void;
  resume(): void;
  /** Nobody wants the exchange any more. */
  abandon(): void;
}
