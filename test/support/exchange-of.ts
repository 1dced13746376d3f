import { Exchange, type RequestHead } from "../../src/core/exchange.ts";
import type { ErrorReplies, Route, RouteTable, Site } from "../../src/core/runtime.ts";
import { parseAuthority } from "../../src/protocol/http/authority.ts";
import { HeaderList } from "../../src/protocol/http/header-list.ts";
import {
  canonicalTarget,
  TARGET_POLICY,
  type TargetPolicy,
} from "../../src/protocol/http/target.ts";

/** A request as the transport would hand it over: "GET http://a.test/x?y". */
export function requestOf(
  line: string,
  headers: Readonly<Record<string, string>> = {},
  policy: TargetPolicy = TARGET_POLICY,
): RequestHead {
  const [method = "", url = ""] = line.split(" ");
  const raw = url.startsWith("/") ? `http://a.test${url}` : url;
  const target = canonicalTarget(raw, method, policy);
  if (target.kind === "refused" || target.scheme === "") throw new Error(`${url}: no such target`);
  const authority = parseAuthority(target.authority, target.scheme);
  if (authority === undefined) throw new Error(`${url}: no such host`);
  const { path, query, scheme } = target;
  return {
    method,
    scheme,
    ...authority,
    path,
    query,
    minorVersion: 1,
    targetReceived: url,
    headers: HeaderList.of(headers),
    headersReceived: undefined,
    upstreamPath: path,
    upstreamQuery: query,
    upstreamMethod: "",
    upstreamHost: "",
    pathPrefixes: undefined,
  };
}

export interface ExchangeParts {
  readonly request: RequestHead;
  readonly clientIp?: string;
  readonly routes?: RouteTable;
  readonly route?: Route;
  readonly errors?: ErrorReplies;
  readonly paths?: TargetPolicy;
}

const PLAIN_ERRORS: ErrorReplies = { reply: (_, status, code) => ({ status, body: code }) };

/** What handlers and filters read of an exchange; it is on no socket. */
export function exchangeOf(parts: ExchangeParts): Exchange {
  const {
    request,
    clientIp = "192.0.2.7",
    route,
    errors = PLAIN_ERRORS,
    paths = TARGET_POLICY,
  } = parts;
  const routes = parts.routes ?? {
    find: () => route,
    explain: () => route,
    captures: () => undefined,
  };
  const site = { name: "a.test", paths, routes, errors } as Site;
  return Object.assign(Object.create(Exchange.prototype) as Exchange, {
    id: "req-1",
    request,
    client: {
      address: clientIp,
      wireAddress: clientIp,
      wirePort: 1,
      isHttp2: false,
      tls: undefined,
    },
    site,
    route: route ?? routes.find(request, clientIp),
    listener: { errors },
    downstream: { requestFraming: { kind: "none" }, websocketKey: undefined },
    fault: undefined,
  });
}

/** A route that is only its name. */
export function routeNamed(name: string): Route {
  return { name } as Route;
}
