import type { RecordKey } from "./record-key.ts";

/** Where a record lies. */
export interface RecordPlace {
  readonly segment: number; // never 0
  readonly offset: number;
  readonly bytes: number; // of its head, and of its body if that is behind it
  readonly order: number; // of one key the latest counts
}

/** A place, and what is known of it without a look at the disk. */
export interface Indexed extends RecordPlace {
  readonly key: RecordKey;
  readonly visits: number;
}

/** Told what the index holds no more. */
export interface IndexOwner {
  indexed(segment: number): void;
  gone(segment: number): void;
}

const FIRST = 0;
const SECOND = 1;
const PARTITION = 2;
const VARIANT = 3;
const SEGMENT = 4; // 0: nobody is here
const OFFSET = 5;
const ORDER = 6; // its last 32 bits
const BYTES = 7; // and in its top two bits the visits
const WORDS = 8;

const SHARDS = 64;
const SLOTS_MIN = 16;
const FULL = 0.8;
export const RECORD_BYTES_MAX = 2 ** 30 - 1;
const VISITS_MAX = 3;
const VISITS_SHIFT = 30;

/**
 * Where every record lies, in 32 bytes a slot, outside of the heap: 40 to 80 bytes for an object. It grows
 * a sixty-fourth at a time, so that nobody waits for ten million of them to be moved.
 */
export class DiskIndex {
  readonly #shards: readonly Shard[];
  readonly #owner: IndexOwner;

  constructor(owner: IndexOwner) {
    this.#shards = Array.from({ length: SHARDS }, () => new Shard());
    this.#owner = owner;
  }

  /** What it takes. */
  get memoryBytes(): number {
    return this.#shards.reduce((sum, { words }) => sum + words.byteLength, 0);
  }

  get count(): number {
    return this.#shards.reduce((sum, { count }) => sum + count, 0);
  }

  /** False: there is a later one of that key. */
  put(key: RecordKey, place: RecordPlace): boolean {
    const shard = this.#shardOf(key);
    const at = shard.find(key);
    if (at >= 0) {
      if (isLater(shard.words[at + ORDER]!, place.order)) return false;
      this.#owner.gone(shard.words[at + SEGMENT]!);
      const visits = shard.words[at + BYTES]! >>> VISITS_SHIFT;
      // The same record in another place: it was kept for its visits, and has one less to be kept for.
      const isMoved = shard.words[at + ORDER] === place.order >>> 0;
      shard.set(at, key, place, isMoved ? Math.max(0, visits - 1) : visits);
    } else shard.add(key, place, 0);
    this.#owner.indexed(place.segment);
    return true;
  }

  /** Of one URL, the latest first. */
  ofUrl(url: Pick<RecordKey, "first" | "second">): Indexed[] {
    const shard = this.#shardOf(url);
    const found: Indexed[] = [];
    for (let at = shard.start(url.first); shard.words[at + SEGMENT] !== 0; at = shard.next(at)) {
      if (shard.isOfUrl(at, url)) found.push(shard.read(at));
    }
    return found.sort((a, b) => (isLater(a.order, b.order) ? -1 : 1));
  }

  visitsOf(key: RecordKey, segment: number, offset: number): number {
    const shard = this.#shardOf(key);
    const at = shard.find(key);
    if (at < 0 || shard.words[at + SEGMENT] !== segment || shard.words[at + OFFSET] !== offset) {
      return 0;
    }
    return shard.words[at + BYTES]! >>> VISITS_SHIFT;
  }

  visit(key: RecordKey): void {
    const shard = this.#shardOf(key);
    const at = shard.find(key);
    if (at < 0 || shard.words[at + BYTES]! >>> VISITS_SHIFT === VISITS_MAX) return;
    shard.words[at + BYTES]! += 2 ** VISITS_SHIFT;
  }

  /** Unless it is later than that. */
  delete(key: RecordKey, order: number): boolean {
    const shard = this.#shardOf(key);
    const at = shard.find(key);
    if (at < 0 || isLater(shard.words[at + ORDER]!, order)) return false;
    this.#owner.gone(shard.words[at + SEGMENT]!);
    shard.deleteAt(at);
    return true;
  }

  clear(): void {
    for (const shard of this.#shards) shard.clear();
  }

  /** Forgets, in one of so many parts, what lies in segments that are no more. */
  sweep(part: number, isAlive: (segment: number) => boolean): void {
    this.#shards[part]!.keep(isAlive);
  }

  static readonly parts = SHARDS;

  #shardOf({ second }: Pick<RecordKey, "second">): Shard {
    return this.#shards[second % SHARDS]!;
  }
}

