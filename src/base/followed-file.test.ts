import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { eventually } from "../../test/support/deadline.ts";
import { SimClock } from "../../test/support/sim-clock.ts";
import { FollowedFile } from "./followed-file.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-followed-"));
after(() => rmSync(folder, { recursive: true }));

const LOOK_MS = 2_000;

function follow(name: string, text: string) {
  const file = join(folder, name);
  const told: string[] = [];
  const clock = new SimClock();
  const log = { info: () => {}, warn: (message: string) => void told.push(message) };
  writeFileSync(file, text);
  const make = (bytes: Buffer) => {
    if (bytes.includes("broken")) throw new Error("it is broken");
    return bytes.toString();
  };
  const followed = new FollowedFile(file, { bytesMax: 64, make, world: { clock, log } });
  /** What it is once a look at the file has been taken. */
  const changed = async (isSeen: () => boolean) => {
    await clock.advance(LOOK_MS);
    followed.current();
    await eventually(
      () => (isSeen() ? true : undefined),
      () => "the change to be seen",
      5_000,
    );
    return followed.current();
  };
  return { file, followed, told, changed };
}

test("FollowedFile: a changed file is read again", async () => {
  const { file, followed, changed } = follow("a", "one");

  writeFileSync(file, "other");
  const before = followed.current();
  const now = await changed(() => followed.current() === "other");

  assert.deepEqual([before, now], ["one", "other"]);
});

for (const [name, text, problem] of [
  ["cannot be used", "broken", "it is broken"],
  ["is too large", "x".repeat(65), "is larger than 64 bytes"],
] as const) {
  test(`FollowedFile: one that ${name} changes nothing, and is said once; a repair counts`, async () => {
    const { file, followed, told, changed } = follow(`b ${text.length}`, "one");

    writeFileSync(file, text);
    const kept = await changed(() => followed.problem !== undefined);
    const why = followed.problem;
    writeFileSync(file, "three");
    const repaired = await changed(() => followed.problem === undefined);

    assert.equal(kept, "one");
    assert.ok(why?.endsWith(problem), `${why}`);
    assert.equal(repaired, "three");
    assert.equal(told.length, 1);
  });
}

test("FollowedFile: one that is gone changes nothing", async () => {
  const { file, followed, changed } = follow("c", "one");

  rmSync(file);

  assert.equal(await changed(() => followed.problem !== undefined), "one");
  assert.match(followed.problem!, /cannot be read \(ENOENT\)$/);
});

test("FollowedFile: to begin with, there has to be one that can be used", () => {
  const world = { clock: new SimClock(), log: { info: () => {}, warn: () => {} } };
  const options = { bytesMax: 64, make: String, world };

  assert.throws(() => new FollowedFile(join(folder, "none"), options), /cannot be read \(ENOENT\)/);
  assert.throws(() => new FollowedFile(folder, options), /is no plain file/);
});
