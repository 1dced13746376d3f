import type { Random } from "../../base/world.ts";
import type { RenewalWindow } from "../../protocol/acme/resources.ts";
import type { IssuedCertificate } from "./issued.ts";

const DRAWS = 1_000_000; // finer than any two instances need to differ
const JITTER = 1 / 30; // of its life: three days of ninety, for a CA that many came to on one day
const HOUR_MS = 3_600_000;
const GAP_MS_MIN = 300_000;

type Life = Pick<IssuedCertificate, "notBeforeMs" | "notAfterMs" | "obtainedMs">;

/** At two thirds of its life, or somewhat before. */
export function renewalByAge({ notBeforeMs, notAfterMs }: Life, random: Random): number {
  const lifeMs = notAfterMs - notBeforeMs;
  return notBeforeMs + lifeMs * (2 / 3 - JITTER * fraction(random));
}

/**
 * Somewhere in the window that the CA wishes for (RFC 9773 §4.2). Undefined where the wish makes no
 * sense: it must not let a certificate expire.
 */
export function renewalByWish(
  { startMs, endMs }: RenewalWindow,
  { notAfterMs }: Life,
  random: Random,
): number | undefined {
  if (endMs > notAfterMs) return undefined;
  return startMs + (endMs - startMs) * fraction(random);
}

/**
 * Before this time there is no other one, whatever clocks and CAs say: a clock that is years ahead
 * finds every new certificate too old, and would have us order for ever.
 */
export function renewalNotBefore({ notBeforeMs, notAfterMs, obtainedMs }: Life, isWish: boolean) {
  const thirdMs = Math.max((notAfterMs - notBeforeMs) / 3, GAP_MS_MIN);
  return obtainedMs + (isWish ? Math.min(thirdMs, HOUR_MS) : thirdMs);
}

const FIRST_MS = 120_000;
const GROWTH = 3;
const URGENT_MS_MAX = HOUR_MS;
const CALM_MS_MAX = 6 * HOUR_MS;

/** How long to leave it after so many failures in a row. A CA forgives about five an hour. */
export function retryMs(failures: number, isUrgent: boolean, random: Random): number {
  const grown = FIRST_MS * GROWTH ** Math.min(failures - 1, 20);
  const bounded = Math.min(grown, isUrgent ? URGENT_MS_MAX : CALM_MS_MAX);
  return bounded * (0.8 + 0.4 * fraction(random));
}

function fraction(random: Random): number {
  return random.below(DRAWS) / DRAWS;
}