class Shard {
  words = new Uint32Array(SLOTS_MIN * WORDS);
  count = 0;

  start(first: number): number {
    return (first & (this.words.length / WORDS - 1)) * WORDS;
  }

  next(at: number): number {
    return at + WORDS === this.words.length ? 0 : at + WORDS;
  }

  isOfUrl(at: number, { first, second }: Pick<RecordKey, "first" | "second">): boolean {
    return this.words[at + FIRST] === first && this.words[at + SECOND] === second;
  }

  /** -1: it is not here. */
  find(key: RecordKey): number {
    const { words } = this;
    for (let at = this.start(key.first); words[at + SEGMENT] !== 0; at = this.next(at)) {
      if (!this.isOfUrl(at, key)) continue;
      if (words[at + PARTITION] === key.partition && words[at + VARIANT] === key.variant) return at;
    }
    return -1;
  }

  read(at: number): Indexed {
    const { words } = this;
    return {
      key: {
        first: words[at + FIRST]!,
        second: words[at + SECOND]!,
        partition: words[at + PARTITION]!,
        variant: words[at + VARIANT]!,
      },
      segment: words[at + SEGMENT]!,
      offset: words[at + OFFSET]!,
      order: words[at + ORDER]!,
      bytes: words[at + BYTES]! & RECORD_BYTES_MAX,
      visits: words[at + BYTES]! >>> VISITS_SHIFT,
    };
  }

  set(at: number, key: RecordKey, place: RecordPlace, visits: number): void {
    const { words } = this;
    words[at + FIRST] = key.first;
    words[at + SECOND] = key.second;
    words[at + PARTITION] = key.partition;
    words[at + VARIANT] = key.variant;
    words[at + SEGMENT] = place.segment;
    words[at + OFFSET] = place.offset;
    words[at + ORDER] = place.order;
    words[at + BYTES] = place.bytes + visits * 2 ** VISITS_SHIFT;
  }

  add(key: RecordKey, place: RecordPlace, visits: number): void {
    if ((this.count + 1) * WORDS > this.words.length * FULL) this.#double();
    let at = this.start(key.first);
    while (this.words[at + SEGMENT] !== 0) at = this.next(at);
    this.set(at, key, place, visits);
    this.count++;
  }

  /** Who comes behind moves up, so that a search never stops short of somebody. */
  deleteAt(at: number): void {
    const { words } = this;
    let hole = at;
    for (let each = this.next(hole); words[each + SEGMENT] !== 0; each = this.next(each)) {
      const home = this.start(words[each + FIRST]!);
      const isBetween = hole <= each ? hole < home && home <= each : hole < home || home <= each;
      if (isBetween) continue;
      words.copyWithin(hole, each, each + WORDS);
      hole = each;
    }
    words.fill(0, hole, hole + WORDS);
    this.count--;
  }

  clear(): void {
    this.words = new Uint32Array(SLOTS_MIN * WORDS);
    this.count = 0;
  }

  /** Built anew, as small as it can be. */
  keep(isAlive: (segment: number) => boolean): void {
    const before = this.words;
    let alive = 0;
    for (let at = SEGMENT; at < before.length; at += WORDS) {
      if (before[at] !== 0 && isAlive(before[at]!)) alive++;
    }
    if (alive === this.count) return;
    let slots = SLOTS_MIN;
    while (alive > slots * FULL) slots *= 2;
    this.#move(before, slots, isAlive);
  }

  #double(): void {
    this.#move(this.words, (this.words.length / WORDS) * 2, () => true);
  }

  #move(before: Uint32Array, slots: number, isAlive: (segment: number) => boolean): void {
    this.words = new Uint32Array(slots * WORDS);
    this.count = 0;
    for (let from = 0; from < before.length; from += WORDS) {
      const segment = before[from + SEGMENT]!;
      if (segment === 0 || !isAlive(segment)) continue;
      let at = this.start(before[from]!);
      while (this.words[at + SEGMENT] !== 0) at = this.next(at);
      for (let word = 0; word < WORDS; word++) this.words[at + word] = before[from + word]!;
      this.count++;
    }
  }
}

/** Of two orders as they wrap around; neither is half of all numbers ahead of the other. */
function isLater(order: number, than: number): boolean {
  return ((order - than) | 0) > 0;
}
