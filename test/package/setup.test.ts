/** tools/setup.mjs is quiet when nothing is to do, and clear when it can do nothing. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

const ROOT = join(import.meta.dirname, "..", "..");

test("setup: says nothing in a checkout that has everything", () => {
  const { code, output } = setup(ROOT);

  assert.equal(output, "");
  assert.equal(code, 0);
});

test("setup: without a registry and without a cache it says what it needs", (t) => {
  const clone = freshClone(t);

  const { code, output } = setup(clone, {
    npm_config_offline: "true",
    npm_config_cache: join(clone, "cache"),
  });

  assert.equal(code, 1);
  assert.match(output, /setup: Cannot install the packages: .* needs the package registry/);
  assert.ok(!existsSync(join(clone, "tmp", "setup.lock")), "it left its lock behind");
});

test("setup: does not empty the folder that a linked node_modules leads to", (t) => {
  const clone = freshClone(t);
  const other = join(clone, "other");
  mkdirSync(other);
  writeFileSync(join(other, "kept"), "");
  symlinkSync(other, join(clone, "node_modules"));

  const { code, output } = setup(clone);

  assert.equal(code, 1);
  assert.match(output, /node_modules is a link to other/);
  assert.ok(existsSync(join(other, "kept")));
});

test("setup: takes over the lock of a set-up that was killed", (t) => {
  const clone = freshClone(t);
  mkdirSync(join(clone, "tmp"));
  const { pid } = spawnSync(process.execPath, ["--version"]); // it has ended
  writeFileSync(join(clone, "tmp", "setup.lock"), String(pid));

  const { output } = setup(clone, {
    npm_config_offline: "true",
    npm_config_cache: join(clone, "cache"),
  });

  assert.match(output, /setup: installing the packages/);
});

/** What setup reads, without what it installs. */
function freshClone(t: TestContext): string {
  const clone = mkdtempSync(join(tmpdir(), "sluice-setup-"));
  t.after(() => rmSync(clone, { recursive: true, force: true }));
  for (const path of ["package.json", "package-lock.json", "tools/setup.mjs"]) {
    cpSync(join(ROOT, path), join(clone, path));
  }
  return clone;
}

function setup(folder: string, env: Readonly<Record<string, string>> = {}) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(folder, "tools", "setup.mjs")],
    { cwd: folder, env: { ...process.env, ...env }, encoding: "utf8", timeout: 60_000 },
  );
  return { code: status, output: stdout + stderr };
}
