import assert from "node:assert/strict";
import type { AttemptStep, ExchangeStep, Phases } from "../../src/core/filter.ts";
import { LoneMachine } from "../../src/core/machine.ts";
import type { Worker } from "../../src/core/worker.ts";
import { Cache } from "../../src/features/cache/cache.ts";
import { type CacheOptions, cacheSchema } from "../../src/features/cache/cache-options.ts";
import { Caches } from "../../src/features/cache/caches.ts";
import { DiskShare } from "../../src/stores/disk/disk-share.ts";
import { DiskTier } from "../../src/stores/disk/disk-tier.ts";
import type { SimFiles } from "./sim-files.ts";

const BYTES_MAX = 32 * 1024 * 1024;
const LINGERING_MS = 40_000;

/** What there is behind memory. */
export interface SimCacheDisk {
  readonly files: SimFiles;
  readonly memoryBytes: number; // 0: everything comes from disk
}

/** A route's cache, with a store of its own. */
export interface SimCache {
  /** Leaves its disk, and lets time pass until nothing of that is left. */
  leave(advance: (ms: number) => Promise<void>): Promise<void>;
  readonly filter: Cache;
  readonly caches: Caches;
  /** Nothing is on its way into the store, and nobody waits for it. */
  isClean(): void;
}

export function simCache(options: unknown, worker: Worker, disk?: SimCacheDisk): SimCache {
  let held = 0;
  const tier = disk && tierOn(disk.files, worker);
  const caches = new Caches({
    world: worker.world,
    wheel: worker.wheel,
    bytesMax: disk?.memoryBytes ?? BYTES_MAX,
    stored: () => {},
    bug: (error) => worker.bug(error, undefined),
  });
  if (tier !== undefined) caches.useDisk(tier, BYTES_MAX);
  const begin = caches.store.begin.bind(caches.store);
  caches.store.begin = () => {
    const filling = begin();
    let isOver = false;
    held++;
    return Object.assign(Object.create(filling) as typeof filling, {
      grow: (bytes: number) => filling.grow(bytes),
      ended: () => {
        if (!isOver) held--;
        isOver = true;
        filling.ended();
      },
    });
  };
  const filter = new Cache(cacheSchema.parse(options) as CacheOptions, caches, "route");
  return {
    filter,
    caches,
    leave: async (advance) => {
      if (tier === undefined) return;
      caches[Symbol.dispose]();
      const left = tier.leave();
      await advance(LINGERING_MS);
      await left;
    },
    isClean: () => {
      assert.equal(held, 0, "fetches that have not ended");
      assert.ok(caches.store.stats.bytes <= BYTES_MAX, "the budget of the store");
    },
  };
}

function tierOn(files: SimFiles, { world }: Worker): DiskTier {
  const machine = new LoneMachine();
  return new DiskTier({
    ...{ files, clock: world.clock, log: world.log, folder: "/cache", worker: 0, workers: 1 },
    ...{ keeps: true, serves: true, variantsMax: 64 },
    shared: machine.block("", DiskShare.byteLength),
    lanes: machine.lanes(),
    channel: machine.channel(),
  });
}

export function cachePhases(cache: Cache, receive: readonly AttemptStep[]): Partial<Phases> {
  const lookup: ExchangeStep[] = [(exchange) => cache.lookup(exchange)];
  return {
    before: lookup,
    lookup,
    send: [(exchange, attempt) => cache.send(exchange, attempt)],
    receive: [(exchange) => cache.receive(exchange), ...receive],
    respond: [(exchange) => cache.respond(exchange)],
  };
}
