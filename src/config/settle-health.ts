import { PASSIVE, type PassiveOptions } from "../upstream/health/passive-check.ts";
import { present } from "./settle-retry.ts";

/** What the schema of `health` answers with. */
export interface ParsedHealth {
  readonly passive?: "off" | ParsedPassive | undefined;
}

interface ParsedPassive {
  readonly failures?: number | undefined;
  readonly within?: number | undefined;
  readonly ejectFor?: number | undefined;
  readonly ejectMost?: number | undefined;
  readonly share?: number | undefined;
  readonly statuses?: readonly number[] | undefined;
}

export function settlePassive(
  passive: "off" | ParsedPassive | undefined,
): PassiveOptions | undefined {
  if (passive === "off") return undefined;
  const { failures, within, ejectFor, ejectMost, share, statuses } = passive ?? {};
  const ejectForMs = ejectFor ?? PASSIVE.ejectForMs;
  return {
    ...PASSIVE,
    ...present({ failures, withinMs: within, ejectPercent: share } as Partial<PassiveOptions>),
    ejectForMs,
    // Who wants more at once than our most wants no less later.
    ejectMostMs: ejectMost ?? Math.max(PASSIVE.ejectMostMs, ejectForMs),
    statuses: statuses === undefined ? PASSIVE.statuses : new Set(statuses),
  };
}
