import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { PidFile } from "./pid-file.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-pid-"));
after(() => rmSync(folder, { recursive: true }));

test("PidFile: has our number while we serve, and is gone after", () => {
  const path = join(folder, "own");
  const file = new PidFile(path);

  file.write();
  const text = readFileSync(path, "utf8");
  file.remove();

  assert.deepEqual([text, existsSync(path)], [`${process.pid}\n`, false]);
});

test("PidFile: one that another process has taken over stays", () => {
  const path = join(folder, "other");
  const file = new PidFile(path);
  file.write();

  writeFileSync(path, "1\n");
  file.remove();

  assert.equal(readFileSync(path, "utf8"), "1\n");
});

test("PidFile: none is wanted, none is written, and one that is gone is no failure", () => {
  new PidFile(undefined).write();
  new PidFile(undefined).remove();

  assert.doesNotThrow(() => new PidFile(join(folder, "nothing")).remove());
});
