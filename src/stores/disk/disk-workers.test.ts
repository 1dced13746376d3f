import assert from "node:assert/strict";
import { test } from "node:test";
import { put, responseOf } from "../../../test/support/cache-store-suite.ts";
import { find, SimDisk, wholeBody } from "../../../test/support/sim-disk.ts";

const MIB = 1024 * 1024;
const LARGE = "x".repeat(200_000);

test("DiskStore: what one worker purges, stores or drops the others know", async () => {
  const disk = await SimDisk.open({ workers: 3, diskBytes: 16 * MIB });
  const [one, two, three] = disk.tiers.map(({ store }) => ({ store, clock: disk.clock }));
  put(one!.store, responseOf("a", { text: "first" }));
  await disk.settle();
  put(two!.store, responseOf("a", { text: "second" }));
  await disk.settle();
  for (const each of [one, two, three]) {
    assert.equal(await wholeBody((await find(each!, "a"))!), "second");
  }

  for (let count = 0; count < 200; count++) {
    put(two!.store, responseOf(`u${count}`, { text: LARGE }));
    await disk.clock.advance(1);
  }
  await disk.settle();

  for (const each of [one, two, three]) {
    let found = 0;
    for (let count = 0; count < 200; count++) if (await find(each!, `u${count}`)) found++;
    assert.ok(found > 30 && found < 90, `${found}`);
    assert.equal(await find(each!, "a"), undefined);
  }
  const fewer = await disk.restart("kill", { workers: 1, diskBytes: 48 * MIB });
  assert.ok((await find(fewer, "u199")) !== undefined, "also with another number of workers");
});

test("DiskStore: a worker that takes the place of a lost one knows what the others have, and go on writing", async () => {
  const disk = await SimDisk.open({ workers: 2 });
  const [one, two] = disk.tiers;
  for (const url of ["a", "b"]) put(one!.store, responseOf(url));
  await disk.settle();
  const replaced = disk.replace(1);
  put(one!.store, responseOf("c")); // while the new one looks at what there is
  await disk.settle();
  put(one!.store, responseOf("d"));
  await disk.settle();

  const { clock } = disk;
  for (const url of ["a", "b", "c", "d"]) {
    const found = await find({ store: replaced.store, clock }, url);
    assert.equal(found && (await wholeBody(found)), `body of ${url}`);
  }
  put(replaced.store, responseOf("e"));
  await disk.settle();
  assert.ok((await find({ store: one!.store, clock }, "e")) !== undefined);
  assert.equal(two!.store.stats.disk?.objects, 0);
});
