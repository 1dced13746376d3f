import assert from "node:assert/strict";
import { test } from "node:test";
import type { StoredResponse } from "../../../src/stores/cache-store.ts";
import {
  cacheRecallSuite,
  type RecallMaking,
  type RecallSetUp,
} from "../../../test/support/cache-recall-suite.ts";
import { put, responseOf } from "../../../test/support/cache-store-suite.ts";
import { find, SimDisk, type SimDiskOptions } from "../../../test/support/sim-disk.ts";

const disks = new WeakMap<RecallSetUp["store"], SimDisk>();

function setUpOf(disk: SimDisk, worker = 0): RecallSetUp {
  const { store } = disk.tiers[worker]!;
  const { clock } = disk;
  disks.set(store, disk);
  return {
    store,
    find: (url: string, partition?: string, suits?: (found: StoredResponse) => boolean) =>
      find({ store, clock }, url, partition, suits),
    settle: () => disk.settle(),
  };
}

const made =
  (more: SimDiskOptions) =>
  async ({ variantsMax }: RecallMaking) =>
    setUpOf(await SimDisk.open({ variantsMax, ...more }));

const same = async (before: RecallSetUp) => before;
const KIND = { stop: "stop", kill: "kill" } as const;
const MIB = 1024 * 1024;

cacheRecallSuite("memory alone", {
  make: made({ memoryBytes: 64 * MIB, diskBytes: 0 }),
  elsewhere: same,
});
cacheRecallSuite("disk alone", { make: made({}), elsewhere: same });
for (const how of [KIND.stop, KIND.kill]) {
  for (const memoryBytes of [0, 64 * MIB]) {
    cacheRecallSuite(`disk with ${memoryBytes} bytes of memory, after a ${how}`, {
      make: made({ memoryBytes }),
      elsewhere: async ({ store }) => setUpOf(await disks.get(store)!.restart(how)),
    });
  }
}
cacheRecallSuite("disk, from another worker", {
  make: made({ workers: 2 }),
  elsewhere: async ({ store }) => setUpOf(disks.get(store)!, 1),
});

test("disk: a part of a whole is not kept, since parts meet in memory alone", async () => {
  const { store, find: findIn, settle } = setUpOf(await SimDisk.open({}));
  put(store, responseOf("a", { text: "345", rangeAt: 3, rangeTotal: 10, status: 206 }));
  put(store, responseOf("b", { text: "whole" }));
  await settle();

  assert.equal(await findIn("a"), undefined);
  assert.notEqual(await findIn("b"), undefined);
});
