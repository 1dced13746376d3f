const PER_DOUBLING = 4; // buckets, so a bucket is some 19 % wide
const BUCKETS = 80; // from 0.1 ms to a hundred seconds
const FIRST_MS = 0.1;
const LATELY_MOST = 2_000; // samples; then the old ones count half
const SURE_FROM = 100; // fewer say nothing about a tail

/** How long requests took lately, roughly, and cheap enough to ask for every one. */
export class LatencyHistogram {
  readonly #counts: Float64Array;
  #total: number;

  constructor() {
    this.#counts = new Float64Array(BUCKETS);
    this.#total = 0;
  }

  add(ms: number): void {
    this.#counts[bucketOf(ms)]!++;
    if (++this.#total < LATELY_MOST) return;
    this.#total = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      this.#counts[bucket]! /= 2;
      this.#total += this.#counts[bucket]!;
    }
  }

  /** So many percent took no longer; undefined while there are too few to say. */
  percentileMs(percent: number): number | undefined {
    if (this.#total < SURE_FROM) return undefined;
    let left = (this.#total * percent) / 100;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      left -= this.#counts[bucket]!;
      if (left <= 0) return FIRST_MS * 2 ** ((bucket + 1) / PER_DOUBLING);
    }
    return undefined;
  }
}

function bucketOf(ms: number): number {
  if (ms <= FIRST_MS) return 0;
  return Math.min(BUCKETS - 1, Math.floor(Math.log2(ms / FIRST_MS) * PER_DOUBLING));
}
