import { randomInt } from "node:crypto";
import { SecretHash } from "./secret-hash.ts";

/** How fast a key may go: GCRA, with its times in milliseconds. */
export interface Pace {
  readonly perUnitMs: number; // a unit comes back in so long
  readonly burstMs: number; // perUnitMs for each unit that may come at once
}

const WAYS = 16; // tags of a set fill a cache line
const SEED = 0; // two words
const EVICTED = 2;
const HEAD_CELLS = 16;
const EMPTY = 0;
const TOLERANCE = 0.01; // of a unit: sums of times are not exact to the last bit

// The bits of a time, for Atomics, which know whole numbers only.
const scratch = new Float64Array(1);
const scratchBits = new BigInt64Array(scratch.buffer);

/**
 * When each key is due again, in memory that all workers share: the "theoretical arrival time" of GCRA,
 * which is all that a limit has to know of a key. It lies in the future by what was used of late.
 *
 * Sets of 16 slots; a key's hash says which set is its, and a tag of 32 bits which slot. A time changes
 * by one compare-and-exchange, so threads count exactly and none waits for another. Memory never
 * grows. A new key takes the place of one that is due earliest in its set: first of who is as good as
 * new, and in a flood of keys of who has used least, so that whoever is at the limit stays there. Who is
 * forgotten begins anew, and so nobody is ever refused for another's sake, but for a chance of some
 * 16 in 2^32 that two keys of a set have the same tag.
 *
 * Two threads that meet a new key in the same nanoseconds, while a third one changes the set, may
 * both make a slot for it: it then has one request more, once.
 */
export class DueTimes {
  readonly #cells: Int32Array;
  readonly #tags: Int32Array;
  readonly #times: Float64Array; // read without ceremony: what was read is held against the bits
  readonly #bits: BigInt64Array;
  readonly #setMask: number;
  readonly #hash: SecretHash;

  /** For so many keys at least. */
  static byteLength(keysMax: number): number {
    const slots = WAYS * 2 ** Math.ceil(Math.log2(Math.max(1, keysMax / WAYS)));
    return HEAD_CELLS * 4 + slots * (4 + 8);
  }

  constructor(memory: SharedArrayBuffer) {
    const slots = (memory.byteLength - HEAD_CELLS * 4) / 12;
    this.#cells = new Int32Array(memory, 0, HEAD_CELLS);
    this.#tags = new Int32Array(memory, HEAD_CELLS * 4, slots);
    this.#times = new Float64Array(memory, HEAD_CELLS * 4 + slots * 4, slots);
    this.#bits = new BigInt64Array(memory, HEAD_CELLS * 4 + slots * 4, slots);
    this.#setMask = slots / WAYS - 1;
    // Who comes first draws the key of the hash; all others find it drawn.
    Atomics.compareExchange(this.#cells, SEED, 0, randomInt(1, 2 ** 31));
    Atomics.compareExchange(this.#cells, SEED + 1, 0, randomInt(1, 2 ** 31));
    this.#hash = new SecretHash(
      Atomics.load(this.#cells, SEED),
      Atomics.load(this.#cells, SEED + 1),
    );
  }

  get slots(): number {
    return this.#tags.length;
  }

  /** Keys that lost their place while they were limited, or on the way there. */
  get evicted(): number {
    return Atomics.load(this.#cells, EVICTED) >>> 0;
  }

  /**
   * Uses so many units of the key's. At least zero: it may, and could use so much more at once, in
   * milliseconds of its pace. Below zero: it may not, nothing was used, and may in so long.
   */
  take(key: string, units: number, nowMs: number, { perUnitMs, burstMs }: Pace): number {
    this.#hash.of(key);
    const first = (this.#hash.high & this.#setMask) * WAYS;
    const tag = this.#tag();
    const costMs = units * perUnitMs;
    for (;;) {
      const at = this.#find(first, tag);
      if (at < 0) {
        if (costMs > burstMs + perUnitMs * TOLERANCE) return burstMs - costMs;
        this.#settle(first, tag, nowMs);
        continue;
      }
      const before = this.#times[at]!;
      const usedMs = (before > nowMs ? before - nowMs : 0) + costMs;
      const leftMs = burstMs - usedMs;
      if (leftMs < -perUnitMs * TOLERANCE) return leftMs;
      if (this.#swap(at, before, nowMs + usedMs)) return Math.max(leftMs, 0);
    }
  }

  /** As take() of nothing: how much it could use at once, and below zero how long until it may. */
  look(key: string, nowMs: number, { burstMs }: Pace): number {
    const at = this.#place(key);
    const time = at < 0 ? 0 : this.#times[at]!;
    return burstMs - (time > nowMs ? time - nowMs : 0);
  }

  /** What was taken and not used after all. */
  giveBack(key: string, units: number, { perUnitMs }: Pace): void {
    for (;;) {
      const at = this.#place(key);
      if (at < 0) return;
      const before = this.#times[at]!;
      if (this.#swap(at, before, before - units * perUnitMs)) return;
    }
  }

  /** Another one knows that it is due no earlier than this. */
  raise(key: string, dueMs: number, nowMs: number): void {
    this.#hash.of(key);
    const first = (this.#hash.high & this.#setMask) * WAYS;
    const tag = this.#tag();
    for (;;) {
      const at = this.#find(first, tag);
      if (at < 0) {
        this.#settle(first, tag, nowMs);
        continue;
      }
      const before = this.#times[at]!;
      if (before >= dueMs || this.#swap(at, before, dueMs)) return;
    }
  }

  /** It is as if it had used nothing. */
  forget(key: string): void {
    for (;;) {
      const at = this.#place(key);
      if (at < 0) return;
      if (this.#swap(at, this.#times[at]!, 0)) return;
    }
  }

  #place(key: string): number {
    this.#hash.of(key);
    return this.#find((this.#hash.high & this.#setMask) * WAYS, this.#tag());
  }

  #tag(): number {
    return this.#hash.low === EMPTY ? 1 : this.#hash.low;
  }

  #find(first: number, tag: number): number {
    for (let at = first; at < first + WAYS; at++) if (this.#tags[at] === tag) return at;
    return -1;
  }

  /** Makes a place for the key; who lost a race finds out by looking again. */
  #settle(first: number, tag: number, nowMs: number): void {
    let at = first;
    for (let other = first; other < first + WAYS && this.#tags[at] !== EMPTY; other++) {
      if (this.#tags[other] === EMPTY || this.#times[other]! < this.#times[at]!) at = other;
    }
    const owner = this.#tags[at]!;
    const before = this.#times[at]!;
    if (Atomics.compareExchange(this.#tags, at, owner, tag) !== owner) return;
    if (before <= nowMs) return; // as good as new for whoever has it
    if (this.#swap(at, before, 0)) Atomics.add(this.#cells, EVICTED, 1);
  }

  #swap(at: number, before: number, after: number): boolean {
    scratch[0] = before;
    const expected = scratchBits[0]!;
    scratch[0] = after;
    return Atomics.compareExchange(this.#bits, at, expected, scratchBits[0]!) === expected;
  }
}
