import assert from "node:assert/strict";
import type { AttemptStep, ExchangeStep, Phases } from "../../src/core/filter.ts";
import type { Worker } from "../../src/core/worker.ts";
import { Cache } from "../../src/features/cache/cache.ts";
import { type CacheOptions, cacheSchema } from "../../src/features/cache/cache-options.ts";
import { Caches } from "../../src/features/cache/caches.ts";

const BYTES_MAX = 32 * 1024 * 1024;

/** A route's cache, with a store of its own. */
export interface SimCache {
  readonly filter: Cache;
  readonly caches: Caches;
  /** Nothing is on its way into the store, and nobody waits for it. */
  isClean(): void;
}

export function simCache(options: unknown, worker: Worker): SimCache {
  let held = 0;
  const caches = new Caches({
    world: worker.world,
    wheel: worker.wheel,
    bytesMax: BYTES_MAX,
    stored: () => {},
    bug: (error) => worker.bug(error, undefined),
  });
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
    isClean: () => {
      assert.equal(held, 0, "fetches that have not ended");
      assert.ok(caches.store.stats.bytes <= BYTES_MAX, "the budget of the store");
    },
  };
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
