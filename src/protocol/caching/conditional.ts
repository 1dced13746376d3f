import { idOf } from "../http/header-id.ts";
import type { HeaderList } from "../http/header-list.ts";
import { parseHttpDate } from "./http-date.ts";

const ETAG = idOf("etag");
const DATE = idOf("date");
const LAST_MODIFIED = idOf("last-modified");
const IF_NONE_MATCH = idOf("if-none-match");
const IF_MODIFIED_SINCE = idOf("if-modified-since");
const IF_RANGE = idOf("if-range");

/**
 * Does the client have what is stored already (RFC 9110 §13.2.2)? `stored`: the head of a response
 * with the status 200; preconditions say nothing about others (§13.2.1).
 */
export function isNotModified(request: HeaderList, stored: HeaderList, nowMs: number): boolean {
  if (request.first(IF_NONE_MATCH) !== undefined) {
    // §13.1.3: beside it If-Modified-Since does not count.
    return someTagMatches(request.all("if-none-match"), stored.first(ETAG));
  }
  const since = request.first(IF_MODIFIED_SINCE);
  if (since === undefined) return false;
  // §13.1.3, and RFC 9111 §4.3.2: Date where nobody says when it was modified.
  const modified = stored.first(LAST_MODIFIED) ?? stored.first(DATE);
  if (modified === undefined) return false;
  return parseHttpDate(modified, nowMs) <= parseHttpDate(since, nowMs); // NaN is never
}

/** §8.8.3.2, the weak comparison: good enough to leave out a body that the client has whole. */
function someTagMatches(values: readonly string[], tag: string | undefined): boolean {
  const wanted = tag === undefined ? undefined : withoutWeakness(tag);
  for (const value of values) {
    if (value.trim() === "*") return true;
    for (const member of entityTags(value)) if (withoutWeakness(member) === wanted) return true;
  }
  return false;
}

/** §8.8.3.2, the strong one: bytes of one may be put to bytes of the other. */
export function isSameStrongTag(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && one === other && one.startsWith('"');
}

export function isSameWeakTag(one: string, other: string): boolean {
  return withoutWeakness(one) === withoutWeakness(other);
}

function withoutWeakness(tag: string): string {
  return tag.startsWith("W/") ? tag.slice(2) : tag;
}

/** Quoted tags may hold commas; one without quotes goes up to the next. */
const TAG = /[^\s,"]*"[^"]*"|[^\s,"]+/g;

function entityTags(value: string): readonly string[] {
  return value.match(TAG) ?? [];
}

/** §13.1.5: the range counts only while the client's part is of what is stored. */
export function rangeHolds(request: HeaderList, stored: HeaderList): boolean {
  const condition = request.first(IF_RANGE);
  if (condition === undefined) return true;
  if (condition.startsWith('"') || condition.startsWith("W/")) {
    return isSameStrongTag(condition, stored.first(ETAG));
  }
  return isStrongDate(condition, stored);
}

/** §8.8.2.2: a date is strong if the response was made a second after it, at least. */
function isStrongDate(condition: string, stored: HeaderList): boolean {
  const modified = stored.first(LAST_MODIFIED);
  const date = stored.first(DATE);
  if (condition !== modified || date === undefined) return false;
  return parseHttpDate(date, 0) - parseHttpDate(modified, 0) >= 1_000;
}

/** Fields that ask the origin whether what is stored still holds; undefined: it cannot be asked. */
export interface Question {
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
}

export function questionOf(stored: HeaderList): Question | undefined {
  const etag = stored.first(ETAG);
  const lastModified = stored.first(LAST_MODIFIED);
  return etag === undefined && lastModified === undefined ? undefined : { etag, lastModified };
}

/**
 * RFC 9111 §4.3.4: is a 304 about what was asked? One that names another tag, or another date, is
 * about something that is not stored here.
 */
export function answersQuestion(asked: Question, answer: HeaderList): boolean {
  const etag = answer.first(ETAG);
  if (etag !== undefined) return asked.etag !== undefined && isSameWeakTag(etag, asked.etag);
  const modified = answer.first(LAST_MODIFIED);
  const isAbout = modified === undefined || asked.lastModified === undefined;
  return isAbout || modified === asked.lastModified;
}
