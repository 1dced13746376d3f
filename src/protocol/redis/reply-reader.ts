import { RedisFailure, type Reply } from "./reply.ts";

const LINE_BYTES_MAX = 4 * 1024;
const TEXT_BYTES_MAX = 64 * 1024; // we ask for numbers and short texts
const ITEMS_MAX = 64;
const DEPTH_MAX = 3;

const PLUS = 0x2b;
const MINUS = 0x2d;
const COLON = 0x3a;
const DOLLAR = 0x24;
const STAR = 0x2a;
const CR = 0x0d;
const LF = 0x0a;

const NEED_MORE = -1;
const REFUSE = -2;

/**
 * Takes replies out of what a server sends, at any split of the bytes. One that is larger than anything
 * that we ask for, or follows another grammar, ends it for good.
 */
export class ReplyReader {
  readonly #taker: (reply: Reply) => void;
  #kept: Buffer; // what is not a whole reply yet
  #value: Reply; // of the last #read() that found one
  #isRefused: boolean;

  constructor(taker: (reply: Reply) => void) {
    this.#taker = taker;
    this.#kept = Buffer.alloc(0);
    this.#value = undefined;
    this.#isRefused = false;
  }

  /** The bytes are copied if they are needed later. False: no byte of what follows can be believed. */
  feed(bytes: Buffer): boolean {
    if (this.#isRefused) return false;
    const whole = this.#kept.length === 0 ? bytes : Buffer.concat([this.#kept, bytes]);
    let at = 0;
    while (at < whole.length) {
      const next = this.#read(whole, at, 0);
      if (next === NEED_MORE) break;
      if (next === REFUSE) {
        this.#isRefused = true;
        return false;
      }
      at = next;
      this.#taker(this.#value);
    }
    this.#kept = Buffer.from(whole.subarray(at));
    return true;
  }

  /** The place after the reply that begins at `at`. */
  #read(bytes: Buffer, at: number, depth: number): number {
    const end = lineEnd(bytes, at);
    if (end < 0) return end;
    const kind = bytes[at]!;
    const next = end + 2;
    if (kind === PLUS || kind === MINUS) {
      const text = bytes.toString("utf8", at + 1, end);
      this.#value = kind === PLUS ? text : new RedisFailure(text);
      return next;
    }
    const number = wholeNumber(bytes, at + 1, end);
    if (Number.isNaN(number)) return REFUSE;
    if (kind === COLON) {
      this.#value = number;
      return next;
    }
    if (kind === DOLLAR) return this.#readText(bytes, next, number);
    if (kind === STAR) return this.#readList(bytes, next, number, depth);
    return REFUSE;
  }

  #readText(bytes: Buffer, at: number, length: number): number {
    if (length === -1) return this.#found(undefined, at);
    if (length < 0 || length > TEXT_BYTES_MAX) return REFUSE;
    if (bytes.length < at + length + 2) return NEED_MORE;
    if (bytes[at + length] !== CR || bytes[at + length + 1] !== LF) return REFUSE;
    return this.#found(bytes.toString("utf8", at, at + length), at + length + 2);
  }

  #readList(bytes: Buffer, at: number, count: number, depth: number): number {
    if (count === -1) return this.#found(undefined, at);
    if (count < 0 || count > ITEMS_MAX || depth >= DEPTH_MAX) return REFUSE;
    const items: Reply[] = [];
    let next = at;
    for (let index = 0; index < count; index++) {
      next = this.#read(bytes, next, depth + 1);
      if (next < 0) return next;
      items.push(this.#value);
    }
    return this.#found(items, next);
  }

  #found(value: Reply, next: number): number {
    this.#value = value;
    return next;
  }
}

/** Where the CR of the line stands that begins at `at`. */
function lineEnd(bytes: Buffer, at: number): number {
  const last = Math.min(bytes.length, at + LINE_BYTES_MAX);
  for (let index = at; index < last; index++) {
    if (bytes[index] === LF) return REFUSE;
    if (bytes[index] !== CR) continue;
    if (index + 1 === bytes.length) return NEED_MORE;
    return bytes[index + 1] === LF ? index : REFUSE;
  }
  return last - at === LINE_BYTES_MAX ? REFUSE : NEED_MORE;
}

/** NaN for what is none. Fifteen digits are exact in a double. */
function wholeNumber(bytes: Buffer, at: number, end: number): number {
  const text = bytes.toString("latin1", at, end);
  return /^-?[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
}
