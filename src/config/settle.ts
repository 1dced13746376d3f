/** Parsed config → `Config`: hands defaults down, writes short forms out, names the nameless. */
import { resolve } from "node:path";
import type { Address } from "../base/world.ts";
import type { Level, Path } from "../core/feature.ts";
import type { GeoFiles } from "../core/geo.ts";
import { CACHE_BYTES, type Limits, type Timeouts } from "../core/limits.ts";
import type { Protocol } from "../core/runtime.ts";
import type { Speech } from "../core/upstream.ts";
import { DNS, type DnsSettings } from "../upstream/discovery/dns-settings.ts";
import { addressKey, parseListen } from "./address.ts";
import type {
  CacheDiskConfig,
  Config,
  EndpointConfig,
  HedgeConfig,
  Levels,
  ListenerConfig,
  LogConfig,
  MirrorConfig,
  PartConfig,
  RouteConfig,
  SiteConfig,
  UpstreamConfig,
} from "./config.ts";
import { settleAcme } from "./settle-acme.ts";
import { askedUpstreams } from "./settle-asked.ts";
import { type ParsedBalance, settleBalance } from "./settle-balance.ts";
import { settleBans } from "./settle-bans.ts";
import { type ParsedBreaker, settleBreaker } from "./settle-breaker.ts";
import { type ParsedHealth, settleActive, settlePassive } from "./settle-health.ts";
import { type ParsedRetry, present, settleRetry } from "./settle-retry.ts";
import { addressesOf, type ParsedSiteTls, type ParsedTls, settleTls } from "./settle-site-tls.ts";
import { settleState } from "./settle-state.ts";
import { settleStreams } from "./settle-streams.ts";
import { type ParsedUpstreamTls, settleUpstreamTls } from "./settle-upstream-tls.ts";
import { handlerNames, type Vocabulary } from "./shape/routes.ts";
import type { ParsedConfig } from "./shape.ts";

const ADMIN_ADDRESS: Address = { host: "127.0.0.1", port: 2080 };
const IDLE_MAX = 256;
const WATCHDOG_MS = 5_000;
// What the schemas of ./shape/ answer with. Keys of features are only known when they are built, so
// the schemas' own types lack them.
interface ParsedLevels {
  readonly limits?: Partial<Limits> | undefined;
  readonly timeouts?: Partial<Timeouts> | undefined;
  readonly rates?: { readonly minimum?: number; readonly grace?: number } | undefined;
}

interface ParsedListener extends ParsedLevels {
  readonly protocols?: readonly Protocol[] | undefined;
  readonly proxyProtocol?: { readonly from: readonly string[] } | undefined;
}

interface ParsedShared {
  readonly retry?: "off" | ParsedRetry | undefined;
  readonly hedge?: "off" | { readonly after: HedgeConfig } | undefined;
  readonly mirror?: "off" | MirrorConfig | undefined;
  readonly errors?: unknown;
  readonly [key: string]: unknown;
}

interface ParsedRoute extends ParsedLevels, ParsedShared {
  readonly match?: unknown;
  readonly name?: string | undefined;
}

interface ParsedSite extends ParsedLevels, ParsedShared {
  readonly hosts: readonly string[];
  readonly listen?: readonly Address[] | undefined;
  readonly tls?: ParsedSiteTls | undefined;
  readonly paths?: Partial<SiteConfig["paths"]> | undefined;
  readonly routes: readonly ParsedRoute[];
}

