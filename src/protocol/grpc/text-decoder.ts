const GROUP = 4;
const PAD = 0x3d; // =

// RFC 4648 §4, with padding as a value of its own.
const INVALID = 255;
const PADDING = 254;
const VALUES = new Uint8Array(256).fill(INVALID);
for (const [value, letter] of [
  ..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
].entries()) {
  VALUES[letter.charCodeAt(0)] = value;
}
VALUES[PAD] = PADDING;

/**
 * The base64 of gRPC-Web's text form, in any pieces: several texts may stand one behind the other, each
 * with its padding, so every four letters are decoded by themselves.
 */
export class TextDecoder64 {
  readonly #group: Uint8Array;
  #count: number; // letters of a group that is not whole

  constructor() {
    this.#group = new Uint8Array(GROUP);
    this.#count = 0;
  }

  /** No group is on its way. */
  get isBetween(): boolean {
    return this.#count === 0;
  }

  /** undefined: this is no base64. */
  decode(text: Uint8Array): Buffer | undefined {
    const out = Buffer.allocUnsafe(Math.ceil((this.#count + text.length) / GROUP) * 3);
    let end = 0;
    for (let at = 0; at < text.length; at++) {
      const value = VALUES[text[at]!]!;
      if (value === INVALID || (value === PADDING && this.#count < 2)) return undefined;
      this.#group[this.#count++] = value;
      if (this.#count < GROUP) continue;
      this.#count = 0;
      const count = this.#take(out, end);
      if (count === 0) return undefined;
      end += count;
    }
    return out.subarray(0, end);
  }

  /** Writes what the group holds; 0 if it is none. */
  #take(out: Uint8Array, at: number): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.#group;
    out[at] = (a << 2) | (b >> 4);
    if (c === PADDING) return d === PADDING ? 1 : 0;
    out[at + 1] = ((b & 15) << 4) | (c >> 2);
    if (d === PADDING) return 2;
    out[at + 2] = ((c & 3) << 6) | d;
    return 3;
  }
}
