import { createHash } from "node:crypto";

const SLOTS = 4096;
const MARKED_S = 60; // by then a browser has the new cookie, and its older requests are over

/**
 * Which sessions somebody refreshes, or just has, over all workers: a provider takes a refresh token
 * that comes twice for a stolen one, and ends the session. Fixed memory: two sessions that share a
 * slot can only delay each other's refresh by a minute.
 */
export class RefreshMarks {
  static readonly byteLength = SLOTS * 2 * Int32Array.BYTES_PER_ELEMENT;
  readonly #cells: Int32Array; // per slot: when, and for whom

  constructor(memory: SharedArrayBuffer) {
    this.#cells = new Int32Array(memory);
  }

  /** True: it is ours to refresh. False: somebody does, or did within the last minute. */
  claim(key: string, nowS: number): boolean {
    const mark = markOf(key);
    const at = (mark & (SLOTS - 1)) * 2;
    const sinceS = Atomics.load(this.#cells, at);
    const isMarked = sinceS !== 0 && ((nowS - sinceS) | 0) < MARKED_S;
    if (isMarked && Atomics.load(this.#cells, at + 1) === mark) return false;
    if (Atomics.compareExchange(this.#cells, at, sinceS, nowS | 0) !== sinceS) return false;
    Atomics.store(this.#cells, at + 1, mark);
    return true;
  }

  /** It came to nothing: somebody may try again. */
  release(key: string): void {
    const mark = markOf(key);
    const at = (mark & (SLOTS - 1)) * 2;
    if (Atomics.load(this.#cells, at + 1) === mark) Atomics.store(this.#cells, at, 0);
  }
}

function markOf(key: string): number {
  return createHash("sha256").update(key).digest().readInt32LE();
}
