import assert from "node:assert/strict";
import { test } from "node:test";
import { put, responseOf } from "../../../test/support/cache-store-suite.ts";
import {
  FOLDER,
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

// --- what is not as it was written -----------------------------------------------------------------

test("DiskStore: with any byte of a small record changed nothing is served, or what was stored", async () => {
  const disk = await SimDisk.open();
  await storedOn(disk, "a", "the body of a");
  const inode = disk.files.inodes.get(`${FOLDER}/00000001-0.seg`)!;
  const sound = Buffer.from(inode.bytes);

  for (let at = 0; at < sound.length; at++) {
    inode.bytes = Buffer.from(sound);
    inode.bytes[at]! ^= 0x10;
    const other = await SimDisk.open({ files: disk.files, clock: disk.clock, pid: 2 + at });
    assert.equal(await textOf(other, "a"), undefined, `byte ${at}`);
    disk.files.dead.add(1 + at).add(2 + at);
    inode.bytes = Buffer.from(sound);
  }
});

test("DiskStore: of a crash within the last record, at any byte, the others are all there", async () => {
  const before = await SimDisk.open();
  for (const url of ["a", "b", "c"]) await storedOn(before, url);
  const name = `${FOLDER}/00000001-0.seg`;
  const whole = Buffer.from(before.files.inodes.get(name)!.bytes);
  const each = whole.length / 3;
  before.files.dead.add(1);

  for (let length = Math.ceil(each * 2); length < whole.length; length++) {
    const files = new SimFiles();
    files.folders.add(FOLDER);
    files.inodes.set(`${FOLDER}/format`, before.files.inodes.get(`${FOLDER}/format`)!);
    files.inodes.set(name, { bytes: whole.subarray(0, length), isLink: false });
    const after = await SimDisk.open({ files });
    const found = [await textOf(after, "a"), await textOf(after, "b"), await textOf(after, "c")];
    assert.deepEqual(found, ["body of a", "body of b", undefined], `${length} bytes`);
  }
});

test("DiskStore: a large body that is not as it was written is cut there, and then gone", async () => {
  const disk = await SimDisk.open();
  await storedOn(disk, "a", LARGE);
  const found = (await find(disk, "a"))!;
  const { bytes } = disk.files.inodes.get(`${FOLDER}/00000001-0.seg`)!;
  bytes[bytes.length - 1]! ^= 1;

  await assert.rejects(wholeBody(found), /cut at 196608/);
  assert.equal(disk.store.stats.disk?.errors, 1);
  assert.match(warnings(disk), /disk cache cannot read/);
});

test("DiskStore: a table that is not as it was written is not believed: the segment is read", async () => {
  let disk = await SimDisk.open();
  for (const url of ["a", "b"]) await storedOn(disk, url);
  await disk.stop();
  const table = disk.files.inodes.get(`${FOLDER}/00000001-0.tab`)!;
  const sound = table.bytes;

  for (let at = 0; at < sound.length; at++) {
    table.bytes = Buffer.from(sound);
    table.bytes[at]! ^= 1;
    disk.files.inodes.set(`${FOLDER}/00000001-0.tab`, { ...table });
    disk = await disk.restart();
    assert.deepEqual(
      [await textOf(disk, "a"), await textOf(disk, "b")],
      ["body of a", "body of b"],
    );
  }
});

// --- the folder ------------------------------------------------------------------------------------

test("DiskStore: a folder of another format is emptied, of what is ours", async () => {
  const disk = await SimDisk.open();
  await storedOn(disk, "a");
  await disk.stop();
  const inode = { bytes: Buffer.from('{"format":0,"secret":"x"}'), isLink: false };
  disk.files.inodes.set(`${FOLDER}/format`, inode);
  disk.files.inodes.set(`${FOLDER}/photo.jpg`, { bytes: Buffer.from("mine"), isLink: false });

  const after = await disk.restart();

  assert.equal(await textOf(after, "a"), undefined);
  assert.ok(disk.files.inodes.has(`${FOLDER}/photo.jpg`));
  assert.ok(!disk.files.inodes.has(`${FOLDER}/00000001-0.seg`));
  assert.match(warnings(after), /emptied: of another format/);
  await storedOn(after, "b");
  assert.equal(await textOf(after, "b"), "body of b");
});

test("DiskStore: links in the folder are not followed, and do not stop anything", async () => {
  const disk = await SimDisk.open();
  await storedOn(disk, "a");
  await disk.stop();
  for (const name of ["00000002-0.seg", "00000002-0.tab", "00000003-0.seg"]) {
    const { bytes } = disk.files.inodes.get(`${FOLDER}/00000001-0.seg`)!;
    disk.files.inodes.set(`${FOLDER}/${name}`, { bytes, isLink: true });
  }

  const after = await disk.restart();

  assert.equal(await textOf(after, "a"), "body of a");
  await storedOn(after, "b");
  assert.equal(await textOf(after, "b"), "body of b");
});

test("DiskStore: a folder that cannot be used is tried again; meanwhile nothing waits for it", async () => {
  const files = new SimFiles();
  files.fault = () => "EACCES";
  const disk = await SimDisk.open({ files });
  await storedOn(disk, "a");
  assert.equal(
    disk.store.recall({ url: "a", partitions: ["route"], suits: () => true }),
    undefined,
  );
  assert.match(warnings(disk), /disk cache cannot be used/);

  files.fault = () => undefined;
  await disk.clock.advance(11_000);
  await storedOn(disk, "a");

  assert.equal(await textOf(disk, "a"), "body of a");
  assert.equal(disk.lines.length, 1, "told once");
});

test("DiskStore: two processes do not have one folder; the second gets it when the first leaves", async () => {
  const first = await SimDisk.open();
  await storedOn(first, "a");
  const second = await SimDisk.open({ files: first.files, clock: first.clock, pid: 2 });
  await storedOn(second, "b");
  assert.equal(await textOf(second, "a"), undefined);
  assert.match(warnings(second), /waits for its folder/);
  await second.clock.advance(60_000);
  assert.equal(await textOf(second, "a"), undefined, "however long the first lives");

  await first.stop();
  await second.clock.advance(3_000);

  assert.equal(await textOf(second, "a"), "body of a");
  assert.equal(await textOf(first, "a"), undefined, "who has left serves on without");
});

test("DiskStore: what is purged while another process has the folder is so when it is ours", async () => {
  const first = await SimDisk.open();
  for (const url of ["a", "b", "c"]) await storedOn(first, url);
  const second = await SimDisk.open({ files: first.files, clock: first.clock, pid: 2 });
  second.store.purge({ kind: "url", value: "a", isSoft: false }, 0);
  second.store.purge({ kind: "prefix", value: "b", isSoft: false }, 0);

  await first.stop();
  await second.clock.advance(3_000);

  const found = [await textOf(second, "a"), await textOf(second, "b"), await textOf(second, "c")];
  assert.deepEqual(found, [undefined, undefined, "body of c"]);
  const third = await second.restart("kill");
  assert.equal(await textOf(third, "a"), undefined);
});

// --- the budget --------------------------------------------------------------------------------------

test("DiskStore: the budget holds, and what is liked stays", async () => {
  const disk = await SimDisk.open({ diskBytes: 16 * MIB });
  await storedOn(disk, "liked", "y".repeat(10_000));
  let word = 7;
  let most = 0;
  for (let count = 0; count < 1_500; count++) {
    word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
    const size = word % 10 === 0 ? word % 300_000 : word % 30_000;
    put(disk.store, responseOf(`u${count}`, { text: "x".repeat(size) }));
    if (count % 5 === 0) await disk.clock.advance(1);
    if (count % 50 === 0) assert.equal((await textOf(disk, "liked"))?.length, 10_000, `${count}`);
    most = Math.max(most, disk.files.bytes);
  }

  await disk.settle();
  assert.ok(most <= 16 * MIB, `${most}`);
  const { bytes, evictions, objects } = disk.store.stats.disk!;
  assert.ok(bytes > 8 * MIB, `${bytes}`);
  assert.ok(evictions > 100, `${evictions}`);
  let found = 0;
  for (let count = 0; count < 1_500; count++) if (await find(disk, `u${count}`)) found++;
  assert.equal(found + 1, objects);
  const after = await disk.restart("kill");
  assert.equal(after.store.stats.disk!.objects, objects);
  const openBefore = after.files.openCount;
  await after.stop();
  const segments = [...after.files.inodes.keys()].filter((path) => path.endsWith(".seg")).length;
  assert.ok(openBefore - after.files.openCount <= segments, "a file for each segment, at most");
});

test("DiskStore: one that is too large for the budget is not kept, and nobody has to go for it", async () => {
  const disk = await SimDisk.open({ diskBytes: 16 * MIB });
  await storedOn(disk, "a");
  await storedOn(disk, "b", "x".repeat(5 * MIB));

  assert.equal(await textOf(disk, "b"), undefined);
  assert.equal(await textOf(disk, "a"), "body of a");
  assert.equal(disk.store.stats.disk?.skipped, 1);
  await storedOn(disk, "c", "x".repeat(3 * MIB));
  assert.equal((await textOf(disk, "c"))?.length, 3 * MIB, "one that is larger than a segment is");
});

test("DiskStore: who reads a body goes on when its segment has to go", async () => {
  const disk = await SimDisk.open({ diskBytes: 16 * MIB });
  await storedOn(disk, "a", LARGE);
  const body = (await find(disk, "a"))!.reading!();
  const load = (from: number) =>
    new Promise<boolean>((resolve) => body.load!(from, (isThere) => resolve(isThere)));
  assert.equal(await load(0), true);
  for (let count = 0; count < 200; count++) await storedOn(disk, `u${count}`, LARGE);

  assert.equal(await textOf(disk, "a"), undefined);
  for (const from of [65_536, 131_072, 196_608]) {
    assert.equal(await load(from), true);
    assert.equal(body.at(from)![0], "x".charCodeAt(0));
  }
  const { openCount } = disk.files;
  body.close!();
  await disk.settle();
  assert.equal(disk.files.openCount, openCount - 1, "its file is closed with the last reader");
});

// --- many at once ------------------------------------------------------------------------------------

test("DiskStore: many who ask for one at once have it read once, and from memory after that", async () => {
  const disk = await SimDisk.open({ memoryBytes: 8 * MIB });
  await storedOn(disk, "a", "x".repeat(50_000));
  const after = await disk.restart();
  let reads = 0;
  after.files.fault = (act) => {
    if (act === "read") reads++;
    return undefined;
  };

  const wanted = { url: "a", partitions: ["route"], suits: () => true };
  const recalled = Array.from({ length: 500 }, () => after.store.recall(wanted));
  await after.settle();
  const found = await Promise.all(recalled);

  assert.equal(new Set(found).size, 1);
  assert.equal(reads, 1);
  assert.equal(after.store.lookup("a", 0), found[0]);
});

test("DiskStore: a storm of purges by tag is bounded, holds, and is there after a crash", async () => {
  const disk = await SimDisk.open();
  for (let count = 0; count < 50; count++) {
    put(disk.store, responseOf(`u${count}`, { lines: `Cache-Tag: t${count}\r\n` }));
  }
  await disk.settle();

  for (let tag = 25; tag < 20_000; tag++) {
    void disk.store.purge({ kind: "tag", value: `t${tag}`, isSoft: false }, 0);
  }

  const left = async (which: SimDisk) => {
    let count = 0;
    for (let at = 0; at < 50; at++) if (await find(which, `u${at}`)) count++;
    return count;
  };
  assert.equal(await left(disk), 25);
  await disk.settle();
  assert.equal(await left(await disk.restart("kill")), 25);
});

test("DiskStore: more purges than are kept empty the disk, which is safe", async () => {
  const disk = await SimDisk.open();
  await storedOn(disk, "a");
  for (let at = 0; at < 1_100; at++) {
    void disk.store.purge({ kind: "prefix", value: `http://a.test/${at}/`, isSoft: false }, 0);
  }
  await disk.settle();

  assert.equal(await textOf(disk, "a"), undefined);
  assert.match(warnings(disk), /too many purges/);
  await storedOn(disk, "b");
  assert.equal(await textOf(disk, "b"), "body of b");
  const after = await disk.restart("kill");
  assert.deepEqual([await textOf(after, "a"), await textOf(after, "b")], [undefined, "body of b"]);
});

test("DiskStore: purges that cannot be written hold, and are written when it works again", async () => {
  const disk = await SimDisk.open();
  for (const url of ["a", "b"]) await storedOn(disk, url);
  disk.files.fault = (act) => (act === "write" ? "EIO" : undefined);

  const purged = Promise.all([
    disk.store.purge({ kind: "url", value: "a", isSoft: false }, 0),
    disk.store.purge({ kind: "prefix", value: "b", isSoft: false }, 0),
  ]);
  await disk.settle();
  await purged; // whoever waits is not kept waiting

  assert.deepEqual([await textOf(disk, "a"), await textOf(disk, "b")], [undefined, undefined]);
  disk.files.fault = () => undefined;
  await disk.clock.advance(11_000);
  const after = await disk.restart("kill");
  assert.deepEqual([await textOf(after, "a"), await textOf(after, "b")], [undefined, undefined]);
});

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

test("DiskStore: an age is what it was, and who was born in the future is asked about", async () => {
  const disk = await SimDisk.open();
  await storedOn(disk, "a");
  await disk.clock.advance(30_000);
  const after = await disk.restart("kill");
  const { bornMs } = (await find(after, "a"))!.freshness();
  assert.ok(Math.abs(bornMs - 1.5) < 1.5, `${bornMs}`);

  after.clock.jumpWall(-3_600_000);
  const early = await after.restart("kill");

  assert.equal((await find(early, "a"))!.freshness().lifetimeMs, 0);
});
