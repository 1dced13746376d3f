export const READ_BYTES = 64 * 1024;
export const READ_BYTES_LARGE = 256 * 1024;

const FREE_MAX = 32; // 2 MiB kept for the next bodies
const FREE_LARGE_MAX = 16; // 4 MiB

/**
 * Buffers that bodies are read into. One that has come back is still warm in the processor's caches:
 * with a fresh one for every read an upload ran at the speed of memory (bench/ upload, 4 to 1).
 *
 * The large ones are for bodies that fill the others and are taken as fast as they come: a quarter
 * of the reads and writes for the same bytes. Whoever stalls gets READ_BYTES for the next read.
 */
export class ReadBuffers {
  readonly #free: Buffer[] = [];
  readonly #freeLarge: Buffer[] = [];
  #shared: Buffer | undefined;

  /** For reads whose bytes are copied before anyone else reads: an idle wire then holds no buffer. */
  get shared(): Buffer {
    this.#shared ??= Buffer.allocUnsafeSlow(READ_BYTES);
    return this.#shared;
  }

  take(isLarge: boolean): Buffer {
    if (isLarge) return this.#freeLarge.pop() ?? Buffer.allocUnsafeSlow(READ_BYTES_LARGE);
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(READ_BYTES);
  }

  /** Nobody may hold a slice of it any more, and no wire may be about to read into it. */
  giveBack(buffer: Buffer): void {
    if (buffer.length === READ_BYTES_LARGE) {
      if (this.#freeLarge.length < FREE_LARGE_MAX) this.#freeLarge.push(buffer);
    } else if (this.#free.length < FREE_MAX) this.#free.push(buffer);
  }
}
