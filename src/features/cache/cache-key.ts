import { boundedKey } from "../../base/bounded-key.ts";
import type { Exchange } from "../../core/exchange.ts";
import { parseAuthority } from "../../protocol/http/authority.ts";
import { someCookieValue } from "../../protocol/http/cookie.ts";
import { decodeForm, someQueryValue } from "../../protocol/http/query.ts";
import { canonicalTarget, TARGET_POLICY } from "../../protocol/http/target.ts";
import type { BypassOptions, CacheOptions, QueryKey } from "./cache-options.ts";

/**
 * What a trusted peer may claim and the origin will hear. It is in the key, so that nobody can have
 * an answer stored that was made for another claim (SECURITY C1); from others it goes no further.
 */
const CLAIMS = [
  ...[
    "forwarded",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-scheme",
  ],
  ...[
    "x-forwarded-server",
    "x-forwarded-ssl",
    "x-original-host",
    "x-original-url",
    "x-rewrite-url",
  ],
];

/** They ask for another method than the one we see (HTTP method override, CPDoS). */
const OVERRIDES = ["x-http-method-override", "x-http-method", "x-method-override"];

/** http://host[:port]/path[?query], of what the client asked for. */
export function urlOf({ request }: Exchange, query: string): string {
  const { scheme, host, port, path } = request;
  const authority = port === 0 ? host : `${host}:${port}`;
  const url = `${scheme}://${authority}${path}`;
  return query === "" ? url : `${url}?${query}`;
}

/** What tells responses to one URL apart, beside Vary. Every part ends, so none runs into the next. */
export function partitionOf(exchange: Exchange, own: string, options: CacheOptions): string {
  const { request, client, identity } = exchange;
  // What an origin says to those whom auth knows is not for the others, where auth is optional.
  const partition = identity === undefined ? own : `${own}\nknown`;
  let more = "";
  for (const name of options.keyHeaders) {
    more += `\n${JSON.stringify(request.headers.all(name))}`;
  }
  for (const name of options.keyCookies) {
    let value = "-";
    someCookieValue(request.headers, name, (found) => {
      value = JSON.stringify(found);
      return true;
    });
    more += `\n${value}`;
  }
  if (client.isTrusted) {
    for (const [name, values] of claimsOf(exchange)) more += `\n${name}${JSON.stringify(values)}`;
  }
  return more === "" ? partition : `${partition}${boundedKey(more)}`;
}

/** Forwarding fields that are there and believed. */
export function claimsOf({
  request,
  client,
}: Exchange): readonly (readonly [name: string, values: readonly string[]])[] {
  if (!client.isTrusted) return [];
  return CLAIMS.filter((name) => request.headers.has(name)).map(
    (name) => [name, request.headers.all(name)] as const,
  );
}

/** The query as the key has it, and as the origin gets it. */
export function keyedQuery(query: string, key: QueryKey): string {
  if (key.kind === "all" || query === "") return query;
  if (key.kind === "only" && key.names.length === 0) return "";
  const kept = query.split("&").filter((member) => {
    if (member === "") return false;
    const isNamed = key.names.includes(decodeForm(member.split("=", 1)[0]!));
    return isNamed === (key.kind === "only");
  });
  // Their order means nothing to an origin that takes them by name; that of repeats may.
  return kept.sort((a, b) => compare(a.split("=", 1)[0]!, b.split("=", 1)[0]!)).join("&");
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** Why this request is none for the cache; undefined: it is one. */
export function bypassOf(exchange: Exchange, bypass: BypassOptions): string | undefined {
  const { request, client, downstream } = exchange;
  const { headers } = request;
  const framing = downstream.requestFraming;
  // A GET with a body: the origin may answer by what no key holds (SECURITY C1, fat GET).
  if (framing.kind !== "none" && !(framing.kind === "length" && framing.bytes === 0)) return "body";
  if (downstream.websocketKey !== undefined) return "upgrade";
  // RFC 9110 §13.1.1: only the origin can say whether these hold.
  if (headers.has("if-match") || headers.has("if-unmodified-since")) return "precondition";
  if (client.isTrusted && OVERRIDES.some((name) => headers.has(name))) return "method-override";
  if (bypass.headers.some((name) => headers.has(name))) return "header";
  if (bypass.cookies.some((name) => someCookieValue(headers, name, always))) return "cookie";
  if (bypass.query.some((name) => someQueryValue(request.query, name, always))) return "query";
  return undefined;
}

const always = () => true;

/** A URL as operators write it, as urlOf() would; undefined: it is none. */
export function purgeableUrl(text: string): string | undefined {
  const target = canonicalTarget(text, "GET", TARGET_POLICY);
  if (target.kind !== "absolute" || target.scheme === "") return undefined;
  const authority = parseAuthority(target.authority, target.scheme);
  if (authority === undefined) return undefined;
  const { host, port } = authority;
  const url = `${target.scheme}://${port === 0 ? host : `${host}:${port}`}${target.path}`;
  return target.query === "" ? url : `${url}?${target.query}`;
}
