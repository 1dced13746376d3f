import { tagsOf } from "../../protocol/caching/cache-tags.ts";
import type { Freshness } from "../../protocol/caching/reuse.ts";
import type {
  CacheStats,
  CacheStore,
  Filling,
  NewResponse,
  StoredBody,
  StoredResponse,
  VariantKey,
} from "../cache-store.ts";
import type { GrowingBody } from "../growing-body.ts";
import { type PurgeOrder, PurgeOrders, type Verdict } from "../purge-orders.ts";
import { Admission } from "./admission.ts";
import { CodedBody } from "./coded-body.ts";
import { KinTable } from "./kin-table.ts";
import { type Layout, layoutOf, MemoryEntry } from "./memory-entry.ts";
import { MemoryFilling } from "./memory-filling.ts";
import { SLOT_BYTES_MAX, Slabs, slotAt } from "./slabs.ts";
import { Sweep } from "./sweep.ts";
import { CODED_OVERHEAD_BYTES, codedWeight, OVERHEAD_BYTES, weightOf } from "./weights.ts";

export interface MemoryStoreOptions {
  readonly bytesMax: number;
  readonly variantsMax: number; // of one URL
  /** Does it a little later, when others have had their turn. */
  readonly later: (act: () => void) => void;
}

const KIB = 1024;
const PAGE_BYTES_MIN = 64 * KIB;
const PAGE_BYTES_MAX = KIB * KIB;
const PAGES_WANTED = 128;
const OBJECT_SHARE = 4; // no object may take more than one part in so many
const FILLING_SHARE = 2; // nor all that are being fetched together

/** Responses in the memory of one worker, within a budget of bytes, by S3-FIFO. */
export class MemoryStore implements CacheStore {
  readonly #variantsMax: number;
  readonly #entries: Map<string, MemoryEntry>; // by URL: the newest, the others behind it
  readonly #slabs: Slabs<MemoryEntry>;
  readonly #admission: Admission;
  readonly #orders: PurgeOrders;
  readonly #sweep: Sweep;
  readonly #fillings: Set<MemoryFilling>; // the oldest first
  readonly #kin: KinTable;
  #bytesMax: number;
  #serial: number;
  #objects: number;
  #codedCount: number; // of bodies in other codings
  #looseBytes: number; // of bodies that are in no slab
  #fillingBytes: number;
  #evictions: number;

