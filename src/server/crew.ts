import type { Address } from "../base/world.ts";
import type { Config } from "../config/config.ts";
import type { Loaded } from "../config/load.ts";
import type { PurgeRequest } from "../core/runtime.ts";
import type { SharedBank } from "../observe/metric-bank.ts";
import type { Drained, HandOver } from "./emptying.ts";
import type { TrafficByRoute } from "./route-traffic.ts";

/** A config that is to be served, and what it was made of. */
export interface NextConfig {
  readonly config: Config;
  readonly loaded: Loaded;
  readonly version: number;
}

/** What a reload found on routes and listeners that are gone: it may go on for a while. */
export interface Leaving {
  readonly exchanges: number; // tunnels are not among them
  readonly tunnels: number;
}

/** Everything that can fail has been done: the swap is all that is left. */
export interface Turnover {
  readonly bound: ReadonlyMap<string, Address>; // listeners that were opened, by key
  commit(): Promise<Leaving>;
  abort(): Promise<void>;
}

export type Descriptor = readonly [listenerKey: string, descriptor: number];

/** How the workers are, for operators. */
export interface CrewHealth {
  readonly wanted: number;
  readonly running: number;
  readonly restarts: ReadonlyMap<string, number>; // by reason
  readonly loopUtilization: readonly number[]; // of each thread since the last time; [] without
}

/** Who serves: this thread alone, or worker threads. One turnover at a time. */
export interface Crew {
  /** Rejects, with nothing changed, if an address, a log or a worker cannot do it. */
  prepare(next: NextConfig): Promise<Turnover>;
  /** Stops accepting, lets exchanges finish until the deadline, and cuts and names the rest. */
  /** `isOwn`: listeners whose own deadline is nearer have that one. */
  stop(deadlineMs: number, isOwn?: boolean): Promise<Drained>;
  /** As stop(), for sockets that another process has by now. */
  handOver(manner: HandOver): Promise<Drained>;
  /** Of every listening socket, with the key of its listener. */
  descriptors(): Promise<readonly Descriptor[]>;
  /** While stop() waits: waits no longer. */
  hurry(): void;
  /** For logrotate: log files are opened anew. */
  reopenLogs(): Promise<void>;
  inFlight(): Promise<TrafficByRoute>;
  /** From the caches of all workers: how many responses are gone, or stale, at once. */
  purge(wanted: PurgeRequest): Promise<number>;
  /** Who is in an upstream has changed, or where a name leads, or the memory for it has. Soon, or now. */
  tellDirectory(isNow?: boolean): void;
  /** What is counted elsewhere than in the main thread's metrics. */
  readonly banks: readonly SharedBank[];
  readonly droppedLogLines: number;
  readonly health: CrewHealth;
}

export const NOTHING_LEAVES: Leaving = { exchanges: 0, tunnels: 0 };
