import { boundedKey } from "../../base/bounded-key.ts";
import type { Attempt, CacheResult, Exchange, ResponseHead } from "../../core/exchange.ts";
import type { Fault } from "../../core/fault.ts";
import type { Feature } from "../../core/feature.ts";
import { type Filter, type Step, TAKEN } from "../../core/filter.ts";
import { fail, respond } from "../../core/pipeline.ts";
import type { Route } from "../../core/runtime.ts";
import { type CacheControl, NO_DIRECTIVES } from "../../protocol/caching/cache-control.ts";
import { cacheStatusText, type Forwarded } from "../../protocol/caching/cache-status.ts";
import { isNotModified, rangeHolds } from "../../protocol/caching/conditional.ts";
import { invalidates, sameOriginTarget } from "../../protocol/caching/invalidation.ts";
import { contentRange, wantedRange } from "../../protocol/caching/range.ts";
import { ageOf, reuseOf } from "../../protocol/caching/reuse.ts";
import { notModifiedFields } from "../../protocol/caching/stored-fields.ts";
import { NONE } from "../../protocol/h1/framing.ts";
import { idOf } from "../../protocol/http/header-id.ts";
import type { HeaderList } from "../../protocol/http/header-list.ts";
import type { StoredResponse } from "../../stores/cache-store.ts";
import { bypassOf, keyedQuery, partitionOf, purgeableUrl, urlOf } from "./cache-key.ts";
import { type CacheOptions, cacheSchema } from "./cache-options.ts";
import { CacheReader, type ReaderOwner } from "./cache-reader.ts";
import { CacheRules } from "./cache-rules.ts";
import { Caches } from "./caches.ts";
import { controlOf } from "./client-control.ts";
import { type ServedCoded, ServedContent } from "./codings.ts";
import { explained } from "./explained.ts";
import { Fetch } from "./fetch.ts";
import type { FetchOwner, Growing } from "./fetch-owner.ts";
import { freshenByHead } from "./head-update.ts";
import { matching, reasonOf, recalled } from "./matching.ts";
import { type ReadBody, serveStored } from "./serve-stored.ts";

/** A request, and what it is looked up under. */
export interface Keyed {
  readonly exchange: Exchange;
  readonly url: string;
  readonly query: string; // as it goes to the origin
  readonly partition: string;
  readonly key: string; // of fetches
  readonly control: CacheControl; // the client's, where it counts
  readonly isBackground: boolean;
  forwarded: Forwarded | undefined; // why the origin is asked
}

const RANGE = idOf("range");
const NAME = "Sluice";

/** Answers from what is stored, and stores what may be (docs/caching.md). */
export class Cache implements Filter, FetchOwner, ReaderOwner, ReadBody {
  readonly name = "cache";
  readonly caches: Caches;
  readonly rules: CacheRules;
  readonly #options: CacheOptions;
  readonly #partition: string; // of this route: another one may have another origin
  readonly #innerRoutes: WeakMap<Route, Route>;

  constructor(options: CacheOptions, caches: Caches, partition: string) {
    this.caches = caches;
    this.rules = new CacheRules(options);
    this.#options = options;
    this.#partition = partition;
    this.#innerRoutes = new WeakMap();
    caches.know(options.query);
  }

  // --- phases ------------------------------------------------------------------------------------

