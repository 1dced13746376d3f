import type { TimerWheel } from "../base/timer-wheel.ts";
import type { World } from "../base/world.ts";
import type { Exchange } from "./exchange.ts";
import type { ListenerPlan, Runtime } from "./runtime.ts";

/** One event loop's worth of proxy: what every connection and exchange on it shares. */
export interface Worker {
  readonly world: World;
  readonly wheel: TimerWheel;
  readonly counters: ConnectionCounters;
  newId(): string;
  /** An exchange is over; its observers hear of it. */
  ended(exchange: Exchange): void;
  /** A broken invariant reached the exchange boundary: count it, log the stack. */
  bug(error: unknown, exchange: Exchange | undefined): void;
}

/** The metrics that are about connections, not exchanges. */
export interface ConnectionCounters {
  downstreamOpened(): void;
  downstreamClosed(): void;
  upstreamOpened(): void;
  upstreamClosed(): void;
  /** Bytes that never became a request. */
  refused(code: string): void;
}

/** What a listener's connections ask it; a reload changes the answers. */
export interface Listening {
  readonly runtime: Runtime;
  readonly plan: ListenerPlan;
  readonly isDraining: boolean;
}