export function settle(parsed: ParsedConfig, vocabulary: Vocabulary, folder: string): Config {
  // Where load is shed every route has a priority.
  const usual = parsed.shed === undefined ? {} : { priority: "normal" };
  const defaults: ParsedShared = { ...usual, ...(present(parsed.defaults ?? {}) as ParsedShared) };
  const top = parsed.tls ?? {};
  const sites = sitesOf(parsed).map((site, index) =>
    settleSite(site, { defaults, vocabulary, folder, top, at: ["sites", index] }),
  );
  const { via, trust, admin } = parsed;
  const named = { ...askedUpstreams(sites, vocabulary), ...parsed.upstreams };
  const upstreams = settleUpstreams({ ...parsed, upstreams: named }, folder);
  return {
    workers: parsed.workers,
    watchdogMs: parsed.watchdog ?? WATCHDOG_MS,
    watch: parsed.watch ?? false,
    trustedProxies: trust?.proxies ?? [],
    state: settleState(parsed.state, folder),
    bans: settleBans(parsed),
    shed: parsed.shed,
    cacheMemoryBytes: parsed.cacheStore?.memory ?? CACHE_BYTES,
    cacheDisk: settleCacheDisk(parsed.cacheStore?.disk, folder),
    admin:
      admin === "off"
        ? undefined
        : { address: admin?.listen ?? ADMIN_ADDRESS, token: admin?.token },
    log: settleLog(parsed.log, folder),
    dns: settleDns(parsed.dns),
    acme: settleAcme(parsed.tls?.acme, folder),
    geo: settleGeo(parsed.geo, folder),
    isStapling: parsed.tls?.ocsp !== "off",
    via:
      via === "off"
        ? { kind: "off", pseudonym: undefined }
        : { kind: "on", pseudonym: via?.pseudonym },
    forwarded: parsed.forwarded ?? false,
    errors: defaults.errors,
    ...settleLevels(parsed as ParsedLevels),
    listeners: settleListeners(parsed),
    streamListeners: settleStreams(parsed.streams ?? [], {
      top: settleLevels(parsed as ParsedLevels),
      upstreams,
      listener: (key) => settleListener(setListeners(parsed).get(key) ?? {}),
    }),
    upstreams,
    sites,
  };
}

function settleLevels({ limits, timeouts, rates }: ParsedLevels): Levels {
  const { minimum, grace } = rates ?? {};
  return {
    limits: present(limits ?? {}),
    timeouts: present(timeouts ?? {}),
    rates: {
      ...(minimum === undefined ? {} : { minBytesPerSecond: minimum }),
      ...(grace === undefined ? {} : { graceMs: grace }),
    },
  };
}

function settleCacheDisk(
  disk: NonNullable<ParsedConfig["cacheStore"]>["disk"],
  folder: string,
): CacheDiskConfig | undefined {
  return disk && { path: resolve(folder, disk.path), bytes: disk.size };
}

function settleLog(log: ParsedConfig["log"], folder: string): LogConfig {
  const access = log?.access ?? "stdout";
  const isStream = access === "stdout" || access === "stderr" || access === "off";
  return {
    access: isStream ? access : { file: resolve(folder, access) },
    format: log?.format ?? "json",
    level: log?.level ?? "info",
  };
}

function settleDns(dns: ParsedConfig["dns"]): DnsSettings {
  const { servers, timeout, attempts, minTtl, maxTtl, forgetAfter } = dns ?? {};
  return {
    servers: servers ?? DNS.servers,
    timeoutMs: timeout ?? DNS.timeoutMs,
    attempts: attempts ?? DNS.attempts,
    minTtlMs: minTtl ?? DNS.minTtlMs,
    maxTtlMs: maxTtl ?? DNS.maxTtlMs,
    forgetAfterMs: forgetAfter ?? DNS.forgetAfterMs,
  };
}

function settleGeo(geo: ParsedConfig["geo"], folder: string): GeoFiles | undefined {
  if (geo === undefined) return undefined;
  const { country, asn } = geo;
  return {
    country: country === undefined ? undefined : resolve(folder, country),
    asn: asn === undefined ? undefined : resolve(folder, asn),
  };
}

const PROTOCOLS: readonly Protocol[] = ["h1", "h2"];

function settleListeners(parsed: ParsedConfig): ListenerConfig[] {
  const set = setListeners(parsed);
  const listeners = new Map<string, ListenerConfig>();
  for (const site of sitesOf(parsed)) {
    const { served, redirecting } = addressesOf(site);
    for (const { address, isTls } of [
      ...served.map((address) => ({ address, isTls: site.tls !== undefined })),
      ...redirecting.map((address) => ({ address, isTls: false })),
    ]) {
      const key = addressKey(address);
      const said = set.get(key) ?? {};
      const protocols = said.protocols ?? PROTOCOLS;
      listeners.set(key, { key, address, isTls, protocols, ...settleListener(said) });
    }
  }
  return [...listeners.values()];
}

/** What `listeners:` says, by the keys of the addresses. */
function setListeners(parsed: ParsedConfig): ReadonlyMap<string, ParsedListener> {
  const set = new Map<string, ParsedListener>();
  for (const [text, said] of Object.entries(parsed.listeners ?? {})) {
    const address = parseListen(text);
    if (address !== undefined) set.set(addressKey(address), said as ParsedListener);
  }
  return set;
}

