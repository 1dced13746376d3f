import type { TimerWheel } from "../../base/timer-wheel.ts";
import type { Timer, World } from "../../base/world.ts";
import type { Step } from "../../core/filter.ts";
import {
  CACHE_FETCHES_MAX,
  CACHE_VARIANTS_MAX,
  UNCACHEABLE_MAX,
  UNCACHEABLE_MS,
} from "../../core/limits.ts";
import type { Caching, PurgeRequest } from "../../core/runtime.ts";
import type { StoredCounts } from "../../core/worker.ts";
import type { CacheStore } from "../../stores/cache-store.ts";
import type { DiskTier } from "../../stores/disk/disk-tier.ts";
import { MemoryStore } from "../../stores/memory/memory-store.ts";
import { TieredStore } from "../../stores/tiered-store.ts";
import { keyedQuery, purgeableUrl } from "./cache-key.ts";
import type { QueryKey } from "./cache-options.ts";
import type { CacheReader } from "./cache-reader.ts";
import { CodingWorks } from "./codings.ts";
import type { Fetch } from "./fetch.ts";

const TELL_EVERY_MS = 1_000;

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
  readonly #tiers: TieredStore;
  #disk: DiskTier | undefined;
  #telling: Timer | undefined;
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
    this.#tiers = new TieredStore(this.#memory);
    this.#disk = undefined;
    this.#telling = undefined;
    this.store = this.#tiers;
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

  /** undefined: there is none from now on. `bytesMax`: this worker's part of it. */
  useDisk(disk: DiskTier | undefined, bytesMax: number): void {
    this.#disk = disk;
    this.#tiers.useDisk(disk, bytesMax);
    this.#telling?.cancel();
    if (disk !== undefined) this.#tellOfDisk();
  }

  [Symbol.dispose](): void {
    this.#telling?.cancel();
  }

  /** Another process takes over; who is served here yet is served without a disk. */
  async handOver(): Promise<void> {
    await this.#disk?.leave();
  }

  /** Something was stored, or is gone. */
  tell(): void {
    this.#stored(this.#memory.stats);
  }

  /** Now and then: to add it up takes longer the more there is. */
  #tellOfDisk(): void {
    this.#stored(this.#tiers.stats);
    this.#telling = this.world.clock.after(TELL_EVERY_MS, () => this.#tellOfDisk());
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

  purge(wanted: PurgeRequest): Step<number> {
    const { isSoft } = wanted;
    if (wanted.kind !== "url") return this.#purge([wanted]);
    const urls = [...this.#urlsOf(wanted.value)];
    return this.#purge(urls.map((value) => ({ kind: "url", value, isSoft })));
  }

  /** A promise only where there is a disk, which has to write it down. */
  #purge(orders: readonly PurgeRequest[]): Step<number> {
    const nowMs = this.world.clock.nowMs();
    const counts = orders.map((order) => this.store.purge(order, nowMs));
    this.tell();
    let sum = 0;
    for (const count of counts) {
      if (typeof count !== "number") return Promise.all(counts).then(added);
      sum += count;
    }
    return sum;
  }

  /** RFC 9111 §4.4, here and in the other workers. */
  invalidate(urls: readonly string[]): void {
    for (const url of urls) void this.purge({ kind: "url", value: url, isSoft: false });
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

function added(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
