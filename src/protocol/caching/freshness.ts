import { idOf } from "../http/header-id.ts";
import type { HeaderList } from "../http/header-list.ts";
import { parseSeconds, SECONDS_MAX } from "./cache-control.ts";
import { parseHttpDate } from "./http-date.ts";
import type { ControlInForce } from "./targeted-control.ts";

const AGE = idOf("age");
const DATE = idOf("date");
const EXPIRES = idOf("expires");
const LAST_MODIFIED = idOf("last-modified");

/** What a route says of responses whose origin says nothing. */
export interface LifetimeRules {
  /** By status, in milliseconds; undefined: nothing is said of it. */
  lifetimeMs(status: number): number | undefined;
  /** How much of the time since Last-Modified, in percent; 0: no guesses. */
  readonly heuristicPercent: number;
  readonly heuristicMaxMs: number;
}

export const NO_RULES: LifetimeRules = {
  lifetimeMs: () => undefined,
  heuristicPercent: 0,
  heuristicMaxMs: 0,
};

/** How long a response is fresh, counted from its age 0, and who says so. */
export interface Lifetime {
  readonly ms: number;
  /** "origin": explicit; "route": by its rules; "guess": heuristic; "nobody": it is never fresh. */
  readonly by: "origin" | "route" | "guess" | "nobody";
}

// RFC 9110 §15.1: may be kept though nobody said for how long.
const HEURISTIC = new Set([200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501]);

export function isHeuristicStatus(status: number): boolean {
  return HEURISTIC.has(status);
}

/** RFC 9111 §4.2.1, for a shared cache: s-maxage, max-age, Expires, and then what we were told. */
export function lifetimeOf(
  status: number,
  headers: HeaderList,
  { control, isTargeted }: ControlInForce,
  receivedMs: number, // wall time
  rules: LifetimeRules,
): Lifetime {
  const seconds = control.sMaxAge ?? control.maxAge;
  if (seconds !== undefined) return { ms: seconds * 1000, by: "origin" };
  const expires = isTargeted ? undefined : headers.first(EXPIRES);
  if (expires !== undefined) {
    // §5.3: what is no date ("0" above all) is past.
    const expiresMs = parseHttpDate(expires, receivedMs);
    const ms = expiresMs - dateOf(headers, receivedMs);
    return { ms: Number.isNaN(ms) ? 0 : bounded(ms), by: "origin" };
  }
  const ofRoute = rules.lifetimeMs(status);
  if (ofRoute !== undefined) return { ms: ofRoute, by: "route" };
  return heuristic(status, headers, control.isPublic, receivedMs, rules);
}

/** §4.2.2: a share of how old the content was already. */
function heuristic(
  status: number,
  headers: HeaderList,
  isPublic: boolean,
  receivedMs: number,
  rules: LifetimeRules,
): Lifetime {
  const modified = headers.first(LAST_MODIFIED);
  const mayGuess = rules.heuristicPercent > 0 && (isPublic || isHeuristicStatus(status));
  if (!mayGuess || modified === undefined) return NEVER;
  const ageMs = dateOf(headers, receivedMs) - parseHttpDate(modified, receivedMs);
  if (Number.isNaN(ageMs) || ageMs <= 0) return NEVER;
  return {
    ms: Math.min((ageMs * rules.heuristicPercent) / 100, rules.heuristicMaxMs),
    by: "guess",
  };
}

const NEVER: Lifetime = { ms: 0, by: "nobody" };

/** Date, or when we received it where that is missing or wrong (RFC 9110 §6.6.1). */
export function dateOf(headers: HeaderList, receivedMs: number): number {
  const date = headers.first(DATE);
  const dateMs = date === undefined ? Number.NaN : parseHttpDate(date, receivedMs);
  return Number.isNaN(dateMs) ? receivedMs : dateMs;
}

/** When we asked and when the head of the answer came, in wall time. */
export interface Exchanged {
  readonly requestedMs: number;
  readonly receivedMs: number;
}

/** §4.2.3: the age that a response has when it comes, in milliseconds. */
export function initialAgeMs(headers: HeaderList, { requestedMs, receivedMs }: Exchanged): number {
  const apparent = Math.max(0, receivedMs - dateOf(headers, receivedMs));
  // A wall clock that was set back must not make a response younger than it says.
  const corrected = ageSeconds(headers) * 1000 + Math.max(0, receivedMs - requestedMs);
  return bounded(Math.max(apparent, corrected));
}

/** §5.1: the first member counts, what is no number is ignored, what is too large is very old. */
export function ageSeconds(headers: HeaderList): number {
  const value = headers.first(AGE);
  if (value === undefined) return 0;
  const comma = value.indexOf(",");
  return parseSeconds((comma < 0 ? value : value.slice(0, comma)).trim()) ?? 0;
}

function bounded(ms: number): number {
  return Math.max(0, Math.min(ms, SECONDS_MAX * 1000));
}
