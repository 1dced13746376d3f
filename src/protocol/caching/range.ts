/** Bytes first … last, both included. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/** undefined: to be served as if no range was asked for. */
export type WantedRange = ByteRange | "unsatisfiable" | undefined;

// Fifteen digits are still exact in a double.
const ONE_RANGE = /^bytes=[ \t]*([0-9]{0,15})-([0-9]{0,15})[ \t]*$/i;

/**
 * RFC 9110 §14.2, of something that is `total` bytes long. Several ranges at once, and what is no
 * range, are not asked for as far as we are concerned: that is allowed, and nothing can be blown up
 * by a hundred overlapping ones.
 */
export function wantedRange(value: string, total: number): WantedRange {
  const [, from = "", to = ""] = ONE_RANGE.exec(value) ?? [];
  if (from === "" && to === "") return undefined;
  if (from === "") {
    const count = Math.min(Number(to), total);
    return count === 0 ? "unsatisfiable" : { first: total - count, last: total - 1 };
  }
  const first = Number(from);
  const last = to === "" ? total - 1 : Math.min(Number(to), total - 1);
  if (to !== "" && Number(to) < first) return undefined; // §14.1.1: invalid
  return first >= total ? "unsatisfiable" : { first, last };
}

/** Which bytes a 206 brings, and of how many. */
export interface ContentRange extends ByteRange {
  readonly total: number;
}

const CONTENT_RANGE = /^bytes ([0-9]{1,15})-([0-9]{1,15})\/([0-9]{1,15})$/i;

/** RFC 9110 §14.4; undefined for what is none, or leaves open how long the whole is. */
export function parseContentRange(value: string): ContentRange | undefined {
  const [, first, last, total] = CONTENT_RANGE.exec(value) ?? [];
  if (first === undefined) return undefined;
  const range = { first: Number(first), last: Number(last), total: Number(total) };
  return range.first <= range.last && range.last < range.total ? range : undefined;
}

export function contentRange({ first, last }: ByteRange, total: number): string {
  return `bytes ${first}-${last}/${total}`;
}

/** Two parts of the same whole as one, if they touch or overlap (RFC 9111 §3.4). */
export function joined(one: ByteRange, other: ByteRange): ByteRange | undefined {
  if (one.first > other.last + 1 || other.first > one.last + 1) return undefined;
  return { first: Math.min(one.first, other.first), last: Math.max(one.last, other.last) };
}
