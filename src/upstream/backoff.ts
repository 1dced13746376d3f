import type { Random } from "../base/world.ts";

export interface BackoffShape {
  readonly firstMs: number; // the most before the first retry; doubles for each one after
  readonly mostMs: number; // and never more than this
}

export const BACKOFF: BackoffShape = { firstMs: 25, mostMs: 250 };

/**
 * How long to wait before retry number `retry` (1 is the first). All of it is chance ("full
 * jitter"): those who failed at the same moment should not come back at the same moment.
 */
export function backoffMs(retry: number, random: Random, shape: BackoffShape = BACKOFF): number {
  const doublings = Math.min(retry - 1, 30); // beyond it 0 ms times Infinity would be no number
  const ceilingMs = Math.min(shape.mostMs, shape.firstMs * 2 ** doublings);
  return random.below(Math.floor(ceilingMs) + 1);
}
