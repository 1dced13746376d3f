/**
 * What is written to a segment: heads, each with its checksum, and bodies behind them, with one
 * for every block, so that a large body can be checked while it is sent. All numbers are little-endian.
 */
import { crc32 } from "node:zlib";
import { latin1Text, writeLatin1 } from "../../base/latin1.ts";
import type { Freshness } from "../../protocol/caching/reuse.ts";
import type { VariantKey } from "../cache-store.ts";
import type { RecordKey } from "./record-key.ts";

/** Another layout gets another number: a folder of another one is emptied. */
export const FORMAT = 1;

export const BLOCK_BYTES = 64 * 1024;
export const HEAD_BYTES_MAX = 512 * 1024;
const MAGIC = 0x31434c53;

// Where things stand in a head. The texts and the checksums of the body's blocks follow.
const CRC = 4;
const HEAD_BYTES = 8;
const KIND = 12;
const FLAGS = 13;
const STATUS = 14;
const SERIAL = 16;
const ORDER = 24;
const FRESHNESS = 32;
const BODY_BYTES = 64;
const RANGE_AT = 72;
const RANGE_TOTAL = 80;
const BODY_SEGMENT = 88;
const BODY_AT = 92;
const KEY = 96;
const TEXTS = 112; // five lengths
const CRC_COUNT = 132;
export const FIXED_BYTES = 136;

const MAY_BE_STALE = 1;
const NEEDS_VALIDATION = 2;

/**
 * response: its body follows. update: other fields for a body that lies elsewhere. purge: an order, as
 * text in place of the URL. removal: that key is worth nothing.
 */
export type RecordKind = "response" | "update" | "purge" | "removal";
const KINDS: readonly RecordKind[] = ["response", "update", "purge", "removal"];

export interface RecordHead extends VariantKey {
  readonly kind: RecordKind;
  readonly key: RecordKey;
  readonly url: string;
  readonly status: number;
  readonly lines: string;
  readonly freshness: Freshness; // bornMs is wall time
  readonly serial: number; // the machine's, when the request for it was sent
  readonly order: number; // the machine's, when it was written: of one key the latest counts
  readonly bodyBytes: number;
  readonly rangeAt: number;
  readonly rangeTotal: number;
  readonly bodySegment: number; // 0: the body is behind the head
  readonly bodyAt: number;
  readonly crcs: Uint32Array; // of each block of the body
}

export interface FoundRecord extends RecordHead {
  readonly headBytes: number;
}

/** undefined: it is larger than a head may be. */
export function encodeHead(head: RecordHead): Buffer | undefined {
  const texts = [head.url, head.partition, head.varyNames.join("\n"), head.varyKey].map((text) =>
    Buffer.from(text, "utf8"),
  );
  const crcsAt =
    FIXED_BYTES + texts.reduce((sum, { length }) => sum + length, 0) + head.lines.length;
  const total = crcsAt + head.crcs.length * 4;
  if (total > HEAD_BYTES_MAX) return undefined;
  const bytes = Buffer.alloc(total);
  putNumbers(bytes, head);
  let at = FIXED_BYTES;
  for (const [index, text] of texts.entries()) {
    bytes.writeUInt32LE(text.length, TEXTS + index * 4);
    at += text.copy(bytes, at);
  }
  bytes.writeUInt32LE(head.lines.length, TEXTS + texts.length * 4);
  writeLatin1(bytes, head.lines, at);
  at = crcsAt;
  for (const crc of head.crcs) at = bytes.writeUInt32LE(crc, at);
  bytes.writeUInt32LE(crc32(bytes.subarray(HEAD_BYTES)), CRC);
  return bytes;
}

function putNumbers(bytes: Buffer, head: RecordHead): void {
  const { freshness, key } = head;
  bytes.writeUInt32LE(MAGIC, 0);
  bytes.writeUInt32LE(bytes.length, HEAD_BYTES);
  bytes[KIND] = KINDS.indexOf(head.kind);
  bytes[FLAGS] =
    (freshness.mayBeStale ? MAY_BE_STALE : 0) | (freshness.needsValidation ? NEEDS_VALIDATION : 0);
  bytes.writeUInt16LE(head.status, STATUS);
  bytes.writeDoubleLE(head.serial, SERIAL);
  bytes.writeDoubleLE(head.order, ORDER);
  bytes.writeDoubleLE(freshness.bornMs, FRESHNESS);
  bytes.writeDoubleLE(freshness.lifetimeMs, FRESHNESS + 8);
  bytes.writeDoubleLE(freshness.whileRevalidateMs, FRESHNESS + 16);
  bytes.writeDoubleLE(freshness.ifErrorMs, FRESHNESS + 24);
  bytes.writeDoubleLE(head.bodyBytes, BODY_BYTES);
  bytes.writeDoubleLE(head.rangeAt, RANGE_AT);
  bytes.writeDoubleLE(head.rangeTotal, RANGE_TOTAL);
  bytes.writeUInt32LE(head.bodySegment, BODY_SEGMENT);
  bytes.writeUInt32LE(head.bodyAt, BODY_AT);
  bytes.writeUInt32LE(key.first, KEY);
  bytes.writeUInt32LE(key.second, KEY + 4);
  bytes.writeUInt32LE(key.partition, KEY + 8);
  bytes.writeUInt32LE(key.variant, KEY + 12);
  bytes.writeUInt32LE(head.crcs.length, CRC_COUNT);
}

