import type { ResponseHead } from "../../core/exchange.ts";
import type { Fault } from "../../core/fault.ts";
import type { Route } from "../../core/runtime.ts";
import type { Freshness } from "../../protocol/caching/reuse.ts";
import type { Framing } from "../../protocol/h1/framing.ts";
import type { StoredResponse } from "../../stores/cache-store.ts";
import type { GrowingBody } from "../../stores/growing-body.ts";
import type { Keyed } from "./cache.ts";
import type { CacheReader } from "./cache-reader.ts";
import type { CacheRules } from "./cache-rules.ts";
import type { Caches } from "./caches.ts";
import type { Codings } from "./codings.ts";

export interface FetchOptions {
  readonly keyed: Keyed;
  readonly stored: StoredResponse | undefined; // is it still right?
  readonly sendsRange: boolean;
  readonly isShared: boolean; // others may wait for it
}

/** Decides what becomes of those who waited for a fetch. */
export interface FetchOwner {
  readonly caches: Caches;
  readonly rules: CacheRules;
  /** As routes go that are asked on behalf of the cache: what is for clients is left out. */
  innerRoute(route: Route): Route;
  /** It cannot be served from this fetch after all: as if it had just come. */
  again(reader: CacheReader): void;
  /** Once more, and without asking whether what is stored holds. */
  refetch(keyed: Keyed, readers: readonly CacheReader[]): void;
  serve(reader: CacheReader, stored: StoredResponse, result: "revalidated" | "stale"): void;
  fail(reader: CacheReader, fault: Fault): void;
  /** From a body that is on its way. */
  readGrowing(reader: CacheReader, growing: Growing): void;
}

export interface Growing {
  readonly head: ResponseHead;
  readonly framing: Framing;
  readonly body: GrowingBody | undefined; // undefined: it is written as it comes
  readonly codings?: Codings; // of such a body
  readonly isOwn: boolean; // the reader is who asked
  readonly freshness: Freshness | undefined; // of what is stored
}
