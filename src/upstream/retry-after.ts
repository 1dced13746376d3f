const RETRY_AFTER_MOST_MS = 2_000; // the client waits meanwhile

/**
 * How long an endpoint wants to be left alone that declined with a status, before it is asked
 * again. Where others are left (`isLast` is false) they are asked instead, and its wish is kept by
 * that. Infinity: longer than a client should wait, so what it said is the answer.
 */
export function statusRetryMs(retryAfter: string | undefined, isLast: boolean): number {
  if (!isLast || retryAfter === undefined) return 0;
  // A date (RFC 9110 §10.2.3) would need clocks that agree to the second.
  if (!/^[0-9]{1,6}$/.test(retryAfter)) return Number.POSITIVE_INFINITY;
  const ms = Number(retryAfter) * 1000;
  return ms <= RETRY_AFTER_MOST_MS ? ms : Number.POSITIVE_INFINITY;
}