  lookup(exchange: Exchange): Step<typeof TAKEN | undefined> {
    const { method } = exchange.request;
    if (method !== "GET" && method !== "HEAD") return undefined;
    const why = bypassOf(exchange, this.#options.bypass);
    if (why === undefined) return this.#lookUp(this.#keyed(exchange));
    exchange.cacheResult = "bypass";
    this.#tell(exchange, cacheStatusText(NAME, { forwarded: "bypass", detail: why }));
    return undefined;
  }

  send(exchange: Exchange, attempt: Attempt): undefined {
    const { downstream } = exchange;
    if (downstream instanceof Fetch) downstream.attemptBegun(exchange, attempt);
  }

  receive(exchange: Exchange): undefined {
    const { downstream, request, response } = exchange;
    if (response === undefined) return;
    if (downstream instanceof Fetch) downstream.answered(response);
    else if (invalidates(request.method, response.status)) this.#invalidate(exchange, response);
    else if (request.method === "HEAD" && exchange.cacheResult === "miss") {
      this.#freshen(exchange, response);
    }
  }

  respond(exchange: Exchange): undefined {
    const { cacheStatus, response } = exchange;
    if (cacheStatus !== "") response?.headers.addOwn("Cache-Status", cacheStatus);
  }

  explain(exchange: Exchange): readonly string[] {
    return explained(exchange, this.#options);
  }

  // --- looking up --------------------------------------------------------------------------------

  #keyed(exchange: Exchange): Keyed {
    const { request } = exchange;
    const query = keyedQuery(request.query, this.#options.query);
    const url = urlOf(exchange, query);
    const partition = partitionOf(exchange, this.#partition, this.#options);
    return {
      exchange,
      url,
      query,
      partition,
      key: boundedKey(`${url}\n${partition}`),
      control: this.#options.obeysClients ? controlOf(request.headers) : NO_DIRECTIVES,
      isBackground: false,
      forwarded: undefined,
    };
  }

  /** What is not in memory may be on disk: then it is waited for, and only then. */
  #lookUp(keyed: Keyed): Step<typeof TAKEN | undefined> {
    const { store, world } = this.caches;
    const first = store.lookup(keyed.url, world.clock.nowMs());
    const stored = first && matching(first, keyed);
    if (stored !== undefined) return this.#decide(keyed, undefined, first, stored);
    const recalling = recalled(keyed, store);
    if (recalling === undefined) return this.#decide(keyed, undefined, first, undefined);
    return recalling.then((found) => {
      const { times } = keyed.exchange;
      if (times.endedMs !== 0) return TAKEN; // the client has left
      // What another has asked for meanwhile is newer, and in memory; so is what was small enough.
      const now = store.lookup(keyed.url, world.clock.nowMs());
      const lasting = found?.isLent === false ? found : undefined;
      const matched = (now && matching(now, keyed)) ?? lasting;
      return this.#decide(keyed, undefined, now ?? lasting, matched);
    });
  }

  /** `reader`: the one that it has by now, if it has waited already. */
  #find(keyed: Keyed, reader: CacheReader | undefined): typeof TAKEN | undefined {
    const { store, world } = this.caches;
    const first = store.lookup(keyed.url, world.clock.nowMs());
    return this.#decide(keyed, reader, first, first && matching(first, keyed));
  }

  #decide(
    keyed: Keyed,
    reader: CacheReader | undefined,
    first: StoredResponse | undefined, // of that URL
    stored: StoredResponse | undefined,
  ): typeof TAKEN | undefined {
    const { exchange, control } = keyed;
    const nowMs = this.caches.world.clock.nowMs();
    const freshness = stored?.freshness();
    const asked = control === NO_DIRECTIVES ? undefined : control;
    const reuse = freshness === undefined ? "validate" : reuseOf(freshness, nowMs, asked);
    if (stored !== undefined && reuse !== "validate") {
      this.caches.store.touch(stored);
      this.#serve(keyed, reader, stored, reuse === "fresh" ? "hit" : "stale");
      if (reuse === "stale") this.#revalidate(keyed, stored);
      return TAKEN;
    }
    if (control.onlyIfCached) {
      exchange.cacheResult = "miss";
      fail(exchange, { code: "not_cached", detail: "" });
      return TAKEN;
    }
    keyed.forwarded = reasonOf(first, freshness, nowMs);
    if (exchange.request.method === "HEAD") {
      this.#missed(keyed);
      return undefined;
    }
    this.#ask(keyed, reader ?? new CacheReader(keyed, this), stored);
    return TAKEN;
  }

