/** How an upstream shares out, with the defaults of what is left out. */
import type { ConcurrencyBounds } from "../core/concurrency.ts";
import { HASH_BOUND } from "../upstream/balancers/hash.ts";
import { BALANCER_DEFAULT } from "../upstream/balancers/named.ts";
import { FALLBACK } from "../upstream/candidates.ts";
import { CONCURRENCY } from "../upstream/concurrency/adaptive-limit.ts";
import type { StickyShape } from "../upstream/sticky-cookie.ts";
import type { LineShapes } from "../upstream/waiting-lines.ts";
import type { UpstreamConfig } from "./config.ts";
import type { BalanceConfig } from "./shape/balance.ts";

/** What the schemas of ./shape/balance.ts answer with. */
export interface ParsedBalance {
  readonly balance?: BalanceConfig | undefined;
  readonly prefer?: "zone" | undefined;
  readonly overprovision?: number | undefined;
  readonly panic?: number | undefined; // in percent
  readonly slowStart?: number | undefined;
  readonly maxRequests?: number | undefined;
  readonly queue?: "off" | { readonly max?: number; readonly timeout?: number } | undefined;
  readonly parking?: ParsedParking | undefined;
  readonly sticky?: StickyShape | undefined;
  readonly concurrency?: "off" | ParsedConcurrency | undefined;
}

interface ParsedConcurrency {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
}

interface ParsedParking {
  readonly for: number;
  readonly max?: number | undefined;
  readonly ramp?: number | undefined;
}

const QUEUE_MAX = 100;
const QUEUE_TIMEOUT_MS = 5_000;
const PARKING_MAX = 1_000;
const PARKING_PER_SECOND = 100;

type SettledBalance = Pick<
  UpstreamConfig,
  "balance" | "fallback" | "slowStartMs" | "maxRequests" | "concurrency" | "lines" | "sticky"
>;

export function settleBalance(parsed: ParsedBalance, ownZone: string | undefined): SettledBalance {
  return {
    balance: parsed.balance ?? { by: BALANCER_DEFAULT, key: undefined, bound: HASH_BOUND },
    fallback: {
      overprovision: parsed.overprovision ?? FALLBACK.overprovision,
      panicBelow: (parsed.panic ?? 0) / 100,
      preferredZone: parsed.prefer === "zone" ? (ownZone ?? "") : "",
    },
    slowStartMs: parsed.slowStart ?? 0,
    maxRequests: parsed.maxRequests ?? Number.POSITIVE_INFINITY,
    concurrency: settleConcurrency(parsed.concurrency),
    lines: settleLines(parsed),
    sticky: parsed.sticky,
  };
}

/** The default that was left out gives way to the number that was not. */
function settleConcurrency(parsed: ParsedBalance["concurrency"]): ConcurrencyBounds | undefined {
  if (parsed === undefined || parsed === "off") return undefined;
  const { min, max } = parsed;
  return {
    min: min ?? Math.min(CONCURRENCY.min, max ?? CONCURRENCY.max),
    max: max ?? Math.max(CONCURRENCY.max, min ?? 0),
  };
}

function settleLines({ queue, parking }: ParsedBalance): LineShapes {
  return {
    queue:
      queue === "off"
        ? undefined
        : {
            max: queue?.max ?? QUEUE_MAX,
            timeoutMs: queue?.timeout ?? QUEUE_TIMEOUT_MS,
            perSecond: Number.POSITIVE_INFINITY,
          },
    parking:
      parking === undefined
        ? undefined
        : {
            max: parking.max ?? PARKING_MAX,
            timeoutMs: parking.for,
            perSecond: parking.ramp ?? PARKING_PER_SECOND,
          },
  };
}
