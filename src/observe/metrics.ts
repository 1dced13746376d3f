import type { TlsFacts } from "../base/world.ts";
import {
  type Attempt,
  CACHE_RESULTS,
  type CacheResult,
  type Exchange,
  statusOf,
} from "../core/exchange.ts";
import { FAULTS, type FaultCode } from "../core/fault.ts";
import type { Route, Site } from "../core/runtime.ts";
import type { StateMeter } from "../core/shared-limits.ts";
import type { Endpoint } from "../core/upstream.ts";
import type { StoredCounts } from "../core/worker.ts";
import { GRPC_NAMES } from "../protocol/grpc/status.ts";
import { countBan } from "./ban-metrics.ts";
import { CodingMetrics } from "./coding-metrics.ts";
import { type BlockShape, MetricBank, type SharedBank } from "./metric-bank.ts";
import { stateMeter } from "./state-metrics.ts";
import { StreamMetrics } from "./stream-metrics.ts";
import { WarningMetrics } from "./warning-metrics.ts";

// RFC 9110 §9.3, and PATCH of RFC 5789. A method is the client's word: what is not here is OTHER.
export const METHODS = [
  ...["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "OTHER"],
] as const;
export const STATUS_CLASSES = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"] as const;
export const FAULT_CODES = Object.keys(FAULTS) as readonly FaultCode[];
export const BUCKET_SECONDS = [
  ...[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
] as const;

const CLASS_COUNT = STATUS_CLASSES.length;
const OTHER_METHOD = METHODS.indexOf("OTHER");
const HISTOGRAM_CELLS = BUCKET_SECONDS.length + 2; // one more bucket, +Inf, and the sum
const BUCKET_MS = Float64Array.from(BUCKET_SECONDS, (seconds) => seconds * 1000);

// A route's block, and that of the exchanges no route took.
export const ROUTE_REQUESTS = 0;
export const ROUTE_SECONDS = ROUTE_REQUESTS + METHODS.length * CLASS_COUNT;
export const ROUTE_BYTES_IN = ROUTE_SECONDS + HISTOGRAM_CELLS;
export const ROUTE_BYTES_OUT = ROUTE_BYTES_IN + 1;
export const ROUTE_FAULTS = ROUTE_BYTES_OUT + 1;
export const ROUTE_GRPC = ROUTE_FAULTS + FAULT_CODES.length;
export const ROUTE_CACHE = ROUTE_GRPC + GRPC_NAMES.length;
export const ROUTE_CACHE_BYTES = ROUTE_CACHE + CACHE_RESULTS.length;
// An endpoint's.
export const ENDPOINT_REQUESTS = 0;
export const ENDPOINT_SECONDS = ENDPOINT_REQUESTS + CLASS_COUNT;
export const ENDPOINT_FAULTS = ENDPOINT_SECONDS + HISTOGRAM_CELLS;
export const ENDPOINT_RETRIES = ENDPOINT_FAULTS + FAULT_CODES.length;
export const ENDPOINT_CONNECTIONS = ENDPOINT_RETRIES + 1;
// A listener's.
export const LISTENER_CONNECTIONS = 0;
export const LISTENER_HANDSHAKES = 3;
export const HANDSHAKES = [
  ...(["TLSv1.2", "TLSv1.3"] as const).flatMap((version) => [
    [version, "no"] as const,
    [version, "yes"] as const,
  ]),
];
export const LISTENER_SHED = LISTENER_HANDSHAKES + HANDSHAKES.length;
export const LISTENER_REFUSED = LISTENER_SHED + 1;
// A group of connections, in either of the last two.
export const OPENED = 0;
export const OPEN = 1;
export const IDLE = 2;
// The thread's own.
export const REQUESTS_ACTIVE = 0;
export const BUGS = 1;
export const CACHE_BYTES = 2;
export const CACHE_OBJECTS = 3;
export const CACHE_EVICTIONS = 4;
export const CACHE_DISK_BYTES = 5;
export const CACHE_DISK_OBJECTS = 6;
export const CACHE_DISK_READS = 7;
export const CACHE_DISK_WRITES = 8;
export const CACHE_DISK_SKIPPED = 9;
export const CACHE_DISK_EVICTIONS = 10;
export const CACHE_DISK_ERRORS = 11;

const ROUTE: BlockShape = {
  kind: "route",
  labels: ["site", "route"],
  cellCount: ROUTE_CACHE_BYTES + 1,
};
const ENDPOINT: BlockShape = {
  kind: "endpoint",
  labels: ["upstream", "endpoint"],
  cellCount: ENDPOINT_CONNECTIONS + 3,
  gauges: [ENDPOINT_CONNECTIONS + OPEN, ENDPOINT_CONNECTIONS + IDLE],
};
const LISTENER: BlockShape = {
  kind: "listener",
  labels: ["listener"],
  cellCount: LISTENER_REFUSED + FAULT_CODES.length,
  gauges: [LISTENER_CONNECTIONS + OPEN, LISTENER_CONNECTIONS + IDLE],
};
const THREAD: BlockShape = {
  kind: "thread",
  labels: [],
  cellCount: CACHE_DISK_ERRORS + 1,
  gauges: [REQUESTS_ACTIVE, CACHE_BYTES, CACHE_OBJECTS, CACHE_DISK_BYTES, CACHE_DISK_OBJECTS],
};

const LISTENERS_MAX = 1000; // keys come from configs, but those change

const methodIndexes = new Map<string, number>(METHODS.map((method, index) => [method, index]));
const resultIndexes = new Map<CacheResult, number>(
  CACHE_RESULTS.map((result, index) => [result, index]),
);
const faultIndexes = new Map<string, number>(FAULT_CODES.map((code, index) => [code, index]));

/** What a config names; to count it from the start instead of from its first exchange. */
export interface MetricNames {
  readonly sites: readonly { readonly name: string; readonly routes: readonly string[] }[];
  readonly upstreams: readonly { readonly name: string; readonly endpoints: readonly string[] }[];
  readonly listeners: readonly string[];
  readonly streams?: readonly string[];
}

/** Connections of one listener or to one endpoint. */
export interface ConnectionMeter {
  opened(): void; // and not idle
  closed(): void; // and not idle: call busy() first
  idle(): void;
  busy(): void;
}

/**
 * What one thread counts. An exchange costs a few additions: the block of a route, and of an
 * endpoint, is looked up by labels once and found by the object afterwards. Labels are taken from
 * the compiled config alone, so no request can add a series.
 */
export class Metrics {
  readonly streams: StreamMetrics;
  readonly #codings: CodingMetrics;
  readonly #warnings: WarningMetrics;
  readonly #bank: MetricBank;
  readonly #thread: number;
  readonly #nowhere: number; // exchanges of no site
  readonly #sites: WeakMap<Site, number>; // exchanges of no route
  readonly #routes: WeakMap<Route, { readonly site: Site | undefined; readonly at: number }>;
  readonly #endpoints: WeakMap<Endpoint, { readonly upstream: string; readonly at: number }>;
  readonly #listeners: Map<string, ConnectionMeter>; // by key

  constructor(bank: MetricBank = new MetricBank()) {
    this.streams = new StreamMetrics(bank);
    this.#codings = new CodingMetrics(bank);
    this.#warnings = new WarningMetrics(bank);
    this.#bank = bank;
    this.#thread = bank.block(THREAD, []);
    this.#nowhere = bank.block(ROUTE, ["", ""]);
    this.#sites = new WeakMap();
    this.#routes = new WeakMap();
    this.#endpoints = new WeakMap();
    this.#listeners = new Map();
  }

  /** After a config was taken: what was there before goes on counting where it was. */
  declare(names: MetricNames): void {
    for (const site of names.sites) {
      for (const route of site.routes) this.#bank.block(ROUTE, [site.name, route]);
    }
    for (const upstream of names.upstreams) {
      for (const name of upstream.endpoints) this.#bank.block(ENDPOINT, [upstream.name, name]);
    }
    for (const key of names.listeners) this.#bank.block(LISTENER, [key]);
    this.streams.declare(names.streams ?? []);
  }

  /** Told in the midst of counting that there is something else to share: do it later. */
  onChange(changed: () => void): void {
    this.#bank.onChange = changed;
  }

  /** For the thread that renders. Ask for it anew each time: the memory moves when it grows. */
  share(): SharedBank {
    return this.#bank.share();
  }

  exchangeStarted(): void {
    this.#bank.cells[this.#thread + REQUESTS_ACTIVE]!++;
  }

  /** Once for each exchange that was started. */
  exchangeEnded(exchange: Exchange): void {
    const { times, fault } = exchange;
    const status = statusOf(exchange);
    const statusClass = classOf(status);
    const at = this.#routeBlock(exchange);
    const endpointAt = this.#endpointBlock(exchange.upstream, exchange.endpoint);
    const { cells } = this.#bank; // after the blocks are found: finding them may move the cells
    cells[this.#thread + REQUESTS_ACTIVE]!--;
    const method = methodIndexes.get(exchange.request.method) ?? OTHER_METHOD;
    cells[at + ROUTE_REQUESTS + method * CLASS_COUNT + statusClass]!++;
    cells[at + ROUTE_BYTES_IN]! += exchange.requestBytes;
    cells[at + ROUTE_BYTES_OUT]! += exchange.responseBytes;
    if (status !== 101) observe(cells, at + ROUTE_SECONDS, times.endedMs - times.startedMs);
    if (exchange.cacheResult !== "") countCache(cells, at, exchange);
    if (fault !== undefined) cells[at + ROUTE_FAULTS + faultIndexes.get(fault.code)!]!++;
    if (exchange.grpcStatus >= 0) cells[at + ROUTE_GRPC + exchange.grpcStatus]!++;
    if (exchange.compression !== undefined || exchange.decompression !== undefined) {
      this.#codings.ended(exchange);
    }
    if (exchange.warned !== undefined) {
      const { site, route, warned } = exchange;
      this.#warnings.ended(site?.name ?? "", route?.name ?? "", warned);
    }
    if (endpointAt < 0) return;
    this.#endpointEnded(exchange, endpointAt, statusClass);
  }

  #endpointEnded(exchange: Exchange, endpointAt: number, statusClass: number): void {
    const { times } = exchange;
    const { cells } = this.#bank;
    cells[endpointAt + ENDPOINT_REQUESTS + statusClass]!++;
    if (exchange.attempts > 1) cells[endpointAt + ENDPOINT_RETRIES]! += exchange.attempts - 1;
    if (times.responseMs === 0 || times.connectedMs === 0) return;
    observe(cells, endpointAt + ENDPOINT_SECONDS, times.responseMs - times.connectedMs);
  }

  /** For each attempt that failed, whether or not another one follows. */
  attemptFailed(upstream: string, attempt: Attempt): void {
    if (attempt.fault === undefined) return;
    const at = this.#endpointBlock(upstream, attempt.endpoint);
    this.#bank.cells[at + ENDPOINT_FAULTS + faultIndexes.get(attempt.fault.code)!]!++;
  }

  /** A request that never became an exchange. */
  refused(listenerKey: string, code: FaultCode): void {
    const at = this.#bank.block(LISTENER, [listenerKey]);
    this.#bank.cells[at + LISTENER_REFUSED + faultIndexes.get(code)!]!++;
  }

  madeRoom(listenerKey: string): void {
    const at = this.#bank.block(LISTENER, [listenerKey]);
    this.#bank.cells[at + LISTENER_SHED]!++;
  }

  /** How the store of this thread is by now. */
  cacheStored({ bytes, objects, evictions, disk }: StoredCounts): void {
    const { cells } = this.#bank;
    cells[this.#thread + CACHE_BYTES] = bytes;
    cells[this.#thread + CACHE_OBJECTS] = objects;
    cells[this.#thread + CACHE_EVICTIONS] = evictions;
    if (disk === undefined) return;
    cells[this.#thread + CACHE_DISK_BYTES] = disk.bytes;
    cells[this.#thread + CACHE_DISK_OBJECTS] = disk.objects;
    cells[this.#thread + CACHE_DISK_READS] = disk.reads;
    cells[this.#thread + CACHE_DISK_WRITES] = disk.writes;
    cells[this.#thread + CACHE_DISK_SKIPPED] = disk.skipped;
    cells[this.#thread + CACHE_DISK_EVICTIONS] = disk.evictions;
    cells[this.#thread + CACHE_DISK_ERRORS] = disk.errors;
  }

  banned(reason: string): void {
    countBan(this.#bank, reason);
  }

  /** One for all who ask. */
  stateMeter(): StateMeter {
    return stateMeter(this.#bank);
  }

  secured(listenerKey: string, { version, isResumed }: TlsFacts): void {
    const at = this.#bank.block(LISTENER, [listenerKey]) + LISTENER_HANDSHAKES;
    const index = (version === "TLSv1.3" ? 2 : 0) + (isResumed ? 1 : 0);
    this.#bank.cells[at + index]!++;
  }

  bug(): void {
    this.#bank.cells[this.#thread + BUGS]!++;
  }

  /** One for all connections of a listener, each of which asks. */
  listenerConnections(listenerKey: string): ConnectionMeter {
    const known = this.#listeners.get(listenerKey);
    if (known !== undefined) return known;
    const at = this.#bank.block(LISTENER, [listenerKey]);
    const made = meter(this.#bank, at + LISTENER_CONNECTIONS);
    if (this.#listeners.size >= LISTENERS_MAX) this.#listeners.clear();
    this.#listeners.set(listenerKey, made);
    return made;
  }

  /** Ask once per pool and keep it. */
  endpointConnections(upstream: string, endpointName: string): ConnectionMeter {
    const at = this.#bank.block(ENDPOINT, [upstream, endpointName]);
    return meter(this.#bank, at + ENDPOINT_CONNECTIONS);
  }

  #routeBlock({ site, route }: Exchange): number {
    if (route !== undefined) {
      const known = this.#routes.get(route);
      if (known !== undefined && known.site === site) return known.at;
      const at = this.#bank.block(ROUTE, [site === undefined ? "" : site.name, route.name]);
      this.#routes.set(route, { site, at });
      return at;
    }
    if (site === undefined) return this.#nowhere;
    const known = this.#sites.get(site);
    if (known !== undefined) return known;
    const at = this.#bank.block(ROUTE, [site.name, ""]);
    this.#sites.set(site, at);
    return at;
  }

  #endpointBlock(upstream: string, endpoint: Endpoint | undefined): number {
    if (endpoint === undefined) return -1;
    const known = this.#endpoints.get(endpoint);
    if (known !== undefined && known.upstream === upstream) return known.at;
    const at = this.#bank.block(ENDPOINT, [upstream, endpoint.name]);
    this.#endpoints.set(endpoint, { upstream, at });
    return at;
  }
}

/** Exchanges under way in the thread of that bank. */
export function requestsActiveIn(bank: SharedBank): number {
  return threadCellIn(bank, REQUESTS_ACTIVE);
}

export function threadCellIn({ blocks, memory }: SharedBank, cell: number): number {
  const block = blocks.find(({ kind }) => kind === THREAD.kind);
  return block === undefined ? 0 : new Float64Array(memory)[block.at + cell]!;
}

const FROM_STORE = new Set<CacheResult>(["hit", "stale", "revalidated"]);

function countCache(cells: Float64Array, at: number, exchange: Exchange): void {
  const { cacheResult, responseBytes } = exchange;
  cells[at + ROUTE_CACHE + resultIndexes.get(cacheResult)!]!++;
  if (FROM_STORE.has(cacheResult)) cells[at + ROUTE_CACHE_BYTES]! += responseBytes;
}

function classOf(status: number): number {
  return status >= 100 && status < 600 ? Math.floor(status / 100) : 0;
}

function observe(cells: Float64Array, at: number, ms: number): void {
  const spentMs = Math.max(ms, 0);
  let bucket = 0;
  while (bucket < BUCKET_MS.length && spentMs > BUCKET_MS[bucket]!) bucket++;
  cells[at + bucket]!++;
  cells[at + HISTOGRAM_CELLS - 1]! += spentMs;
}

function meter(bank: MetricBank, at: number): ConnectionMeter {
  return {
    opened() {
      bank.cells[at + OPENED]!++;
      bank.cells[at + OPEN]!++;
    },
    closed() {
      bank.cells[at + OPEN]!--;
    },
    idle() {
      bank.cells[at + IDLE]!++;
    },
    busy() {
      bank.cells[at + IDLE]!--;
    },
  };
}
