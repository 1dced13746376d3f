/** What cached routes share, and how much of the memory and of the disk is this worker's. */
import type { World } from "../base/world.ts";
import { CACHE_VARIANTS_MAX } from "../core/limits.ts";
import type { Machine } from "../core/machine.ts";
import type { Caching } from "../core/runtime.ts";
import type { StateDraft } from "../core/state.ts";
import type { Caches } from "../features/cache/caches.ts";
import { DiskShare } from "../stores/disk/disk-share.ts";
import { DiskTier } from "../stores/disk/disk-tier.ts";
import type { Config } from "./config.ts";

/** Each worker has a store of its own, and its share of the budget (decision 0030). */
export function cacheBytes({ cacheMemoryBytes }: Config, { workers }: Machine): number {
  return Math.floor(cacheMemoryBytes / workers);
}

export interface CachingTools {
  readonly draft: StateDraft;
  readonly machine: Machine;
  readonly worker: { readonly world: World };
}

/** Once the routes are compiled; undefined where none has a cache. */
export function cachingOf(config: Config, tools: CachingTools): Caching | undefined {
  const { draft, machine } = tools;
  const routes = config.sites.flatMap((site) => site.routes);
  if (!routes.some(({ filters }) => filters.some(({ key }) => key === "cache"))) return undefined;
  const caches = draft.keep<Caches>("routes caches", () => {
    throw new Error("a cached route has made them");
  });
  const disk = diskOf(config, tools);
  const diskBytes = Math.floor((config.cacheDisk?.bytes ?? 0) / machine.workers);
  draft.onCommit(() => {
    caches.resize(cacheBytes(config, machine));
    caches.useDisk(disk, diskBytes);
  });
  return caches;
}

/** Another folder is another tier; the one before leaves its own. */
function diskOf({ cacheDisk }: Config, { draft, machine, worker }: CachingTools) {
  const { files, clock, log } = worker.world;
  if (cacheDisk === undefined || files === undefined) return undefined;
  const folder = cacheDisk.path;
  const name = `cache disk ${folder}`;
  return draft.keep(name, () => {
    const isAlone = machine.workers === 1;
    return new DiskTier({
      ...{ files, clock, log, folder },
      worker: machine.worker,
      workers: machine.workers,
      // The main thread comes after all workers.
      keeps: isAlone || machine.worker === machine.workers,
      serves: machine.worker < machine.workers,
      shared: machine.block(name, DiskShare.byteLength),
      lanes: machine.lanes(`${name} users`),
      channel: machine.channel(name),
      variantsMax: CACHE_VARIANTS_MAX,
    });
  });
}
