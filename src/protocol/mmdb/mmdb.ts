import { type IpWords, isIpv4 } from "../../base/ip-address.ts";
import { MmdbData, MmdbError } from "./mmdb-data.ts";

const MARKER = Buffer.from("\xab\xcd\xefMaxMind.com", "latin1");
const MARKER_WITHIN = 128 * 1024; // of the end
const SEPARATOR_BYTES = 16; // between tree and data
const NODES_MAX = 2 ** 28;
const MAPPED_BITS = 96; // in a tree of IPv6, IPv4 is below so many zeros

/** A path into a record: { country: { iso_code } }. */
export type MmdbPath = readonly string[];

/**
 * A database in the format of MaxMind, version 2: a binary tree over the bits of addresses, and records
 * of which many networks share one. https://maxmind.github.io/MaxMind-DB/
 *
 * Whatever the bytes are, nothing here reads beyond them, goes round in circles, or throws anything
 * but MmdbError.
 */
export class Mmdb {
  readonly type: string; // "GeoLite2-Country"
  readonly builtMs: number;
  readonly #bytes: Buffer;
  readonly #nodeCount: number;
  readonly #recordBits: number; // 24, 28 or 32
  readonly #isIpv6: boolean;
  readonly #ipv4Node: number; // where addresses of IPv4 begin
  readonly #data: MmdbData;

  constructor(bytes: Buffer) {
    const at = bytes.lastIndexOf(MARKER);
    if (at < 0 || at < bytes.length - MARKER_WITHIN)
      throw new MmdbError("is no MaxMind database, or is cut short");
    const metadata = new MmdbData(bytes, at + MARKER.length, bytes.length);
    const number = (key: string) => metadata.numberAt(0, [key]) ?? 0;
    this.#bytes = bytes;
    this.#nodeCount = number("node_count");
    this.#recordBits = number("record_size");
    this.#isIpv6 = number("ip_version") === 6;
    this.type = metadata.textAt(0, ["database_type"]) ?? "";
    this.builtMs = number("build_epoch") * 1000;
    if (number("binary_format_major_version") !== 2)
      throw new MmdbError("is of another version than 2");
    if (![24, 28, 32].includes(this.#recordBits)) throw new MmdbError("has records of an odd size");
    if (this.#nodeCount < 1 || this.#nodeCount > NODES_MAX) throw new MmdbError("has no tree");
    const treeBytes = (this.#nodeCount * this.#recordBits) / 4;
    if (treeBytes + SEPARATOR_BYTES > at) throw new MmdbError("has a tree larger than itself");
    this.#data = new MmdbData(bytes, treeBytes + SEPARATOR_BYTES, at);
    this.#ipv4Node = this.#findIpv4();
  }

  /** The number of the record that holds the address; -1 if there is none. */
  find(words: IpWords): number {
    const isV4 = isIpv4(words);
    if (!isV4 && !this.#isIpv6) return NONE;
    let node = isV4 ? this.#ipv4Node : 0;
    for (let bit = isV4 ? MAPPED_BITS : 0; node < this.#nodeCount; bit++) {
      if (bit === 128) throw new MmdbError("has a tree that does not end");
      const side = (words[bit >>> 5]! >>> (31 - (bit & 31))) & 1;
      node = this.#record(node, side);
    }
    return node === this.#nodeCount ? NONE : node - this.#nodeCount - SEPARATOR_BYTES;
  }

  textAt(record: number, path: MmdbPath): string | undefined {
    return this.#data.textAt(record, path);
  }

  numberAt(record: number, path: MmdbPath): number | undefined {
    return this.#data.numberAt(record, path);
  }

  /** The numbers of all records that some network leads to. Throws where the tree leads nowhere. */
  records(): Set<number> {
    const found = new Set<number>();
    for (let node = 0; node < this.#nodeCount; node++) {
      for (let side = 0; side < 2; side++) {
        const to = this.#record(node, side);
        if (to > this.#nodeCount) found.add(to - this.#nodeCount - SEPARATOR_BYTES);
      }
    }
    for (const record of found) this.#data.check(record);
    return found;
  }

  #findIpv4(): number {
    if (!this.#isIpv6) return 0;
    let node = 0;
    for (let bit = 0; bit < MAPPED_BITS && node < this.#nodeCount; bit++)
      node = this.#record(node, 0);
    return node;
  }

  #record(node: number, side: number): number {
    const bytes = this.#bytes;
    if (this.#recordBits === 24) {
      const at = node * 6 + side * 3;
      return bytes[at]! * 65_536 + bytes[at + 1]! * 256 + bytes[at + 2]!;
    }
    if (this.#recordBits === 32) return bytes.readUInt32BE(node * 8 + side * 4);
    const at = node * 7;
    const middle = bytes[at + 3]!; // four bits of each
    return side === 0
      ? (middle >>> 4) * 16_777_216 + bytes[at]! * 65_536 + bytes[at + 1]! * 256 + bytes[at + 2]!
      : (middle & 15) * 16_777_216 +
          bytes[at + 4]! * 65_536 +
          bytes[at + 5]! * 256 +
          bytes[at + 6]!;
  }
}

const NONE = -1;