  constructor({ bytesMax, variantsMax, later }: MemoryStoreOptions) {
    this.#variantsMax = variantsMax;
    this.#entries = new Map();
    this.#slabs = new Slabs(pageBytesFor(bytesMax));
    this.#admission = new Admission();
    this.#orders = new PurgeOrders();
    this.#sweep = new Sweep(later, {
      urls: () => this.#entries.keys(),
      look: (url, nowMs) => this.#lookAt(url, nowMs),
      over: () => this.#retireOrders(),
    });
    this.#fillings = new Set();
    this.#kin = new KinTable();
    this.#bytesMax = bytesMax;
    this.#serial = 0;
    this.#objects = 0;
    this.#codedCount = 0;
    this.#looseBytes = 0;
    this.#fillingBytes = 0;
    this.#evictions = 0;
  }

  get stats(): CacheStats {
    return {
      bytes: this.#bytes,
      bytesMax: this.#bytesMax,
      objects: this.#objects,
      evictions: this.#evictions,
    };
  }

  /** What is too much by now goes. */
  resize(bytesMax: number): void {
    this.#bytesMax = bytesMax;
    this.#makeRoom(0, 0);
  }

  lookup(url: string, nowMs: number): MemoryEntry | undefined {
    if (this.#orders.count > 0) this.#lookAt(url, nowMs);
    return this.#entries.get(url);
  }

  touch(response: StoredResponse): void {
    this.#admission.visit(response as MemoryEntry);
  }

  begin(): Filling {
    const filling = new MemoryFilling(this.#serial, {
      grow: (bytes) => this.#grow(bytes),
      ended: (ended) => this.#fillingEnded(ended),
    });
    this.#fillings.add(filling);
    return filling;
  }

  put(response: NewResponse, filling: Filling): StoredResponse | undefined {
    const { serial } = filling as MemoryFilling;
    const layout = layoutOf(response.lines, response.body.length, SLOT_BYTES_MAX);
    if (layout === undefined) return undefined;
    const entry = new MemoryEntry(response, this.#kin.of(response), layout, serial);
    const tags = () => tagsOf(layout.lines);
    const verdict = this.#orders.verdict({ url: entry.url, serial, tags });
    filling.ended(); // its bytes are the entry's from here on
    if (verdict === "gone") return undefined;
    const before = this.#same(entry);
    if (before !== undefined) this.remove(before);
    entry.weight = weightOf(entry, layout);
    if (!this.#makeRoom(entry.weight, entry.looseBytes)) return undefined;
    this.#settle(entry, layout, layout.isInBlock ? wholeOf(response) : undefined);
    entry.setFreshness(response.freshness);
    if (verdict === "stale") entry.expire(response.freshness.bornMs);
    this.#add(entry);
    return entry;
  }

  refresh(
    response: StoredResponse,
    lines: string,
    freshness: Freshness,
    filling: Filling,
  ): StoredResponse | undefined {
    const entry = response as MemoryEntry;
    if (!this.#holds(entry)) return undefined;
    const layout = layoutOf(lines, entry.bodyBytes, entry.isLent ? Number.POSITIVE_INFINITY : 0);
    // Copied, since the slot that it lies in is given back before another is taken.
    const body = entry.isLent ? Buffer.from(entry.at(0) ?? "") : undefined;
    if (layout === undefined || weightOf(entry, layout) > this.#bytesMax / OBJECT_SHARE) {
      this.remove(entry);
      return undefined;
    }
    this.#admission.leave(entry);
    this.#unsettle(entry);
    const visits = entry.visits;
    entry.weight = weightOf(entry, layout);
    entry.serial = (filling as MemoryFilling).serial;
    this.#settle(entry, layout, body);
    entry.setFreshness(freshness);
    this.#admission.stay(entry, visits);
    return this.#makeRoom(0, 0) && this.#holds(entry) ? entry : undefined;
  }

  addCoded(
    response: StoredResponse,
    coding: string,
    body: GrowingBody,
    filling: Filling,
  ): StoredBody | undefined {
    const entry = response as MemoryEntry;
    const most = entry.weight + CODED_OVERHEAD_BYTES + body.length;
    filling.ended();
    if (!this.#holds(entry) || entry.coded(coding) !== undefined) return undefined;
    if (most > this.#bytesMax / OBJECT_SHARE) return undefined;
    const coded = this.#codedBody(entry, coding, body);
    this.#codedCount++;
    this.#looseBytes += coded.looseBytes;
    if (!this.#holds(entry)) {
      this.#letGo(coded); // the room was made by the entry itself
      this.#looseBytes -= coded.looseBytes;
      return undefined;
    }
    this.#admission.leave(entry);
    entry.addCoded(coded);
    entry.weight += codedWeight(coded);
    this.#admission.stay(entry, entry.visits);
    return this.#makeRoom(0, 0) && this.#holds(entry) ? coded : undefined;
  }

  remove(response: StoredResponse): void {
    const entry = response as MemoryEntry;
    if (!this.#unlink(entry)) return;
    this.#admission.leave(entry);
    this.#unsettle(entry);
    this.#looseBytes -= entry.looseBytes;
    for (const coded of entry.codedBodies) this.#letGo(coded);
    this.#objects--;
  }

  purge(order: PurgeOrder, nowMs: number): number {
    this.#orders.place(order, ++this.#serial);
    if (order.kind === "url") {
      const count = this.#lookAt(order.value, nowMs);
      this.#retireOrders();
      return count;
    }
    return this.#sweep.begin(this.#serial, nowMs);
  }

  get #bytes(): number {
    const overhead = this.#objects * OVERHEAD_BYTES + this.#codedCount * CODED_OVERHEAD_BYTES;
    return this.#slabs.bytes + this.#looseBytes + this.#fillingBytes + overhead;
  }

  // --- places ----------------------------------------------------------------------------------

  #settle(entry: MemoryEntry, layout: Layout, body: Buffer | undefined): void {
    const block = this.#blockFor(layout.blockBytes, entry);
    if (block >= 0) entry.settle(block, this.#slabs.pageOf(block), layout, body);
    else {
      this.#looseBytes += layout.blockBytes;
      const bytes = Buffer.allocUnsafeSlow(layout.blockBytes);
      entry.settle(-1, { bytes, slotBytes: 0 }, layout, body);
    }
  }

  #unsettle(entry: MemoryEntry): void {
    if (entry.block >= 0) this.#slabs.give(entry.block);
    else this.#looseBytes -= entry.ownBytes;
  }

  #codedBody(entry: MemoryEntry, coding: string, body: GrowingBody): CodedBody {
    const isSmall = body.length > 0 && body.length <= SLOT_BYTES_MAX;
    const block = isSmall ? this.#blockFor(body.length, entry) : -1;
    if (block < 0) {
      if (!isSmall) this.#freeUp(body.length);
      return new CodedBody(coding, -1, body.chunks());
    }
    const { bytes, slotBytes } = this.#slabs.pageOf(block);
    return CodedBody.inBlock(coding, body, block, bytes, slotAt(block, slotBytes));
  }

  #letGo({ block }: CodedBody): void {
    if (block >= 0) this.#slabs.give(block);
    this.#codedCount--;
  }

  /** -1: it gets a buffer of its own. */
  #blockFor(bytes: number, owner: MemoryEntry): number {
    const block = bytes > SLOT_BYTES_MAX ? -1 : this.#slabs.take(bytes, owner);
    if (block >= 0) return block;
    const { pageBytes } = this.#slabs;
    const besides = owner.looseBytes + OVERHEAD_BYTES; // which are counted once it is in its place
    if (bytes <= SLOT_BYTES_MAX && this.#freeUp(pageBytes + besides)) {
      this.#slabs.addPage(bytes);
      return this.#slabs.take(bytes, owner);
    }
    this.#freeUp(bytes + besides);
    return -1;
  }

  /** False: there is not that much, whoever goes. `fresh`: what no slab has room for. */
  #makeRoom(weight: number, fresh: number): boolean {
    const wanted = weight + this.#fillingBytes;
    if (weight > this.#bytesMax / OBJECT_SHARE || wanted > this.#bytesMax) return false;
    while (this.#admission.bytes + wanted > this.#bytesMax) if (!this.#evictOne()) return false;
    return this.#freeUp(fresh + OVERHEAD_BYTES);
  }

  /**
   * Lets go of memory. Who has been here longest goes first, and pages empty mostly in that order;
   * where they do not, the page with the least in it has to go.
   */
  #freeUp(bytes: number): boolean {
    let patience = bytes + this.#slabs.pageBytes;
    while (this.#bytes + bytes > this.#bytesMax) {
      const before = this.#admission.bytes;
      if (patience > 0 ? !this.#evictOne() : !this.#reclaimPage()) return false;
      patience -= before - this.#admission.bytes;
    }
    return true;
  }

  #reclaimPage(): boolean {
    const owners = new Set(this.#slabs.loneliest()); // some may have two slots there
    for (const owner of owners) this.#evict(owner);
    return owners.size > 0 || this.#evictOne();
  }

  #evictOne(): boolean {
    const victim = this.#admission.victim(this.#bytesMax);
    if (victim === undefined) return false;
    this.#evict(victim as MemoryEntry);
    return true;
  }

  #evict(entry: MemoryEntry): void {
    this.#evictions++;
    this.remove(entry);
  }

  // --- chains ----------------------------------------------------------------------------------

  #add(entry: MemoryEntry): void {
    entry.next = this.#entries.get(entry.url);
    this.#entries.set(entry.url, entry);
    this.#objects++;
    this.#looseBytes += entry.looseBytes;
    this.#admission.admit(entry);
    this.#boundVariants(entry);
  }

  /** C1: a Vary on what every client has its own of must not fill the store with one page. */
  #boundVariants(newest: MemoryEntry): void {
    let count = 1;
    let last = newest;
    for (; last.next !== undefined; last = last.next) count++;
    if (count > this.#variantsMax) this.#evict(last);
  }

  #same(key: VariantKey & { readonly url: string }): MemoryEntry | undefined {
    let entry = this.#entries.get(key.url);
    while (entry !== undefined && !isSameKey(entry, key)) entry = entry.next;
    return entry;
  }

  #holds(entry: MemoryEntry): boolean {
    let each = this.#entries.get(entry.url);
    while (each !== undefined && each !== entry) each = each.next;
    return each !== undefined;
  }

  #unlink(entry: MemoryEntry): boolean {
    const first = this.#entries.get(entry.url);
    if (first === undefined) return false;
    if (first === entry) {
      if (entry.next === undefined) this.#entries.delete(entry.url);
      else this.#entries.set(entry.url, entry.next);
      return true;
    }
    let before = first;
    while (before.next !== entry) {
      if (before.next === undefined) return false;
      before = before.next;
    }
    before.next = entry.next;
    return true;
  }

  // --- purges ----------------------------------------------------------------------------------

  /** Does to the responses of that URL as the orders say; how many they held for. */
  #lookAt(url: string, nowMs: number): number {
    let count = 0;
    let entry = this.#entries.get(url);
    while (entry !== undefined) {
      const { next } = entry;
      const verdict: Verdict = this.#orders.verdict(entry);
      if (verdict === "gone") this.remove(entry);
      else if (verdict === "stale") entry.expire(nowMs);
      if (verdict !== "stays") count++;
      entry = next;
    }
    return count;
  }

  /** An order is done with when all is swept, and nothing is on its way that is older. */
  #retireOrders(): void {
    const [oldest] = this.#fillings;
    const swept = this.#sweep.isUnderway ? this.#sweep.sweptSerial : this.#serial;
    this.#orders.retire(Math.min(swept, oldest?.serial ?? this.#serial));
  }

  // --- what is being fetched -------------------------------------------------------------------

  #grow(bytes: number): boolean {
    if (this.#fillingBytes + bytes > this.#bytesMax / FILLING_SHARE) return false;
    this.#fillingBytes += bytes;
    return this.#makeRoom(0, 0);
  }

  #fillingEnded(filling: MemoryFilling): void {
    this.#fillings.delete(filling);
    this.#fillingBytes -= filling.bytes;
    if (this.#orders.count > 0) this.#retireOrders();
  }
}

function isSameKey(one: VariantKey, other: VariantKey): boolean {
  return (
    one.partition === other.partition &&
    one.varyKey === other.varyKey &&
    one.varyNames.join() === other.varyNames.join()
  );
}

/** A small body in one piece. */
function wholeOf({ body }: NewResponse): Buffer {
  const chunks = body.chunks();
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}

function pageBytesFor(bytesMax: number): number {
  let bytes = PAGE_BYTES_MIN;
  while (bytes < PAGE_BYTES_MAX && bytes * 2 * PAGES_WANTED <= bytesMax) bytes *= 2;
  return bytes;
}
