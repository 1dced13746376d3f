import { writeLatin1 } from "../../base/latin1.ts";
import { HEADER_ID_COUNT, headerIdOfText, nameOfId, OTHER } from "../http/header-id.ts";
import type { FieldListener, HeaderList } from "../http/header-list.ts";
import { TABLE_BYTES } from "./hpack-decoder.ts";
import { encodeHuffman, huffmanBytes } from "./huffman.ts";
import { STATIC_COUNT, staticFieldIndex, staticNameIndex } from "./static-table.ts";

// The first bits of a literal say what becomes of it (RFC 7541 §6.2).
const INDEXED = 0x40;
const NOT_INDEXED = 0x00;
const NEVER_INDEXED = 0x10; // nor by anyone further on: a short secret could be guessed byte by byte

// A value that hardly comes twice would only push out others.
const SELDOM_TWICE = [
  ...["etag", "last-modified", "age", "content-length", "location", "expires", "content-range"],
  ...["x-request-id", "traceparent", "if-none-match", "if-modified-since", ":path"],
];
const SECRETS = ["set-cookie", "authorization", "proxy-authorization", "cookie"];
const VALUES_PER_NAME = 4;
const ENTRY_BYTES_MAX = TABLE_BYTES / 4;
const OVERHEAD_BYTES = 32;
const GONE_MAX = 64; // entries at the front of the list that are evicted and not yet cut off
const FRAMING_BYTES_MAX = 16; // of a literal, beside its name and its value

interface NameInfo {
  readonly name: string;
  readonly staticIndex: number; // 0: none
  readonly prefix: number;
}

function infoOf(name: string): NameInfo {
  const prefix = SECRETS.includes(name)
    ? NEVER_INDEXED
    : SELDOM_TWICE.includes(name)
      ? NOT_INDEXED
      : INDEXED;
  return { name, staticIndex: staticNameIndex(name), prefix };
}

const INFOS: readonly NameInfo[] = Array.from({ length: HEADER_ID_COUNT }, (_, id) =>
  infoOf(nameOfId(id)),
);
const STATUS = infoOf(":status");
const PSEUDO = {
  ":method": infoOf(":method"),
  ":scheme": infoOf(":scheme"),
  ":authority": infoOf(":authority"),
  ":path": infoOf(":path"),
  ":protocol": infoOf(":protocol"),
} as const;
const NO_DROPS = new Uint8Array(HEADER_ID_COUNT);

interface Entry {
  readonly name: string;
  readonly value: string;
  readonly bytes: number;
  readonly number: number; // how many came before it
}

// A block is made here and then copied to its place: only its end shows how many frames it takes.
let scratch = Buffer.allocUnsafeSlow(16 * 1024);

/** Writes field blocks. Its table is what the peer's decoder has, entry by entry. */
export class HpackEncoder implements FieldListener {
  readonly #entries: Entry[]; // oldest first, from #oldest on
  #oldest: number;
  #added: number; // entries since the beginning
  #bytes: number;
  #bytesMax: number;
  #resizedTo: number; // the least size since the last block; -1: it was not changed
  readonly #byName: Map<string, Entry[]>; // the newest last, VALUES_PER_NAME at most
  #end: number; // of the block, in the scratch

  constructor() {
    this.#entries = [];
    this.#oldest = 0;
    this.#added = 0;
    this.#bytes = 0;
    this.#bytesMax = TABLE_BYTES;
    this.#resizedTo = -1;
    this.#byName = new Map();
    this.#end = 0;
  }

