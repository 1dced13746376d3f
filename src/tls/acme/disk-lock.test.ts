/** Locks in a folder: left behind, taken away, fought over. Time is the test's own; files are real. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { pause as realPause } from "../../../test/support/deadline.ts";
import { SimClock } from "../../../test/support/sim-clock.ts";
import { DiskStorage } from "./disk-storage.ts";

async function stage(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), "sluice-lock-"));
  t.after(() => rm(folder, { recursive: true }));
  const clock = new SimClock();
  const path = join(folder, "locks/a");
  const storage = () => new DiskStorage(clock, folder);
  return { clock, path, storage, folder };
}

/** Lets so much time pass that real files can be read and written in between. */
async function pass(clock: SimClock, seconds: number): Promise<void> {
  for (let passed = 0; passed < seconds * 4; passed++) {
    await clock.advance(250);
    await realPause(1);
  }
}

test("DiskStorage: a lock whose holder is gone is taken over after half a minute, not before", async (t) => {
  const { clock, path, storage } = await stage(t);
  await (await storage().lock("a", 0))![Symbol.asyncDispose]();
  await writeFile(path, "00000000-dead 7\n");
  let taken = false;
  const waiting = storage()
    .lock("a", 120_000)
    .then((lock) => {
      taken = true;
      return lock;
    });

  await pass(clock, 25);
  assert.equal(taken, false);
  await pass(clock, 15);

  const lock = await waiting;
  assert.ok(lock !== undefined);
  await lock[Symbol.asyncDispose]();
  await assert.rejects(readFile(path), /ENOENT/);
});

test("DiskStorage: a holder that lives keeps its lock for as long as it likes", async (t) => {
  const { clock, storage } = await stage(t);
  const held = await storage().lock("a", 0);
  let answered = false;
  const waiting = storage()
    .lock("a", 100_000)
    .then((lock) => {
      answered = true;
      return lock;
    });

  await pass(clock, 90);
  assert.equal(answered, false);
  assert.equal(held!.isLost, false);
  await pass(clock, 20);

  assert.equal(await waiting, undefined);
  await held![Symbol.asyncDispose]();
});

test("DiskStorage: who slept over a lock finds it lost, and does not take it from the next one", async (t) => {
  const { clock, path, storage } = await stage(t);
  const first = await storage().lock("a", 0);
  await writeFile(path, "somebody-else 1\n");

  await pass(clock, 12);
  assert.equal(first!.isLost, true);
  await first![Symbol.asyncDispose]();

  assert.equal(await readFile(path, "utf8"), "somebody-else 1\n");
});

test("DiskStorage: of many who find a lock stale at once, one gets it", async (t) => {
  const { clock, path, storage, folder } = await stage(t);
  await new DiskStorage(clock, folder).write("locks/a", "00000000-dead 7\n");
  assert.match(await readFile(path, "utf8"), /dead/);
  let holders = 0;
  let most = 0;
  const done = Promise.all(
    Array.from({ length: 6 }, async () => {
      const lock = await storage().lock("a", 600_000);
      assert.ok(lock !== undefined);
      most = Math.max(most, ++holders);
      await realPause(3);
      holders--;
      await lock[Symbol.asyncDispose]();
    }),
  );

  let isDone = false;
  void done.then(() => {
    isDone = true;
  });
  for (let rounds = 0; rounds < 200 && !isDone; rounds++) await pass(clock, 1);
  await done;

  assert.equal(most, 1);
});
