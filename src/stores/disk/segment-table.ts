/**
 * The table of a segment, in a file of its own beside it: what a start reads in place of the segment. It
 * covers a part from its beginning on; what is behind that is found by its heads.
 */
import { crc32 } from "node:zlib";
import type { PurgeOrder } from "../purge-orders.ts";
import { FORMAT } from "./record.ts";
import type { RecordKey } from "./record-key.ts";

export interface TableRow {
  readonly key: RecordKey;
  readonly offset: number;
  readonly bytes: number; // 0: a removal of what is earlier
  readonly order: number;
}

/** A purge that was asked for while the segment was written. */
export interface WrittenOrder {
  readonly order: PurgeOrder;
  readonly serial: number; // it holds for what is older
  readonly atWallMs: number;
}

const MAGIC = 0x31544c53;
const CRC = 8;
const CHECKED_FROM = 12;
const COVERED = 16;
const SERIAL_MIN = 24;
const TICK_MAX = 32;
const ORDERS_BYTES = 40;
const HEADER_BYTES = 48;
const ROW_BYTES = 32;
const ROWS_FIRST = 64;

/** Grows with its segment. */
export class SegmentTable {
  covered: number; // bytes of the segment
  serialMin: number; // of all its responses
  tickMax: number;
  readonly orders: WrittenOrder[];
  #rows: Buffer;
  #count: number;

  constructor() {
    this.covered = 0;
    this.serialMin = Number.POSITIVE_INFINITY;
    this.tickMax = 0;
    this.orders = [];
    this.#rows = Buffer.alloc(0);
    this.#count = 0;
  }

  get count(): number {
    return this.#count;
  }

  get byteLength(): number {
    return HEADER_BYTES + this.#count * ROW_BYTES;
  }

  add({ key, offset, bytes, order }: TableRow): void {
    if ((this.#count + 1) * ROW_BYTES > this.#rows.length) this.#grow();
    let at = this.#count * ROW_BYTES;
    for (const word of [key.first, key.second, key.partition, key.variant, offset, bytes]) {
      at = this.#rows.writeUInt32LE(word, at);
    }
    this.#rows.writeDoubleLE(order, at);
    this.#count++;
    this.saw(order);
  }

  /** A serial or an order: what comes later has to be above it. */
  saw(tick: number): void {
    this.tickMax = Math.max(this.tickMax, tick);
  }

  row(index: number): TableRow {
    const at = index * ROW_BYTES;
    const rows = this.#rows;
    return {
      key: {
        first: rows.readUInt32LE(at),
        second: rows.readUInt32LE(at + 4),
        partition: rows.readUInt32LE(at + 8),
        variant: rows.readUInt32LE(at + 12),
      },
      offset: rows.readUInt32LE(at + 16),
      bytes: rows.readUInt32LE(at + 20),
      order: rows.readDoubleLE(at + 24),
    };
  }

  encode(): Buffer[] {
    const orders = Buffer.from(JSON.stringify(this.orders), "utf8");
    const header = Buffer.alloc(HEADER_BYTES);
    const rows = Buffer.from(this.#rows.subarray(0, this.#count * ROW_BYTES));
    header.writeUInt32LE(MAGIC, 0);
    header.writeUInt32LE(FORMAT, 4);
    header.writeUInt32LE(this.#count, CHECKED_FROM);
    header.writeDoubleLE(this.covered, COVERED);
    header.writeDoubleLE(this.serialMin, SERIAL_MIN);
    header.writeDoubleLE(this.tickMax, TICK_MAX);
    header.writeUInt32LE(orders.length, ORDERS_BYTES);
    const crc = crc32(orders, crc32(rows, crc32(header.subarray(CHECKED_FROM))));
    header.writeUInt32LE(crc, CRC);
    return [header, rows, orders];
  }

  /** undefined: it is not as it was written. */
  static decode(bytes: Buffer): SegmentTable | undefined {
    if (bytes.length < HEADER_BYTES || bytes.readUInt32LE(0) !== MAGIC) return undefined;
    if (bytes.readUInt32LE(4) !== FORMAT) return undefined;
    const count = bytes.readUInt32LE(CHECKED_FROM);
    const rowsEnd = HEADER_BYTES + count * ROW_BYTES;
    if (rowsEnd + bytes.readUInt32LE(ORDERS_BYTES) !== bytes.length) return undefined;
    if (crc32(bytes.subarray(CHECKED_FROM)) !== bytes.readUInt32LE(CRC)) return undefined;
    const table = new SegmentTable();
    table.covered = bytes.readDoubleLE(COVERED);
    table.serialMin = bytes.readDoubleLE(SERIAL_MIN);
    table.tickMax = bytes.readDoubleLE(TICK_MAX);
    table.orders.push(...(JSON.parse(bytes.toString("utf8", rowsEnd)) as WrittenOrder[]));
    table.#rows = bytes.subarray(HEADER_BYTES, rowsEnd);
    table.#count = count;
    return table;
  }

  #grow(): void {
    const larger = Buffer.alloc(Math.max(ROWS_FIRST * ROW_BYTES, this.#rows.length * 2));
    this.#rows.copy(larger);
    this.#rows = larger;
  }
}
