import { type Framing, NONE } from "../protocol/h1/framing.ts";
import type { PlainReason } from "../protocol/http/coding-choice.ts";
import type { Coding } from "../protocol/http/content-coding.ts";
import type { HeaderList } from "../protocol/http/header-list.ts";
import type { ProxyHeader } from "../protocol/proxy-protocol/proxy-header.ts";
import type { StageMaker } from "./body-stage.ts";
import type { Downstream } from "./downstream.ts";
import { FAULTS, type Fault, type FaultCode } from "./fault.ts";
import type { Identity } from "./identity.ts";
import type { KeptContent } from "./kept-content.ts";
import type { ListenerPlan, Route, Runtime, Site } from "./runtime.ts";
import type { ClientTls } from "./tls.ts";
import type { Endpoint } from "./upstream.ts";

/** Who is asking. */
export interface Client {
  readonly wireAddress: string; // the peer of the socket; "unix" for a unix socket
  readonly wirePort: number;
  readonly localPort: number; // of ours that the peer is connected to
  readonly isTrusted: boolean; // its forwarding fields are believed
  readonly scheme: "http" | "https"; // as the wire is, or as a trusted peer says it was
  /** Who we believe it is, after the trusted forwarding fields. */
  readonly address: string;
  readonly isHttp2: boolean; // for the log; else nothing above transport knows
  readonly tls: ClientTls | undefined; // of its connection to us
  /** As the PROXY header of its connection says; the addresses above are those of the header. */
  readonly proxied?: ProxyHeader | undefined;
}

/**
 * A request, canonical: match, access rules, keys and forwarding all use these same values, so no
 * two of them can disagree on what was asked.
 */
export interface RequestHead {
  readonly method: string;
  readonly scheme: "http" | "https";
  readonly host: string; // lower case, no port; "" only for HTTP/1.0 without Host
  readonly port: number; // as in the authority; 0 if it names none
  readonly path: string; // canonical, "/" first; "*" only for OPTIONS *
  readonly query: string; // without "?"; "" if there is none
  readonly minorVersion: 0 | 1; // of HTTP/1; 1 for anything newer
  readonly targetReceived: string; // as on the wire, for the log
  headers: HeaderList; // edits made here are what goes upstream
  headersReceived: HeaderList | undefined; // for the log; undefined: `headers` are no others
  /** Where the request goes: the same path and query until a rewrite says otherwise. */
  upstreamPath: string;
  upstreamQuery: string;
  upstreamMethod: string; // "": the client's
  upstreamHost: string; // "": the client's; or ENDPOINT_HOST
  pathPrefixes: PathPrefixes | undefined; // if a rewrite has changed what paths begin with, and no more
}

/** What stood before the rest of the path, and what stands there instead; "" for nothing. */
export interface PathPrefixes {
  readonly client: string;
  readonly upstream: string;
}

/** What each endpoint calls itself, in place of the client's Host. No host can be written so. */
export const ENDPOINT_HOST = "{endpoint}";

/** What the endpoint is asked to do; HEAD and others are the same thing for the client as for it. */
export function upstreamMethodOf({ method, upstreamMethod }: RequestHead): string {
  return upstreamMethod === "" ? method : upstreamMethod;
}

/** As the client sent them, whatever was made of them since. */
export function headersReceivedOf({ headers, headersReceived }: RequestHead): HeaderList {
  return headersReceived ?? headers;
}

export interface ResponseHead {
  status: number;
  headers: HeaderList;
}

/** What one exchange measured. Monotonic milliseconds; 0 where it did not happen. */
export interface ExchangeTimes {
  startedMs: number; // the first byte of the head
  headMs: number; // the head is complete
  claimedMs: number; // an endpoint is chosen (the last attempt's)
  connectedMs: number; // its connection is ready to be written to
  responseMs: number; // its response head is complete
  endedMs: number; // the last byte was written, or the exchange was cut
}