  #ask(keyed: Keyed, reader: CacheReader, stored: StoredResponse | undefined): void {
    const { key, exchange } = keyed;
    const isPart = stored !== undefined && stored.partition !== keyed.partition;
    const whole = isPart ? undefined : stored;
    // A part of what is not stored is asked for as such: the whole may be a film.
    const sendsRange = whole === undefined && exchange.request.headers.first(RANGE) !== undefined;
    const isShared = this.#options.coalesceMs > 0 && !sendsRange && !this.caches.isUncacheable(key);
    const other = isShared ? this.caches.joinable(key, reader) : undefined;
    if (other === undefined) {
      new Fetch({ keyed, stored: whole, sendsRange, isShared }, this).start(reader);
      return;
    }
    reader.waitAtMost(this.#options.coalesceMs);
    other.join(reader);
  }

  #revalidate(keyed: Keyed, stored: StoredResponse): void {
    if (this.caches.isFetching(keyed.key) || stored.partition !== keyed.partition) return;
    const background = { ...keyed, isBackground: true, forwarded: "stale" as const };
    const options = { keyed: background, stored, sendsRange: false, isShared: true };
    new Fetch(options, this).start(undefined);
  }

  // --- what becomes of a fetch -------------------------------------------------------------------

  innerRoute(route: Route): Route {
    const known = this.#innerRoutes.get(route);
    if (known !== undefined) return known;
    const inner = { ...route, phases: { ...route.phases, respond: [], finish: [] } };
    this.#innerRoutes.set(route, inner);
    return inner;
  }

  again(reader: CacheReader): void {
    this.#find(reader.keyed, reader);
  }

  refetch(keyed: Keyed, readers: readonly CacheReader[]): void {
    const [leader, ...others] = readers;
    const options = { keyed, stored: undefined, sendsRange: false, isShared: true };
    new Fetch(options, this).start(leader, others);
  }

  serve(reader: CacheReader, stored: StoredResponse, result: "revalidated" | "stale"): void {
    this.#serve(reader.keyed, reader, stored, result);
  }

  fail(reader: CacheReader, fault: Fault): void {
    reader.over();
    this.#missed(reader.keyed);
    fail(reader.exchange, fault);
  }

  /** It asks for itself, though another's request is under way. */
  waitedInVain(reader: CacheReader): void {
    const { keyed } = reader;
    reader.leave();
    new Fetch({ keyed, stored: undefined, sendsRange: false, isShared: false }, this).start(reader);
  }

  bug(error: unknown): void {
    this.caches.bug(error);
  }

  #serve(
    keyed: Keyed,
    reader: CacheReader | undefined,
    stored: StoredResponse,
    result: CacheResult,
  ): void {
    const { exchange } = keyed;
    const { clock } = this.caches.world;
    const nowMs = clock.nowMs();
    reader?.over();
    exchange.cacheResult = result;
    const freshness = stored.freshness();
    if (this.#options.tellsStatus) {
      const { bornMs, lifetimeMs } = freshness;
      const ttlSeconds = Math.floor((bornMs + lifetimeMs - nowMs) / 1000);
      const isAsked = keyed.forwarded !== undefined;
      const forwardedStatus = result === "revalidated" ? { forwardedStatus: 304 } : {};
      exchange.cacheStatus = isAsked
        ? cacheStatusText(NAME, { forwarded: keyed.forwarded!, ...forwardedStatus, ttlSeconds })
        : `${NAME}; hit; ttl=${ttlSeconds}`;
    }
    serveStored(keyed, stored, ageOf(freshness, nowMs), this);
  }

  read(
    keyed: Keyed,
    stored: StoredResponse,
    from: number,
    end: number,
    response: ResponseHead,
  ): void {
    const framing = { kind: "length" as const, bytes: end - from };
    const reader = new CacheReader(keyed, this);
    const source = stored.reading?.();
    if (source !== undefined) {
      // It comes block by block, and is coded for who asks: no coding of it is kept.
      reader.read(response, framing, { content: undefined, source, from, end });
      return;
    }
    const content = new ServedContent(keyed.exchange, this.caches.works, stored);
    reader.read(response, framing, { content, source: stored, from, end });
  }

  follow(keyed: Keyed, served: ServedCoded): void {
    new CacheReader(keyed, this).follow(served);
  }

  readGrowing(reader: CacheReader, growing: Growing): void {
    const { exchange, keyed } = reader;
    const { head, framing, body, codings, isOwn } = growing;
    const { headers } = head;
    this.#addAge(headers, growing);
    exchange.cacheResult = isOwn ? "miss" : "coalesced";
    this.#tell(
      exchange,
      cacheStatusText(NAME, {
        ...(keyed.forwarded === undefined ? {} : { forwarded: keyed.forwarded }),
        isStored: body !== undefined && isOwn,
        isCollapsed: !isOwn,
      }),
    );
    const { request } = exchange;
    if (
      head.status === 200 &&
      isNotModified(request.headers, headers, this.caches.world.clock.wallMs())
    ) {
      reader.over();
      respond(exchange, { status: 304, headers: notModifiedFields(headers) }, NONE);
      exchange.downstream.end(undefined);
      return;
    }
    if (body === undefined) {
      reader.relay(head, framing);
      return;
    }
    const content =
      codings === undefined ? undefined : new ServedContent(exchange, this.caches.works, codings);
    const total =
      framing.kind === "length" ? framing.bytes : framing.kind === "none" ? 0 : undefined;
    const value = head.status === 200 ? request.headers.first(RANGE) : undefined;
    const range =
      value !== undefined && total !== undefined && rangeHolds(request.headers, headers)
        ? wantedRange(value, total)
        : undefined;
    if (typeof range !== "object") {
      const end = total ?? Number.POSITIVE_INFINITY;
      reader.read(head, framing, { content, source: body, from: 0, end });
      return;
    }
    const partHeaders = headers.copy();
    partHeaders.set("Content-Range", contentRange(range, total!));
    const partFraming = { kind: "length" as const, bytes: range.last - range.first + 1 };
    const partHead = { status: 206, headers: partHeaders };
    const { first, last } = range;
    const reading = { content: undefined, source: body, from: first, end: last + 1 };
    reader.read(partHead, partFraming, reading);
  }

  /** Who comes late gets it as any cached response; who asked gets what the origin sent. */
  #addAge(headers: HeaderList, { isOwn, freshness }: Growing): void {
    if (isOwn || freshness === undefined) return;
    headers.add("Age", String(ageOf(freshness, this.caches.world.clock.nowMs())));
  }

  // --- what changes what is stored ---------------------------------------------------------------

  #invalidate(exchange: Exchange, { headers }: ResponseHead): void {
    const url = urlOf(exchange, exchange.request.query);
    const urls = [url];
    for (const name of ["location", "content-location"] as const) {
      const target = sameOriginTarget(headers.get(name), url);
      const other = target && purgeableUrl(new URL(`${target.path}?${target.query}`, url).href);
      if (other !== undefined) urls.push(other);
    }
    this.caches.invalidate(urls);
  }

  #freshen(exchange: Exchange, response: ResponseHead): void {
    const keyed = this.#keyed(exchange);
    const { store, world } = this.caches;
    const first = store.lookup(keyed.url, world.clock.nowMs());
    const stored = first && matching(first, keyed);
    if (stored !== undefined && stored.partition === keyed.partition) {
      freshenByHead(this.caches, this.rules, stored, response);
    }
  }

  #missed({ exchange, forwarded = "uri-miss" }: Keyed): void {
    exchange.cacheResult = "miss";
    this.#tell(exchange, cacheStatusText(NAME, { forwarded }));
  }

  #tell(exchange: Exchange, text: string): void {
    if (this.#options.tellsStatus) exchange.cacheStatus = text;
  }
}

export const cache: Feature<CacheOptions, Filter> = {
  name: "cache",
  kind: "filter",
  about: "Stores responses and answers from them.",
  schema: cacheSchema,

  build(options, tools) {
    const caches = tools.keepForAll("caches", () => {
      const { world, wheel, cacheBytes, cacheStored, bug } = tools;
      return new Caches({
        world,
        wheel,
        bytesMax: cacheBytes,
        stored: cacheStored,
        bug: (error) => bug(error, undefined),
      });
    });
    return new Cache(options, caches, tools.place);
  },
};
