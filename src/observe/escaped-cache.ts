/**
 * Remembers how texts look once they are escaped. Few browsers send most of the requests, so the
 * same agents and referrers come again and again; a miss costs one comparison.
 *
 * Each text has one place, found by its length and four of its characters; a newcomer takes it.
 * That bounds memory with no bookkeeping, and an attacker gains no more than the work uncached.
 */
const PLACES = 512; // × TEXT_CHARS_MAX × 7 bytes at most: 1.8 MiB
const TEXT_CHARS_MAX = 512;

const KEEP_ONE_IN = 8;

export class EscapedCache {
  readonly #texts: string[];
  readonly #pieces: Uint8Array[];
  #missCount: number;

  constructor() {
    this.#texts = new Array<string>(PLACES).fill("");
    this.#pieces = new Array<Uint8Array>(PLACES).fill(new Uint8Array(0));
    this.#missCount = 0;
  }

  /** What was kept for the text; "" is never kept. */
  find(text: string): Uint8Array | undefined {
    const place = placeOf(text);
    return this.#texts[place] === text ? this.#pieces[place] : undefined;
  }

  /** After a miss: the text's piece is bytes[from..to). */
  keep(text: string, bytes: Uint8Array, from: number, to: number): void {
    // One in a few: where texts seldom come again, keeping each would cost more than it saves.
    if (this.#missCount++ % KEEP_ONE_IN !== 0 || text.length > TEXT_CHARS_MAX) return;
    // Copies: a slice of the head would keep the whole head alive.
    const copy = Buffer.from(text, "latin1").toString("latin1");
    if (copy !== text || text === "") return; // not latin1: not from the wire
    const place = placeOf(text);
    this.#texts[place] = copy;
    this.#pieces[place] = new Uint8Array(bytes.subarray(from, to));
  }
}

function placeOf(text: string): number {
  const { length } = text;
  if (length < 4) return length;
  let hash = length;
  hash = (hash * 31 + text.charCodeAt(length - 1)) | 0;
  hash = (hash * 31 + text.charCodeAt(length >> 1)) | 0;
  hash = (hash * 31 + text.charCodeAt((length * 3) >> 2)) | 0;
  hash = (hash * 31 + text.charCodeAt(length >> 2)) | 0;
  return (hash ^ (hash >> 9)) & (PLACES - 1);
}
