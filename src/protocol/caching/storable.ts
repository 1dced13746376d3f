import { idOf } from "../http/header-id.ts";
import type { HeaderList } from "../http/header-list.ts";
import type { CacheControl } from "./cache-control.ts";
import { isHeuristicStatus, type Lifetime } from "./freshness.ts";
import type { ControlInForce } from "./targeted-control.ts";
import { varyNames } from "./vary.ts";

const AUTHORIZATION = idOf("authorization");
const COOKIE = idOf("cookie");
const SET_COOKIE = idOf("set-cookie");
const ETAG = idOf("etag");
const LAST_MODIFIED = idOf("last-modified");
const CONTENT_TYPE = idOf("content-type");

/** What a route allows beyond the defaults. */
export interface StoreRules {
  readonly storesSetCookie: boolean;
  /** Lifetimes of ours count although the request had cookies that are not in the key. */
  readonly ignoresCookies: boolean;
}

export interface StoreCase {
  readonly request: HeaderList;
  /** It is known who asks, whatever of the request told it: as if there were Authorization. */
  readonly isOfSomebody: boolean;
  readonly requestControl: CacheControl;
  readonly status: number;
  readonly response: HeaderList;
  readonly inForce: ControlInForce;
  readonly lifetime: Lifetime;
  readonly rules: StoreRules;
}

/** "" if it may be stored, else why not: a word for logs, explain and tests. */
export type Refusal =
  | ""
  | "status"
  | "request-no-store"
  | "no-store"
  | "private"
  | "authorization"
  | "vary-star"
  | "set-cookie"
  | "cookie"
  | "event-stream"
  | "no-lifetime";

// Statuses whose caching requirements we know (RFC 9111 §3, must-understand §5.2.2.3).
const UNDERSTOOD = new Set([
  ...[200, 203, 204, 206, 300, 301, 302, 303, 307, 308, 400, 403, 404, 405, 410, 414, 451],
  ...[500, 501, 502, 503, 504],
]);

/** RFC 9111 §3, for a shared cache and an answer to GET. */
export function storeRefusal(given: StoreCase): Refusal {
  const { request, status, response, inForce, lifetime, rules } = given;
  const { control } = inForce;
  if (status < 200 || status === 304) return "status";
  if (given.requestControl.noStore) return "request-no-store";
  if (control.mustUnderstand ? !UNDERSTOOD.has(status) : control.noStore) return "no-store";
  if (control.isPrivate) return "private";
  const isOfSomebody = given.isOfSomebody || request.first(AUTHORIZATION) !== undefined;
  if (isOfSomebody && !isForMany(control)) return "authorization";
  if (varyNames(response) === "*") return "vary-star";
  if (!rules.storesSetCookie && response.first(SET_COOKIE) !== undefined) return "set-cookie";
  // It never ends, and who comes later must not get what was for others.
  const type = response.first(CONTENT_TYPE);
  if (type !== undefined && /^text\/event-stream\b/i.test(type)) return "event-stream";
  const isOurs = lifetime.by === "route" || lifetime.by === "guess";
  // A page without a word about caching, asked for with a session: nobody says it is for all (C2).
  if (isOurs && !rules.ignoresCookies && request.first(COOKIE) !== undefined) return "cookie";
  return isOfUse(status, response, control, lifetime) ? "" : "no-lifetime";
}

/** §3.5: what allows a shared cache to keep the answer to a request with credentials. */
function isForMany(control: CacheControl): boolean {
  return control.isPublic || control.mustRevalidate || control.sMaxAge !== undefined;
}

/** It is fresh for a while, or may be asked about: the origin said so much, at least. */
function isOfUse(
  status: number,
  response: HeaderList,
  control: CacheControl,
  lifetime: Lifetime,
): boolean {
  if (lifetime.ms > 0) return true;
  const isSaid = lifetime.by === "origin" || control.isPublic;
  if (!isSaid && !(control.noCache && isHeuristicStatus(status))) return false;
  return response.first(ETAG) !== undefined || response.first(LAST_MODIFIED) !== undefined;
}
