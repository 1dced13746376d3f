import { networkOf } from "../base/client-network.ts";
import type { Exchange } from "../core/exchange.ts";
import { cookieValue } from "../protocol/http/cookie.ts";
import { queryValue } from "../protocol/http/query.ts";

/** What `balance: { hash: … }` goes by: a part of the request, named where there are several. */
export type HashKeySource =
  | { readonly of: "clientIp" | "host" | "path" | "url" }
  | { readonly of: "header" | "cookie" | "query"; readonly name: string };

/** undefined or "": the request has no such key, and is balanced without one. */
export type HashKeyReader = (exchange: Exchange) => string | undefined;

export function hashKeyReader(source: HashKeySource): HashKeyReader {
  switch (source.of) {
    case "clientIp":
      return ({ client }) => networkOf(client.address);
    case "host":
      return ({ request }) => request.host;
    case "path":
      return ({ request }) => request.path;
    case "url":
      return ({ request: { host, path, query } }) =>
        query === "" ? `${host}${path}` : `${host}${path}?${query}`;
    case "header":
      return ({ request }) => request.headers.get(source.name);
    case "cookie":
      return ({ request }) => cookieValue(request.headers, source.name);
    case "query":
      return ({ request }) => queryValue(request.query, source.name);
  }
}
