import { latin1Text, writeLatin1 } from "../../base/latin1.ts";
import { tagsOf } from "../../protocol/caching/cache-tags.ts";
import type { Freshness } from "../../protocol/caching/reuse.ts";
import { HeaderList } from "../../protocol/http/header-list.ts";
import type { NewResponse, StoredResponse } from "../cache-store.ts";
import { chunkAt } from "../growing-body.ts";
import type { Resident } from "./admission.ts";
import type { CodedBody } from "./coded-body.ts";

// A block: four numbers of the freshness, five offsets for each field, the lines, and the body if
// it is small.
const FRESHNESS_BYTES = 4 * 8;
const LIFETIME = 8;
const WHILE_REVALIDATE = 16;
const IF_ERROR = 24;
const OFFSET_BYTES = 2;
export const LINES_MAX = 2 ** 16 - 1; // of the lines, in bytes: what an offset can say

const MAY_BE_STALE = 1;
const NEEDS_VALIDATION = 2;

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

export function layoutOf(lines: string, bodyBytes: number, slotBytesMax: number): Layout {
  const list = HeaderList.ofLines(lines);
  const headBytes = FRESHNESS_BYTES + list.offsets.length * OFFSET_BYTES + lines.length;
  const isInBlock = headBytes + bodyBytes <= slotBytesMax;
  return { lines: list, blockBytes: headBytes + (isInBlock ? bodyBytes : 0), isInBlock };
}

/** One response in memory: an object of a few words, and a block outside of the heap. */
export class MemoryEntry implements StoredResponse, Resident {
  readonly url: string;
  readonly partition: string;
  readonly varyNames: readonly string[];
  readonly varyKey: string;
  readonly status: number;
  readonly bodyBytes: number;
  serial: number;
  weight: number;
  visits: number;
  isMain: boolean;
  older: Resident | undefined;
  newer: Resident | undefined;
  next: MemoryEntry | undefined;
  block: number; // -1: `bytes` is its own
  #bytes: Buffer;
  #at: number;
  #offsets: number;
  #linesBytes: number;
  #flags: number;
  #rest: Rest | undefined;

  constructor(response: NewResponse, layout: Layout, serial: number) {
    this.url = response.url;
    this.partition = response.partition;
    this.varyNames = response.varyNames;
    this.varyKey = response.varyKey;
    this.status = response.status;
    this.bodyBytes = response.body.length;
    this.serial = serial;
    this.weight = 0;
    this.visits = 0;
    this.isMain = false;
    this.older = undefined;
    this.newer = undefined;
    this.next = undefined;
    this.block = -1;
    this.#bytes = NOTHING;
    this.#at = 0;
    this.#offsets = 0;
    this.#linesBytes = 0;
    this.#flags = 0;
    this.#rest = restOf(response, layout);
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
    return this.block < 0 ? this.#bytes.length : 0;
  }

  /** Moves into a block: `bytes` from `at` on. `body`: unless it stays where it is. */
  settle(block: number, bytes: Buffer, at: number, { lines }: Layout, body?: Buffer): void {
    const { offsets, text } = lines;
    this.block = block;
    this.#bytes = bytes;
    this.#at = at;
    this.#offsets = offsets.length;
    this.#linesBytes = text.length;
    let to = at + FRESHNESS_BYTES;
    for (const offset of offsets) to = bytes.writeUInt16LE(offset, to);
    writeLatin1(bytes, text, to);
    if (body !== undefined) body.copy(bytes, to + text.length);
  }

  setFreshness(freshness: Freshness): void {
    this.#bytes.writeDoubleLE(freshness.bornMs, this.#at);
    this.#bytes.writeDoubleLE(freshness.lifetimeMs, this.#at + LIFETIME);
    this.#bytes.writeDoubleLE(freshness.whileRevalidateMs, this.#at + WHILE_REVALIDATE);
    this.#bytes.writeDoubleLE(freshness.ifErrorMs, this.#at + IF_ERROR);
    const mayBeStale = freshness.mayBeStale ? MAY_BE_STALE : 0;
    this.#flags = mayBeStale | (freshness.needsValidation ? NEEDS_VALIDATION : 0);
  }

  freshness(): Freshness {
    const bytes = this.#bytes;
    const at = this.#at;
    return {
      bornMs: bytes.readDoubleLE(at),
      lifetimeMs: bytes.readDoubleLE(at + LIFETIME),
      whileRevalidateMs: bytes.readDoubleLE(at + WHILE_REVALIDATE),
      ifErrorMs: bytes.readDoubleLE(at + IF_ERROR),
      mayBeStale: (this.#flags & MAY_BE_STALE) !== 0,
      needsValidation: (this.#flags & NEEDS_VALIDATION) !== 0,
    };
  }

  /** From now on it is stale. */
  expire(nowMs: number): void {
    const { bornMs, lifetimeMs } = this.freshness();
    const spentMs = Math.max(0, nowMs - bornMs);
    this.#bytes.writeDoubleLE(Math.min(lifetimeMs, spentMs), this.#at + LIFETIME);
  }

  headers(): HeaderList {
    const bytes = this.#bytes;
    const count = this.#offsets;
    const fields: number[] = [];
    let at = this.#at + FRESHNESS_BYTES;
    for (let index = 0; index < count; index++) {
      fields.push(bytes[at]! | (bytes[at + 1]! << 8));
      at += OFFSET_BYTES;
    }
    return new HeaderList(
      latin1Text(bytes, at, at + this.#linesBytes),
      this.#linesBytes,
      fields,
      count,
    );
  }

  at(position: number): Buffer | undefined {
    if (position >= this.bodyBytes) return undefined;
    const rest = this.#rest;
    if (rest === undefined || rest.chunks.length === 0) {
      const bodyAt = this.#bodyAt;
      return this.#bytes.subarray(bodyAt + position, bodyAt + this.bodyBytes);
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

  get #bodyAt(): number {
    return this.#at + FRESHNESS_BYTES + this.#offsets * OFFSET_BYTES + this.#linesBytes;
  }
}

const NOTHING = Buffer.alloc(0);
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
