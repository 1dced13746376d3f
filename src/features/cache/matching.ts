import type { Forwarded } from "../../protocol/caching/cache-status.ts";
import type { Freshness } from "../../protocol/caching/reuse.ts";
import { varyKey } from "../../protocol/caching/vary.ts";
import type { CacheStore, StoredResponse } from "../../stores/cache-store.ts";
import type { Keyed } from "./cache.ts";
import { isPartOf } from "./parts.ts";
import { partServes } from "./serve-stored.ts";

/** Of the responses to its URL, the one that this request may be served from. */
export function matching(first: StoredResponse, keyed: Keyed): StoredResponse | undefined {
  const { headers } = keyed.exchange.request;
  let part: StoredResponse | undefined;
  for (let each: StoredResponse | undefined = first; each !== undefined; each = each.next) {
    const isWhole = each.partition === keyed.partition;
    if (!isWhole && !isPartOf(each, keyed.partition)) continue;
    const suits = each.varyNames.length === 0 || varyKey(each.varyNames, headers) === each.varyKey;
    if (!suits) continue;
    if (isWhole) return each;
    if (keyed.exchange.request.method === "GET" && partServes(each, headers)) part ??= each;
  }
  return part;
}

/** The same, of what is on disk. undefined: there is none, as is known at once. */
export function recalled(
  keyed: Keyed,
  store: CacheStore,
): Promise<StoredResponse | undefined> | undefined {
  const { url, partition } = keyed;
  const suits = (found: StoredResponse) => matching(found, keyed) !== undefined;
  return store.recall?.({ url, partitions: [partition], suits });
}

/** Why the origin is asked. */
export function reasonOf(
  first: StoredResponse | undefined,
  stored: Freshness | undefined,
  nowMs: number,
): Forwarded {
  if (first === undefined) return "uri-miss";
  if (stored === undefined) return "vary-miss";
  return nowMs - stored.bornMs < stored.lifetimeMs ? "request" : "stale";
}
