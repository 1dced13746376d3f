import type { Downstream } from "../../src/core/downstream.ts";
import {
  type Client,
  Exchange,
  type ExchangeTimes,
  type RequestHead,
} from "../../src/core/exchange.ts";
import type { Handler, Phases } from "../../src/core/filter.ts";
import { LIMITS, RATES, TIMEOUTS } from "../../src/core/limits.ts";
import type { ListenerPlan, Route, RouteTable, Runtime, Site } from "../../src/core/runtime.ts";
import type { Endpoint } from "../../src/core/upstream.ts";
import { HeadParser } from "../../src/protocol/h1/head-parser.ts";
import { headerIdOfText } from "../../src/protocol/http/header-id.ts";
import { HeaderList, KnownLines, putField } from "../../src/protocol/http/header-list.ts";
import { TARGET_POLICY } from "../../src/protocol/http/target.ts";
import { endpointSample } from "./endpoint.ts";

/** Ended exchanges for the tests and benches of this folder. */
export interface Sample {
  readonly client?: Partial<Client>;
  readonly request?: Partial<RequestHead>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly times?: Partial<ExchangeTimes>;
  readonly status?: number; // 0: no response
  readonly endpoint?: Endpoint | undefined;
  readonly site?: Site | undefined;
  readonly route?: Route | undefined;
  readonly runtime?: Runtime; // that it began under
}

const errors = { reply: (_exchange: Exchange, status: number) => ({ status }) };
const none: Phases = {
  ...{ before: [], admit: [], identified: [], rewrite: [], lookup: [], send: [] },
  ...{ receive: [], respond: [], finish: [] },
};
const handler: Handler = { kind: "forward", handle: () => undefined };
const levels = { limits: LIMITS, timeouts: TIMEOUTS, rates: RATES };

const listener: ListenerPlan = {
  ...{ key: "127.0.0.1:8080", address: { host: "127.0.0.1", port: 8080 } },
  protocols: ["h1"],
  ...{
    ...levels,
    tls: undefined,
    sites: { find: () => undefined, explain: () => undefined },
    errors,
  },
};

const runtime: Runtime = {
  ...{ version: 1, listeners: new Map(), streamListeners: new Map(), upstreams: new Map() },
  forwarding: { isTrusted: () => false, pseudonym: "sluice", emitForwarded: false },
};

const routes: RouteTable = {
  ...{ find: () => undefined, explain: () => undefined, captures: () => undefined },
};

export function siteOf(name: string): Site {
  return { name, paths: TARGET_POLICY, routes, errors };
}

export function routeOf(name: string): Route {
  return { name, phases: none, handler, ...levels, errors };
}

export function endpointOf(name: string): Endpoint {
  const [host = "", port = "0"] = name.split(":");
  return { ...endpointSample(name), address: { host, port: Number(port) } };
}

// An exchange that has ended asks nothing of its client's side any more.
const downstream: Downstream = {
  ...{ requestFraming: { kind: "none" }, expectsContinue: false, websocketKey: undefined },
  ...{ takesTrailers: false, isAnswered: true, holdsBytes: false, copiesUpTo: 0 },
  ...{ attach() {}, pauseBody() {}, resumeBody() {}, interim() {}, respond() {} },
  ...{ write: () => true, flush() {}, end() {}, cut() {} },
  switchProtocols() {
    throw new Error("the exchange has ended");
  },
};

const site = siteOf("shop.example.com");
const route = routeOf("api");
const endpoint = endpointOf("10.0.0.21:8080");

export const HEADERS = {
  host: "shop.example.com",
  "user-agent":
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
  referer: "https://shop.example.com/catalogue/lamps?page=2",
};

/** Fields as the parser leaves them: offsets into the text of the head. */
export function headersOf(pairs: Readonly<Record<string, string>>): HeaderList {
  let text = "GET / HTTP/1.1\r\n";
  const fields: number[] = [];
  let fieldsEnd = 0;
  for (const [name, value] of Object.entries(pairs)) {
    const line = text.length;
    const at = line + name.length + 2;
    const end = at + value.length;
    fieldsEnd = putField(
      fields,
      fieldsEnd,
      headerIdOfText(name),
      line,
      line + name.length,
      at,
      end,
    );
    text += `${name}: ${value}\r\n`;
  }
  return new HeaderList(text, text.length, fields, fieldsEnd);
}

export function exchangeOf(sample: Sample = {}): Exchange {
  const request: RequestHead = {
    ...{ method: "GET", scheme: "https", host: "shop.example.com", port: 0 },
    ...{ path: "/api/products/42", query: "page=2&sort=price", minorVersion: 1 },
    ...{ targetReceived: "", upstreamPath: "", upstreamQuery: "" },
    ...{
      upstreamMethod: "",
      upstreamHost: "",
      headersReceived: undefined,
      pathPrefixes: undefined,
    },
    headers: headersOf(sample.headers ?? HEADERS),
    ...sample.request,
  };
  const client: Client = {
    ...{ wireAddress: "203.0.113.7", wirePort: 40_000, localPort: 8080, isTrusted: false },
    ...{ scheme: "https", address: "203.0.113.7", isHttp2: false, tls: undefined },
    ...sample.client,
  };
  const times: ExchangeTimes = {
    ...{ startedMs: 1000.5, headMs: 1000.75, claimedMs: 1000.875, connectedMs: 1001 },
    ...{ responseMs: 1013.3456, endedMs: 1014 },
    ...sample.times,
  };
  const exchange = new Exchange(
    sample.runtime ?? runtime,
    listener,
    downstream,
    client,
    request,
    times,
  );
  exchange.id = "01J9ZK3V5Q8W2M4X6Y7Z8A9B0C";
  exchange.site = "site" in sample ? sample.site : site;
  exchange.route = "route" in sample ? sample.route : route;
  exchange.endpoint = "endpoint" in sample ? sample.endpoint : endpoint;
  exchange.upstream = exchange.endpoint === undefined ? "" : "api";
  exchange.attempts = exchange.endpoint === undefined ? 0 : 1;
  exchange.connectionReused = true;
  exchange.requestBytes = 0;
  exchange.responseBytes = 18_734;
  const status = sample.status ?? 200;
  exchange.response = status === 0 ? undefined : { status, headers: HeaderList.empty() };
  return exchange;
}

/** The same exchange, of a client that has sent these lines before. */
export function knownOf(exchange: Exchange, known: KnownLines): Exchange {
  const request = { ...exchange.request, headers: HeaderList.on(known) };
  return Object.assign(Object.create(Object.getPrototypeOf(exchange)), exchange, { request });
}

/** Field lines as a connection remembers them. */
export function knownLinesOf(headers: Readonly<Record<string, string>>): KnownLines {
  const text = Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("");
  const parser = new HeadParser("trailers", { lineBytes: 0, fieldBytes: 9999, fieldCount: 99 });
  const bytes = Buffer.from(`${text}\r\n`, "latin1");
  parser.parse(bytes, 0, bytes.length);
  return new KnownLines(text, parser.linesEnd, parser.fields, parser.fieldsEnd);
}
