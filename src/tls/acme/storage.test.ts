/** What every storage promises, and what a folder promises besides. */
import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { MemoryStorage } from "../../../test/support/memory-storage.ts";
import { SystemClock } from "../../base/system-clock.ts";
import type { CertificateStorage } from "./certificate-storage.ts";
import { DiskStorage } from "./disk-storage.ts";

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-storage-"));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

type Make = (t: TestContext) => Promise<CertificateStorage>;
const storages: readonly [string, Make][] = [
  ["memory", async () => new MemoryStorage(new SystemClock())],
  ["disk", async (t) => new DiskStorage(new SystemClock(), await folderOf(t))],
];

for (const [name, make] of storages) {
  test(`${name}: what is written is read, listed and deleted`, async (t) => {
    const storage = await make(t);
    await storage.write("certificates/a.test.json", "one");
    await storage.write("certificates/b.test.json", "two");
    await storage.write("certificates/a.test.json", "three");

    assert.equal(await storage.read("certificates/a.test.json"), "three");
    assert.deepEqual((await storage.list("certificates")).toSorted(), [
      "certificates/a.test.json",
      "certificates/b.test.json",
    ]);
    await storage.delete("certificates/a.test.json");
    await storage.delete("certificates/a.test.json");
    assert.equal(await storage.read("certificates/a.test.json"), undefined);
    assert.deepEqual(await storage.list("nothing"), []);
  });

  test(`${name}: a key that climbs, or hides, is none`, async (t) => {
    const storage = await make(t);

    for (const key of [
      "../a",
      "a/../b",
      "/a",
      "a/",
      "",
      ".a",
      "a/.b",
      "a\0b",
      "a\\b",
      "a b",
      "a/b/c/d/e",
    ]) {
      await assert.rejects(storage.read(key), /Cannot store under/, key);
      await assert.rejects(storage.write(key, ""), /Cannot store under/, key);
    }
  });

  test(`${name}: a lock has one holder at a time, and is free again when it is given back`, async (t) => {
    const storage = await make(t);
    const first = await storage.lock("a", 0);
    assert.ok(first !== undefined);
    assert.equal(await storage.lock("a", 0), undefined);
    const other = await storage.lock("b", 0);
    const waiting = storage.lock("a", 10_000);

    await first[Symbol.asyncDispose]();
    const second = await waiting;

    assert.ok(second !== undefined && other !== undefined);
    assert.equal(second.isLost, false);
    await second[Symbol.asyncDispose]();
    await other[Symbol.asyncDispose]();
  });
}

test("disk: files and folders are their owner's alone", async (t) => {
  const folder = join(await folderOf(t), "deep", "state");
  const storage = new DiskStorage(new SystemClock(), folder);

  await storage.write("a/b.json", "secret");

  const modes = await Promise.all(["", "a", "a/b.json"].map((path) => stat(join(folder, path))));
  assert.deepEqual(
    modes.map(({ mode }) => (mode & 0o777).toString(8)),
    ["700", "700", "600"],
  );
});

test("disk: what a write that died has left is no file, and goes after an hour", async (t) => {
  const folder = await folderOf(t);
  const storage = new DiskStorage(new SystemClock(), folder);
  await storage.write("a/b.json", "x");
  await writeFile(join(folder, "a/.young.new"), "half");
  await writeFile(join(folder, "a/.old.new"), "half");
  await utimes(join(folder, "a/.old.new"), 1, 1);

  const listed = await storage.list("a");

  assert.deepEqual(listed, ["a/b.json"]);
  assert.deepEqual((await readdir(join(folder, "a"))).toSorted(), [".young.new", "b.json"]);
});

test("disk: a file that is too large, or a folder in its place, is an error and not a certificate", async (t) => {
  const folder = await folderOf(t);
  const storage = new DiskStorage(new SystemClock(), folder);
  await mkdir(join(folder, "a.json"));
  await writeFile(join(folder, "b.json"), Buffer.alloc(2 * 1024 * 1024));

  await assert.rejects(storage.read("a.json"), /EISDIR/);
  await assert.rejects(storage.read("b.json"), /too large/);
});

test("disk: a folder that cannot be written rejects, and leaves nothing half done", async (t) => {
  const folder = await folderOf(t);
  const storage = new DiskStorage(new SystemClock(), join(folder, "file"));
  await writeFile(join(folder, "file"), "in the way");
  await chmod(join(folder, "file"), 0o600);

  await assert.rejects(storage.write("a/b.json", "x"), /ENOTDIR|EEXIST/);
  await assert.rejects(storage.lock("a", 0), /ENOTDIR|EEXIST/);
});
