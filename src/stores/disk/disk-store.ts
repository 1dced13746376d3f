import { errorCode, type Files } from "../../base/files.ts";
import type { Clock, Log } from "../../base/world.ts";
import type { Step } from "../../core/filter.ts";
import type { DiskCounts } from "../../core/worker.ts";
import type { Freshness } from "../../protocol/caching/reuse.ts";
import type { NewResponse, StoredResponse, VariantKey, Wanted } from "../cache-store.ts";
import type { PurgeOrder } from "../purge-orders.ts";
import { DiskFinder, type Promotion } from "./disk-finder.ts";
import { DiskIndex, type Indexed, RECORD_BYTES_MAX } from "./disk-index.ts";
import { loadFolder } from "./disk-loader.ts";
import type { DiskMessage, ToldRecord } from "./disk-message.ts";
import { DiskPurges } from "./disk-purges.ts";
import { DiskPurging } from "./disk-purging.ts";
import { DiskResponse } from "./disk-response.ts";
import { DiskRoom } from "./disk-room.ts";
import type { DiskShare } from "./disk-share.ts";
import { DiskWriter, type Writing, type Written } from "./disk-writer.ts";
import { FaultLog } from "./fault-log.ts";
import { removalOf } from "./gone-records.ts";
import { type RecordKey, RecordKeys } from "./record-key.ts";
import { RecordReader } from "./record-reader.ts";
import { Segment } from "./segment.ts";
import { Segments } from "./segments.ts";

const SEGMENTS_WANTED = 64;
const SEGMENT_BYTES_MIN = 256 * 1024;
const SEGMENT_BYTES_MAX = 256 * 1024 * 1024;
const OBJECT_SHARE = 4; // no object may take more than one part in so many
const FULL = new Set(["ENOSPC", "EDQUOT"]);

export interface DiskStoreParts {
  readonly files: Files;
  readonly clock: Clock;
  readonly log: Log;
  readonly folder: string;
  readonly secret: string;
  readonly worker: number;
  readonly workers: number;
  readonly variantsMax: number; // of one URL
  readonly share: DiskShare;
  /** No fetch is older that may still be stored. */
  readonly oldestSerial: () => number;
  readonly promotion: () => Promotion;
  readonly tell: (message: DiskMessage) => void;
}

/**
 * Responses on disk: one worker's segments, and an index of what all workers have there. Files are the truth,
 * and the index is a hint: a record says itself whose it is, and is checked before any of it is used
 * (decisions 0034 and 0035).
 */
export class DiskStore {
  readonly #parts: DiskStoreParts;
  readonly #keys: RecordKeys;
  readonly #segments: Segments;
  readonly #index: DiskIndex;
  readonly #purges: DiskPurges;
  readonly #purging: DiskPurging;
  readonly #faults: FaultLog;
  readonly #reader: RecordReader;
  readonly #writer: DiskWriter;
  readonly #room: DiskRoom;
  readonly #finder: DiskFinder;
  readonly #underway: Map<number, number>; // how many writes, by the first number of the URL's key
  #state: "loading" | "open" | "shut";
  #loaded: Promise<void> | undefined;
  #bytesMax: number;
  #ceiling: number; // where the disk is smaller than our budget
  #writes = 0;
  #skipped = 0;
  #evictions = 0;

