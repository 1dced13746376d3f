/** What cached routes share, and how much of the memory is this worker's. */
import type { Machine } from "../core/machine.ts";
import type { Caching } from "../core/runtime.ts";
import type { StateDraft } from "../core/state.ts";
import type { Caches } from "../features/cache/caches.ts";
import type { Config } from "./config.ts";

/** Each worker has a store of its own, and its share of the budget (decision 0030). */
export function cacheBytes({ cacheMemoryBytes }: Config, { workers }: Machine): number {
  return Math.floor(cacheMemoryBytes / workers);
}

/** Once the routes are compiled; undefined where none has a cache. */
export function cachingOf(
  config: Config,
  draft: StateDraft,
  machine: Machine,
): Caching | undefined {
  const routes = config.sites.flatMap((site) => site.routes);
  if (!routes.some(({ filters }) => filters.some(({ key }) => key === "cache"))) return undefined;
  const caches = draft.keep<Caches>("routes caches", () => {
    throw new Error("a cached route has made them");
  });
  draft.onCommit(() => caches.resize(cacheBytes(config, machine)));
  return caches;
}
