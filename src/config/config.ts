/**
 * A checked config, ready to compile: plain data, every short form written out, every default of
 * this folder filled in, defaults handed down to sites and routes.
 */

import type { Address } from "../base/world.ts";
import type { ConcurrencyBounds } from "../core/concurrency.ts";
import type { Level, Path } from "../core/feature.ts";
import type { GeoFiles } from "../core/geo.ts";
import {
  LIMITS,
  type Limits,
  RATES,
  type Rates,
  type StreamTimeouts,
  TIMEOUTS,
  type Timeouts,
} from "../core/limits.ts";
import type { Protocol } from "../core/runtime.ts";
import type { ShedOptions } from "../core/shedder.ts";
import type { BanOptions } from "../stores/bans/bans.ts";
import type { AcmeSettings } from "../tls/acme/acme-settings.ts";
import type { CertificateFiles } from "../tls/certificate-files.ts";
import type { ClientAuthOptions } from "../tls/client-auth.ts";
import type { TlsProfile } from "../tls/tls-profile.ts";
import type { FallbackShape } from "../upstream/candidates.ts";
import type { BreakerOptions } from "../upstream/circuit-breaker.ts";
import type { DnsSettings } from "../upstream/discovery/dns-settings.ts";
import type { CheckOptions } from "../upstream/health/check-options.ts";
import type { PassiveOptions } from "../upstream/health/passive-check.ts";
import type { UpstreamTls } from "../upstream/manner.ts";
import type { StickyShape } from "../upstream/sticky-cookie.ts";
import type { LineShapes } from "../upstream/waiting-lines.ts";
import type { StateConfig } from "./settle-state.ts";
import type { BalanceConfig } from "./shape/balance.ts";
import type { ForwardConfig, MirrorConfig } from "./shape/forward.ts";
import type { RetryCondition } from "./shape/retry.ts";
import type { EndpointConfig } from "./shape/upstreams.ts";

export type { BalanceConfig, EndpointConfig, ForwardConfig, MirrorConfig, RetryCondition };

export interface Config extends Levels {
  readonly workers: number | "auto" | undefined; // undefined: for whoever starts it to say
  readonly watchdogMs: number; // Infinity: off
  readonly watch: boolean;
  readonly trustedProxies: readonly string[]; // address ranges, and "unix"
  readonly state: StateConfig;
  readonly bans: BanOptions | undefined; // undefined: nobody is banned
  readonly shed: ShedOptions | undefined; // undefined: nothing is shed
  readonly cacheMemoryBytes: number; // of all workers together
  readonly cacheDisk: CacheDiskConfig | undefined; // undefined: memory alone
  readonly admin: AdminConfig | undefined; // undefined: off
  readonly log: LogConfig;
  readonly dns: DnsSettings;
  readonly acme: AcmeSettings;
  readonly geo: GeoFiles | undefined;
  readonly isStapling: boolean; // what CAs say of certificates (OCSP)
  readonly via: ViaConfig;
  readonly forwarded: boolean; // emit RFC 7239 beside X-Forwarded-*
  readonly errors: unknown; // of `defaults`: before a site is known; undefined: ours
  readonly listeners: readonly ListenerConfig[]; // every one that a site listens on
  readonly streamListeners: readonly StreamListenerConfig[]; // every one that a stream listens on
  readonly upstreams: ReadonlyMap<string, UpstreamConfig>;
  readonly sites: readonly SiteConfig[];
}

export interface CacheDiskConfig {
  readonly path: string; // absolute
  readonly bytes: number; // of all workers together
}

/** Only what is set here; `settledLevels` lays the levels over each other. */
export interface Levels {
  readonly limits: Partial<Limits>;
  readonly timeouts: Partial<Timeouts>;
  readonly rates: Partial<Rates>;
}

export interface AdminConfig {
  readonly address: Address;
  readonly token: string | undefined; // always there beyond this machine
}

export interface LogConfig {
  readonly access: "stdout" | "stderr" | "off" | { readonly file: string }; // an absolute path
  readonly format: "json";
  readonly level: "debug" | "info" | "warn" | "error";
}

export interface ViaConfig {
  readonly kind: "on" | "off";
  /** undefined: ours to choose, other on every machine, or two in a row look like a loop. */
  readonly pseudonym: string | undefined;
}

export interface ListenerConfig extends Levels {
  readonly key: string; // "0.0.0.0:80" "[::1]:80" "unix:/run/sluice.sock"
  readonly address: Address;
  readonly isTls: boolean; // its sites have certificates
  readonly protocols: readonly Protocol[];
  readonly proxiesFrom?: readonly string[] | undefined; // whose connections begin with a PROXY header
}

