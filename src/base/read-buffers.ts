export const READ_BYTES = 64 * 1024;
export const READ_BYTES_LARGE = 512 * 1024;

const FREE_MAX = 32; // 2 MiB kept for the next bodies
const LARGE_MAX = 64; // 32 MiB, used or free

/**
 * Buffers that bodies are read into. One that has come back is still warm in the processor's caches:
 * with a fresh one for every read an upload ran at the speed of memory (bench/ upload, 4 to 1).
 *
 * The large ones are for bodies that fill the others and are taken as fast as they come: an eighth
 * of the reads and writes for the same bytes. Whoever stalls gets READ_BYTES for the next read, and
 * so does everyone while there are LARGE_MAX: what a thousand downloads hold has to have a bound.
 */
export class ReadBuffers {
  readonly #free: Buffer[] = [];
  readonly #freeLarge: Buffer[] = [];
  // One that someone held on to does not come back: it is gone when nobody has it any more.
  readonly #gone = new FinalizationRegistry(() => this.#largeCount--);
  #largeCount = 0;
  #shared: Buffer | undefined;

  /** For reads whose bytes are copied before anyone else reads: an idle wire then holds no buffer. */
  get shared(): Buffer {
    this.#shared ??= Buffer.allocUnsafeSlow(READ_BYTES);
    return this.#shared;
  }

  take(isLarge: boolean): Buffer {
    const large = isLarge ? (this.#freeLarge.pop() ?? this.#makeLarge()) : undefined;
    if (large !== undefined) return large;
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(READ_BYTES);
  }

  /** Nobody may hold a slice of it any more, and no wire may be about to read into it. */
  giveBack(buffer: Buffer): void {
    if (buffer.length === READ_BYTES_LARGE) {
      this.#freeLarge.push(buffer);
    } else if (this.#free.length < FREE_MAX) this.#free.push(buffer);
  }

  #makeLarge(): Buffer | undefined {
    if (this.#largeCount >= LARGE_MAX) return undefined;
    const made = Buffer.allocUnsafeSlow(READ_BYTES_LARGE);
    this.#largeCount++;
    this.#gone.register(made.buffer, undefined);
    return made;
  }
}
