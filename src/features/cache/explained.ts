import type { Exchange } from "../../core/exchange.ts";
import { durationText, listed, sizeText } from "../../core/fields.ts";
import { someCookieValue } from "../../protocol/http/cookie.ts";
import { bypassOf, claimsOf, keyedQuery, urlOf } from "./cache-key.ts";
import type { CacheOptions } from "./cache-options.ts";

const REASONS: Readonly<Record<string, string>> = {
  body: "it has a body",
  upgrade: "it asks for another protocol",
  precondition: "only the origin knows whether its condition holds",
  "method-override": "it asks for another method in a header",
  header: "bypass names a header of it",
  cookie: "bypass names a cookie of it",
  query: "bypass names a parameter of it",
};

/** For `sluice explain`: what a request is looked up under, and what becomes of the answer. */
export function explained(exchange: Exchange, options: CacheOptions): readonly string[] {
  const { method } = exchange.request;
  if (method !== "GET" && method !== "HEAD") {
    const isSafe = method === "OPTIONS" || method === "TRACE";
    if (isSafe) return [`past it: ${method} is neither answered from it nor stored`];
    return [
      `past it: ${method} is not stored; where it succeeds, what is stored for its URL goes,`,
      "and for its Location and Content-Location of the same origin",
    ];
  }
  const why = bypassOf(exchange, options.bypass);
  if (why !== undefined) return [`past it: ${REASONS[why] ?? why}`];
  return [...keyLines(exchange, options), ...storeLines(exchange, options)];
}

function keyLines(exchange: Exchange, options: CacheOptions): string[] {
  const { request } = exchange;
  const query = keyedQuery(request.query, options.query);
  const parts = [
    ...options.keyHeaders.map((name) => `header ${name} ${shownAll(request.headers.all(name))}`),
    ...options.keyCookies.map((name) => `cookie ${name} ${shownAll(cookieValues(exchange, name))}`),
    ...claimsOf(exchange).map(([name, values]) => `header ${name} ${shownAll(values)}`),
  ];
  const lines = [`key: ${urlOf(exchange, query)}`];
  if (parts.length > 0) lines.push(`and ${parts.join(", ")}`);
  if (exchange.identity !== undefined) lines.push("and that auth knows who asks");
  lines.push("and the fields that the response names in Vary");
  if (query.length < request.query.length) {
    lines.push("parameters that are not in the key do not reach the origin");
  }
  return lines;
}

function storeLines({ request }: Exchange, options: CacheOptions): string[] {
  const { defaultMs, ttlMs, guesses, ignoresCookies, maxTtlMs, objectBytesMax } = options;
  if (request.method === "HEAD") return ["not stored: HEAD; a stored GET answers it"];
  const own = [
    ...(defaultMs === undefined ? [] : [`default (${durationText(defaultMs)})`]),
    ...(ttlMs.size === 0 ? [] : ["ttl"]),
    ...(guesses ? ["heuristic"] : []),
  ];
  const lines = ["stored for as long as the origin says"];
  const hasCookies = request.headers.has("cookie") && !ignoresCookies;
  if (own.length > 0 && hasCookies) {
    const does = own.length === 1 ? "does" : "do";
    lines.push(`${listed(own, "and")} ${does} not count: the request has cookies`);
  } else if (own.length > 0) lines.push(`else as ${listed(own, "or")} says`);
  if (Number.isFinite(maxTtlMs)) lines.push(`and ${durationText(maxTtlMs)} at most`);
  if (request.headers.has("authorization")) {
    lines.push(
      "if that is said to be for all (public, s-maxage or must-revalidate): it has credentials",
    );
  }
  if (options.checksEndings) lines.push("if its type is what the path ends in");
  lines.push(`if it has ${sizeText(objectBytesMax)} at most`);
  return lines;
}

function cookieValues({ request }: Exchange, name: string): string[] {
  const values: string[] = [];
  someCookieValue(request.headers, name, (value) => {
    values.push(value);
    return true;
  });
  return values;
}

function shownAll(values: readonly string[]): string {
  return values.length === 0 ? "(none)" : values.map((value) => JSON.stringify(value)).join(" ");
}
