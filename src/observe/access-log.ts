import type { Clock } from "../base/world.ts";
import {
  type Client,
  type Exchange,
  headersReceivedOf,
  type RequestHead,
} from "../core/exchange.ts";
import type { Route, Site } from "../core/runtime.ts";
import type { Endpoint } from "../core/upstream.ts";
import { idOf } from "../protocol/http/header-id.ts";
import type { KnownLines } from "../protocol/http/header-list.ts";
import { EscapedCache } from "./escaped-cache.ts";
import { ESCAPED_BYTES_MAX, putPiece, putText, putWhole } from "./json-bytes.ts";
import { cutAt, fieldsPiece, piece, putEnd, putField } from "./line-fields.ts";
import {
  charsOfFilters,
  putCodings,
  putFault,
  putFilters,
  putStatus,
  putTimes,
} from "./line-outcome.ts";
import { LinePieces, putCache, UsualOutcomes } from "./line-pieces.ts";
import type { LogSink } from "./log-sink.ts";
import { putQuery, putUrl } from "./redaction.ts";
import { SecretNames } from "./secret-names.ts";
import { putServerName, TLS_PIECE_BYTES_MAX, TlsPieces } from "./tls-pieces.ts";

const FIXED_BYTES_MAX = 1664 + TLS_PIECE_BYTES_MAX; // every key, every number, and the ellipses

const OFFSET_FOR_MS = 1000; // asking the system for each line was a tenth of its cost

const TIME_AT = '{"time":"'.length;
const TIME_CHARS = 24;

const USER_AGENT = idOf("user-agent");
const REFERER = idOf("referer");

// In the order of the line, which docs/access-log.md promises.
const ID = piece(',"id":"');
const CLIENT = piece(',"client":"');
const WIRE = piece(',"wire":"');
const METHOD = piece(',"method":"');
const HOST_OF_HTTP = piece(',"scheme":"http","host":"');
const HOST_OF_HTTPS = piece(',"scheme":"https","host":"');
const PATH = piece(',"path":"');
const QUERY = piece(',"query":"');
const GRPC_STATUS = piece(',"grpc_status":');
const SITE = piece(',"site":"');
const ROUTE = piece(',"route":"');
const UPSTREAM = piece(',"upstream":"');
const ENDPOINT = piece(',"endpoint":"');
const ONE_REUSED = piece(',"attempts":1,"reused":true');
const ATTEMPTS = piece(',"attempts":');
const REUSED = piece(',"reused":true');
const NOT_REUSED = piece(',"reused":false');
const BYTES_IN = piece(',"bytes_in":');
const NO_BYTES_IN = piece(',"bytes_in":0,"bytes_out":');
const BYTES_OUT = piece(',"bytes_out":');
const AGENT = piece(',"user_agent":"');
const REFERRER = piece(',"referer":"');
const END = piece("}\n");

/**
 * One JSON line for each exchange that has ended.
 *
 * The line is written field by field into the sink's block: no string and no object is made for
 * it. access-log.bench.ts compares that with joining strings.
 */
export class AccessLog {
  readonly #clock: Clock;
  readonly #sink: LogSink;
  readonly #secrets: SecretNames;
  readonly #agents: EscapedCache;
  readonly #referrers: EscapedCache;
  readonly #hosts: EscapedCache; // of https
  readonly #hostsOfHttp: EscapedCache;
  readonly #routes: WeakMap<Route, RoutePiece>;
  readonly #endpoints: WeakMap<Endpoint, EndpointPiece>;
  readonly #pieces: WeakMap<KnownLines, LinePieces>;
  readonly #usual: UsualOutcomes;
  readonly #tls: TlsPieces;
  readonly #time: Uint8Array; // {"time":"2026-01-02T03:04:05.678Z"
  #timeMs: number; // what it says
  #offsetMs: number; // wall time less monotonic time …
  #offsetFromMs: number; // … as it was then

  constructor(clock: Clock, sink: LogSink, secretNames?: readonly string[]) {
    this.#clock = clock;
    this.#sink = sink;
    this.#secrets = new SecretNames(secretNames);
    this.#agents = new EscapedCache();
    this.#referrers = new EscapedCache();
    this.#hosts = new EscapedCache();
    this.#hostsOfHttp = new EscapedCache();
    this.#routes = new WeakMap();
    this.#endpoints = new WeakMap();
    this.#pieces = new WeakMap();
    this.#usual = new UsualOutcomes();
    this.#tls = new TlsPieces();
    this.#time = piece('{"time":"0000-00-00T00:00:00.000Z"');
    this.#timeMs = -1;
    this.#offsetMs = 0;
    this.#offsetFromMs = Number.NaN;
  }

