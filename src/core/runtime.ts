import type { Address } from "../base/world.ts";
import type { HeaderList } from "../protocol/http/header-list.ts";
import type { TargetPolicy } from "../protocol/http/target.ts";
import type { Bans } from "./bans.ts";
import type { ChallengeProofs } from "./challenge-proofs.ts";
import type { ClientLimit } from "./client-limit.ts";
import type { Exchange, RequestHead } from "./exchange.ts";
import type { Handler, Phases, Reply, Step } from "./filter.ts";
import type { Geo } from "./geo.ts";
import type { Limits, Rates, Timeouts } from "./limits.ts";
import type { StreamListenerPlan } from "./stream.ts";
import type { ClientTls, TlsPlan } from "./tls.ts";
import type { Upstream } from "./upstream.ts";

/** A whole configuration, compiled. Frozen once built; live state hangs off SharedState instead. */
export interface Runtime {
  readonly version: number;
  readonly listeners: ReadonlyMap<string, ListenerPlan>; // by listener key, "0.0.0.0:80"
  readonly streamListeners: ReadonlyMap<string, StreamListenerPlan>; // "udp/0.0.0.0:53" for UDP
  readonly upstreams: ReadonlyMap<string, Upstream>;
  readonly forwarding: Forwarding;
  readonly caching?: Caching | undefined; // where a route has a cache
  readonly bans?: Bans | undefined; // where somebody may be banned
  readonly geo?: Geo | undefined; // where the config names databases
}

/** What is to go from the caches. `isSoft`: it stays as what is stale. */
export type PurgeRequest =
  | { readonly kind: "all"; readonly isSoft: boolean }
  | { readonly kind: "url" | "prefix" | "tag"; readonly value: string; readonly isSoft: boolean };

/** The caches of one worker, as operators deal with them. */
export interface Caching {
  /** How many responses are gone, or stale, at once; more may follow as they are found. */
  purge(wanted: PurgeRequest): Step<number>;
  /** Another process serves by now: what only one can have is let go of. */
  handOver(): Promise<void>;
  onInvalidated: ((urls: readonly string[]) => void) | undefined;
}

/** What clients may speak: "h2" over TLS, "h2c" without it and with prior knowledge. */
export type Protocol = "h1" | "h2" | "h2c";

/** What one listener serves, and under which limits until a route is known. */
export interface ListenerPlan {
  readonly key: string;
  readonly address: Address;
  readonly protocols: readonly Protocol[];
  readonly limits: Limits;
  readonly timeouts: Timeouts;
  readonly rates: Rates;
  /** How many connections one address may have; undefined: any number. */
  readonly clients?: ClientLimit | undefined;
  /** Whose connections begin with a PROXY header; undefined: nobody's. */
  readonly sendsProxyHeader?: ((address: string) => boolean) | undefined;
  readonly tls: TlsPlan | undefined; // undefined: it is served in the clear
  readonly proofs?: ChallengeProofs | undefined; // undefined: no site proves its name
  readonly sites: SiteTable;
  readonly errors: ErrorReplies; // before a site is known
}

/** Finds the site of a host: exact, then the longest wildcard, then the default site. */
export interface SiteTable {
  find(host: string): Site | undefined;
  /** As find, and which of the site's hosts it was; for `explain`. */
  explain(host: string): FoundSite | undefined;
}

export interface FoundSite {
  readonly site: Site;
  readonly by: "exact" | "wildcard" | "default";
  readonly host: string; // of the site, as found: "a.test" "*.a.test" "*"
}

export interface Site {
  readonly name: string; // its first host
  readonly paths: TargetPolicy;
  readonly hsts?: string | undefined; // Strict-Transport-Security of all its responses
  readonly routes: RouteTable;
  readonly errors: ErrorReplies;
  readonly clientAuth?: SiteClientAuth | undefined; // undefined: clients are not asked for certificates
}

/** What a site makes of the certificates of its clients. */
export interface SiteClientAuth {
  /** Of the handshake that its clients have to have made. */
  readonly policy: string;
  /** Sets the fields that say who the client is, in place of any that it sent itself. */
  declare(headers: HeaderList, tls: ClientTls): void;
}

/** First match wins, in the order written. */
export interface RouteTable {
  find(request: RequestHead, clientAddress: string): Route | undefined;
  /** As find, and tells the recorder what was tried. */
  explain(request: RequestHead, clientAddress: string, recorder: RouteRecorder): Route | undefined;
  /** What the route's pattern took from the path; for templates, worked out only when one asks. */
  captures(route: Route, request: RequestHead, clientAddress: string): Captures | undefined;
}

/** Told of every route that is tried, in order, up to the one that matches. */
export interface RouteRecorder {
  route(name: string): void;
  /** `name` is where it stands in the match: "header.x-version", "not.path", "any[1].method". */
  condition(name: string, wanted: string, actual: string, isMet: boolean): void;
  matched(name: string): void;
}

/** Parts of the canonical path: "id" for ":id", "*" for what a prefix left, "1" or a name for a group. */
export interface Captures {
  get(name: string): string | undefined;
}

export interface Route {
  readonly name: string; // as configured, or "site#3"
  readonly phases: Phases;
  readonly handler: Handler;
  readonly limits: Limits; // resolved, but for what an upstream sets
  readonly timeouts: Timeouts;
  readonly rates: Rates;
  readonly errors: ErrorReplies;
}

/** Makes the answer for a fault: the custom page if there is one, else ours, by Accept. */
export interface ErrorReplies {
  reply(exchange: Exchange | undefined, status: number, code: string): Reply;
}

/** Whom to believe, and how we name ourselves. */
export interface Forwarding {
  isTrusted(address: string): boolean;
  readonly pseudonym: string; // in Via; "" switches Via off
  readonly emitForwarded: boolean; // RFC 7239, beside X-Forwarded-*
}