/** How long the head is that begins there; undefined: none does, as far as can be seen. */
export function headBytesAt(bytes: Buffer, at: number): number | undefined {
  if (at + FIXED_BYTES > bytes.length || bytes.readUInt32LE(at) !== MAGIC) return undefined;
  const length = bytes.readUInt32LE(at + HEAD_BYTES);
  return length < FIXED_BYTES || length > HEAD_BYTES_MAX ? undefined : length;
}

/** undefined: it is no head, or not as it was written, or not all of it is here. */
export function decodeHead(all: Buffer, from: number): FoundRecord | undefined {
  const headBytes = headBytesAt(all, from);
  if (headBytes === undefined || from + headBytes > all.length) return undefined;
  const bytes = all.subarray(from, from + headBytes);
  if (crc32(bytes.subarray(HEAD_BYTES)) !== bytes.readUInt32LE(CRC)) return undefined;
  const kind = KINDS[bytes[KIND]!];
  const lengths = [0, 1, 2, 3, 4].map((index) => bytes.readUInt32LE(TEXTS + index * 4));
  const crcCount = bytes.readUInt32LE(CRC_COUNT);
  const textBytes = lengths.reduce((sum, length) => sum + length, 0);
  // Of two layouts that differ both would have a sound checksum.
  if (kind === undefined || FIXED_BYTES + textBytes + crcCount * 4 !== headBytes) return undefined;
  let at = FIXED_BYTES;
  const [url, partition, names, varyKey] = lengths.slice(0, 4).map((length) => {
    at += length;
    return bytes.toString("utf8", at - length, at);
  });
  const lines = latin1Text(bytes, at, at + lengths[4]!);
  at += lengths[4]!;
  const crcs = new Uint32Array(crcCount);
  for (let index = 0; index < crcCount; index++) crcs[index] = bytes.readUInt32LE(at + index * 4);
  return {
    ...numbersOf(bytes),
    ...{ kind, url: url!, partition: partition!, varyKey: varyKey!, lines, crcs, headBytes },
    varyNames: names === "" ? [] : names!.split("\n"),
  };
}

function numbersOf(bytes: Buffer) {
  const flags = bytes[FLAGS]!;
  return {
    key: {
      first: bytes.readUInt32LE(KEY),
      second: bytes.readUInt32LE(KEY + 4),
      partition: bytes.readUInt32LE(KEY + 8),
      variant: bytes.readUInt32LE(KEY + 12),
    },
    status: bytes.readUInt16LE(STATUS),
    freshness: {
      bornMs: bytes.readDoubleLE(FRESHNESS),
      lifetimeMs: bytes.readDoubleLE(FRESHNESS + 8),
      whileRevalidateMs: bytes.readDoubleLE(FRESHNESS + 16),
      ifErrorMs: bytes.readDoubleLE(FRESHNESS + 24),
      mayBeStale: (flags & MAY_BE_STALE) !== 0,
      needsValidation: (flags & NEEDS_VALIDATION) !== 0,
    },
    serial: bytes.readDoubleLE(SERIAL),
    order: bytes.readDoubleLE(ORDER),
    bodyBytes: bytes.readDoubleLE(BODY_BYTES),
    rangeAt: bytes.readDoubleLE(RANGE_AT),
    rangeTotal: bytes.readDoubleLE(RANGE_TOTAL),
    bodySegment: bytes.readUInt32LE(BODY_SEGMENT),
    bodyAt: bytes.readUInt32LE(BODY_AT),
  };
}

/** What it takes in its segment. */
export function recordBytes({ kind, headBytes, bodyBytes }: FoundRecord): number {
  return headBytes + (kind === "response" ? bodyBytes : 0);
}

/** Of a body that lies in pieces. */
export function blockCrcs(chunks: readonly Buffer[]): Uint32Array {
  const crcs: number[] = [];
  let crc = 0;
  let filled = 0;
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      const count = Math.min(BLOCK_BYTES - filled, chunk.length - at);
      crc = crc32(chunk.subarray(at, at + count), crc);
      at += count;
      filled += count;
      if (filled < BLOCK_BYTES) continue;
      crcs.push(crc);
      crc = 0;
      filled = 0;
    }
  }
  if (filled > 0) crcs.push(crc);
  return Uint32Array.from(crcs);
}

/** Are these the bytes of the body from that block on? They end where the body does, or a block. */
export function areSound(bytes: Buffer, crcs: Uint32Array, firstBlock: number): boolean {
  for (let at = 0, block = firstBlock; at < bytes.length; at += BLOCK_BYTES, block++) {
    if (crc32(bytes.subarray(at, at + BLOCK_BYTES)) !== crcs[block]) return false;
  }
  return true;
}
