import type { StoredBody } from "../cache-store.ts";
import { chunkAt, type GrowingBody } from "../growing-body.ts";

/** The body of a response in another coding: in a block, or in chunks of its own. */
export class CodedBody implements StoredBody {
  readonly coding: string;
  readonly bodyBytes: number;
  readonly block: number; // -1: it has chunks
  readonly #chunks: readonly Buffer[];
  readonly #starts: readonly number[];

  constructor(coding: string, block: number, chunks: readonly Buffer[]) {
    const starts: number[] = [];
    let at = 0;
    for (const chunk of chunks) {
      starts.push(at);
      at += chunk.length;
    }
    this.coding = coding;
    this.bodyBytes = at;
    this.block = block;
    this.#chunks = chunks;
    this.#starts = starts;
  }

  /** Copied into a block: `bytes` from `at` on. */
  static inBlock(coding: string, body: GrowingBody, block: number, bytes: Buffer, at: number) {
    let to = at;
    for (const chunk of body.chunks()) to += chunk.copy(bytes, to);
    return new CodedBody(coding, block, [bytes.subarray(at, to)]);
  }

  get isLent(): boolean {
    return this.block >= 0;
  }

  /** Bytes that are in no block. */
  get looseBytes(): number {
    return this.block >= 0 ? 0 : this.#chunks.reduce((sum, { length }) => sum + length, 0);
  }

  at(position: number): Buffer | undefined {
    if (position >= this.bodyBytes) return undefined;
    const index = chunkAt(this.#starts, position);
    return this.#chunks[index]!.subarray(position - this.#starts[index]!);
  }
}
