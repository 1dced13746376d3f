import { errorCode, type Files, type OpenFile } from "../../base/files.ts";
import type { Clock, Timer } from "../../base/world.ts";
import { CACHE_DISK_QUEUE_BYTES } from "../../core/limits.ts";
import type { RecordPlace } from "./disk-index.ts";
import type { DiskShare } from "./disk-share.ts";
import { blockCrcs, encodeHead, type RecordHead } from "./record.ts";
import { Segment } from "./segment.ts";
import { SegmentTable, type WrittenOrder } from "./segment-table.ts";
import type { Segments } from "./segments.ts";

const BATCH_BYTES = 1024 * 1024;
const RETRY_MS = 10_000;
const TABLE_EVERY_BYTES = 16 * 1024 * 1024; // what a crash leaves to be read head by head

/** What is to be written. */
export interface Writing {
  readonly head: Omit<RecordHead, "order" | "crcs"> & { readonly crcs?: Uint32Array };
  readonly body: readonly Buffer[];
  readonly purge?: WrittenOrder;
  readonly isVital?: boolean; // something is to go, and must not come back: it waits, and is synced
  /** Once: it is there, or will not be. */
  over(place: RecordPlace | undefined): void;
}

/** A record as it lies on disk already, to be written once more. */
export interface Copied {
  readonly bytes: Buffer;
  readonly head: RecordHead;
}

export interface Written {
  readonly head: RecordHead;
  readonly place: RecordPlace;
}

export interface WriterOwner {
  /** They can be found from now on. */
  written(records: readonly Written[]): void;
  /** Room for that many bytes in another segment: somebody may have to go. */
  makeRoom(bytes: number): Promise<void>;
  failed(what: string, error: unknown): void;
}

export interface WriterParts {
  readonly files: Files;
  readonly clock: Clock;
  readonly folder: string;
  readonly worker: number;
  readonly share: DiskShare;
  readonly segments: Segments;
  readonly segmentBytes: () => number;
}

/** Bytes of one record, ready to be written, and what is told when they are. */
interface Prepared {
  readonly writing: Writing | undefined;
  readonly head: RecordHead;
  readonly parts: readonly Buffer[];
  readonly bytes: number;
}

/**
 * Appends records to a segment, one write at a time, and begins another when it is full. What comes
 * faster than the disk takes it is not stored; nobody waits. After a fault it rests for a while.
 */
export class DiskWriter {
  readonly #parts: WriterParts;
  readonly #owner: WriterOwner;
  #queue: Writing[];
  #queuedBytes: number;
  #vitalCount: number;
  #current: Segment | undefined;
  #file: OpenFile | undefined;
  #table: SegmentTable;
  #tabled: number; // bytes of the segment that its table on disk covers
  #running: Promise<void> | undefined;
  #rest: Timer | undefined; // after a fault
  #isClosed: boolean;

  constructor(parts: WriterParts, owner: WriterOwner) {
    this.#parts = parts;
    this.#owner = owner;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#vitalCount = 0;
    this.#current = undefined;
    this.#file = undefined;
    this.#table = new SegmentTable();
    this.#tabled = 0;
    this.#running = undefined;
    this.#rest = undefined;
    this.#isClosed = false;
  }

  get current(): Segment | undefined {
    return this.#current;
  }

