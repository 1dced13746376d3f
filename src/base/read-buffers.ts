const BYTES = 64 * 1024;
const FREE_MAX = 32; // 2 MiB kept for the next bodies

/**
 * Buffers that bodies are read into. One that has come back is still warm in the processor's caches:
 * with a fresh one for every read an upload ran at the speed of memory (bench/ upload, 4 to 1).
 */
export class ReadBuffers {
  readonly #bytes: number;
  readonly #free: Buffer[] = [];
  #shared: Buffer | undefined;

  constructor(bytes = BYTES) {
    this.#bytes = bytes;
  }

  /** For reads whose bytes are copied before anyone else reads: an idle wire then holds no buffer. */
  get shared(): Buffer {
    this.#shared ??= Buffer.allocUnsafeSlow(this.#bytes);
    return this.#shared;
  }

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#bytes);
  }

  /** Nobody may hold a slice of it any more. */
  giveBack(buffer: Buffer): void {
    if (this.#free.length < FREE_MAX) this.#free.push(buffer);
  }
}
