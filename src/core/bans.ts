import type { FaultCode } from "./fault.ts";

/** Who is kept out for a while, since too much of what came from there was abuse. */
export interface Bans {
  /** Connections are refused as well, and not only what is asked on them. */
  readonly refusesConnections: boolean;
  /** How long it is kept out yet; 0 if it is not. */
  remainingMs(address: string): number;
  /** Something ended: with a fault, with a status, or with both. */
  scored(address: string, code: FaultCode | undefined, status: number): void;
  // For operators.
  readonly list: readonly Ban[];
  /** What is wrong with it, if anything is. */
  ban(address: string, forMs: number): string | undefined;
  /** False if nobody was kept out there. */
  lift(address: string): boolean;
}

export interface Ban {
  readonly client: string; // a network, or an address where that is one client
  readonly reason: FaultCode | "status" | "operator"; // what came last
  readonly level: number; // how often by now: each time it lasts twice as long
  readonly remainingMs: number;
}