function settleListener(said: ParsedListener) {
  return { ...settleLevels(said), proxiesFrom: said.proxyProtocol?.from };
}

function sitesOf(parsed: ParsedConfig): readonly ParsedSite[] {
  return (parsed.sites ?? []) as readonly ParsedSite[];
}

function settleUpstreams(parsed: ParsedConfig, folder: string): Map<string, UpstreamConfig> {
  interface ParsedUpstream extends ParsedLevels, ParsedBalance {
    readonly endpoints: readonly EndpointConfig[];
    readonly maxIdle?: number | undefined;
    readonly proxyProtocol?: UpstreamConfig["proxyProtocol"];
    readonly health?: ParsedHealth | undefined;
    readonly breaker?: "off" | ParsedBreaker | undefined;
    readonly tls?: ParsedUpstreamTls | undefined;
    readonly protocols?: readonly Speech[] | undefined;
  }
  const upstreams = Object.entries(parsed.upstreams ?? {}) as [string, ParsedUpstream][];
  return new Map(
    upstreams.map(
      ([
        name,
        {
          endpoints,
          maxIdle,
          limits,
          timeouts,
          health,
          breaker,
          proxyProtocol,
          tls,
          protocols,
          ...rest
        },
      ]) => [
        name,
        {
          name,
          at: ["upstreams", name],
          endpoints,
          ...settleBalance(rest, parsed.zone),
          maxIdle: maxIdle ?? IDLE_MAX,
          proxyProtocol,
          tls: settleUpstreamTls(tls, folder, protocols),
          limits: present(limits ?? {}),
          timeouts: present(timeouts ?? {}),
          passive: settlePassive(health?.passive),
          active: settleActive(health?.active),
          breaker: settleBreaker(breaker),
        },
      ],
    ),
  );
}

interface Around {
  readonly defaults: ParsedShared;
  readonly site?: ParsedShared; // what it says itself
  readonly vocabulary: Vocabulary;
  readonly folder: string;
  readonly top: ParsedTls; // `tls:` of the top level
  readonly at: Path;
}

function settleSite(site: ParsedSite, around: Around): SiteConfig {
  const { defaults, at } = around;
  const name = site.hosts[0]!;
  // The keys of a route that a site has not set come from the defaults, each whole.
  const handedDown = { ...defaults, ...present(site) };
  const { served, redirecting } = addressesOf(site);
  return {
    name,
    at,
    hosts: site.hosts,
    listen: [...new Set(served.map(addressKey))],
    tls: site.tls && settleTls(site.tls, { ...around, redirecting }),
    paths: {
      slashes: site.paths?.slashes ?? "merge",
      encodedSlashes: site.paths?.encodedSlashes ?? "keep",
    },
    errors: handedDown.errors,
    ...settleLevels(site),
    routes: site.routes.map((route, index) =>
      settleRoute(
        { name: `${name}#${index + 1}`, ...present(route) } as ParsedRoute & { name: string },
        { ...around, defaults: handedDown, site, at: [...at, "routes", index] },
      ),
    ),
  };
}

function settleRoute(route: ParsedRoute & { name: string }, around: Around): RouteConfig {
  const { defaults, vocabulary, at } = around;
  const shared: ParsedShared = { ...defaults, ...route };
  const handler = handlerNames(vocabulary).find((key) => route[key] !== undefined)!;
  return {
    name: route.name,
    at,
    match: route.match,
    handler: { key: handler, options: route[handler] },
    filters: settleFilters(shared, vocabulary, (key) =>
      route[key] !== undefined ? "route" : around.site?.[key] !== undefined ? "site" : "all",
    ),
    retry: settleRetry(shared.retry),
    hedge: settleHedge(shared.hedge),
    mirror: handler !== "forward" || shared.mirror === "off" ? undefined : shared.mirror,
    errors: shared.errors,
    ...settleLevels(route),
  };
}

function settleHedge(hedge: ParsedShared["hedge"]): HedgeConfig | undefined {
  return hedge === "off" ? undefined : hedge?.after;
}

function settleFilters(
  shared: ParsedShared,
  { features }: Vocabulary,
  levelOf: (key: string) => Level,
): PartConfig[] {
  return features
    .filter(({ kind }) => kind === "filter")
    .map(({ name: key }) => ({ key, options: shared[key], level: levelOf(key) }))
    .filter(({ options }) => options !== undefined && options !== "off");
}
