import type { ReadBuffers } from "../base/read-buffers.ts";
import type { Wire } from "../base/world.ts";

const BULK_BYTES = 16 * 1024; // a read of so much is the first of many

/**
 * One direction of a stream. Small reads go into a buffer that all share, and are copied; once they
 * are large they go into a buffer of the flow's own and are written on as they lie there. A buffer
 * that the other side has not taken at once is kept until it has, so a flow holds two of them while
 * it is full, and nothing while it is quiet.
 */
export class Flow {
  readonly #buffers: ReadBuffers;
  readonly #written: Buffer[]; // whose bytes the other side has not all taken
  #own: Buffer | undefined;

  constructor(buffers: ReadBuffers) {
    this.#buffers = buffers;
    this.#written = [];
    this.#own = undefined;
  }

  /** Where the next read is to go; undefined: into a shared one. */
  get own(): Buffer | undefined {
    return this.#own;
  }

  /** Bytes of a read. False: the other side is full, so hold on until it has drained. */
  pass(bytes: Buffer, to: Wire): boolean {
    if (this.#written.length > 0 && to.writableLength === 0) this.drained();
    const own = this.#own;
    const isOwn = own !== undefined && bytes.buffer === own.buffer;
    const goOn = to.write(isOwn ? bytes : Buffer.from(bytes));
    if (isOwn && to.writableLength > 0) {
      this.#written.push(own);
      this.#own = undefined;
    }
    if (bytes.length >= BULK_BYTES) this.#own ??= this.#buffers.take();
    else this.#quiet();
    return goOn;
  }

  /** The other side has taken everything. */
  drained(): void {
    for (const buffer of this.#written) this.#buffers.giveBack(buffer);
    this.#written.length = 0;
  }

  #quiet(): void {
    if (this.#own !== undefined) this.#buffers.giveBack(this.#own);
    this.#own = undefined;
  }
}
