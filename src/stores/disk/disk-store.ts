import { errorCode, type Files } from "../../base/files.ts";
import type { Clock, Log } from "../../base/world.ts";
import type { Step } from "../../core/filter.ts";
import { CACHE_DISK_ORDERS_MAX, CACHE_DISK_WAIT_MS } from "../../core/limits.ts";
import type { DiskCounts } from "../../core/worker.ts";
import type { Freshness } from "../../protocol/caching/reuse.ts";
import type { NewResponse, StoredResponse, VariantKey, Wanted } from "../cache-store.ts";
import { GrowingBody } from "../growing-body.ts";
import type { PurgeOrder } from "../purge-orders.ts";
import { DiskIndex, type Indexed, RECORD_BYTES_MAX } from "./disk-index.ts";
import { loadFolder } from "./disk-loader.ts";
import { DiskPurges, type Judged } from "./disk-purges.ts";
import { DiskResponse } from "./disk-response.ts";
import { DiskRoom } from "./disk-room.ts";
import type { DiskShare } from "./disk-share.ts";
import { DiskWriter, type Writing, type Written } from "./disk-writer.ts";
import type { FoundRecord, RecordHead } from "./record.ts";
import { type RecordKey, RecordKeys } from "./record-key.ts";
import { type ReadRecord, RecordReader } from "./record-reader.ts";
import { Segment } from "./segment.ts";
import type { WrittenOrder } from "./segment-table.ts";
import { Segments } from "./segments.ts";

const SEGMENTS_WANTED = 64;
const SEGMENT_BYTES_MIN = 256 * 1024;
const SEGMENT_BYTES_MAX = 256 * 1024 * 1024;
const OBJECT_SHARE = 4; // no object may take more than one part in so many
const PROMOTED_BYTES_MAX = 1024 * 1024;
const WARNING_EVERY_MS = 60_000;
const FULL = new Set(["ENOSPC", "EDQUOT"]);

/** What other workers are told, so that they find what this one has written. */
export type DiskMessage =
  | { readonly kind: "stored"; readonly records: readonly ToldRecord[] }
  | { readonly kind: "removed"; readonly key: RecordKey; readonly order: number }
  | { readonly kind: "dropped"; readonly segment: number };

export interface ToldRecord {
  readonly key: RecordKey;
  readonly segment: number;
  readonly worker: number;
  readonly offset: number;
  readonly bytes: number;
  readonly order: number;
  readonly serial: number;
}

