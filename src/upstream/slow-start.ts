import { hashText, shareOf } from "../base/key-hash.ts";
import type { Random } from "../base/world.ts";
import type { Endpoint, Need } from "../core/upstream.ts";

const FIRST_SHARE = 0.1; // enough to warm up with, and to find out that it is not well yet
const DRAWS = 1_000;

/** How much of its share an endpoint gets: it grows in a straight line from when it came back. */
export function readiness(endpoint: Endpoint, rampMs: number, nowMs: number): number {
  const { readySinceMs } = endpoint.state;
  if (readySinceMs === 0) return 1; // it was never away
  return Math.min(1, Math.max(FIRST_SHARE, (nowMs - readySinceMs) / rampMs));
}

/** When the last of them has its whole share; 0 if all do. */
export function rampsUntilMs(endpoints: readonly Endpoint[], rampMs: number, nowMs: number) {
  let untilMs = 0;
  for (const { state } of endpoints) {
    const endMs = state.readySinceMs === 0 ? 0 : state.readySinceMs + rampMs;
    if (endMs > nowMs && endMs > untilMs) untilMs = endMs;
  }
  return untilMs;
}

/**
 * Whether an endpoint that was picked takes the request although it is not quite back yet. Where a
 * key decides, it decides here too: the keys come back one after the other, each once.
 */
export function takesNow(share: number, need: Need, random: Random): boolean {
  if (share >= 1) return true;
  const { hashKey } = need;
  const drawn =
    hashKey === undefined || hashKey === ""
      ? random.below(DRAWS) / DRAWS
      : shareOf(hashText(`${hashKey} slow start`));
  return drawn < share;
}
