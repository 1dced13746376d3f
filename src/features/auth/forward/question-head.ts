import { ENDPOINT_HOST, type Exchange, type RequestHead } from "../../../core/exchange.ts";
import { requestDrops } from "../../../core/forwarding-fields.ts";
import { idOf, type KnownHeader, OTHER } from "../../../protocol/http/header-id.ts";
import { HeaderList } from "../../../protocol/http/header-list.ts";

/** Of the message that the client sent, and not of the question about it. */
const OF_THE_BODY = ["content-encoding", "content-type"];
const OF_THE_MESSAGE = [
  "accept-encoding",
  "grpc-timeout",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "range",
  "sec-websocket-extensions",
  "sec-websocket-key",
  "sec-websocket-protocol",
  "sec-websocket-version",
  "trailer",
];

/** What we say of the request: no client's word may stand beside it (SECURITY H5, H7). */
const OURS = [
  "x-forwarded-method",
  "x-forwarded-uri",
  "x-original-method",
  "x-original-uri",
  "x-original-url",
];

const FRAMING: readonly KnownHeader[] = [
  "host",
  "connection",
  "content-length",
  "transfer-encoding",
  "expect",
  "upgrade",
  "te",
];
const FRAMING_IDS = new Set(FRAMING.map(idOf));

/** Of a field with that number: it is about a connection, and no answer can change it. */
export function requestDropsAnyway(id: number): boolean {
  return id !== OTHER && FRAMING_IDS.has(id);
}

export interface Asked {
  readonly method: "GET" | "HEAD" | "same";
  readonly path: string;
  readonly query: string;
  readonly send: readonly string[] | undefined; // undefined: all
  readonly hasBody: boolean;
}

/**
 * The request about a request: what was asked stands in fields under both names that authorizers know,
 * as the canonical method, path and query that routes and rules are held against too.
 */
export function questionHead(
  exchange: Exchange,
  { method, path, query, send, hasBody }: Asked,
): RequestHead {
  const { request, client } = exchange;
  const received = request.headers;
  const all = allOf(exchange, hasBody);
  const headers =
    send === undefined ? all : someOf(all, hasBody ? [...send, ...OF_THE_BODY] : send);
  const host = request.port === 0 ? request.host : `${request.host}:${request.port}`;
  const uri = request.query === "" ? request.path : `${request.path}?${request.query}`;
  headers.add("X-Forwarded-Method", request.method);
  headers.add("X-Forwarded-Uri", uri);
  headers.add("X-Forwarded-Host", (client.isTrusted && received.get("x-forwarded-host")) || host);
  headers.add("X-Original-Method", request.method);
  headers.add("X-Original-URI", uri);
  headers.add("X-Original-URL", `${request.scheme}://${host}${uri}`);
  if (client.isTrusted) {
    for (const hop of received.all("x-forwarded-for")) headers.add("X-Forwarded-For", hop);
  }
  return {
    method: method === "same" ? request.method : method,
    scheme: request.scheme,
    host: request.host,
    port: request.port,
    path,
    query,
    minorVersion: 1,
    targetReceived: path,
    headers,
    headersReceived: undefined,
    upstreamPath: path,
    upstreamQuery: query,
    upstreamMethod: "",
    upstreamHost: ENDPOINT_HOST, // an authorizer is another site than this one
    pathPrefixes: undefined,
  };
}

/** As they would go on to the upstream. */
function allOf(exchange: Exchange, hasBody: boolean): HeaderList {
  const headers = HeaderList.ofLines(exchange.request.headers.lines(requestDrops(exchange)));
  for (const name of OF_THE_MESSAGE) headers.delete(name);
  if (!hasBody) for (const name of OF_THE_BODY) headers.delete(name);
  for (const name of OURS) headers.delete(name);
  return headers;
}

function someOf(all: HeaderList, names: readonly string[]): HeaderList {
  const some = HeaderList.empty();
  for (const name of names) for (const value of all.all(name)) some.add(name, value);
  return some;
}
