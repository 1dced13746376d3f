import { hashText } from "../../base/key-hash.ts";

/** One line of the list. */
export interface Entry {
  readonly client: string;
  readonly reason: string;
  readonly level: number;
  readonly untilMs: number;
}

// An entry: four words, a double, and two texts, each with its length before it.
const ENTRY_BYTES = 128;
const STATE = 0; // in words
const LEVEL = 1;
const HASH = 4; // of the client
const UNTIL = 1; // in doubles
const CLIENT_AT = 20;
const CLIENT_BYTES_MAX = 55;
const REASON_AT = 76;
const REASON_BYTES_MAX = 51;
const WORDS = ENTRY_BYTES / 4;
const DOUBLES = ENTRY_BYTES / 8;
const WAYS = 16; // places that a client may have: to look for one must cost little, whoever comes

const FREE = 0;
const WRITING = 1;
const READY = 2;

/**
 * Whom operators see as banned: beside the table that decides, which knows hashes only. In memory that all
 * workers share; an entry is claimed with one compare-and-exchange, written, and then shown. Where it is full the
 * one that ends first makes room: its ban holds all the same, and is not in the list.
 */
export class BanList {
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  readonly #bytes: Buffer;
  readonly #sets: number;

  /** For a multiple of 16 entries. */
  static byteLength(entries: number): number {
    return entries * ENTRY_BYTES;
  }

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory);
    this.#doubles = new Float64Array(memory);
    this.#bytes = Buffer.from(memory);
    this.#sets = memory.byteLength / ENTRY_BYTES / WAYS;
  }

  /** In place of what was said of the same client. */
  put({ client, reason, level, untilMs }: Entry): void {
    const hash = hashText(client) | 0;
    const place = this.#placeOf(client, hash) ?? this.#claim(hash);
    if (place === undefined) return; // others were at every place just now
    const word = place * WORDS;
    Atomics.store(this.#words, word + STATE, WRITING);
    this.#words[word + HASH] = hash;
    this.#words[word + LEVEL] = level;
    this.#doubles[place * DOUBLES + UNTIL] = untilMs;
    this.#write(place * ENTRY_BYTES + CLIENT_AT, client, CLIENT_BYTES_MAX);
    this.#write(place * ENTRY_BYTES + REASON_AT, reason, REASON_BYTES_MAX);
    Atomics.store(this.#words, word + STATE, READY);
  }

  remove(client: string): void {
    const place = this.#placeOf(client, hashText(client) | 0);
    if (place !== undefined) Atomics.store(this.#words, place * WORDS + STATE, FREE);
  }

  /** Those that have not ended, the one that lasts longest first. */
  entries(nowMs: number): Entry[] {
    const found: Entry[] = [];
    for (let place = 0; place < this.#sets * WAYS; place++) {
      if (Atomics.load(this.#words, place * WORDS + STATE) !== READY) continue;
      const entry = this.#entryAt(place);
      if (entry.untilMs > nowMs) found.push(entry);
    }
    return found.sort((a, b) => b.untilMs - a.untilMs);
  }

  #entryAt(place: number): Entry {
    return {
      client: this.#read(place * ENTRY_BYTES + CLIENT_AT),
      reason: this.#read(place * ENTRY_BYTES + REASON_AT),
      level: this.#words[place * WORDS + LEVEL]!,
      untilMs: this.#doubles[place * DOUBLES + UNTIL]!,
    };
  }

  #placeOf(client: string, hash: number): number | undefined {
    const first = this.#firstOf(hash);
    for (let place = first; place < first + WAYS; place++) {
      const word = place * WORDS;
      if (this.#words[word + HASH] !== hash) continue;
      if (Atomics.load(this.#words, word + STATE) !== READY) continue;
      if (this.#read(place * ENTRY_BYTES + CLIENT_AT) === client) return place;
    }
    return undefined;
  }

  /** One that is free, or that ends before all others there. */
  #claim(hash: number): number | undefined {
    const first = this.#firstOf(hash);
    let best = first;
    let bestUntilMs = Number.POSITIVE_INFINITY;
    for (let place = first; place < first + WAYS; place++) {
      const state = Atomics.load(this.#words, place * WORDS + STATE);
      if (state === WRITING) continue;
      const untilMs = state === FREE ? 0 : this.#doubles[place * DOUBLES + UNTIL]!;
      if (untilMs >= bestUntilMs) continue;
      best = place;
      bestUntilMs = untilMs;
    }
    const at = best * WORDS + STATE;
    const state = Atomics.load(this.#words, at);
    if (state === WRITING) return undefined;
    return Atomics.compareExchange(this.#words, at, state, WRITING) === state ? best : undefined;
  }

  #firstOf(hash: number): number {
    return ((hash >>> 0) % this.#sets) * WAYS;
  }

  #write(at: number, text: string, bytesMax: number): void {
    this.#bytes[at] = this.#bytes.write(text, at + 1, bytesMax, "latin1");
  }

  #read(at: number): string {
    return this.#bytes.toString("latin1", at + 1, at + 1 + this.#bytes[at]!);
  }
}
