import { latin1Text } from "../../base/latin1.ts";
import { Field, type FieldName, fieldName } from "./field.ts";
import { decodedBytesMax, decodeHuffman } from "./huffman.ts";
import { STATIC_COUNT, STATIC_FIELDS } from "./static-table.ts";

/** Takes the fields of a block in their order. */
export interface FieldTaker {
  field(field: Field): void;
}

export const TABLE_BYTES = 4096; // RFC 7541 §6.5.2: the size that holds until somebody says otherwise
const RING = 128; // 4096 bytes hold 128 entries of no name and no value
const NONE: Field[] = [];

// One string at a time is decoded here; a block is never larger than this when it is spread.
let scratch = Buffer.allocUnsafeSlow(4096);

/**
 * Reads field blocks (RFC 7541). The table of the connection lives here, so that each block must be
 * read, in order and to its end, also of a stream that nobody cares for.
 */
export class HpackDecoder {
  #fields: Field[]; // a ring; made with the first entry, for idle connections
  #newest: number; // its place in the ring
  #count: number;
  #bytes: number;
  #bytesMax: number;
  #next: number; // where reading goes on, of the methods below
  #isMalformed: boolean;

  constructor() {
    this.#fields = NONE;
    this.#newest = 0;
    this.#count = 0;
    this.#bytes = 0;
    this.#bytesMax = TABLE_BYTES;
    this.#next = 0;
    this.#isMalformed = false;
  }

  /** Reads a whole block, bytes[at..end). False: malformed, and so is all that would follow. */
  decode(bytes: Buffer, at: number, end: number, taker: FieldTaker): boolean {
    this.#next = at;
    this.#isMalformed = false;
    let mayResize = true; // §4.2: only before the first field
    while (this.#next < end && !this.#isMalformed) {
      const first = bytes[this.#next]!;
      if (first >= 0x80) {
        const field = this.#fieldAt(this.#integer(bytes, end, 0x7f));
        if (field !== undefined) taker.field(field);
      } else if (first >= 0x40) {
        const field = this.#literal(bytes, end, 0x3f);
        if (field !== undefined) {
          this.#add(field);
          taker.field(field);
        }
      } else if (first >= 0x20) {
        if (!mayResize) return false;
        this.#resize(this.#integer(bytes, end, 0x1f));
        continue;
      } else {
        const field = this.#literal(bytes, end, 0x0f);
        if (field !== undefined) taker.field(field);
      }
      mayResize = false;
    }
    return !this.#isMalformed;
  }

  /** §5.1. Beyond 2^28 it is no size or index of ours. */
  #integer(bytes: Buffer, end: number, mask: number): number {
    let value = bytes[this.#next++]! & mask;
    if (value < mask) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      if (this.#next >= end) break;
      const byte = bytes[this.#next++]!;
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    this.#isMalformed = true;
    return 0;
  }

  #literal(bytes: Buffer, end: number, mask: number): Field | undefined {
    const index = this.#integer(bytes, end, mask);
    if (this.#isMalformed) return undefined;
    let name: FieldName | undefined;
    if (index === 0) name = fieldName(this.#string(bytes, end));
    else name = this.#fieldAt(index)?.name;
    if (this.#isMalformed || name === undefined) return undefined;
    const value = this.#string(bytes, end);
    return this.#isMalformed ? undefined : new Field(name, value);
  }

  /** §5.2. */
  #string(bytes: Buffer, end: number): string {
    if (this.#next >= end) {
      this.#isMalformed = true;
      return "";
    }
    const isHuffman = bytes[this.#next]! >= 0x80;
    const length = this.#integer(bytes, end, 0x7f);
    const at = this.#next;
    if (this.#isMalformed || length > end - at) {
      this.#isMalformed = true;
      return "";
    }
    this.#next = at + length;
    if (!isHuffman) return latin1Text(bytes, at, at + length);
    const room = decodedBytesMax(length);
    if (room > scratch.length) scratch = Buffer.allocUnsafeSlow(room);
    const decoded = decodeHuffman(bytes, at, at + length, scratch);
    if (decoded < 0) this.#isMalformed = true;
    return decoded <= 0 ? "" : latin1Text(scratch, 0, decoded);
  }

  #fieldAt(index: number): Field | undefined {
    if (index > 0 && index <= STATIC_COUNT) return STATIC_FIELDS[index - 1];
    const age = index - STATIC_COUNT - 1;
    if (age < 0 || age >= this.#count) {
      this.#isMalformed = true;
      return undefined;
    }
    return this.#fields[(this.#newest - age + RING) % RING];
  }

  #add(field: Field): void {
    this.#evictTo(this.#bytesMax - field.bytes);
    if (field.bytes > this.#bytesMax) return; // §4.4: it empties the table, and is no error
    if (this.#fields === NONE) this.#fields = new Array<Field>(RING);
    this.#newest = (this.#newest + 1) % RING;
    this.#fields[this.#newest] = field;
    this.#count++;
    this.#bytes += field.bytes;
  }

  #resize(bytesMax: number): void {
    if (bytesMax > TABLE_BYTES) this.#isMalformed = true;
    else {
      this.#bytesMax = bytesMax;
      this.#evictTo(bytesMax);
    }
  }

  #evictTo(bytes: number): void {
    while (this.#bytes > bytes && this.#count > 0) {
      const oldest = (this.#newest - this.#count + 1 + RING) % RING;
      this.#bytes -= this.#fields[oldest]!.bytes;
      this.#fields[oldest] = STATIC_FIELDS[0]!; // lets go of it
      this.#count--;
    }
  }
}
