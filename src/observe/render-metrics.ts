import type { Breaker, BreakerState } from "../core/breaker.ts";
import type { ConcurrencyBounds } from "../core/concurrency.ts";
import { CACHE_RESULTS } from "../core/exchange.ts";
import { FAULTS } from "../core/fault.ts";
import {
  type Condition,
  conditionOf,
  type EndpointState,
  type Upstream,
} from "../core/upstream.ts";
import { GRPC_NAMES } from "../protocol/grpc/status.ts";
import { renderBan } from "./ban-metrics.ts";
import { renderCoding, renderPlain } from "./coding-metrics.ts";
import { Exposition, type Format } from "./exposition.ts";
import { addedUp, type Block, type SharedBank } from "./metric-bank.ts";
import * as cell from "./metrics.ts";
import type { ProcessGauges } from "./process-gauges.ts";
import { renderState } from "./state-metrics.ts";
import { renderStream } from "./stream-metrics.ts";
import { renderWarning } from "./warning-metrics.ts";

/** What is not counted in a bank, but read when somebody asks. */
export interface MetricFacts {
  readonly upstreams: Iterable<Upstream>;
  readonly nowMs: number;
  readonly logDropped: number; // of all sinks
  readonly config: {
    readonly version: number;
    readonly lastReloadSucceeded: boolean;
    readonly takenWallMs: number;
  };
  readonly workers: {
    readonly running: number;
    readonly restarts: ReadonlyMap<string, number>; // by reason
    readonly loopUtilization: readonly number[]; // by worker; [] where the main thread serves
  };
  readonly bannedCount?: number | undefined; // undefined: nobody can be
  readonly automatic: {
    readonly missing: number;
    readonly orders: readonly OrderCount[];
  };
  readonly certificates: readonly {
    readonly id: string;
    readonly notAfter: string;
    readonly ocsp: { readonly nextUpdate: string | undefined } | undefined;
    readonly warnings: readonly string[];
  }[];
  readonly ocspAnswers: readonly { readonly outcome: string; readonly count: number }[];
  readonly build: { readonly version: string };
}

/** How often a try to get a certificate came to that. */
export interface OrderCount {
  readonly issuer: string;
  readonly outcome: string;
  readonly count: number;
}

/** All metrics of all threads as text. */
export function renderMetrics(
  banks: readonly SharedBank[],
  facts: MetricFacts,
  gauges: ProcessGauges,
  format: Format,
): string {
  const out = new Exposition(format);
  const bank = addedUp(banks);
  const cells = new Float64Array(bank.memory);
  const retries = new Map<string, number>();
  for (const block of bank.blocks) {
    if (block.kind === "route") renderRoute(out, cells, block);
    else if (block.kind === "endpoint") renderEndpoint(out, cells, block, retries);
    else if (block.kind === "listener") renderListener(out, cells, block);
    else if (block.kind === "stream") renderStream(out, cells, block);
    else if (block.kind === "coding") renderCoding(out, cells, block);
    else if (block.kind === "plain") renderPlain(out, cells, block);
    else if (block.kind === "warning") renderWarning(out, cells, block);
    else if (block.kind === "ban") renderBan(out, cells, block);
    else if (block.kind === "state") renderState(out, cells, block);
    else renderThread(out, cells, block);
  }
  for (const [upstream, count] of retries) out.sample("upstreamRetries", [upstream], count);
  renderFacts(out, facts);
  gauges.render(out);
  return out.text();
}

function renderRoute(out: Exposition, cells: Float64Array, { labels, at }: Block): void {
  for (const [method, name] of cell.METHODS.entries()) {
    const from = at + cell.ROUTE_REQUESTS + method * cell.STATUS_CLASSES.length;
    renderClasses(out, "requests", [...labels, name], cells.subarray(from));
  }
  renderHistogram(out, "requestSeconds", labels, cells.subarray(at + cell.ROUTE_SECONDS));
  const received = cells[at + cell.ROUTE_BYTES_IN]!;
  const sent = cells[at + cell.ROUTE_BYTES_OUT]!;
  if (received > 0) out.sample("requestBytes", labels, received);
  if (sent > 0) out.sample("responseBytes", labels, sent);
  for (const [index, code] of cell.FAULT_CODES.entries()) {
    const count = cells[at + cell.ROUTE_FAULTS + index]!;
    if (count > 0) out.sample("faults", [...labels, FAULTS[code].side, code], count);
  }
  for (const [index, result] of CACHE_RESULTS.entries()) {
    const count = cells[at + cell.ROUTE_CACHE + index]!;
    if (count > 0) out.sample("cacheRequests", [...labels, result], count);
  }
  const cached = cells[at + cell.ROUTE_CACHE_BYTES]!;
  if (cached > 0) out.sample("cacheBytes", labels, cached);
  for (const [index, name] of GRPC_NAMES.entries()) {
    const count = cells[at + cell.ROUTE_GRPC + index]!;
    if (count > 0) out.sample("grpcCalls", [...labels, name], count);
  }
}