  /** The peer's SETTINGS_HEADER_TABLE_SIZE. More than the usual we do not use. */
  resize(peerBytes: number): void {
    const bytesMax = Math.min(peerBytes, TABLE_BYTES);
    if (bytesMax === this.#bytesMax) return;
    this.#bytesMax = bytesMax;
    this.#resizedTo = this.#resizedTo < 0 ? bytesMax : Math.min(this.#resizedTo, bytesMax);
    this.#evictTo(bytesMax);
  }

  begin(): void {
    this.#end = 0;
    if (this.#resizedTo < 0) return;
    // §4.2: the least first, for what it evicted, and then the one that holds.
    if (this.#resizedTo < this.#bytesMax) this.#integer(this.#resizedTo, 0x1f, 0x20);
    this.#integer(this.#bytesMax, 0x1f, 0x20);
    this.#resizedTo = -1;
  }

  status(status: number): void {
    const text = String(status);
    const index = staticFieldIndex(":status", text);
    if (index > 0) this.#integer(index, 0x7f, 0x80);
    else this.#field(STATUS, text);
  }

  /** A pseudo-header field of a request. */
  pseudo(name: keyof typeof PSEUDO, value: string): void {
    const index = staticFieldIndex(name, value);
    if (index > 0) this.#integer(index, 0x7f, 0x80);
    else this.#field(PSEUDO[name], value);
  }

  /** All fields of the list but those that `drop` marks. */
  fields(list: HeaderList, drop: Uint8Array = NO_DROPS): void {
    list.give(this, drop);
  }

  /** Lines of our own making: a name, a colon, a space, a value, CRLF. */
  lines(text: string): void {
    for (let at = 0; at < text.length; ) {
      const colon = text.indexOf(":", at);
      const end = text.indexOf("\r\n", colon);
      if (colon < 0 || end < 0) throw new Error("a line that does not end");
      const name = text.slice(at, colon);
      this.take(headerIdOfText(name), name, text.slice(colon + 2, end));
      at = end + 2;
    }
  }

  take(id: number, name: string, value: string): void {
    this.#field(id === OTHER ? infoOf(name.toLowerCase()) : INFOS[id]!, value);
  }

  /** The block so far; good until the next begin() of any encoder. */
  end(): Buffer {
    return scratch.subarray(0, this.#end);
  }

  #field(info: NameInfo, value: string): void {
    const { name } = info;
    this.#makeRoom(name.length + value.length + FRAMING_BYTES_MAX);
    const bytes = name.length + value.length + OVERHEAD_BYTES;
    const seen = this.#byName.get(name);
    if (info.prefix !== INDEXED || bytes > ENTRY_BYTES_MAX || bytes > this.#bytesMax) {
      this.#literal(info, value, info.prefix === INDEXED ? NOT_INDEXED : info.prefix, seen);
      return;
    }
    if (seen !== undefined) {
      for (let at = seen.length - 1; at >= 0; at--) {
        if (seen[at]!.value === value) {
          this.#integer(this.#indexOf(seen[at]!), 0x7f, 0x80);
          return;
        }
      }
    }
    this.#literal(info, value, INDEXED, seen);
    this.#add(name, value, bytes);
  }

  #indexOf(entry: Entry): number {
    return STATIC_COUNT + this.#added - entry.number;
  }

  #literal(
    info: NameInfo,
    value: string,
    prefix: number,
    seen: readonly Entry[] | undefined,
  ): void {
    const mask = prefix === INDEXED ? 0x3f : 0x0f;
    const last = seen?.at(-1);
    const index =
      info.staticIndex > 0 ? info.staticIndex : last === undefined ? 0 : this.#indexOf(last);
    this.#integer(index, mask, prefix);
    if (index === 0) this.#string(info.name);
    this.#string(value);
  }

  #integer(value: number, mask: number, prefix: number): void {
    if (value < mask) {
      scratch[this.#end++] = prefix | value;
      return;
    }
    scratch[this.#end++] = prefix | mask;
    let rest = value - mask;
    for (; rest >= 0x80; rest >>>= 7) scratch[this.#end++] = (rest & 0x7f) | 0x80;
    scratch[this.#end++] = rest;
  }

  #string(text: string): void {
    const encoded = huffmanBytes(text);
    if (encoded < text.length) {
      this.#integer(encoded, 0x7f, 0x80);
      this.#end = encodeHuffman(text, scratch, this.#end);
    } else {
      this.#integer(text.length, 0x7f, 0);
      writeLatin1(scratch, text, this.#end);
      this.#end += text.length;
    }
  }

  #makeRoom(bytes: number): void {
    if (this.#end + bytes <= scratch.length) return;
    const larger = Buffer.allocUnsafeSlow(2 * (this.#end + bytes));
    larger.set(scratch.subarray(0, this.#end));
    scratch = larger;
  }

  #add(name: string, value: string, bytes: number): void {
    this.#evictTo(this.#bytesMax - bytes);
    const entry = { name, value, bytes, number: this.#added };
    this.#added++;
    this.#bytes += bytes;
    this.#entries.push(entry);
    const seen = this.#byName.get(name);
    if (seen === undefined) this.#byName.set(name, [entry]);
    else {
      if (seen.length === VALUES_PER_NAME) seen.shift();
      seen.push(entry);
    }
  }

  #evictTo(bytes: number): void {
    while (this.#bytes > bytes) {
      const entry = this.#entries[this.#oldest++]!;
      this.#bytes -= entry.bytes;
      const seen = this.#byName.get(entry.name)!;
      // Of one name the oldest is the first; it may have made room for newer ones before.
      if (seen[0] === entry) {
        if (seen.length === 1) this.#byName.delete(entry.name);
        else seen.shift();
      }
    }
    if (this.#oldest > GONE_MAX) {
      this.#entries.splice(0, this.#oldest);
      this.#oldest = 0;
    }
  }
}
