import type { Asking } from "../../base/world.ts";

/** How names are resolved, and for how long an answer holds. */
export interface DnsSettings extends Asking {
  readonly minTtlMs: number;
  readonly maxTtlMs: number;
  readonly forgetAfterMs: number; // the last good answer; Infinity: never
}

export const DNS: DnsSettings = {
  servers: [],
  timeoutMs: 2_000,
  attempts: 2,
  // Names that change with a deploy have 0 to 30 s, and a server must not be asked at every turn.
  minTtlMs: 5_000,
  // A day is a usual mistake, and nobody wants to wait that long after a move.
  maxTtlMs: 300_000,
  // What worked is more likely to work than nothing, also when a zone was emptied by mistake.
  forgetAfterMs: Number.POSITIVE_INFINITY,
};