function renderEndpoint(
  out: Exposition,
  cells: Float64Array,
  { labels, at }: Block,
  retries: Map<string, number>,
): void {
  renderClasses(out, "upstreamRequests", labels, cells.subarray(at + cell.ENDPOINT_REQUESTS));
  renderHistogram(out, "upstreamSeconds", labels, cells.subarray(at + cell.ENDPOINT_SECONDS));
  for (const [index, code] of cell.FAULT_CODES.entries()) {
    const count = cells[at + cell.ENDPOINT_FAULTS + index]!;
    if (count > 0) out.sample("upstreamFaults", [...labels, code], count);
  }
  const upstream = labels[0]!;
  retries.set(upstream, (retries.get(upstream) ?? 0) + cells[at + cell.ENDPOINT_RETRIES]!);
  const connections = at + cell.ENDPOINT_CONNECTIONS;
  if (cells[connections + cell.OPENED] === 0) return;
  out.sample("upstreamConnections", labels, cells[connections + cell.OPENED]!);
  out.sample("upstreamConnectionsOpen", labels, cells[connections + cell.OPEN]!);
  out.sample("upstreamConnectionsIdle", labels, cells[connections + cell.IDLE]!);
}

function renderListener(out: Exposition, cells: Float64Array, block: Block): void {
  const { labels, at } = block;
  const connections = at + cell.LISTENER_CONNECTIONS;
  out.sample("connections", labels, cells[connections + cell.OPENED]!);
  out.sample("connectionsOpen", labels, cells[connections + cell.OPEN]!);
  out.sample("connectionsIdle", labels, cells[connections + cell.IDLE]!);
  if (cells[at + cell.LISTENER_SHED]! > 0)
    out.sample("connectionsShed", labels, cells[at + cell.LISTENER_SHED]!);
  for (const [index, code] of cell.FAULT_CODES.entries()) {
    const count = cells[at + cell.LISTENER_REFUSED + index]!;
    if (count > 0) out.sample("refused", [...labels, code], count);
  }
  renderHandshakes(out, cells, block);
}

function renderHandshakes(out: Exposition, cells: Float64Array, { labels, at }: Block): void {
  for (const [index, [version, resumed]] of cell.HANDSHAKES.entries()) {
    const count = cells[at + cell.LISTENER_HANDSHAKES + index]!;
    if (count > 0) out.sample("handshakes", [...labels, version, resumed], count);
  }
}

function renderThread(out: Exposition, cells: Float64Array, { at }: Block): void {
  out.sample("requestsActive", [], cells[at + cell.REQUESTS_ACTIVE]!);
  out.sample("bugs", [], cells[at + cell.BUGS]!);
  if (cells[at + cell.CACHE_OBJECTS] !== 0 || cells[at + cell.CACHE_EVICTIONS] !== 0) {
    out.sample("cacheStoredBytes", [], cells[at + cell.CACHE_BYTES]!);
    out.sample("cacheStoredObjects", [], cells[at + cell.CACHE_OBJECTS]!);
    out.sample("cacheEvictions", [], cells[at + cell.CACHE_EVICTIONS]!);
  }
  renderDisk(out, cells, at);
}

const DISK_SAMPLES = [
  ["cacheDiskBytes", cell.CACHE_DISK_BYTES],
  ["cacheDiskObjects", cell.CACHE_DISK_OBJECTS],
  ["cacheDiskReads", cell.CACHE_DISK_READS],
  ["cacheDiskWrites", cell.CACHE_DISK_WRITES],
  ["cacheDiskSkipped", cell.CACHE_DISK_SKIPPED],
  ["cacheDiskEvictions", cell.CACHE_DISK_EVICTIONS],
  ["cacheDiskErrors", cell.CACHE_DISK_ERRORS],
] as const;

/** Where nothing of a disk was ever told there is none. */
function renderDisk(out: Exposition, cells: Float64Array, at: number): void {
  if (DISK_SAMPLES.every(([, index]) => cells[at + index] === 0)) return;
  for (const [name, index] of DISK_SAMPLES) out.sample(name, [], cells[at + index]!);
}

function renderClasses(
  out: Exposition,
  key: "requests" | "upstreamRequests",
  labels: readonly string[],
  counts: Float64Array,
): void {
  for (const [index, statusClass] of cell.STATUS_CLASSES.entries()) {
    if (counts[index]! > 0) out.sample(key, [...labels, statusClass], counts[index]!);
  }
}

