const PREFIX_BYTES = 5; // flags, and the length in four bytes
const COMPRESSED = 1; // the only flag that a message may have

/**
 * Follows the messages of a call through a body that comes in any pieces. The bridge to gRPC-Web puts a
 * frame of its own behind them, which only stands where a message has ended, and has to be the only
 * one of its kind.
 */
export class MessageWatch {
  #prefixAt: number; // how much of the prefix has come
  #left: number; // of the message
  #length: number; // as far as it has come

  constructor() {
    this.#prefixAt = 0;
    this.#left = 0;
    this.#length = 0;
  }

  /** No message is on its way. */
  get isBetween(): boolean {
    return this.#prefixAt === 0 && this.#left === 0;
  }

  /** False: these are no messages. */
  feed(bytes: Uint8Array): boolean {
    let at = 0;
    while (at < bytes.length) {
      if (this.#left > 0) {
        const count = Math.min(this.#left, bytes.length - at);
        this.#left -= count;
        at += count;
      } else if (!this.#prefix(bytes[at++]!)) return false;
    }
    return true;
  }

  #prefix(byte: number): boolean {
    if (this.#prefixAt === 0) {
      if (byte > COMPRESSED) return false;
      this.#length = 0;
    } else this.#length = this.#length * 256 + byte;
    this.#prefixAt++;
    if (this.#prefixAt === PREFIX_BYTES) {
      this.#prefixAt = 0;
      this.#left = this.#length;
    }
    return true;
  }
}