/** What becomes of a response that was asked for and is small, or asked for often. */
export interface Promotion {
  promote(response: NewResponse): StoredResponse | undefined;
  over(): void;
}

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
  readonly #reader: RecordReader;
  readonly #writer: DiskWriter;
  readonly #room: DiskRoom;
  readonly #reading: Map<string, Promise<StoredResponse | undefined>>;
  readonly #underway: Map<number, number>; // how many writes, by the first number of the URL's key
  #state: "loading" | "open" | "shut";
  #loaded: Promise<void> | undefined;
  #bytesMax: number;
  #ceiling: number; // where the disk is smaller than our budget
  #quietUntilMs: number;
  #reads = 0;
  #writes = 0;
  #skipped = 0;
  #evictions = 0;
  #errors = 0;

  constructor(parts: DiskStoreParts, bytesMax: number) {
    const { files, clock, folder, worker, share } = parts;
    this.#parts = parts;
    this.#keys = new RecordKeys(parts.secret);
    this.#segments = new Segments();
    this.#index = new DiskIndex({
      indexed: (segment) => this.#count(segment, 1),
      gone: (segment) => this.#count(segment, -1),
    });
    this.#purges = new DiskPurges();
    this.#reader = new RecordReader(this.#segments, clock, (error) =>
      this.#failed("cannot read", error),
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
    this.#reading = new Map();
    this.#underway = new Map();
    this.#state = "loading";
    this.#loaded = undefined;
    this.#bytesMax = bytesMax;
    this.#ceiling = Number.POSITIVE_INFINITY;
    this.#quietUntilMs = Number.NEGATIVE_INFINITY;
  }

  get stats(): DiskCounts {
    return {
      bytes: this.#segments.ownBytes,
      objects: Math.max(0, this.#segments.ownObjects),
      reads: this.#reads,
      writes: this.#writes,
      skipped: this.#skipped,
      evictions: this.#evictions,
      errors: this.#errors,
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
      return loaded && this.#inTime(loaded);
    }
    const found = this.#index.ofUrl(this.#keys.ofUrl(wanted.url));
    if (found.length === 0 || this.#reader.isBusy) return undefined;
    return this.#inTime(this.#find(found, wanted));
  }

  touch({ record }: DiskResponse): void {
    this.#index.visit(record.key);
  }

  async #find(found: readonly Indexed[], wanted: Wanted): Promise<StoredResponse | undefined> {
    for (const text of wanted.partitions) {
      const partition = this.#keys.ofPartition(text);
      for (const each of found) {
        if (each.key.partition !== partition) continue;
        const response = await this.#read(each, wanted.url);
        if (response?.partition === text && wanted.suits(response)) {
          this.#index.visit(each.key);
          this.#reads++;
          return response;
        }
      }
    }
    return undefined;
  }

  /** Many who ask for one record at once have it read once. */
  #read(indexed: Indexed, url: string): Promise<StoredResponse | undefined> {
    const name = `${indexed.segment} ${indexed.offset}`;
    const known = this.#reading.get(name);
    if (known !== undefined) return known;
    const reading = this.#readAlone(indexed, url).finally(() => this.#reading.delete(name));
    this.#reading.set(name, reading);
    return reading;
  }

  async #readAlone(indexed: Indexed, url: string): Promise<StoredResponse | undefined> {
    const promotion = this.#parts.promotion();
    try {
      const read = await this.#reader.read(indexed);
      if (read === undefined) this.#index.delete(indexed.key, indexed.order); // its body is gone
      if (read === undefined || read.record.url !== url) return undefined;
      const { record } = read;
      const verdict = this.#verdict(record);
      if (verdict === "gone") {
        this.#index.delete(indexed.key, indexed.order);
        return undefined;
      }
      const freshness = this.#freshnessOf(record, verdict === "stale");
      const isLiked = indexed.visits > 0 && record.bodyBytes <= PROMOTED_BYTES_MAX;
      const body = read.body ?? (isLiked ? await this.#reader.readBody(read) : undefined);
      const promoted = body && promotion.promote(newResponseOf(record, freshness, body));
      return promoted ?? this.#response(read, freshness);
    } catch (error) {
      this.#index.delete(indexed.key, indexed.order);
      this.#failed("cannot read", error);
      return undefined;
    } finally {
      promotion.over();
    }
  }

  #response(read: ReadRecord, freshness: Freshness): DiskResponse {
    const { record, bodySegment, bodyAt } = read;
    const placed = { ...record, bodySegment: bodySegment.id, bodyAt };
    return new DiskResponse(placed, freshness, this.#reader.bodyReading(read));
  }

  /** On this process's clock. One that was born in the future was so by a clock that is wrong. */
  #freshnessOf(record: FoundRecord, isExpired: boolean): Freshness {
    const { clock } = this.#parts;
    const wallMs = clock.wallMs();
    const { freshness } = record;
    const sinceMs = isExpired ? this.#purges.staleSinceWallMs(record) : Number.POSITIVE_INFINITY;
    const untilMs = freshness.bornMs > wallMs + 1_000 ? freshness.bornMs : sinceMs;
    return {
      ...freshness,
      bornMs: freshness.bornMs - wallMs + clock.nowMs(),
      lifetimeMs: Math.min(freshness.lifetimeMs, Math.max(0, untilMs - freshness.bornMs)),
    };
  }

  /** Whoever waits for a disk has waited long enough by then. */
  #inTime<T>(answer: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve) => {
      const timer = this.#parts.clock.after(CACHE_DISK_WAIT_MS, () => {
        this.#failed("cannot read", new Error("the disk takes too long"));
        resolve(undefined);
      });
      const done = (value: T | undefined) => {
        timer.cancel();
        resolve(value);
      };
      answer.then(done, () => done(undefined));
    });
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
      const found = this.#response(read, update.freshness);
      if (isSame(found)) this.refresh(found, update.lines, update.freshness, update.serial);
    } catch (error) {
      this.#failed("cannot read", error);
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
      this.#boundVariants(head.key);
      const { key, serial } = head;
      told.push({ ...place, key, serial, worker: this.#parts.worker });
      this.#writes++;
    }
    if (told.length > 0) this.#parts.tell({ kind: "stored", records: told });
  }

  #boundVariants(key: RecordKey): void {
    const all = this.#index.ofUrl(key);
    for (const { key: each, order } of all.slice(this.#parts.variantsMax)) {
      this.#index.delete(each, order);
      this.#evictions++;
    }
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
    if (order.kind === "url" && !order.isSoft) return this.#purgeUrl(order.value);
    const serial = this.#parts.share.tick();
    const wanted = { order, serial, atWallMs: this.#parts.clock.wallMs() };
    const instead = this.#purges.place(wanted);
    if (instead !== undefined) this.#parts.log.warn("too many purges: the disk cache is emptied");
    const { order: placed } = instead ?? wanted;
    const written = this.#writeVital(orderOf(instead ?? wanted));
    if (placed.kind !== "all" || placed.isSoft) return written.then(() => 0);
    const count = this.#segments.ownObjects;
    this.#index.clear();
    for (const segment of this.#segments.all()) segment.live = 0;
    return written
      .then(() => this.#room.dropAll(this.#writer.current))
      .catch((error: unknown) => this.#failed("cannot remove", error))
      .then(() => count);
  }

  #purgeUrl(url: string): Step<number> {
    const serial = this.#parts.share.tick();
    const key = this.#keys.ofUrl(url);
    this.#purges.placeUrl(key, serial);
    const found = this.#index.ofUrl(key);
    if (found.length === 0) return 0;
    let count = 0;
    const gone = found.map((each) => {
      this.#index.delete(each.key, serial);
      if (this.#segments.get(each.segment)?.isOwn === true) count++;
      return this.#writeVital(removalOf(each.key, serial));
    });
    return Promise.all(gone).then(() => count);
  }

  #writeVital(writing: Omit<Writing, "over" | "isVital">): Promise<void> {
    // The disk does not take any: when it does, one order stands for all of them.
    if (this.#writer.vitalCount >= CACHE_DISK_ORDERS_MAX) {
      this.#writer.dropVital();
      const order: PurgeOrder = { kind: "all", isSoft: false };
      const { share, clock } = this.#parts;
      const all = { order, serial: share.tick(), atWallMs: clock.wallMs() };
      this.#purges.place(all);
      return this.#writeVital(orderOf(all));
    }
    return new Promise((resolve) => {
      const isTaken = this.#writer.add({ ...writing, isVital: true, over: () => resolve() });
      if (!isTaken) resolve();
    });
  }

  #verdict(judged: Judged) {
    return this.#purges.refusesKey(judged.key, judged.serial)
      ? "gone"
      : this.#purges.verdict(judged);
  }

  // --- segments ----------------------------------------------------------------------------------

  get #segmentBytes(): number {
    const bytes = Math.floor(Math.min(this.#bytesMax, this.#ceiling) / SEGMENTS_WANTED);
    return Math.min(Math.max(bytes, SEGMENT_BYTES_MIN), SEGMENT_BYTES_MAX);
  }

  async #makeRoom(bytes: number): Promise<void> {
    this.#ceiling *= 1.1; // the disk may have room again
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
    this.#boundVariants(key);
  }

  // --- faults ------------------------------------------------------------------------------------

  #writeFailed(what: string, error: unknown): void {
    this.#failed(what, error);
    if (!FULL.has(errorCode(error))) return;
    this.#ceiling = this.#segments.ownBytes;
    this.#room.dropOldest().catch((other: unknown) => this.#failed("cannot remove", other));
  }

  /** Traffic goes on; told of at most once a minute. */
  #failed(what: string, error: unknown): void {
    const { clock, log, folder } = this.#parts;
    this.#errors++;
    const nowMs = clock.nowMs();
    if (nowMs < this.#quietUntilMs) return;
    this.#quietUntilMs = nowMs + WARNING_EVERY_MS;
    log.warn(`disk cache ${what}`, { folder, error: String(error), errors: this.#errors });
  }
}

function newResponseOf(record: FoundRecord, freshness: Freshness, bytes: Buffer): NewResponse {
  const body = new GrowingBody();
  if (bytes.length > 0) body.append(bytes, bytes.length);
  const isPart = record.status === 206;
  return {
    ...record,
    ...{ freshness, body },
    rangeAt: isPart ? record.rangeAt : undefined,
    rangeTotal: isPart ? record.rangeTotal : undefined,
  };
}

const NO_RESPONSE: Omit<RecordHead, "kind" | "key" | "order" | "serial" | "crcs" | "url"> = {
  ...{ partition: "", varyNames: [], varyKey: "", status: 0, lines: "" },
  freshness: {
    ...{ bornMs: 0, lifetimeMs: 0, whileRevalidateMs: 0, ifErrorMs: 0 },
    ...{ mayBeStale: false, needsValidation: false },
  },
  ...{ bodyBytes: 0, rangeAt: 0, rangeTotal: 0, bodySegment: 0, bodyAt: 0 },
};
const NO_KEY: RecordKey = { first: 0, second: 0, partition: 0, variant: 0 };

function removalOf(key: RecordKey, serial: number): Writing {
  return {
    head: { ...NO_RESPONSE, kind: "removal", key, url: "", serial },
    body: [],
    over: () => {},
  };
}

function orderOf(order: WrittenOrder): Writing {
  const url = JSON.stringify(order);
  const { serial } = order;
  const head = { ...NO_RESPONSE, kind: "purge" as const, key: NO_KEY, url, serial };
  return { head, body: [], purge: order, over: () => {} };
}

function isSameKey(one: RecordKey, other: RecordKey): boolean {
  return one.partition === other.partition && one.variant === other.variant;
}