function renderHistogram(
  out: Exposition,
  key: "requestSeconds" | "upstreamSeconds",
  labels: readonly string[],
  cells: Float64Array,
): void {
  const bounds = cell.BUCKET_SECONDS;
  const counts = cells.subarray(0, bounds.length + 1);
  if (!counts.some((count) => count > 0)) return;
  out.histogram(key, labels, { bounds, counts, sum: cells[bounds.length + 1]! / 1000 });
}

function renderBalance(out: Exposition, { name, waiting, isPanicking, mirrored }: Upstream): void {
  out.sample("upstreamWaiting", [name, "place"], waiting.queued);
  out.sample("upstreamWaiting", [name, "endpoint"], waiting.parked);
  out.sample("upstreamPanic", [name], isPanicking ? 1 : 0);
  for (const result of ["answered", "failed", "dropped"] as const) {
    if (mirrored[result] > 0) out.sample("mirrored", [name, result], mirrored[result]);
  }
}

const BREAKER_STATES: readonly BreakerState[] = ["closed", "open", "half-open"];

function renderBreaker(out: Exposition, upstream: string, { state, opensEver }: Breaker): void {
  for (const each of BREAKER_STATES) {
    out.sample("circuitState", [upstream, each], state === each ? 1 : 0);
  }
  out.sample("circuitOpens", [upstream], opensEver);
}

function renderConcurrency(
  out: Exposition,
  labels: readonly [upstream: string, endpoint: string],
  { unanswered, concurrency }: EndpointState,
  bounds: ConcurrencyBounds,
): void {
  out.sample("concurrencyLimit", labels, concurrency.within(bounds));
  out.sample("concurrencyUnanswered", labels, unanswered);
  out.sample("concurrencyBase", labels, concurrency.baseMs / 1000);
}

const CONDITIONS: readonly Condition[] = [
  ...(["unknown", "up", "down", "draining", "ejected", "unresolved"] as const),
];

function renderFacts(out: Exposition, facts: MetricFacts): void {
  if (facts.bannedCount !== undefined) out.sample("bansNow", [], facts.bannedCount);
  for (const upstream of facts.upstreams) {
    const { name, endpoints, breaker, concurrency } = upstream;
    renderBalance(out, upstream);
    if (breaker !== undefined) renderBreaker(out, name, breaker);
    for (const { name: endpoint, state } of endpoints) {
      out.sample("upstreamActive", [name, endpoint], state.active);
      if (concurrency !== undefined) renderConcurrency(out, [name, endpoint], state, concurrency);
      const { ejectionsEver } = state.failures;
      if (ejectionsEver > 0) out.sample("ejections", [name, endpoint], ejectionsEver);
      const { passed, failed } = state.checks;
      if (passed > 0) out.sample("checks", [name, endpoint, "passed"], passed);
      if (failed > 0) out.sample("checks", [name, endpoint, "failed"], failed);
      const condition = conditionOf(state, facts.nowMs);
      for (const each of CONDITIONS) {
        out.sample("endpointHealth", [name, endpoint, each], condition === each ? 1 : 0);
      }
    }
  }
  out.sample("logDropped", [], facts.logDropped);
  out.sample("configVersion", [], facts.config.version);
  out.sample("reloadSuccess", [], facts.config.lastReloadSucceeded ? 1 : 0);
  out.sample("reloadTime", [], facts.config.takenWallMs / 1000);
  const { running, restarts, loopUtilization } = facts.workers;
  out.sample("workers", [], running);
  for (const [reason, count] of restarts) out.sample("workerRestarts", [reason], count);
  for (const [worker, ratio] of loopUtilization.entries()) {
    out.sample("workerUtilization", [String(worker)], ratio);
  }
  for (const { issuer, outcome, count } of facts.automatic.orders) {
    out.sample("acmeOrders", [issuer, outcome], count);
  }
  out.sample("certificatesMissing", [], facts.automatic.missing);
  for (const { outcome, count } of facts.ocspAnswers) out.sample("ocspAnswers", [outcome], count);
  for (const { id, notAfter, ocsp, warnings } of facts.certificates) {
    out.sample("certificateExpiry", [id], Date.parse(notAfter) / 1000);
    out.sample("certificateWarnings", [id], warnings.length);
    if (ocsp?.nextUpdate !== undefined) {
      out.sample("ocspStapleExpiry", [id], Date.parse(ocsp.nextUpdate) / 1000);
    }
  }
  out.sample("buildInfo", [facts.build.version, process.version], 1);
}
