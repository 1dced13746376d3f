import type { Clock } from "../../base/world.ts";
import { CACHE_DISK_WAIT_MS } from "../../core/limits.ts";
import type { Freshness } from "../../protocol/caching/reuse.ts";
import type { NewResponse, StoredResponse, Wanted } from "../cache-store.ts";
import { GrowingBody } from "../growing-body.ts";
import type { DiskIndex, Indexed } from "./disk-index.ts";
import type { DiskPurges } from "./disk-purges.ts";
import { DiskResponse } from "./disk-response.ts";
import type { FaultLog } from "./fault-log.ts";
import type { FoundRecord } from "./record.ts";
import type { RecordKeys } from "./record-key.ts";
import type { ReadRecord, RecordReader } from "./record-reader.ts";

const PROMOTED_BYTES_MAX = 1024 * 1024;

/** What becomes of a response that was asked for and is small, or asked for often. */
export interface Promotion {
  promote(response: NewResponse): StoredResponse | undefined;
  over(): void;
}

export interface FinderParts {
  readonly clock: Clock;
  readonly keys: RecordKeys;
  readonly index: DiskIndex;
  readonly purges: DiskPurges;
  readonly reader: RecordReader;
  readonly promotion: () => Promotion;
  readonly faults: FaultLog;
}

/** Looks up on disk what the index says may be there. */
export class DiskFinder {
  readonly #parts: FinderParts;
  readonly #reading: Map<string, Promise<StoredResponse | undefined>>;
  #reads: number;

  constructor(parts: FinderParts) {
    this.#parts = parts;
    this.#reading = new Map();
    this.#reads = 0;
  }

  /** Responses that were found. */
  get reads(): number {
    return this.#reads;
  }

  async find(found: readonly Indexed[], wanted: Wanted): Promise<StoredResponse | undefined> {
    for (const text of wanted.partitions) {
      const partition = this.#parts.keys.ofPartition(text);
      for (const each of found) {
        if (each.key.partition !== partition) continue;
        const response = await this.#read(each, wanted.url);
        if (response?.partition === text && wanted.suits(response)) {
          this.#parts.index.visit(each.key);
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
      const read = await this.#parts.reader.read(indexed);
      if (read === undefined) this.#parts.index.delete(indexed.key, indexed.order); // its body is gone
      if (read === undefined || read.record.url !== url) return undefined;
      const { record } = read;
      const verdict = this.#parts.purges.verdict(record);
      if (verdict === "gone") {
        this.#parts.index.delete(indexed.key, indexed.order);
        return undefined;
      }
      const freshness = this.#freshnessOf(record, verdict === "stale");
      const isLiked = indexed.visits > 0 && record.bodyBytes <= PROMOTED_BYTES_MAX;
      const body = read.body ?? (isLiked ? await this.#parts.reader.readBody(read) : undefined);
      const promoted = body && promotion.promote(newResponseOf(record, freshness, body));
      return promoted ?? this.response(read, freshness);
    } catch (error) {
      this.#parts.index.delete(indexed.key, indexed.order);
      this.#parts.faults.tell("cannot read", error);
      return undefined;
    } finally {
      promotion.over();
    }
  }

  response(read: ReadRecord, freshness: Freshness): DiskResponse {
    const { record, bodySegment, bodyAt } = read;
    const placed = { ...record, bodySegment: bodySegment.id, bodyAt };
    return new DiskResponse(placed, freshness, this.#parts.reader.bodyReading(read));
  }

  /** On this process's clock. One that was born in the future was so by a clock that is wrong. */
  #freshnessOf(record: FoundRecord, isExpired: boolean): Freshness {
    const { clock } = this.#parts;
    const wallMs = clock.wallMs();
    const { freshness } = record;
    const sinceMs = isExpired
      ? this.#parts.purges.staleSinceWallMs(record)
      : Number.POSITIVE_INFINITY;
    const untilMs = freshness.bornMs > wallMs + 1_000 ? freshness.bornMs : sinceMs;
    return {
      ...freshness,
      bornMs: freshness.bornMs - wallMs + clock.nowMs(),
      lifetimeMs: Math.min(freshness.lifetimeMs, Math.max(0, untilMs - freshness.bornMs)),
    };
  }

  /** Whoever waits for a disk has waited long enough by then. */
  inTime<T>(answer: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve) => {
      const timer = this.#parts.clock.after(CACHE_DISK_WAIT_MS, () => {
        this.#parts.faults.tell("cannot read", new Error("the disk takes too long"));
        resolve(undefined);
      });
      const done = (value: T | undefined) => {
        timer.cancel();
        resolve(value);
      };
      answer.then(done, () => done(undefined));
    });
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
