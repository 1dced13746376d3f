const MS_MAX = 7 * 86_400_000; // beyond a week it is a mistake, or an attack on our renewals

/** Retry-After (RFC 9110 §10.2.3) as a duration; undefined where it says nothing. */
export function retryAfterMs(value: string | undefined, wallMs: number): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - wallMs;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MS_MAX);
}
