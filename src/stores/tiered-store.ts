import type { Step } from "../core/filter.ts";
import { isSameStrongTag } from "../protocol/caching/conditional.ts";
import type { Freshness } from "../protocol/caching/reuse.ts";
import type { HeaderList } from "../protocol/http/header-list.ts";
import type {
  CacheStats,
  CacheStore,
  Filling,
  NewResponse,
  StoredBody,
  StoredResponse,
  Wanted,
} from "./cache-store.ts";
import type { Promotion } from "./disk/disk-finder.ts";
import { DiskResponse } from "./disk/disk-response.ts";
import type { DiskTier, InFront } from "./disk/disk-tier.ts";
import type { GrowingBody } from "./growing-body.ts";
import type { MemoryStore } from "./memory/memory-store.ts";
import type { PurgeOrder } from "./purge-orders.ts";

const WRITTEN_MS_MIN = 60_000; // what is fresh for less is stale after a restart, whatever was written

/**
 * Memory in front, a disk behind. What is stored is stored in both; what memory had to let go, or a restart has
 * taken, comes back from disk when it is asked for, and memory decides as it does on anything new whether it stays.
 */
export class TieredStore implements CacheStore, InFront {
  readonly #memory: MemoryStore;
  readonly #fillings: Set<TieredFilling>; // the oldest first
  #disk: DiskTier | undefined;

  constructor(memory: MemoryStore) {
    this.#memory = memory;
    this.#fillings = new Set();
    this.#disk = undefined;
  }

  get stats(): CacheStats {
    const disk = this.#disk?.stats;
    return disk === undefined ? this.#memory.stats : { ...this.#memory.stats, disk };
  }

  /** `bytesMax`: of the disk. undefined: there is none from now on. */
  useDisk(disk: DiskTier | undefined, bytesMax: number): void {
    this.#disk = disk;
    disk?.open(bytesMax, this);
  }

  lookup(url: string, nowMs: number): StoredResponse | undefined {
    return this.#memory.lookup(url, nowMs);
  }

  recall(wanted: Wanted): Promise<StoredResponse | undefined> | undefined {
    return this.#disk?.recall(wanted);
  }

  touch(response: StoredResponse): void {
    if (response instanceof DiskResponse) this.#disk?.store?.touch(response);
    else this.#memory.touch(response);
  }

  begin(): Filling {
    const filling = this.#memory.begin();
    const disk = this.#disk;
    if (disk === undefined) return filling;
    const tiered = new TieredFilling(filling, disk, (each) => this.#fillings.delete(each));
    this.#fillings.add(tiered);
    return tiered;
  }

  put(response: NewResponse, filling: Filling): StoredResponse | undefined {
    const stored = this.#memory.put(response, inMemory(filling));
    const serial = this.#serialOf(filling);
    filling.ended();
    // Parts stay in memory, until they are a whole: only there do they meet.
    const isPart = response.rangeAt !== undefined;
    if (serial >= 0 && !isPart) this.#disk?.store?.put(response, serial);
    return stored;
  }

  refresh(
    response: StoredResponse,
    lines: string,
    freshness: Freshness,
    filling: Filling,
  ): StoredResponse | undefined {
    const store = this.#disk?.store;
    const serial = this.#serialOf(filling);
    if (response instanceof DiskResponse) {
      return serial < 0 ? undefined : store?.refresh(response, lines, freshness, serial);
    }
    const before = store === undefined ? undefined : response.headers();
    const fresh = this.#memory.refresh(response, lines, freshness, inMemory(filling));
    if (fresh === undefined || store === undefined || serial < 0) return fresh;
    if (freshness.lifetimeMs < WRITTEN_MS_MIN) return fresh;
    const { url, bodyBytes } = fresh;
    const isSame = (found: StoredResponse) =>
      found.bodyBytes === bodyBytes && areOfOne(found.headers(), before!);
    void store.freshen(url, fresh, { lines, freshness, serial }, isSame);
    return fresh;
  }

  addCoded(
    response: StoredResponse,
    coding: string,
    body: GrowingBody,
    filling: Filling,
  ): StoredBody | undefined {
    const isElsewhere = response instanceof DiskResponse;
    const coded = isElsewhere
      ? undefined
      : this.#memory.addCoded(response, coding, body, inMemory(filling));
    filling.ended();
    return coded;
  }

  remove(response: StoredResponse): void {
    if (!(response instanceof DiskResponse)) this.#memory.remove(response);
    this.#disk?.store?.remove(response.url, response);
  }

  purge(order: PurgeOrder, nowMs: number): Step<number> {
    const count = this.#memory.purge(order, nowMs);
    const onDisk = this.#disk?.purge(order) ?? 0;
    // What is in both was one response.
    if (typeof onDisk === "number") return Math.max(count, onDisk);
    return onDisk.then((others) => Math.max(count, others));
  }

  /** -1: it began before there was this disk, which knows nothing of what was purged since. */
  #serialOf(filling: Filling): number {
    const { disk, serial } = filling as Partial<TieredFilling>;
    return disk !== undefined && disk === this.#disk ? serial! : -1;
  }

  // --- for the disk ------------------------------------------------------------------------------

  oldestSerial(): number {
    const [oldest] = this.#fillings;
    return oldest?.serial ?? Number.POSITIVE_INFINITY;
  }

  promotion(): Promotion {
    const filling = this.#memory.begin(); // what is purged while it is read is not for memory
    return {
      promote: (response) => this.#memory.put(response, filling),
      over: () => filling.ended(),
    };
  }
}

class TieredFilling implements Filling {
  readonly memory: Filling;
  readonly disk: DiskTier;
  readonly serial: number; // of the disk's share
  readonly #over: (filling: TieredFilling) => void;

  constructor(memory: Filling, disk: DiskTier, over: (filling: TieredFilling) => void) {
    this.memory = memory;
    this.disk = disk;
    this.serial = disk.share.now;
    this.#over = over;
  }

  grow(bytes: number): boolean {
    return this.memory.grow(bytes);
  }

  ended(): void {
    this.memory.ended();
    this.#over(this);
  }
}

function inMemory(filling: Filling): Filling {
  return (filling as Partial<TieredFilling>).memory ?? filling;
}

/** Speak both of one representation, so that the fields of one are right for the body of the other? */
function areOfOne(one: HeaderList, other: HeaderList): boolean {
  const tag = one.get("etag");
  if (tag !== undefined || other.get("etag") !== undefined) {
    return isSameStrongTag(tag, other.get("etag"));
  }
  const modified = one.get("last-modified");
  return modified !== undefined && modified === other.get("last-modified");
}
