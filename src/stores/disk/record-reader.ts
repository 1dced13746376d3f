import type { Clock } from "../../base/world.ts";
import { CACHE_DISK_READS_MAX } from "../../core/limits.ts";
import type { RecordPlace } from "./disk-index.ts";
import type { BodyReading } from "./disk-response.ts";
import { UnsoundRecord } from "./disk-response.ts";
import { areSound, decodeHead, type FoundRecord, headBytesAt } from "./record.ts";
import type { Segment } from "./segment.ts";
import type { Segments } from "./segments.ts";

const WHOLE_BYTES = 128 * 1024; // what is read at once
const HEAD_GUESS_BYTES = 16 * 1024;

export interface ReadRecord {
  readonly record: FoundRecord;
  readonly bodySegment: Segment;
  readonly bodyAt: number; // in it
  /** All of it, and sound, if it is small. */
  readonly body: Buffer | undefined;
}

/** Reads records out of segments, so many at once; nothing unsound comes out. */
export class RecordReader {
  readonly #segments: Segments;
  readonly #clock: Clock;
  readonly #failed: (error: unknown) => void;
  #reads: number;

  constructor(segments: Segments, clock: Clock, failed: (error: unknown) => void) {
    this.#segments = segments;
    this.#clock = clock;
    this.#failed = failed;
    this.#reads = 0;
  }

  get isBusy(): boolean {
    return this.#reads >= CACHE_DISK_READS_MAX;
  }

  /** Rejects with the system's error, or with UnsoundRecord. undefined: its body is gone. */
  async read(place: RecordPlace): Promise<ReadRecord | undefined> {
    const segment = this.#segments.get(place.segment);
    if (segment === undefined) return undefined;
    this.#reads++;
    try {
      const size = place.bytes <= WHOLE_BYTES ? place.bytes : HEAD_GUESS_BYTES;
      let bytes = await this.#bytes(segment, place.offset, size);
      const headBytes = headBytesAt(bytes, 0) ?? 0;
      if (headBytes > bytes.length) bytes = await this.#bytes(segment, place.offset, headBytes);
      const record = decodeHead(bytes, 0);
      if (record === undefined) throw new UnsoundRecord();
      return await this.#withBody(record, segment, place, bytes.subarray(headBytes));
    } finally {
      this.#reads--;
    }
  }

  /** For one that is too large to come with its head. */
  async readBody({ record, bodySegment, bodyAt }: ReadRecord): Promise<Buffer> {
    const body = await this.#bytes(bodySegment, bodyAt, record.bodyBytes);
    if (!areSound(body, record.crcs, 0)) throw new UnsoundRecord();
    return body;
  }

  /** As it lies there, to be written elsewhere. */
  async readBytes({ segment, offset, bytes }: RecordPlace): Promise<Buffer | undefined> {
    const found = this.#segments.get(segment);
    return found && (await this.#bytes(found, offset, bytes));
  }

  bodyReading({ bodySegment, bodyAt }: ReadRecord): BodyReading {
    return {
      clock: this.#clock,
      failed: this.#failed,
      open: async () => {
        const file = await this.#segments.use(bodySegment);
        return {
          read: (into, position) => file.read(into, bodyAt + position),
          release: () => this.#segments.release(bodySegment),
        };
      },
    };
  }

  async #withBody(
    record: FoundRecord,
    segment: Segment,
    { offset, bytes }: RecordPlace,
    behind: Buffer,
  ): Promise<ReadRecord | undefined> {
    const { bodySegment, bodyAt, bodyBytes, headBytes } = record;
    const isElsewhere = bodySegment !== 0;
    const holder = isElsewhere ? this.#segments.get(bodySegment) : segment;
    if (holder === undefined) return undefined;
    const at = isElsewhere ? bodyAt : offset + headBytes;
    const read = { record, bodySegment: holder, bodyAt: at };
    if (isElsewhere && bodyBytes <= WHOLE_BYTES) {
      return { ...read, body: await this.readBody({ ...read, body: undefined }) };
    }
    if (isElsewhere || bytes > WHOLE_BYTES) return { ...read, body: undefined };
    if (behind.length !== bodyBytes || !areSound(behind, record.crcs, 0)) throw new UnsoundRecord();
    return { ...read, body: behind };
  }

  async #bytes(segment: Segment, at: number, count: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafeSlow(count);
    return bytes.subarray(0, await this.#into(segment, bytes, at));
  }

  async #into(segment: Segment, into: Buffer, at: number): Promise<number> {
    const file = await this.#segments.use(segment);
    try {
      return await file.read(into, at);
    } finally {
      this.#segments.release(segment);
    }
  }
}
