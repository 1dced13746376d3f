/** What a running proxy tells operators: the metrics page and the status. */
import { VERSION } from "../base/version.ts";
import { conditionOf, type Endpoint, type Upstream } from "../core/upstream.ts";
import { cacheCountsIn } from "../observe/cache-counts.ts";
import { CONTENT_TYPES, formatFor } from "../observe/exposition.ts";
import type { SharedBank } from "../observe/metric-bank.ts";
import { type Metrics, requestsActiveIn } from "../observe/metrics.ts";
import type { ProcessGauges } from "../observe/process-gauges.ts";
import { renderMetrics } from "../observe/render-metrics.ts";
import type { Server } from "../server/server.ts";
import type { KeeperStatus } from "../tls/acme/certificate-keeper.ts";
import type { ReadinessState } from "./readiness.ts";

export interface ProxyFacts {
  readonly server: Server;
  readonly metrics: Metrics; // of this thread
  readonly gauges: ProcessGauges;
  readonly readiness: ReadinessState;
  readonly nowMs: number;
  readonly startedMs: number;
  readonly configName: string;
  readonly takenWallMs: number;
  readonly lastReloadSucceeded: boolean;
}

export function metricsText(facts: ProxyFacts, accept: string | undefined) {
  const { server, metrics, gauges, nowMs } = facts;
  const format = formatFor(accept);
  const { runtime } = server;
  const rendered = {
    upstreams: runtime.upstreams.values(),
    nowMs,
    logDropped: server.droppedLogLines,
    config: {
      version: runtime.version,
      lastReloadSucceeded: facts.lastReloadSucceeded,
      takenWallMs: facts.takenWallMs,
    },
    workers: server.health,
    bannedCount: runtime.bans?.list.length,
    certificates: server.tasks.certificates,
    automatic: server.tasks.automatic.counts,
    ocspAnswers: server.tasks.staples.counts,
    build: { version: VERSION },
  };
  const text = renderMetrics([metrics.share(), ...server.banks], rendered, gauges, format);
  return { text, contentType: CONTENT_TYPES[format] };
}

export function statusOf(facts: ProxyFacts) {
  const { server, metrics, nowMs } = facts;
  const { runtime, connectionCounts, health } = server;
  const banks = [metrics.share(), ...server.banks];
  return {
    version: VERSION,
    pid: process.pid,
    uptimeSeconds: Math.round((nowMs - facts.startedMs) / 1000),
    readiness: facts.readiness,
    config: { name: facts.configName, version: runtime.version },
    workers: {
      wanted: health.wanted,
      running: health.running,
      restarts: Object.fromEntries(health.restarts),
    },
    requestsActive: banks.reduce((sum, bank) => sum + requestsActiveIn(bank), 0),
    listeners: [...runtime.listeners.keys(), ...runtime.streamListeners.keys()].map((key) => ({
      key,
      connections: connectionCounts.get(key) ?? 0,
    })),
    maintenance: server.tasks.maintenance.states(server.config),
    ...cacheStatus(server, banks),
    certificates: server.tasks.certificates,
    geo: (runtime.geo?.reports() ?? []).map(({ builtMs, ...report }) => ({
      ...report,
      built: isoTime(builtMs),
    })),
    streams: [...runtime.streamListeners.values()].flatMap(({ key, protocol, streams }) =>
      streams.all.map(({ name, serverNames, upstream }) => ({
        name,
        listener: key,
        protocol,
        sni: serverNames,
        upstream: upstream.name,
      })),
    ),
    automaticCertificates: server.tasks.automatic.statuses.map(certificateStatus),
    upstreams: [...runtime.upstreams.values()].map((upstream) => ({
      name: upstream.name,
      added: server.tasks.edits.addedNamesOf(upstream.name),
      removed: server.tasks.edits.removedFrom(upstream.name),
      waiting: upstream.waiting,
      isPanicking: upstream.isPanicking,
      endpoints: upstream.describe().map(({ endpoint, usable }) => ({
        name: endpoint.name,
        scheme: endpoint.manner.scheme,
        weight: endpoint.weight,
        backup: endpoint.backup,
        priority: endpoint.priority,
        zone: endpoint.zone,
        health: conditionOf(endpoint.state, nowMs),
        active: endpoint.state.active,
        ...concurrencyOf(upstream, endpoint),
        usable,
        ...server.tasks.resolvedTo(endpoint.address),
      })),
    })),
  };
}

/** Nothing where no route has a cache. */
function cacheStatus({ runtime, config }: Server, banks: readonly SharedBank[]) {
  if (runtime.caching === undefined) return {};
  const counts = cacheCountsIn(banks);
  const { cacheDisk, cacheMemoryBytes } = config;
  const memory = {
    bytes: counts.memoryBytes,
    bytesMax: cacheMemoryBytes,
    objects: counts.memoryObjects,
  };
  if (cacheDisk === undefined) return { cache: { memory } };
  const disk = {
    path: cacheDisk.path,
    bytes: counts.diskBytes,
    bytesMax: cacheDisk.bytes,
    objects: counts.diskObjects,
    errors: counts.diskErrors,
  };
  return { cache: { memory, disk } };
}

function certificateStatus(status: KeeperStatus) {
  const { names, state, issuer, failures, problem } = status;
  return {
    names,
    state,
    issuer,
    notAfter: isoTime(status.notAfterMs),
    renewAt: isoTime(status.renewAtMs),
    failures,
    problem,
    nextTry: isoTime(status.nextTryMs),
  };
}

function isoTime(wallMs: number | undefined): string | undefined {
  return wallMs === undefined ? undefined : new Date(wallMs).toISOString();
}

function concurrencyOf({ concurrency }: Upstream, { state }: Endpoint) {
  if (concurrency === undefined) return {};
  const baseMs = Math.round(state.concurrency.baseMs * 100) / 100;
  const limit = state.concurrency.within(concurrency);
  return { concurrency: { limit, unanswered: state.unanswered, baseMs } };
}