  /** Of what waits, and may be found once it is written. */
  get serialMin(): number {
    return this.#queue.reduce(
      (least, { head }) => Math.min(least, head.serial),
      Number.POSITIVE_INFINITY,
    );
  }

  get vitalCount(): number {
    return this.#vitalCount;
  }

  dropVital(): void {
    const all = this.#queue;
    this.#queue = all.filter(({ isVital }) => isVital !== true);
    this.#queuedBytes = this.#queue.reduce((sum, writing) => sum + sizeOf(writing), 0);
    this.#vitalCount = 0;
    for (const writing of all) if (writing.isVital === true) writing.over(undefined);
  }

  get isResting(): boolean {
    return this.#rest !== undefined;
  }

  /** False: the disk is too slow, or does not work; over() is not called then. What is vital waits. */
  add(writing: Writing): boolean {
    const bytes = sizeOf(writing);
    if (this.#isClosed) return false;
    const isTooMuch = this.isResting || this.#queuedBytes + bytes > CACHE_DISK_QUEUE_BYTES;
    if (isTooMuch && writing.isVital !== true) return false;
    this.#push(writing);
    this.#start();
    return true;
  }

  /** What waits is written, and the segment gets its table. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#rest?.cancel();
    await this.#running;
    await this.#seal();
    this.#giveUp();
  }

  #start(): void {
    if (this.isResting || this.#running !== undefined) return;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      // Something came between the last look and now.
      if (this.#queue.length > 0 && !this.#isClosed) this.#start();
    });
  }

  async #run(): Promise<void> {
    try {
      while (this.#queue.length > 0) await this.#writeSome();
    } catch (error) {
      await this.#failed(error);
    }
  }

  async #writeSome(): Promise<void> {
    const first = this.#prepare(this.#queue[0]!);
    if (first === undefined) {
      this.#next()!.over(undefined);
      return;
    }
    await this.#roomFor(first.bytes);
    const batch = [first];
    let bytes = first.bytes;
    this.#next();
    const left = Math.min(BATCH_BYTES, this.#parts.segmentBytes() - this.#current!.bytes);
    while (this.#queue.length > 0 && bytes + sizeOf(this.#queue[0]!) <= left) {
      const writing = this.#next()!;
      const prepared = this.#prepare(writing);
      if (prepared === undefined || bytes + prepared.bytes > left) {
        writing.over(undefined); // its head is far larger than such heads are
        continue;
      }
      batch.push(prepared);
      bytes += prepared.bytes;
    }
    await this.#write(batch);
  }

  #push(writing: Writing): void {
    this.#queue.push(writing);
    this.#queuedBytes += sizeOf(writing);
    if (writing.isVital === true) this.#vitalCount++;
  }

  #next(): Writing | undefined {
    const writing = this.#queue.shift();
    if (writing === undefined) return undefined;
    this.#queuedBytes -= sizeOf(writing);
    if (writing.isVital === true) this.#vitalCount--;
    return writing;
  }

  #prepare(writing: Writing): Prepared | undefined {
    const crcs = writing.head.crcs ?? blockCrcs(writing.body);
    const head: RecordHead = { ...writing.head, order: this.#parts.share.tick(), crcs };
    const encoded = encodeHead(head);
    if (encoded === undefined) return undefined;
    const parts = [encoded, ...writing.body];
    const bytes = parts.reduce((sum, { length }) => sum + length, 0);
    return { writing, head, parts, bytes };
  }

  async #write(batch: readonly Prepared[]): Promise<void> {
    const segment = this.#current!;
    const table = this.#table;
    try {
      await this.#file!.write(
        batch.flatMap(({ parts }) => parts),
        segment.bytes,
      );
      // What was asked to go must not come back, whatever happens to the machine.
      if (batch.some(({ writing }) => writing?.isVital === true)) await this.#file!.sync();
    } catch (error) {
      for (const { writing } of batch) this.#undone(writing);
      throw error;
    }
    const written: Written[] = [];
    for (const { head, bytes, writing } of batch) {
      const place = { segment: segment.id, offset: segment.bytes, bytes, order: head.order };
      segment.bytes += bytes;
      note(table, head, place);
      if (head.kind === "response" || head.kind === "update") {
        segment.serialMin = Math.min(segment.serialMin, head.serial);
        written.push({ head, place });
      }
      if (writing?.purge !== undefined) table.orders.push(writing.purge);
    }
    table.covered = segment.bytes;
    segment.tableBytes = table.byteLength;
    if (written.length > 0) this.#owner.written(written);
    for (const { writing, head } of batch) {
      const place = written.find((each) => each.head === head)?.place;
      writing?.over(place);
    }
    if (segment.bytes - this.#tabled >= TABLE_EVERY_BYTES) await this.#writeTable();
  }

  /** What is vital is tried again; whoever waits for it has waited long enough. */
  #undone(writing: Writing | undefined): void {
    writing?.over(undefined);
    if (writing?.isVital !== true || this.#isClosed) return;
    this.#push({ ...writing, over: () => {} });
  }

  /** Of a segment that has to go, into the one that is begun. False: there is no room for it. */
  async copy({ bytes, head }: Copied, share: number): Promise<boolean> {
    const segment = this.#current;
    if (segment === undefined) return false;
    if (segment.bytes + bytes.length > this.#parts.segmentBytes() / share) return false;
    await this.#write([{ writing: undefined, head, parts: [bytes], bytes: bytes.length }]);
    return true;
  }

  // --- segments ----------------------------------------------------------------------------------

  async #roomFor(bytes: number): Promise<void> {
    const current = this.#current;
    const most = this.#parts.segmentBytes();
    if (current !== undefined && (current.bytes === 0 || current.bytes + bytes <= most)) return;
    await this.#seal();
    await this.#begin();
    await this.#owner.makeRoom(Math.max(bytes, most));
    // What was kept of others may have filled it.
    if (this.#current!.bytes > 0 && this.#current!.bytes + bytes > most) await this.#roomFor(bytes);
  }

  async #begin(): Promise<void> {
    const { files, folder, worker, share, segments } = this.#parts;
    const segment = new Segment(files, folder, share.newSegment(), worker, true);
    try {
      await segment.create();
    } catch (error) {
      if (errorCode(error) !== "ENOENT") throw error;
      await files.makeFolder(folder); // somebody has removed it under us
      await segment.create();
    }
    this.#file = await segments.use(segment);
    segments.add(segment);
    this.#current = segment;
    this.#table = new SegmentTable();
    this.#tabled = 0;
  }

  async #seal(): Promise<void> {
    const segment = this.#current;
    if (segment === undefined) return;
    try {
      await this.#writeTable();
    } catch (error) {
      this.#owner.failed("cannot write a table", error); // the next start reads the segment itself
    }
    this.#current = undefined;
    this.#file = undefined;
    this.#parts.segments.release(segment);
  }

  async #writeTable(): Promise<void> {
    const segment = this.#current!;
    if (segment.bytes === 0) return;
    this.#table.serialMin = segment.serialMin;
    this.#tabled = segment.bytes;
    await segment.writeTable(this.#table);
  }

  async #failed(error: unknown): Promise<void> {
    this.#owner.failed("cannot write", error);
    await this.#seal();
    this.#giveUp();
    if (this.#isClosed) return;
    this.#rest = this.#parts.clock.after(RETRY_MS, () => {
      this.#rest = undefined;
      if (this.#queue.length > 0) this.#start();
    });
  }

  #giveUp(): void {
    const all = this.#queue;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#vitalCount = 0;
    for (const writing of all) this.#undone(writing);
  }
}

function note(table: SegmentTable, head: RecordHead, { offset, bytes }: RecordPlace): void {
  const { kind, key, order, serial } = head;
  table.saw(Math.max(order, serial));
  if (kind === "purge") return;
  table.add({ key, offset, bytes: kind === "removal" ? 0 : bytes, order });
}

/** About; what is exact is known once it is encoded. */
function sizeOf({ head, body }: Writing): number {
  return (
    head.lines.length +
    head.url.length * 2 +
    512 +
    body.reduce((sum, { length }) => sum + length, 0)
  );
}