  exchangeEnded(exchange: Exchange): void {
    const { known } = headersReceivedOf(exchange.request);
    const pieces = known === undefined ? undefined : this.#pieces.get(known);
    if (pieces?.fit(exchange) === true) this.#putKnown(exchange, pieces);
    else this.#putWhole(exchange, pieces === undefined ? known : undefined);
  }

  /** Of a client that says again what it said before: the same but for target and outcome. */
  #putKnown(exchange: Exchange, { front, tail }: LinePieces): void {
    const chars = charsOf(exchange);
    const sink = this.#sink;
    const bytesMax = FIXED_BYTES_MAX + front.length + tail.length + ESCAPED_BYTES_MAX * chars;
    if (!sink.reserve(bytesMax)) return;
    const { block } = sink;
    let at = this.#putTime(block, sink.at, exchange.times.endedMs);
    if (exchange.id !== "") at = putField(block, at, ID, exchange.id);
    at = putPiece(block, at, front);
    at = this.#putTarget(block, at, exchange.request);
    at = this.#putOutcome(block, at, exchange);
    sink.commit(putPiece(block, at, tail));
  }

  /** `toKeep`: the lines under which to remember what does not change with the target. */
  #putWhole(exchange: Exchange, toKeep: KnownLines | undefined): void {
    const { request, client } = exchange;
    const received = headersReceivedOf(exchange.request);
    const agent = received.first(USER_AGENT) ?? "";
    const referrer = received.first(REFERER) ?? "";
    const chars = charsOf(exchange) + cutAt(agent) + cutAt(referrer);
    const sink = this.#sink;
    if (!sink.reserve(FIXED_BYTES_MAX + ESCAPED_BYTES_MAX * chars)) return;

    const { block } = sink;
    let at = this.#putTime(block, sink.at, exchange.times.endedMs);
    if (exchange.id !== "") at = putField(block, at, ID, exchange.id);
    const frontAt = at;
    at = putClient(block, at, client);
    const { tls } = client;
    if (tls !== undefined) {
      at = this.#tls.put(block, at, tls);
      at = putServerName(block, at, tls.serverName, request.host);
    }
    at = putField(block, at, METHOD, request.method);
    at = this.#putHost(block, at, request);
    const frontEnd = at;
    at = this.#putTarget(block, at, request);
    at = this.#putOutcome(block, at, exchange);
    const tailAt = at;
    if (agent !== "") at = this.#putAgent(block, at, agent);
    if (referrer !== "") at = this.#putReferrer(block, at, referrer);
    at = putPiece(block, at, END);
    sink.commit(at);
    if (toKeep === undefined) return;
    const front = new Uint8Array(block.subarray(frontAt, frontEnd));
    const tail = new Uint8Array(block.subarray(tailAt, at));
    this.#pieces.set(toKeep, new LinePieces(exchange, front, tail));
  }

  #putTarget(block: Uint8Array, start: number, { path, query }: RequestHead): number {
    const at = putField(block, start, PATH, path);
    return query === "" ? at : this.#putQuery(block, at, query);
  }

  /** What became of it, where, and how long that took. */
  #putOutcome(block: Uint8Array, start: number, exchange: Exchange): number {
    const { fault, grpcStatus, requestBytes, responseBytes, times } = exchange;
    const ofEndpoint = this.#usual.pieceOf(exchange);
    const from = putCache(block, start, exchange);
    let at = from;
    if (ofEndpoint !== undefined) at = putPiece(block, at, ofEndpoint);
    else {
      at = putStatus(block, at, exchange);
      if (grpcStatus >= 0) at = putWhole(block, putPiece(block, at, GRPC_STATUS), grpcStatus);
      if (fault !== undefined) at = putFault(block, at, fault);
      at = this.#putPlace(block, at, exchange);
      if (requestBytes === 0) at = putPiece(block, at, NO_BYTES_IN);
      else {
        at = putWhole(block, putPiece(block, at, BYTES_IN), requestBytes);
        at = putPiece(block, at, BYTES_OUT);
      }
      this.#usual.maybeKeep(exchange, block, from, at);
    }
    at = putCodings(block, putWhole(block, at, responseBytes), exchange);
    at = putFilters(block, at, exchange);
    return putTimes(block, at, times);
  }

  /** When it ended, in wall time; the offset between the clocks is asked for once a second. */
  #putTime(block: Uint8Array, at: number, endedMs: number): number {
    if (!(Math.abs(endedMs - this.#offsetFromMs) < OFFSET_FOR_MS)) {
      this.#offsetFromMs = endedMs;
      this.#offsetMs = this.#clock.wallMs() - this.#clock.nowMs();
    }
    const timeMs = Math.floor(endedMs + this.#offsetMs);
    if (timeMs !== this.#timeMs) {
      this.#timeMs = timeMs;
      putText(this.#time, TIME_AT, new Date(timeMs).toISOString(), 0, TIME_CHARS);
    }
    return putPiece(block, at, this.#time);
  }

  #putQuery(block: Uint8Array, start: number, query: string): number {
    const to = cutAt(query);
    const at = putPiece(block, start, QUERY);
    return putEnd(block, putQuery(block, at, query, 0, to, this.#secrets), query);
  }

  #putHost(block: Uint8Array, at: number, request: RequestHead): number {
    const { host } = request;
    const isHttps = request.scheme === "https";
    const hosts = isHttps ? this.#hosts : this.#hostsOfHttp;
    const known = hosts.find(host);
    if (known !== undefined) return putPiece(block, at, known);
    const end = putField(block, at, isHttps ? HOST_OF_HTTPS : HOST_OF_HTTP, host);
    hosts.keep(host, block, at, end);
    return end;
  }

  #putAgent(block: Uint8Array, at: number, agent: string): number {
    const known = this.#agents.find(agent);
    if (known !== undefined) return putPiece(block, at, known);
    const end = putField(block, at, AGENT, agent);
    this.#agents.keep(agent, block, at, end);
    return end;
  }

  #putReferrer(block: Uint8Array, at: number, referrer: string): number {
    const known = this.#referrers.find(referrer);
    if (known !== undefined) return putPiece(block, at, known);
    const to = cutAt(referrer);
    const valueAt = putPiece(block, at, REFERRER);
    const end = putEnd(block, putUrl(block, valueAt, referrer, to, this.#secrets), referrer);
    this.#referrers.keep(referrer, block, at, end);
    return end;
  }

  /** Where it went: the same few pieces for all exchanges of a route and an endpoint. */
  #putPlace(block: Uint8Array, start: number, exchange: Exchange): number {
    const { site, route, endpoint, upstream } = exchange;
    let at = start;
    if (route !== undefined && site !== undefined) {
      at = putPiece(block, at, this.#routePiece(site, route));
    } else if (site !== undefined) at = putField(block, at, SITE, site.name);
    if (endpoint === undefined) {
      return upstream === "" ? at : putField(block, at, UPSTREAM, upstream);
    }
    at = putPiece(block, at, this.#endpointPiece(upstream, endpoint));
    if (exchange.attempts === 1 && exchange.connectionReused) {
      return putPiece(block, at, ONE_REUSED);
    }
    at = putWhole(block, putPiece(block, at, ATTEMPTS), exchange.attempts);
    return putPiece(block, at, exchange.connectionReused ? REUSED : NOT_REUSED);
  }

  #routePiece(site: Site, route: Route): Uint8Array {
    const known = this.#routes.get(route);
    if (known !== undefined && known.site === site) return known.piece;
    const made = fieldsPiece(SITE, site.name, ROUTE, route.name);
    this.#routes.set(route, { site, piece: made });
    return made;
  }

  #endpointPiece(upstream: string, endpoint: Endpoint): Uint8Array {
    const known = this.#endpoints.get(endpoint);
    if (known !== undefined && known.upstream === upstream) return known.piece;
    const made = fieldsPiece(UPSTREAM, upstream, ENDPOINT, endpoint.name);
    this.#endpoints.set(endpoint, { upstream, piece: made });
    return made;
  }
}

interface RoutePiece {
  readonly site: Site;
  readonly piece: Uint8Array;
}

interface EndpointPiece {
  readonly upstream: string;
  readonly piece: Uint8Array;
}

function putClient(block: Uint8Array, start: number, client: Client): number {
  const at = putField(block, start, CLIENT, client.address);
  if (client.wireAddress === client.address) return at;
  return putField(block, at, WIRE, client.wireAddress);
}

/** How many characters the fields of one line have together, but for agent and referrer. */
function charsOf(exchange: Exchange): number {
  const { request, client, fault, site, route, endpoint } = exchange;
  return (
    cutAt(exchange.id) +
    cutAt(client.address) +
    cutAt(client.wireAddress) +
    (client.tls === undefined ? 0 : cutAt(client.tls.serverName)) +
    cutAt(request.method) +
    cutAt(request.host) +
    cutAt(request.path) +
    cutAt(request.query) +
    (fault === undefined ? 0 : cutAt(fault.code) + cutAt(fault.detail)) +
    (site === undefined ? 0 : cutAt(site.name)) +
    (route === undefined ? 0 : cutAt(route.name)) +
    cutAt(exchange.upstream) +
    (endpoint === undefined ? 0 : cutAt(endpoint.name)) +
    charsOfFilters(exchange)
  );
}
