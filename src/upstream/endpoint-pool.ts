import type { Directory } from "../core/directory.ts";
import type { OwnConnections } from "../core/downstream.ts";
import type { Carrier, ConnectTimeouts } from "../transport/carrier.ts";
import type { H2Shape } from "../transport/h2-upstream.ts";

/** How many connections may wait idle, and how long; per endpoint and worker. */
export interface PoolShape extends H2Shape {
  readonly keepAliveMs: number;
  readonly idleMax: number;
}

/** The connections to one endpoint. Disposing it closes what is idle now, and the rest as it ends. */
export interface EndpointPool extends Disposable {
  readonly idleCount: number;
  readonly openCount: number;
  /** A carrier for one exchange; it may still be connecting. `needsHttp1`: for a WebSocket. */
  take(timeouts: ConnectTimeouts, needsHttp1: boolean): Carrier;
  /** On a new connection: for another try after a kept one turned out to be dead. */
  fresh(timeouts: ConnectTimeouts, needsHttp1: boolean): Carrier;
  /** For one client alone: its own connection, or a new one that begins with this header. */
  takeOwn(own: OwnConnections, header: () => Uint8Array, timeouts: ConnectTimeouts): Carrier;
  /** A reload may change it: what waits beyond the new bound is closed, the rest waits as it did. */
  reshape(shape: PoolShape): void;
  /** Where the name leads elsewhere, connections to where it led before are not used again. */
  follow(directory: Directory): void;
  closeIdle(): void;
}
