import assert from "node:assert/strict";
import { test } from "node:test";
import { put, responseOf } from "../../../test/support/cache-store-suite.ts";
import {
  find,
  SimDisk,
  storedOn,
  textOf,
  warnings,
  wholeBody,
} from "../../../test/support/sim-disk.ts";
import { SimFiles } from "../../../test/support/sim-files.ts";

const MIB = 1024 * 1024;
const LARGE = "x".repeat(200_000);

for (const code of ["ENOSPC", "EIO", "EROFS"]) {
  test(`DiskStore: while writes end in ${code} nothing is stored, what is there is found, and it is tried again`, async () => {
    const disk = await SimDisk.open();
    await storedOn(disk, "a", LARGE);
    await storedOn(disk, "b");
    disk.files.fault = (act) => (act === "write" || act === "create" ? code : undefined);
    await storedOn(disk, "c");
    await storedOn(disk, "d");

    assert.equal(await textOf(disk, "c"), undefined);
    if (code !== "ENOSPC") assert.equal(await textOf(disk, "b"), "body of b");
    assert.match(warnings(disk), /disk cache cannot write/);
    disk.files.fault = () => undefined;
    await disk.clock.advance(11_000);
    await storedOn(disk, "e");
    assert.equal(await textOf(disk, "e"), "body of e");
    const after = await disk.restart("kill");
    assert.equal(await textOf(after, "e"), "body of e");
    if (code !== "ENOSPC") assert.equal(await textOf(after, "a"), LARGE);
  });
}

test("DiskStore: an old response is not found where the newer one could not be written", async () => {
  const disk = await SimDisk.open();
  await storedOn(disk, "a", "old");
  disk.files.fault = (act) => (act === "write" ? "EIO" : undefined);
  await storedOn(disk, "b");
  await storedOn(disk, "a", "new");

  assert.equal(await textOf(disk, "a"), undefined);
});

test("DiskStore: a full disk keeps within what there is, and goes on", async () => {
  const files = new SimFiles();
  files.bytesMax = 6 * MIB;
  const disk = await SimDisk.open({ files, diskBytes: 64 * MIB });

  for (let count = 0; count < 100; count++) {
    await storedOn(disk, `u${count}`, "x".repeat(100_000));
    if (count % 10 === 0) await disk.clock.advance(11_000);
  }

  let found = 0;
  for (let count = 0; count < 100; count++) {
    const text = await textOf(disk, `u${count}`);
    if (text !== undefined) found++;
    assert.ok(text === undefined || text.length === 100_000);
  }
  assert.ok(found >= 10, `${found}`);
  assert.ok(disk.store.stats.disk!.errors > 0);
  assert.ok(files.bytes <= files.bytesMax);
});

test("DiskStore: reads that end in EIO are misses, and counted", async () => {
  const disk = await SimDisk.open();
  await storedOn(disk, "a");
  disk.files.fault = (act) => (act === "read" ? "EIO" : undefined);

  assert.equal(await textOf(disk, "a"), undefined);
  assert.equal(disk.store.stats.disk?.errors, 1);
});

test("DiskStore: a folder that was removed under it is made anew", async () => {
  const disk = await SimDisk.open();
  await storedOn(disk, "a");
  const after = await disk.restart();
  after.files.inodes.clear();
  after.files.folders.clear();

  await storedOn(after, "b");
  assert.equal(await textOf(after, "b"), "body of b");
  await after.clock.advance(20_000);
  assert.match(warnings(after), /was removed/, "its lock as well");
  await storedOn(after, "c");
  const later = await after.restart("kill");
  assert.deepEqual([await textOf(later, "a"), await textOf(later, "c")], [undefined, "body of c"]);
});

test("DiskStore: a disk that hangs makes nobody wait for long, and holds so much and no more", async () => {
  const disk = await SimDisk.open();
  await storedOn(disk, "a");
  let go = () => {};
  disk.files.hold = new Promise((resolve) => {
    go = resolve;
  });

  const recalled = disk.store.recall({ url: "a", partitions: ["route"], suits: () => true })!;
  for (let count = 0; count < 500; count++)
    put(disk.store, responseOf(`u${count}`, { text: LARGE }));
  await disk.clock.advance(1_100);
  assert.equal(await recalled, undefined);
  const { skipped } = disk.store.stats.disk!;
  assert.ok(skipped >= 500 - (16 * MIB) / LARGE.length - 2, `${skipped}`);

  disk.files.hold = undefined;
  go();
  await disk.settle();
  assert.equal(await textOf(disk, "u0"), LARGE);
  assert.equal(await textOf(disk, "u499"), undefined);
});

test("DiskStore: a body that has begun is cut when the disk hangs", async () => {
  const disk = await SimDisk.open();
  await storedOn(disk, "a", LARGE);
  const found = (await find(disk, "a"))!;
  disk.files.hold = new Promise(() => {});

  const reading = wholeBody(found);
  reading.catch(() => {});
  await disk.clock.advance(10_001);

  await assert.rejects(reading, /cut at 0/);
});

test("DiskStore: a process ends though its disk hangs", async () => {
  const disk = await SimDisk.open();
  await storedOn(disk, "a");
  disk.files.hold = new Promise(() => {});
  put(disk.store, responseOf("b"));
  let isOver = false;

  const left = disk.tiers[0]!.tier.leave().then(() => {
    isOver = true;
  });
  await disk.clock.advance(6_001);

  assert.equal(isOver, true);
  await left;
});

test("DiskStore: the first request after a start waits for the folder, and finds what is there", async () => {
  const disk = await SimDisk.open();
  await storedOn(disk, "a");
  await disk.stop();
  let go = () => {};
  disk.files.hold = new Promise((resolve) => {
    go = resolve;
  });

  const after = new SimDisk({ files: disk.files, clock: disk.clock, pid: 2 });
  const recalled = after.store.recall({ url: "a", partitions: ["route"], suits: () => true })!;
  await after.clock.advance(300);
  after.files.hold = undefined;
  go();
  await after.settle();

  assert.equal((await recalled)?.url, "a");
});