export interface StreamListenerConfig {
  readonly key: string; // "0.0.0.0:5432" "udp/0.0.0.0:53"
  readonly protocol: "tcp" | "udp";
  readonly address: Address;
  readonly connectionsMax: number; // of UDP: sessions
  readonly connectionsPerClient: number; // of TCP
  readonly openingMs: number;
  readonly proxiesFrom: readonly string[] | undefined;
  readonly streams: readonly StreamConfig[]; // at least one
}

export interface StreamConfig {
  readonly name: string; // as configured, or "stream#2"
  readonly at: Path;
  readonly protocol: "tcp" | "udp";
  readonly serverNames: readonly string[]; // lower case: "a.test" "*.a.test"
  readonly upstream: string;
  readonly connectionsMax: number;
  readonly responses: number;
  readonly timeouts: StreamTimeouts;
}

export interface UpstreamConfig {
  readonly name: string;
  readonly at: Path;
  readonly endpoints: readonly EndpointConfig[]; // at least one
  readonly balance: BalanceConfig;
  readonly fallback: FallbackShape;
  readonly slowStartMs: number; // 0: none
  readonly maxRequests: number; // on each endpoint without one of its own; Infinity: no limit
  readonly lines: LineShapes;
  readonly sticky: StickyShape | undefined;
  readonly maxIdle: number; // idle connections kept per endpoint
  readonly proxyProtocol: "v1" | "v2" | undefined;
  readonly tls: UpstreamTls; // of the endpoints that are secured
  readonly limits: Partial<Limits>; // only the upstream's side
  readonly timeouts: Partial<Timeouts>;
  readonly passive: PassiveOptions | undefined; // undefined: off
  readonly active: CheckOptions | undefined;
  readonly breaker: BreakerOptions | undefined;
  readonly concurrency: ConcurrencyBounds | undefined; // undefined: off
}

export interface SiteConfig extends Levels {
  readonly name: string; // its first host
  readonly at: Path;
  readonly hosts: readonly string[]; // lower case: "a.test" "*.a.test" "*" "[::1]"
  readonly listen: readonly string[]; // keys of listeners
  readonly tls: SiteTlsConfig | undefined; // on all of them
  readonly paths: PathPolicy;
  readonly errors: unknown; // of `defaults` unless the site has its own
  readonly routes: readonly RouteConfig[]; // at least one
}

/** How a site is served over TLS. */
export interface SiteTlsConfig {
  readonly certificates: readonly CertificateFiles[]; // absolute paths, or PEM
  readonly automatic: "auto" | "internal" | undefined; // they come by themselves
  readonly profile: TlsProfile;
  readonly hsts: string | undefined; // as the field has it
  readonly redirectFrom: readonly string[]; // keys of listeners; none of them is one of `listen`
  readonly clientAuth: ClientAuthOptions | undefined;
}

export interface PathPolicy {
  readonly slashes: "merge" | "keep";
  readonly encodedSlashes: "keep" | "reject";
}

export interface RouteConfig extends Levels {
  readonly name: string; // as configured, or "shop.example.com#3"
  readonly at: Path; // ["sites", 0, "routes", 2]
  readonly match: unknown; // as the match schema makes it; undefined: everything
  readonly handler: PartConfig; // { key: "forward", options: a ForwardConfig } or a feature's
  readonly filters: readonly PartConfig[]; // in the order of the features
  readonly retry: RetryConfig | undefined; // undefined: off
  readonly hedge: HedgeConfig | undefined;
  readonly mirror: MirrorConfig | undefined; // undefined: off
  readonly errors: unknown;
}

/** One feature with its options, as its schema makes them. */
export interface PartConfig {
  readonly key: string;
  readonly options: unknown;
  readonly level?: Level; // where it is written; absent: on the route
}

/** One of the two. */
export interface HedgeConfig {
  readonly afterMs?: number;
  readonly percentile?: number;
}

export interface RetryConfig {
  readonly attempts: number; // in all, the first one counted
  readonly on: readonly RetryCondition[];
  readonly statuses: readonly number[];
  readonly budget: { readonly percent: number; readonly min: number };
  readonly replayBody: boolean;
  readonly idempotencyKey: boolean;
  readonly perTry: number; // milliseconds; Infinity: none
}

/** Numbers one by one, the last level that has one wins: top level, listener, site, route. */
export function settledLevels(...levels: readonly Levels[]): {
  readonly limits: Limits;
  readonly timeouts: Timeouts;
  readonly rates: Rates;
} {
  return {
    limits: Object.assign({}, LIMITS, ...levels.map((level) => level.limits)),
    timeouts: Object.assign({}, TIMEOUTS, ...levels.map((level) => level.timeouts)),
    rates: Object.assign({}, RATES, ...levels.map((level) => level.rates)),
  };
}
