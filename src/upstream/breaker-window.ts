const BUCKETS = 10;
const EPOCH = 0; // which stretch of time the bucket counts
const TOTAL = 1;
const FAILED = 2;
const SLOW = 3;
const BUCKET_CELLS = 4;

export interface WindowCounts {
  readonly total: number;
  readonly failed: number;
  readonly slow: number;
}

/**
 * What became of requests in the last while, in cells that all workers count in: ten buckets of a
 * tenth of it, taken in turn, so that what is forgotten is a tenth at a time.
 */
export class BreakerWindow {
  static readonly byteLength = BUCKETS * BUCKET_CELLS * Int32Array.BYTES_PER_ELEMENT;

  readonly #cells: Int32Array;
  readonly #bucketMs: number;

  constructor(cells: Int32Array, withinMs: number) {
    this.#cells = cells;
    this.#bucketMs = withinMs / BUCKETS;
  }

  add(nowMs: number, { total, failed, slow }: WindowCounts): void {
    const at = this.#bucketAt(nowMs);
    if (total !== 0) Atomics.add(this.#cells, at + TOTAL, total);
    if (failed !== 0) Atomics.add(this.#cells, at + FAILED, failed);
    if (slow !== 0) Atomics.add(this.#cells, at + SLOW, slow);
  }

  counts(nowMs: number): WindowCounts {
    const now = this.#epoch(nowMs);
    let total = 0;
    let failed = 0;
    let slow = 0;
    for (let at = 0; at < this.#cells.length; at += BUCKET_CELLS) {
      const age = now - this.#cells[at + EPOCH]!;
      if (age < 0 || age >= BUCKETS) continue;
      total += this.#cells[at + TOTAL]!;
      failed += this.#cells[at + FAILED]!;
      slow += this.#cells[at + SLOW]!;
    }
    return { total, failed, slow };
  }

  clear(): void {
    this.#cells.fill(0);
  }

  /** The bucket of now. Who takes it over from an earlier time empties it; a count may be lost then. */
  #bucketAt(nowMs: number): number {
    const epoch = this.#epoch(nowMs);
    const at = (epoch % BUCKETS) * BUCKET_CELLS;
    const before = this.#cells[at + EPOCH]!;
    const isOurs =
      before !== epoch &&
      Atomics.compareExchange(this.#cells, at + EPOCH, before, epoch) === before;
    if (isOurs) this.#cells.fill(0, at + TOTAL, at + BUCKET_CELLS);
    return at;
  }

  // From 1, so that memory which is all zeros is of no time. Whole numbers of 31 bits: at 10 ms a
  // bucket that is 248 days, after which a bucket is at worst taken for an old one, once.
  #epoch(nowMs: number): number {
    return (Math.floor(nowMs / this.#bucketMs) % 0x7fffffff) + 1;
  }
}
