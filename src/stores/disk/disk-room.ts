import type { Clock } from "../../base/world.ts";
import { DiskIndex } from "./disk-index.ts";
import type { DiskWriter } from "./disk-writer.ts";
import { decodeHead } from "./record.ts";
import type { RecordReader } from "./record-reader.ts";
import type { Segment } from "./segment.ts";
import type { Segments } from "./segments.ts";

const COPY_BYTES_MAX = 1024 * 1024; // of one record that is kept
const COPIED_SHARE = 2; // no more than one part in so many of a segment
const LINGER_MS = 30_000; // for who has found something in a segment, and reads it soon
const LINGERING_MAX = 4; // they take room that the budget does not count

export interface RoomParts {
  readonly clock: Clock;
  readonly index: DiskIndex;
  readonly segments: Segments;
  readonly reader: RecordReader;
  readonly writer: () => DiskWriter;
  readonly bytesMax: () => number;
  readonly segmentBytes: () => number;
  /** Its records are gone. */
  dropped(segment: Segment, records: number): void;
}

/**
 * Keeps the budget. The oldest segment of ours goes as a whole; what was asked for since it was written is
 * written once more, so that what is liked stays.
 */
export class DiskRoom {
  readonly #parts: RoomParts;
  #sweptPart: number; // of the index; its end: no sweep is under way
  #isSweepDue: boolean;
  readonly #lingering: Set<Segment>; // the longest first

  constructor(parts: RoomParts) {
    this.#parts = parts;
    this.#sweptPart = DiskIndex.parts;
    this.#isSweepDue = false;
    this.#lingering = new Set();
  }

  /** Before so many bytes are written: there is always room for a segment besides. */
  async make(bytes: number): Promise<void> {
    const { segments, writer, bytesMax, segmentBytes } = this.#parts;
    const current = writer().current;
    for (;;) {
      const others = segments.own().filter((segment) => segment !== current);
      const [oldest] = others;
      const used = segments.ownBytes - (current === undefined ? 0 : current.bytes);
      if (oldest === undefined || used + bytes + segmentBytes() <= bytesMax()) return;
      await this.#keepVisited(oldest);
      await this.drop(oldest);
    }
  }

  /** The disk is full before our budget is used. */
  async dropOldest(): Promise<void> {
    const [oldest] = this.#parts.segments.own();
    if (oldest !== undefined) await this.drop(oldest);
  }

  async dropAll(but: Segment | undefined): Promise<void> {
    for (const segment of this.#parts.segments.own()) {
      if (segment !== but) await this.drop(segment);
    }
  }

  async drop(segment: Segment): Promise<void> {
    const { segments, dropped } = this.#parts;
    segments.forget(segment);
    this.#letGo(segment);
    dropped(segment, segment.live);
    await segment.remove().catch((error: unknown) => {
      // Somebody has removed it under us, which is all that we wanted.
      if ((error as { code?: unknown }).code !== "ENOENT") throw error;
    });
  }

  /** Of another worker, which has removed it. */
  forget(segment: Segment): void {
    this.#parts.segments.forget(segment);
    this.#letGo(segment);
  }

  #letGo(segment: Segment): void {
    this.#lingering.add(segment);
    this.#parts.clock.after(LINGER_MS, () => this.#shut(segment));
    const [longest] = this.#lingering;
    if (this.#lingering.size > LINGERING_MAX) this.#shut(longest!);
    this.#sweepSoon();
  }

  /** Who reads it now goes on. */
  #shut(segment: Segment): void {
    if (!this.#lingering.delete(segment)) return;
    segment.isGone = true;
    segment.shut();
  }

  async #keepVisited(segment: Segment): Promise<void> {
    const { index, reader, writer, segments } = this.#parts;
    const table = await segment.readTable();
    for (let place = 0; place < (table?.count ?? 0); place++) {
      const { key, offset, bytes, order } = table!.row(place);
      if (bytes === 0 || bytes > COPY_BYTES_MAX) continue;
      if (index.visitsOf(key, segment.id, offset) === 0) continue;
      const read = await reader
        .readBytes({ segment: segment.id, offset, bytes, order })
        .catch(() => undefined);
      const head = read && decodeHead(read, 0);
      if (read?.length !== bytes || head === undefined) continue;
      const { bodySegment } = head;
      if (bodySegment !== 0) {
        const isThere = bodySegment !== segment.id && segments.get(bodySegment) !== undefined;
        if (!isThere) continue;
      }
      if (!(await writer().copy({ bytes: read, head }, COPIED_SHARE))) return;
    }
  }

  #sweepSoon(): void {
    this.#isSweepDue = true;
    if (this.#sweptPart < DiskIndex.parts) return;
    this.#sweptPart = 0;
    this.#isSweepDue = false;
    this.#parts.clock.after(0, () => this.#sweep());
  }

  /** A part at a time, so that nobody waits for it. */
  #sweep(): void {
    const { index, segments } = this.#parts;
    index.sweep(this.#sweptPart++, (segment) => segments.get(segment) !== undefined);
    if (this.#sweptPart < DiskIndex.parts) this.#parts.clock.after(0, () => this.#sweep());
    else if (this.#isSweepDue) this.#sweepSoon();
  }
}
