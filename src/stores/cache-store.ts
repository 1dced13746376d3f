import type { Step } from "../core/filter.ts";
import type { DiskCounts } from "../core/worker.ts";
import type { Freshness } from "../protocol/caching/reuse.ts";
import type { HeaderList } from "../protocol/http/header-list.ts";
import type { GrowingBody } from "./growing-body.ts";
import type { PurgeOrder } from "./purge-orders.ts";

/**
 * Where stored responses live, under the URL that they answer. A store knows bytes and keys;
 * protocol/caching knows what they are good for. Nothing is found before it is whole.
 */
export interface CacheStore {
  readonly stats: CacheStats;
  /** The newest response of that URL; the others follow by `next`. Purged ones are not among them. */
  lookup(url: string, nowMs: number): StoredResponse | undefined;
  /**
   * What is not at hand but elsewhere, on disk. undefined: there is nothing, as is known at once.
   * A promise never rejects, and answers within CACHE_DISK_WAIT_MS.
   */
  recall?(wanted: Wanted): Promise<StoredResponse | undefined> | undefined;
  /** It served: to keep it was right. */
  touch(response: StoredResponse): void;
  /**
   * Something is being fetched that may be stored; until ended() its bytes count, and a purge that
   * comes meanwhile holds for it, too.
   */
  begin(): Filling;
  /** Replaces the one with the same key. undefined: there is no room, or it is purged already. */
  put(response: NewResponse, filling: Filling): StoredResponse | undefined;
  /** Other fields and another freshness for the same body. Where that fails it is gone. */
  refresh(
    response: StoredResponse,
    lines: string,
    freshness: Freshness,
    filling: Filling,
  ): StoredResponse | undefined;
  /**
   * Its body in another coding, which stays and goes with it. undefined: there is no room, or the
   * response is gone.
   */
  addCoded(
    response: StoredResponse,
    coding: string,
    body: GrowingBody,
    filling: Filling,
  ): StoredBody | undefined;
  remove(response: StoredResponse): void;
  /**
   * In force at once, or when it has answered. How many are gone, or stale, at once; others may go as
   * they are found.
   */
  purge(order: PurgeOrder, nowMs: number): Step<number>;
}

/** Which response is wanted of those that are elsewhere. */
export interface Wanted {
  readonly url: string;
  readonly partitions: readonly string[]; // the best first
  suits(found: StoredResponse): boolean;
}

/** What tells responses to one URL apart. Parts are kept apart, so that none can pass for another. */
export interface VariantKey {
  readonly partition: string; // the route's, and what else it puts into the key
  readonly varyNames: readonly string[];
  readonly varyKey: string;
}

export interface NewResponse extends VariantKey {
  readonly url: string;
  readonly status: number;
  readonly lines: string; // header lines, each with its CRLF
  readonly freshness: Freshness;
  readonly body: GrowingBody; // whole
  /** Of a 206: where the body begins in the whole, and how long that is. */
  readonly rangeAt?: number | undefined;
  readonly rangeTotal?: number | undefined;
}

/** Bytes that can be read from any position on. */
export interface BodySource {
  /** Some bytes from there on; undefined: there are none, or not yet. */
  at(position: number): Buffer | undefined;
  /**
   * Where this is, "not yet" ends when somebody asks for it: `there` is called once, later. false: they
   * cannot be had, or are not what was stored.
   */
  load?(position: number, there: (isThere: boolean) => void): void;
  /** Nobody reads on. */
  close?(): void;
}

export interface StoredBody extends BodySource {
  readonly bodyBytes: number;
  /** at() lends bytes that may be another's after this turn of the event loop. */
  readonly isLent: boolean;
}

export interface StoredResponse extends VariantKey, StoredBody {
  readonly url: string;
  readonly status: number;
  readonly rangeAt: number; // 0 for a whole body
  readonly rangeTotal: number; // the length of the whole
  readonly next: StoredResponse | undefined; // of the same URL
  /** For one reader, where it is not at hand; absent: all read from this. */
  reading?(): BodySource;
  /** Its body in that coding, if that is kept. */
  coded(coding: string): StoredBody | undefined;
  freshness(): Freshness;
  /** A list of its own each time. */
  headers(): HeaderList;
}

export interface Filling {
  /** So many bytes more are held; false: there is no room for them. */
  grow(bytes: number): boolean;
  /** Stored or given up. */
  ended(): void;
}

export interface CacheStats {
  readonly bytes: number;
  readonly bytesMax: number;
  readonly objects: number;
  readonly evictions: number;
  readonly disk?: DiskCounts; // where there is one
}
