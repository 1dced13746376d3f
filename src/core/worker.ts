import type { LoopClock } from "../base/loop-clock.ts";
import type { ReadBuffers } from "../base/read-buffers.ts";
import type { TimerWheel } from "../base/timer-wheel.ts";
import type { TlsFacts, World } from "../base/world.ts";
import type { Bans } from "./bans.ts";
import type { Attempt, Exchange } from "./exchange.ts";
import type { Fault } from "./fault.ts";
import type { ListenerPlan, Runtime } from "./runtime.ts";
import type { StateMeter } from "./shared-limits.ts";

/** One event loop's worth of proxy: what every connection and exchange on it shares. */
export interface Worker {
  readonly world: World; // its clock is `clock`
  readonly clock: LoopClock;
  readonly wheel: TimerWheel;
  readonly buffers: ReadBuffers;
  /** Of the config in force. */
  readonly bans?: Bans | undefined;
  newId(): string;
  /** Exchanges that were started and have not ended. */
  readonly exchangesUnderWay: number;
  started(exchange: Exchange): void;
  /** Once for each exchange that was started, whatever became of it. */
  ended(exchange: Exchange): void;
  attemptFailed(upstream: string, attempt: Attempt): void;
  /** A TLS handshake with a client has succeeded. */
  secured(listenerKey: string, facts: TlsFacts): void;
  /** A connection that came to an end before anyone served it. */
  connectionRefused(listenerKey: string, refused: RefusedConnection): void;
  /** As that, of which there may be very many. */
  connectionShed(listenerKey: string, fault: Fault): void;
  /** How a cache's store is by now, for gauges. */
  cacheStored?(counts: StoredCounts): void;
  /** A client is kept out from now on, for that reason. */
  banned?(reason: string): void;
  /** For whoever asks another machine for what is counted with it. */
  stateMeter?(): StateMeter;
  /** A connection that did nothing was closed for a newcomer. */
  madeRoom(listenerKey: string): void;
  /** A broken invariant reached the exchange boundary: count it, log the stack. */
  bug(error: unknown, exchange: Exchange | undefined): void;
  listenerMeter(listenerKey: string): ConnectionMeter;
  endpointMeter(upstream: string, endpointName: string): ConnectionMeter;
}

export interface StoredCounts {
  readonly bytes: number;
  readonly objects: number;
  readonly evictions: number; // since the start
  readonly disk?: DiskCounts | undefined; // absent: nothing is said of it
}

/** Of what one worker has on disk; what others have there, and it may read, is not counted. */
export interface DiskCounts {
  readonly bytes: number;
  readonly objects: number;
  readonly reads: number; // responses that came from there; since it was opened, as all that follow
  readonly writes: number;
  readonly skipped: number; // not written, since the disk was too slow, or did not work
  readonly evictions: number;
  readonly errors: number; // of the system's, and of what was not as it had been written
}

export interface RefusedConnection {
  readonly address: string; // of the wire
  readonly fault: Fault;
  readonly startedMs: number;
}

/** Counts the connections of one listener, or to one endpoint. */
export interface ConnectionMeter {
  opened(): void; // and not idle
  closed(): void; // and not idle: call busy() first
  idle(): void;
  busy(): void;
}

/** What a listener's connections ask it; a reload changes the answers. */
export interface Listening {
  readonly runtime: Runtime;
  readonly plan: ListenerPlan;
  readonly localPort: number; // as bound; 0 on a unix socket. To ask each connection is dear
  readonly isDraining: boolean;
}
