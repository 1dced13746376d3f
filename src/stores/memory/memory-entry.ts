import { tagsOf } from "../../protocol/caching/cache-tags.ts";
import type { Freshness } from "../../protocol/caching/reuse.ts";
import type { HeaderList } from "../../protocol/http/header-list.ts";
import type { NewResponse, StoredResponse, VariantKey } from "../cache-store.ts";
import { chunkAt } from "../growing-body.ts";
import type { Resident } from "./admission.ts";
import type { CodedBody } from "./coded-body.ts";
import {
  fieldCount,
  packable,
  packedBytes,
  packedEnd,
  packLines,
  unpackLines,
} from "./packed-lines.ts";
import { slotAt } from "./slabs.ts";

// A block: the freshness, how much of what follows, the fields, and the body if it is small. How
// long a stale one is of use need not be exact to the millisecond.
const LIFETIME = 8;
const WHILE_REVALIDATE = 16;
const IF_ERROR = 20;
const LINES_BYTES = 24;
const FIELD_COUNT = 26;
const HEAD_BYTES = 28;

// One number for what takes a few bits each: a million entries have a field each.
const VISITS = 3;
const IS_MAIN = 4;
const MAY_BE_STALE = 8;
const NEEDS_VALIDATION = 16;
const STATUS_SHIFT = 5;

/** Where a block lies: in a slot of a page, or alone. */
export interface BlockPage {
  readonly bytes: Buffer;
  readonly slotBytes: number; // 0: alone
}

/** What few responses have. */
interface Rest {
  readonly chunks: readonly Buffer[]; // of a body that is not in the block
  readonly starts: readonly number[];
  readonly rangeAt: number;
  readonly rangeTotal: number;
  readonly coded: readonly CodedBody[];
}

/** How a response is to be laid out. */
export interface Layout {
  readonly lines: HeaderList;
  readonly blockBytes: number;
  readonly isInBlock: boolean; // the body is
}

/** undefined: its head is too large. */
export function layoutOf(
  lines: string,
  bodyBytes: number,
  slotBytesMax: number,
): Layout | undefined {
  const list = packable(lines);
  if (list === undefined) return undefined;
  const headBytes = HEAD_BYTES + packedBytes(list);
  const isInBlock = headBytes + bodyBytes <= slotBytesMax;
  return { lines: list, blockBytes: headBytes + (isInBlock ? bodyBytes : 0), isInBlock };
}

/** One response in memory: an object of a few words, and a block outside of the heap. */
export class MemoryEntry implements StoredResponse, Resident {
  readonly url: string;
  readonly #kin: VariantKey; // shared with others
  readonly bodyBytes: number;
  serial: number;
  weight: number;
  older: Resident | undefined;
  newer: Resident | undefined;
  next: MemoryEntry | undefined;
  block: number; // -1: its page is its own
  #page: BlockPage;
  #bits: number;
  #rest: Rest | undefined;

  constructor(response: NewResponse, kin: VariantKey, layout: Layout, serial: number) {
    this.url = response.url;
    this.#kin = kin;
    this.bodyBytes = response.body.length;
    this.serial = serial;
    this.weight = 0;
    this.older = undefined;
    this.newer = undefined;
    this.next = undefined;
    this.block = -1;
    this.#page = NO_PAGE;
    this.#bits = response.status << STATUS_SHIFT;
    this.#rest = restOf(response, layout);
  }

  get partition(): string {
    return this.#kin.partition;
  }

  get varyNames(): readonly string[] {
    return this.#kin.varyNames;
  }

  get varyKey(): string {
    return this.#kin.varyKey;
  }

  get status(): number {
    return this.#bits >> STATUS_SHIFT;
  }

  get visits(): number {
    return this.#bits & VISITS;
  }

  set visits(count: number) {
    this.#bits = (this.#bits & ~VISITS) | count;
  }

