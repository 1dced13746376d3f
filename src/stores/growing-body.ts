import type { BodySource } from "./cache-store.ts";

const FIRST_BYTES = 4 * 1024;
const CHUNK_BYTES = 64 * 1024;
const SLACK_SHARE = 8; // a last chunk that is emptier than one in so many is cut to size

/**
 * A body that comes, and can be read from any position while it does. What all have read can be let
 * go of: then it holds a window, and no whole.
 */
export class GrowingBody implements BodySource {
  readonly #chunks: Buffer[];
  readonly #starts: number[]; // where each chunk begins
  #length: number;
  #heldFrom: number;

  constructor() {
    this.#chunks = [];
    this.#starts = [];
    this.#length = 0;
    this.#heldFrom = 0;
  }

  /** How much has come. */
  get length(): number {
    return this.#length;
  }

  get isWhole(): boolean {
    return this.#heldFrom === 0;
  }

  get heldBytes(): number {
    return this.#length - this.#heldFrom;
  }

  /** Copies them. `left`: how many more are to come, if that is known. */
  append(bytes: Buffer, left?: number): void {
    for (let from = 0; from < bytes.length; ) {
      const room = this.#room();
      if (room === 0) {
        this.#addChunk(bytes.length - from, left);
        continue;
      }
      const chunk = this.#chunks.at(-1)!;
      const count = Math.min(room, bytes.length - from);
      bytes.copy(chunk, this.#length - this.#starts.at(-1)!, from, from + count);
      from += count;
      this.#length += count;
    }
  }

  /** Takes them as they are, to be read from here and changed by nobody. */
  adopt(bytes: Buffer): void {
    const last = this.#chunks.at(-1);
    const used = this.#length - (this.#starts.at(-1) ?? 0);
    if (last !== undefined && used < last.length) {
      this.#chunks[this.#chunks.length - 1] = Buffer.from(last.subarray(0, used));
    }
    this.#chunks.push(bytes);
    this.#starts.push(this.#length);
    this.#length += bytes.length;
  }

  at(position: number): Buffer | undefined {
    if (position >= this.#length || position < this.#heldFrom) return undefined;
    const index = this.#chunkAt(position);
    const start = this.#starts[index]!;
    const chunk = this.#chunks[index]!;
    return chunk.subarray(position - start, Math.min(chunk.length, this.#length - start));
  }

  /** Nobody asks for what is before that any more. */
  letGo(position: number): void {
    let count = 0;
    while (count < this.#chunks.length - 1 && this.#starts[count + 1]! <= position) count++;
    if (count === 0) return;
    this.#chunks.splice(0, count);
    this.#starts.splice(0, count);
    this.#heldFrom = this.#starts[0]!;
  }

  /** All of it as it lies, to be kept: no more is to come. */
  chunks(): Buffer[] {
    const chunks = [...this.#chunks];
    const last = chunks.pop();
    if (last === undefined) return chunks;
    const used = last.subarray(0, this.#length - this.#starts.at(-1)!);
    const isTight = last.length - used.length <= last.length / SLACK_SHARE;
    chunks.push(isTight ? used : Buffer.concat([used]));
    return chunks;
  }

  #room(): number {
    const last = this.#chunks.at(-1);
    return last === undefined ? 0 : this.#starts.at(-1)! + last.length - this.#length;
  }

  #addChunk(bytes: number, left: number | undefined): void {
    const wanted = left ?? (this.#chunks.length === 0 ? FIRST_BYTES : CHUNK_BYTES);
    const size = Math.min(Math.max(wanted, bytes), Math.max(CHUNK_BYTES, bytes));
    this.#chunks.push(Buffer.allocUnsafeSlow(size));
    this.#starts.push(this.#length);
  }

  #chunkAt(position: number): number {
    return chunkAt(this.#starts, position);
  }
}

/** Which chunk has that position; the last one that begins at or before it. */
export function chunkAt(starts: readonly number[], position: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle]! <= position) low = middle;
    else high = middle - 1;
  }
  return low;
}
