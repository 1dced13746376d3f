import type { Downstream } from "../../core/downstream.ts";
import { Exchange } from "../../core/exchange.ts";
import type { Route } from "../../core/runtime.ts";
import type { Question } from "../../protocol/caching/conditional.ts";
import type { HeaderList } from "../../protocol/http/header-list.ts";
import type { Keyed } from "./cache.ts";

// Of the client, and not of what is to be stored.
const CONDITIONS = ["if-none-match", "if-modified-since", "if-match", "if-unmodified-since"];

/** What is asked on behalf of the cache, beside what the client asked. */
export interface Asking {
  readonly question: Question | undefined;
  readonly sendsRange: boolean;
  readonly nowMs: number;
}

/** An exchange of the cache's own, for the request that a client made: the handler sees no other. */
export function fetchExchange(
  { exchange, query }: Keyed,
  route: Route,
  downstream: Downstream,
  asking: Asking,
): Exchange {
  const { runtime, listener, client, request } = exchange;
  const { nowMs } = asking;
  const begun = { startedMs: nowMs, headMs: nowMs, claimedMs: 0, connectedMs: 0 };
  // What is not in the key does not reach the origin (SECURITY C1), unless a rewrite says so.
  const isSameQuery = request.upstreamQuery === request.query;
  const head = {
    ...request,
    headers: requestHeaders(request.headers, asking),
    upstreamQuery: isSameQuery ? query : request.upstreamQuery,
  };
  const times = { ...begun, responseMs: 0, endedMs: 0 };
  const own = new Exchange(runtime, listener, downstream, client, head, times);
  own.id = exchange.id;
  own.site = exchange.site;
  own.route = route;
  own.identity = exchange.identity;
  return own;
}

function requestHeaders(received: HeaderList, { question, sendsRange }: Asking): HeaderList {
  const headers = received.copy();
  for (const name of CONDITIONS) headers.delete(name);
  if (!sendsRange) {
    headers.delete("range");
    headers.delete("if-range");
  }
  const { etag, lastModified } = question ?? {};
  if (etag !== undefined) headers.set("If-None-Match", etag);
  if (lastModified !== undefined) headers.set("If-Modified-Since", lastModified);
  return headers;
}

/** Whom we asked, and when: the client's exchange is what is counted and logged. */
export function copyFacts(from: Exchange, to: Exchange): void {
  to.upstream = from.upstream;
  to.endpoint = from.endpoint;
  to.attempts = from.attempts;
  to.connectionReused = from.connectionReused;
  to.times.claimedMs = from.times.claimedMs;
  to.times.connectedMs = from.times.connectedMs;
  to.times.responseMs = from.times.responseMs;
}