  get isMain(): boolean {
    return (this.#bits & IS_MAIN) !== 0;
  }

  set isMain(isMain: boolean) {
    this.#bits = isMain ? this.#bits | IS_MAIN : this.#bits & ~IS_MAIN;
  }

  get isLent(): boolean {
    return this.#rest === undefined || this.#rest.chunks.length === 0;
  }

  get rangeAt(): number {
    return this.#rest?.rangeAt ?? 0;
  }

  get rangeTotal(): number {
    return this.#rest?.rangeTotal ?? this.bodyBytes;
  }

  /** Bytes of bodies that are in no block. */
  get looseBytes(): number {
    if (this.#rest === undefined) return 0;
    const { chunks, coded } = this.#rest;
    const loose = coded.reduce((sum, { looseBytes }) => sum + looseBytes, 0);
    return chunks.reduce((sum, { length }) => sum + length, loose);
  }

  /** Its body in other codings. */
  get codedBodies(): readonly CodedBody[] {
    return this.#rest?.coded ?? NO_BODIES;
  }

  coded(coding: string): CodedBody | undefined {
    return this.#rest?.coded.find((body) => body.coding === coding);
  }

  addCoded(body: CodedBody): void {
    const { rangeAt, rangeTotal } = this;
    const rest = this.#rest ?? { chunks: [], starts: [], rangeAt, rangeTotal, coded: NO_BODIES };
    this.#rest = { ...rest, coded: [...rest.coded, body] };
  }

  /** Of a block that is no slot. */
  get ownBytes(): number {
    return this.block < 0 ? this.#page.bytes.length : 0;
  }

  /** Moves into a block. `body`: unless it stays where it is. */
  settle(block: number, page: BlockPage, { lines }: Layout, body?: Buffer): void {
    const { bytes } = page;
    this.block = block;
    this.#page = page;
    const at = this.#at;
    bytes.writeUInt16LE(lines.linesEnd, at + LINES_BYTES);
    bytes.writeUInt16LE(fieldCount(lines.offsets), at + FIELD_COUNT);
    const end = packLines(lines, bytes, at + HEAD_BYTES);
    body?.copy(bytes, end);
  }

  setFreshness(freshness: Freshness): void {
    const { bytes } = this.#page;
    const at = this.#at;
    bytes.writeDoubleLE(freshness.bornMs, at);
    bytes.writeDoubleLE(freshness.lifetimeMs, at + LIFETIME);
    bytes.writeFloatLE(freshness.whileRevalidateMs, at + WHILE_REVALIDATE);
    bytes.writeFloatLE(freshness.ifErrorMs, at + IF_ERROR);
    const mayBeStale = freshness.mayBeStale ? MAY_BE_STALE : 0;
    const needsValidation = freshness.needsValidation ? NEEDS_VALIDATION : 0;
    this.#bits = (this.#bits & ~(MAY_BE_STALE | NEEDS_VALIDATION)) | mayBeStale | needsValidation;
  }

  freshness(): Freshness {
    const { bytes } = this.#page;
    const at = this.#at;
    return {
      bornMs: bytes.readDoubleLE(at),
      lifetimeMs: bytes.readDoubleLE(at + LIFETIME),
      whileRevalidateMs: bytes.readFloatLE(at + WHILE_REVALIDATE),
      ifErrorMs: bytes.readFloatLE(at + IF_ERROR),
      mayBeStale: (this.#bits & MAY_BE_STALE) !== 0,
      needsValidation: (this.#bits & NEEDS_VALIDATION) !== 0,
    };
  }

  /** From now on it is stale. */
  expire(nowMs: number): void {
    const { bornMs, lifetimeMs } = this.freshness();
    const spentMs = Math.max(0, nowMs - bornMs);
    this.#page.bytes.writeDoubleLE(Math.min(lifetimeMs, spentMs), this.#at + LIFETIME);
  }

  headers(): HeaderList {
    const { bytes } = this.#page;
    const at = this.#at;
    const count = uint16(bytes, at + FIELD_COUNT);
    return unpackLines(bytes, at + HEAD_BYTES, count, uint16(bytes, at + LINES_BYTES));
  }

  at(position: number): Buffer | undefined {
    if (position >= this.bodyBytes) return undefined;
    const rest = this.#rest;
    if (rest === undefined || rest.chunks.length === 0) {
      const bodyAt = this.#bodyAt;
      return this.#page.bytes.subarray(bodyAt + position, bodyAt + this.bodyBytes);
    }
    const index = chunkAt(rest.starts, position);
    return rest.chunks[index]!.subarray(position - rest.starts[index]!);
  }

  tags(): readonly string[] {
    return tagsOf(this.headers());
  }

  fingerprint(): number {
    let word = 0x811c9dc5;
    for (let at = 0; at < this.url.length; at++) {
      word = Math.imul(word ^ this.url.charCodeAt(at), 0x01000193);
    }
    for (let at = 0; at < this.varyKey.length; at++) {
      word = Math.imul(word ^ this.varyKey.charCodeAt(at), 0x01000193);
    }
    word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
    return (word ^ (word >>> 13)) >>> 0;
  }

  get #at(): number {
    return slotAt(this.block, this.#page.slotBytes);
  }

  get #bodyAt(): number {
    const { bytes } = this.#page;
    const at = this.#at;
    const count = uint16(bytes, at + FIELD_COUNT);
    return packedEnd(at + HEAD_BYTES, count, uint16(bytes, at + LINES_BYTES));
  }
}

function uint16(bytes: Buffer, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8);
}

const NO_PAGE: BlockPage = { bytes: Buffer.alloc(0), slotBytes: 0 };
const NO_BODIES: readonly CodedBody[] = [];

function restOf(
  { body, rangeAt, rangeTotal }: NewResponse,
  { isInBlock }: Layout,
): Rest | undefined {
  if (isInBlock && rangeTotal === undefined) return undefined;
  const chunks = isInBlock ? [] : body.chunks();
  const starts: number[] = [];
  let at = 0;
  for (const chunk of chunks) {
    starts.push(at);
    at += chunk.length;
  }
  const total = rangeTotal ?? body.length;
  return { chunks, starts, rangeAt: rangeAt ?? 0, rangeTotal: total, coded: NO_BODIES };
}
