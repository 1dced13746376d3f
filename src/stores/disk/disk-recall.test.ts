import type { StoredResponse } from "../../../src/stores/cache-store.ts";
import {
  cacheRecallSuite,
  type RecallMaking,
  type RecallSetUp,
} from "../../../test/support/cache-recall-suite.ts";
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
