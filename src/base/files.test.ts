/** What holds for files, of the machine and of the simulated one. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { SimFiles } from "../../test/support/sim-files.ts";
import { errorCode, type Files } from "./files.ts";
import { lifeOf } from "./process-life.ts";
import { SystemFiles } from "./system-files.ts";

const root = mkdtempSync(join(tmpdir(), "sluice-files-"));
after(() => rmSync(root, { recursive: true }));

interface Subject {
  readonly name: string;
  readonly files: Files;
  readonly folder: string;
  link(at: string): void; // a symbolic one
}

const sim = new SimFiles();
const subjects: readonly Subject[] = [
  {
    ...{ name: "SystemFiles", files: new SystemFiles(), folder: join(root, "cache", "a") },
    link: (at) => symlinkSync(join(root, "elsewhere"), at),
  },
  {
    ...{ name: "SimFiles", files: sim, folder: "/cache/a" },
    link: (at) => void sim.inodes.set(at, { bytes: Buffer.alloc(0), isLink: true }),
  },
];

const fails = (code: string | RegExp) => (error: unknown) => {
  assert.match(errorCode(error), typeof code === "string" ? new RegExp(`^${code}$`) : code);
  return true;
};

for (const { name, files, folder, link } of subjects) {
  test(`${name}: what is written can be read, from anywhere and beyond the end`, async () => {
    await files.makeFolder(folder);
    await files.makeFolder(folder); // it may be there
    const file = await files.open(join(folder, "a"), "create");
    const parts = Array.from({ length: 3_000 }, (_, at) => Buffer.from(`${at},`));
    const whole = Buffer.concat(parts);

    await file.write([Buffer.alloc(0), ...parts], 0);
    await file.write([Buffer.from("end")], whole.length);
    await file.sync();
    await file.close();

    const reading = await files.open(join(folder, "a"), "read");
    assert.equal(reading.bytes, whole.length + 3);
    const bytes = Buffer.alloc(100);
    assert.equal(await reading.read(bytes, 5_000), 100);
    assert.ok(bytes.equals(whole.subarray(5_000, 5_100)));
    assert.equal(await reading.read(bytes, whole.length), 3);
    assert.equal(await reading.read(bytes, whole.length + 3), 0);
    await reading.close();
  });

  test(`${name}: what is open stays readable when its name is gone`, async () => {
    await files.makeFolder(folder);
    const file = await files.open(join(folder, "gone"), "create");
    await file.write([Buffer.from("here")], 0);
    await files.remove(join(folder, "gone"));

    const bytes = Buffer.alloc(4);
    assert.equal(await file.read(bytes, 0), 4);
    await file.close();
    await assert.rejects(files.open(join(folder, "gone"), "read"), fails("ENOENT"));
    await assert.rejects(files.remove(join(folder, "gone")), fails("ENOENT"));
  });

  test(`${name}: create makes, and takes nothing that is there; links are not followed`, async () => {
    await files.makeFolder(folder);
    await (await files.open(join(folder, "b"), "create")).close();
    link(join(folder, "link"));

    await assert.rejects(files.open(join(folder, "b"), "create"), fails("EEXIST"));
    await assert.rejects(files.open(join(folder, "link"), "create"), fails("EEXIST"));
    await assert.rejects(files.open(join(folder, "link"), "read"), fails(/^(?:ELOOP|EMLINK)$/));
    await assert.rejects(files.open(join(folder, "none", "b"), "create"), fails("ENOENT"));
  });

  test(`${name}: a name moves, or is given a second time, to one of many who try`, async () => {
    await files.makeFolder(folder);
    await (await files.open(join(folder, "c"), "create")).close();

    await files.rename(join(folder, "c"), join(folder, "d"));
    await files.link(join(folder, "d"), join(folder, "e"));

    await assert.rejects(files.link(join(folder, "d"), join(folder, "e")), fails("EEXIST"));
    const names = (await files.list(folder)).filter((each) => "cde".includes(each));
    assert.deepEqual(names.toSorted(), ["d", "e"]);
  });
}

test("SystemFiles: a folder and its files are their owner's alone; what is no file is refused", async () => {
  const files = new SystemFiles();
  const folder = join(root, "own");
  await files.makeFolder(folder);
  await (await files.open(join(folder, "a"), "create")).close();
  writeFileSync(join(root, "elsewhere"), "x");
  execFileSync("mkfifo", [join(folder, "pipe")]);

  assert.equal(statSync(folder).mode & 0o777, 0o700);
  assert.equal(statSync(join(folder, "a")).mode & 0o777, 0o600);
  await assert.rejects(files.open(join(folder, "pipe"), "read"), fails("EINVAL"));
  await assert.rejects(files.open(folder, "read"), fails(/^(?:EINVAL|EISDIR)$/));
});

test("lifeOf: the same for a process each time, another for another, none for one that is no more", () => {
  const own = lifeOf(process.pid);

  assert.ok(own !== undefined);
  assert.equal(lifeOf(process.pid), own);
  assert.equal(lifeOf(2 ** 22 + 1), undefined);
});