  constructor(parts: DiskStoreParts, bytesMax: number) {
    const { files, clock, folder, worker, share } = parts;
    this.#parts = parts;
    this.#keys = new RecordKeys(parts.secret);
    this.#faults = new FaultLog(clock, parts.log, folder);
    this.#segments = new Segments();
    this.#index = new DiskIndex({
      indexed: (segment) => this.#count(segment, 1),
      gone: (segment) => this.#count(segment, -1),
    });
    this.#purges = new DiskPurges();
    this.#reader = new RecordReader(this.#segments, clock, (error) =>
      this.#faults.tell("cannot read", error),
    );
    const segments = this.#segments;
    const segmentBytes = () => this.#segmentBytes;
    const room = { clock, index: this.#index, segments, reader: this.#reader, segmentBytes };
    this.#room = new DiskRoom({
      ...room,
      writer: () => this.#writer,
      bytesMax: () => Math.min(this.#bytesMax, this.#ceiling),
      dropped: (segment, records) => this.#dropped(segment, records),
    });
    this.#writer = new DiskWriter(
      { files, clock, folder, worker, share, segments, segmentBytes },
      {
        written: (records) => this.#written(records),
        makeRoom: (bytes) => this.#makeRoom(bytes),
        failed: (what, error) => this.#writeFailed(what, error),
      },
    );
    const shared = {
      ...{ clock, segments, keys: this.#keys, index: this.#index, purges: this.#purges },
      ...{ faults: this.#faults, reader: this.#reader, writer: this.#writer, room: this.#room },
    };
    this.#finder = new DiskFinder({ ...shared, promotion: parts.promotion });
    this.#purging = new DiskPurging({ ...shared, share, log: parts.log });
    this.#underway = new Map();
    this.#state = "loading";
    this.#loaded = undefined;
    this.#bytesMax = bytesMax;
    this.#ceiling = Number.POSITIVE_INFINITY;
  }

  get stats(): DiskCounts {
    return {
      bytes: this.#segments.ownBytes,
      objects: Math.max(0, this.#segments.ownObjects),
      reads: this.#finder.reads,
      writes: this.#writes,
      skipped: this.#skipped,
      evictions: this.#evictions,
      errors: this.#faults.count,
    };
  }

  /** For figures: what the index takes. */
  get indexBytes(): number {
    return this.#index.memoryBytes;
  }

  get isLoading(): boolean {
    return this.#state === "loading";
  }

  /** Rejects if the folder cannot be read. What is asked for meanwhile waits for it. */
  load(): Promise<void> {
    this.#loaded = this.#load();
    return this.#loaded;
  }

  resize(bytesMax: number): void {
    this.#bytesMax = bytesMax; // with the next segment
  }

  /** What waits is written; nothing is found, or stored, from now on. */
  async close(): Promise<void> {
    this.#state = "shut";
    await this.#loaded?.catch(() => {});
    await this.#writer.close();
    this.#segments.shut();
    this.#index.clear();
  }

  // --- reading -----------------------------------------------------------------------------------

  recall(wanted: Wanted): Promise<StoredResponse | undefined> | undefined {
    if (this.#state === "shut") return undefined;
    if (this.#state === "loading") {
      const loaded = this.#loaded?.then(
        () => this.recall(wanted),
        () => undefined,
      );
      return loaded && this.#finder.inTime(loaded);
    }
    const found = this.#index.ofUrl(this.#keys.ofUrl(wanted.url));
    if (found.length === 0 || this.#reader.isBusy) return undefined;
    return this.#finder.inTime(this.#finder.find(found, wanted));
  }

  touch({ record }: DiskResponse): void {
    this.#index.visit(record.key);
  }

  // --- writing -----------------------------------------------------------------------------------

  put(response: NewResponse, serial: number): void {
    const { url, lines, body } = response;
    if (this.#state !== "open") return;
    const key = this.#keys.of(url, response);
    const isRefused = this.#purges.refuses({ key, url, lines, serial });
    const bytesMax = Math.min(this.#bytesMax / OBJECT_SHARE, RECORD_BYTES_MAX);
    const head = {
      ...response,
      ...{ kind: "response" as const, key, serial, bodySegment: 0, bodyAt: 0 },
      freshness: this.#onWall(response.freshness),
      bodyBytes: body.length,
      rangeAt: response.rangeAt ?? 0,
      rangeTotal: response.rangeTotal ?? body.length,
    };
    const isTaken =
      !isRefused &&
      body.length + lines.length <= bytesMax &&
      this.#write({ head, body: body.chunks() });
    if (isTaken) return;
    if (!isRefused) this.#skipped++;
    this.#forget(key); // what is there is older than what was to take its place
  }

  /** Other fields and another freshness for a body that stays where it is. */
  refresh(
    { record, bodyReading }: DiskResponse,
    lines: string,
    freshness: Freshness,
    serial: number,
  ): DiskResponse | undefined {
    const judged = { ...record, lines, serial };
    if (this.#state !== "open" || this.#purges.refuses(judged)) return undefined;
    if (this.#segments.get(record.bodySegment) === undefined) return undefined;
    // Whatever is newer has a body of its own, which these fields are not of.
    const current = this.#index.ofUrl(record.key).find(({ key }) => isSameKey(key, record.key));
    const isCurrent = current?.order === record.order >>> 0;
    if (!isCurrent || this.#underway.has(record.key.first)) return undefined;
    const head = { ...record, lines, serial, freshness: this.#onWall(freshness) };
    this.#write({ head: { ...head, kind: "update" }, body: [] });
    return new DiskResponse({ ...head, kind: "update" }, freshness, bodyReading);
  }

  /** As refresh(), where memory has it too: if what is on disk is the same representation. */
  async freshen(
    url: string,
    variant: VariantKey,
    update: { readonly lines: string; readonly freshness: Freshness; readonly serial: number },
    isSame: (found: StoredResponse) => boolean,
  ): Promise<void> {
    if (this.#state !== "open" || this.#reader.isBusy) return;
    const key = this.#keys.of(url, variant);
    const indexed = this.#index.ofUrl(key).find((each) => isSameKey(each.key, key));
    if (indexed === undefined) return;
    try {
      const read = await this.#reader.read(indexed);
      if (read === undefined || read.record.url !== url) return;
      const found = this.#finder.response(read, update.freshness);
      if (isSame(found)) this.refresh(found, update.lines, update.freshness, update.serial);
    } catch (error) {
      this.#faults.tell("cannot read", error);
    }
  }

  remove(url: string, variant: VariantKey): void {
    if (this.#state === "open") this.#forget(this.#keys.of(url, variant));
  }

  #write(writing: Pick<Writing, "head" | "body">): boolean {
    const { first } = writing.head.key;
    const isTaken = this.#writer.add({ ...writing, over: () => this.#underwayBy(first, -1) });
    if (isTaken) this.#underwayBy(first, 1);
    return isTaken;
  }

  #underwayBy(first: number, by: number): void {
    const count = (this.#underway.get(first) ?? 0) + by;
    if (count === 0) this.#underway.delete(first);
    else this.#underway.set(first, count);
  }

  #forget(key: RecordKey): void {
    const order = this.#parts.share.tick();
    if (!this.#index.delete(key, order)) return;
    this.#parts.tell({ kind: "removed", key, order });
    this.#writer.add(removalOf(key, order));
  }

  #onWall(freshness: Freshness): Freshness {
    const { clock } = this.#parts;
    return { ...freshness, bornMs: freshness.bornMs - clock.nowMs() + clock.wallMs() };
  }

  #written(records: readonly Written[]): void {
    const told: ToldRecord[] = [];
    for (const { head, place } of records) {
      if (this.#purges.refuses(head) || !this.#index.put(head.key, place)) continue;
      for (const { key } of this.#variantsTooMany(head.key)) {
        this.#forget(key);
        this.#evictions++;
      }
      const { key, serial } = head;
      told.push({ ...place, key, serial, worker: this.#parts.worker });
      this.#writes++;
    }
    if (told.length > 0) this.#parts.tell({ kind: "stored", records: told });
  }

  /** C1: the oldest go. */
  #variantsTooMany(key: RecordKey): readonly Indexed[] {
    return this.#index.ofUrl(key).slice(this.#parts.variantsMax);
  }

  // --- purges ------------------------------------------------------------------------------------

  /** In force at once; answers when it would be after a crash, too. How many of ours are gone. */
  purge(order: PurgeOrder): Step<number> {
    if (this.#state === "shut") return 0;
    if (this.#state === "loading") {
      const loaded = this.#loaded ?? Promise.resolve();
      return loaded.then(
        () => this.purge(order),
        () => 0,
      );
    }
    return this.#purging.purge(order);
  }

  // --- segments ----------------------------------------------------------------------------------

  get #segmentBytes(): number {
    const bytes = Math.floor(Math.min(this.#bytesMax, this.#ceiling) / SEGMENTS_WANTED);
    return Math.min(Math.max(bytes, SEGMENT_BYTES_MIN), SEGMENT_BYTES_MAX);
  }

  async #makeRoom(bytes: number): Promise<void> {
    this.#ceiling = this.#ceiling * 1.1 + SEGMENT_BYTES_MIN; // the disk may have room again
    await this.#room.make(bytes);
  }

  #dropped(segment: Segment, records: number): void {
    this.#evictions += Math.max(0, records);
    this.#parts.tell({ kind: "dropped", segment: segment.id });
    const least = Math.min(this.#segments.serialMin, this.#writer.serialMin);
    this.#purges.retire(Math.min(least, this.#parts.oldestSerial()));
  }

  #count(segment: number, by: number): void {
    const found = this.#segments.get(segment);
    if (found !== undefined) found.live += by;
  }

  async #load(): Promise<void> {
    const { clock } = this.#parts;
    await loadFolder({
      ...this.#parts,
      segments: this.#segments,
      index: this.#index,
      orders: (order) => void this.#purges.place(order),
      pause: () => new Promise((resolve) => void clock.after(0, resolve)),
      isOver: () => this.#state === "shut",
    });
    if (this.#state === "loading") this.#state = "open";
  }

  // --- other workers -----------------------------------------------------------------------------

  learn(message: DiskMessage): void {
    if (this.#state === "shut") return;
    if (message.kind === "removed") this.#index.delete(message.key, message.order);
    else if (message.kind === "dropped") {
      const segment = this.#segments.get(message.segment);
      if (segment !== undefined) this.#room.forget(segment);
    } else for (const record of message.records) this.#learnOf(record);
  }

  #learnOf({ key, serial, worker, ...place }: ToldRecord): void {
    if (this.#purges.refusesKey(key, serial)) return;
    const { files, folder } = this.#parts;
    let segment = this.#segments.get(place.segment);
    if (segment === undefined) {
      segment = new Segment(files, folder, place.segment, worker, false);
      this.#segments.add(segment);
    }
    segment.serialMin = Math.min(segment.serialMin, serial);
    this.#index.put(key, place);
    for (const each of this.#variantsTooMany(key)) this.#index.delete(each.key, each.order);
  }

  // --- faults ------------------------------------------------------------------------------------

  #writeFailed(what: string, error: unknown): void {
    this.#faults.tell(what, error);
    if (!FULL.has(errorCode(error))) return;
    this.#ceiling = this.#segments.ownBytes;
    this.#room.dropOldest().catch((other: unknown) => this.#faults.tell("cannot remove", other));
  }
}

function isSameKey(one: RecordKey, other: RecordKey): boolean {
  return one.partition === other.partition && one.variant === other.variant;
}
