import type { TimerWheel } from "../../base/timer-wheel.ts";
import type { World } from "../../base/world.ts";
import {
  CACHE_FETCHES_MAX,
  CACHE_VARIANTS_MAX,
  UNCACHEABLE_MAX,
  UNCACHEABLE_MS,
} from "../../core/limits.ts";
import type { Caching, PurgeRequest } from "../../core/runtime.ts";
import type { StoredCounts } from "../../core/worker.ts";
import type { CacheStore } from "../../stores/cache-store.ts";
import { MemoryStore } from "../../stores/memory/memory-store.ts";
import { keyedQuery, purgeableUrl } from "./cache-key.ts";
import type { QueryKey } from "./cache-options.ts";
import type { CacheReader } from "./cache-reader.ts";
import { CodingWorks } from "./codings.ts";
import type { Fetch } from "./fetch.ts";

export interface CachesParts {
  readonly world: Pick<World, "clock">;
  readonly wheel: TimerWheel;
  readonly bytesMax: number;
  stored(counts: StoredCounts): void; // told now and then
  bug(error: unknown): void;
}

/** What all cached routes of a worker share: the store, and what is being fetched for it. */
export class Caches implements Caching {
  readonly world: Pick<World, "clock">;
  readonly wheel: TimerWheel;
  readonly store: CacheStore;
  readonly works: CodingWorks;
  readonly bug: (error: unknown) => void;
  readonly #stored: (counts: StoredCounts) => void;
  /** Told of URLs that a request has made worthless, for the caches of other workers. */
  onInvalidated: ((urls: readonly string[]) => void) | undefined;
  readonly #memory: MemoryStore;
  readonly #fetches: Map<string, Fetch[]>; // that others may wait for
  readonly #uncacheable: Map<string, number>; // until when
  readonly #queryKeys: Map<string, QueryKey>;
  #fetchCount: number;

  constructor({ world, wheel, bytesMax, stored, bug }: CachesParts) {
    this.world = world;
    this.wheel = wheel;
    this.bug = bug;
    this.#stored = stored;
    this.onInvalidated = undefined;
    this.#memory = new MemoryStore({
      bytesMax,
      variantsMax: CACHE_VARIANTS_MAX,
      later: (act) => void world.clock.after(0, act),
    });
    this.store = this.#memory;
    this.works = new CodingWorks(this.store);
    this.#fetches = new Map();
    this.#uncacheable = new Map();
    this.#queryKeys = new Map();
    this.#fetchCount = 0;
  }

  resize(bytesMax: number): void {
    this.#memory.resize(bytesMax);
    this.tell();
  }

  /** Something was stored, or is gone. */
  tell(): void {
    this.#stored(this.store.stats);
  }

  /** A route has such keys: a purge by URL has to find them. */
  know(key: QueryKey): void {
    this.#queryKeys.set(JSON.stringify(key), key);
  }

  // --- fetches that others may wait for ----------------------------------------------------------

  /** One that this reader may wait for, or be served from. */
  joinable(key: string, reader: CacheReader): Fetch | undefined {
    return this.#fetches.get(key)?.find((fetch) => fetch.accepts(reader));
  }

  isFetching(key: string): boolean {
    return this.#fetches.has(key);
  }

  add(key: string, fetch: Fetch): void {
    if (this.#fetchCount >= CACHE_FETCHES_MAX) return;
    const known = this.#fetches.get(key);
    if (known === undefined) this.#fetches.set(key, [fetch]);
    else known.push(fetch);
    this.#fetchCount++;
  }

  remove(key: string, fetch: Fetch): void {
    const known = this.#fetches.get(key);
    const place = known?.indexOf(fetch) ?? -1;
    if (known === undefined || place < 0) return;
    known.splice(place, 1);
    this.#fetchCount--;
    if (known.length === 0) this.#fetches.delete(key);
  }

  // --- what is not worth waiting for -------------------------------------------------------------

  /** Its response could not be stored: for a while nobody waits for another's. */
  markUncacheable(key: string): void {
    this.#uncacheable.delete(key);
    if (this.#uncacheable.size >= UNCACHEABLE_MAX) {
      const [oldest] = this.#uncacheable.keys();
      this.#uncacheable.delete(oldest!);
    }
    this.#uncacheable.set(key, this.world.clock.nowMs() + UNCACHEABLE_MS);
  }

  markCacheable(key: string): void {
    if (this.#uncacheable.size > 0) this.#uncacheable.delete(key);
  }

  isUncacheable(key: string): boolean {
    if (this.#uncacheable.size === 0) return false;
    const untilMs = this.#uncacheable.get(key);
    return untilMs !== undefined && this.world.clock.nowMs() < untilMs;
  }

  // --- purges ------------------------------------------------------------------------------------

  purge(wanted: PurgeRequest): number {
    const nowMs = this.world.clock.nowMs();
    const { isSoft } = wanted;
    let count = 0;
    if (wanted.kind !== "url") {
      count = this.store.purge(wanted, nowMs);
      this.tell();
      return count;
    }
    for (const url of this.#urlsOf(wanted.value)) {
      count += this.store.purge({ kind: "url", value: url, isSoft }, nowMs);
    }
    this.tell();
    return count;
  }

  /** RFC 9111 §4.4, here and in the other workers. */
  invalidate(urls: readonly string[]): void {
    for (const url of urls) this.purge({ kind: "url", value: url, isSoft: false });
    this.onInvalidated?.(urls);
  }

  /** As routes may have it in their keys. */
  #urlsOf(text: string): ReadonlySet<string> {
    const url = purgeableUrl(text) ?? text;
    const mark = url.indexOf("?");
    if (mark < 0) return new Set([url]);
    const path = url.slice(0, mark);
    const queries = [...this.#queryKeys.values()].map((key) =>
      keyedQuery(url.slice(mark + 1), key),
    );
    return new Set([url, ...queries.map((query) => (query === "" ? path : `${path}?${query}`))]);
  }
}
