/** What a request is looked up with, and which of the stored responses is for it. */
import type { Forwarded } from "../../protocol/caching/cache-status.ts";
import type { Freshness } from "../../protocol/caching/reuse.ts";
import { VaryKeys } from "../../protocol/caching/vary.ts";
import { idOf } from "../../protocol/http/header-id.ts";
import type { CacheStore, StoredResponse } from "../../stores/cache-store.ts";
import type { Keyed } from "./cache.ts";
import { isPartOf } from "./parts.ts";
import { partServes } from "./serve-stored.ts";

const RANGE = idOf("range");

/** Of the responses to its URL, the one that this request may be served from. */
export function matching(first: StoredResponse, keyed: Keyed): StoredResponse | undefined {
  const { headers } = keyed.exchange.request;
  let part: StoredResponse | undefined;
  let keys: VaryKeys | undefined;
  for (let each: StoredResponse | undefined = first; each !== undefined; each = each.next) {
    const isWhole = each.partition === keyed.partition;
    if (!isWhole && !isPartOf(each, keyed.partition)) continue;
    const { varyNames } = each;
    if (varyNames.length > 0) {
      keys ??= new VaryKeys(headers);
      if (keys.of(varyNames) !== each.varyKey) continue;
    }
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
  const { url, partition, exchange } = keyed;
  const { method, headers } = exchange.request;
  return store.recall?.({
    url,
    partition,
    alsoOthers: method === "GET" && headers.first(RANGE) !== undefined, // parts have one each
    suits: (found) => matching(found, keyed) !== undefined,
  });
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