/** What the route's cache had to do with an exchange; "" where there is none. */
export type CacheResult = "" | (typeof CACHE_RESULTS)[number];
export const CACHE_RESULTS = [
  "hit", // fresh, from the store
  "stale", // from the store, though it was stale
  "revalidated", // from the store, after the origin said that it still holds
  "miss", // from the origin
  "coalesced", // from the origin, for another client that had asked before
  "bypass", // from the origin, past the cache
] as const;

/** What became of the response's content, where the route compresses. */
export interface Compression {
  accept: string; // the client's Accept-Encoding
  coding: Coding | undefined;
  why: PlainReason | undefined; // it goes out as it came
  plainBytes: number; // before it was coded; responseBytes after it
}

/** Of a request whose body came coded and goes on plain. */
export interface Decompression {
  readonly coding: string; // as the last of them is called
  plainBytes: number;
}

/** One try on one endpoint. */
export interface Attempt {
  readonly number: number; // 1 for the first
  readonly endpoint: Endpoint;
  connectionReused: boolean;
  fault: Fault | undefined;
}

/** One request and its response, from the first byte of the head to the last byte of the reply. */
export class Exchange {
  readonly runtime: Runtime; // the config it began under; a reload does not change it
  readonly listener: ListenerPlan;
  downstream: Downstream; // the client's side of it, with what its bodies go through before it
  readonly client: Client;
  readonly request: RequestHead;
  readonly times: ExchangeTimes;
  id: string; // the request id, ours or a trusted peer's
  site: Site | undefined;
  route: Route | undefined;
  response: ResponseHead | undefined; // what the client gets: the reply's or the last attempt's
  responseFraming: Framing; // of the body as it comes, before stages
  responseStages: StageMaker[] | undefined; // what its body goes through, in this order
  content: KeptContent | undefined; // in the respond phase, of what is kept
  compression: Compression | undefined;
  decompression: Decompression | undefined;
  fault: Fault | undefined;
  warned: FaultCode[] | undefined; // what it would be refused for, by filters in mode "warn"
  identity: Identity | undefined; // who sent it, once that is verified
  placeRow: number; // its place among those of its key, where the route bounds them; -1 if it has none
  placeKey: string;
  grpcStatus: number; // of a call of gRPC; -1 if there is none, or nobody has said
  upstream: string; // the upstream's name; "" if none was asked
  endpoint: Endpoint | undefined; // of the last attempt
  attempts: number;
  connectionReused: boolean; // of the last attempt
  requestBytes: number; // body bytes received, framing not counted
  responseBytes: number; // body bytes sent, framing not counted
  cacheResult: CacheResult;
  cacheStatus: string; // for the client, in Cache-Status; "" for nothing
  rateLimit: string | undefined; // for the client, in RateLimit

  constructor(
    runtime: Runtime,
    listener: ListenerPlan,
    downstream: Downstream,
    client: Client,
    request: RequestHead,
    times: ExchangeTimes,
  ) {
    this.runtime = runtime;
    this.listener = listener;
    this.downstream = downstream;
    this.client = client;
    this.request = request;
    this.times = times;
    this.id = "";
    this.site = undefined;
    this.route = undefined;
    this.response = undefined;
    this.responseFraming = NONE;
    this.responseStages = undefined;
    this.content = undefined;
    this.compression = undefined;
    this.decompression = undefined;
    this.fault = undefined;
    this.warned = undefined;
    this.identity = undefined;
    this.placeRow = -1;
    this.placeKey = "";
    this.grpcStatus = -1;
    this.upstream = "";
    this.endpoint = undefined;
    this.attempts = 0;
    this.connectionReused = false;
    this.requestBytes = 0;
    this.responseBytes = 0;
    this.cacheResult = "";
    this.cacheStatus = "";
    this.rateLimit = undefined;
  }
}

/** The status of an exchange for logs and metrics: the client's, or the fault's if it got none. */
export function statusOf({ response, fault }: Exchange): number {
  if (response !== undefined) return response.status;
  return fault === undefined ? 0 : FAULTS[fault.code].status;
}
