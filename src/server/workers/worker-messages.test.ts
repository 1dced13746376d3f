import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { load, loadText, loadValue } from "../../config/load.ts";
import { posted, unposted } from "./worker-messages.ts";

test("posted: data goes as it was expanded, and can be cloned", async () => {
  const env = { NAME: "one", PORT: "3000" };
  const loaded = loadText("a: ${NAME}\nb: [{ c: 2 }]\nd: ${PORT}", "sluice.yaml", { env });

  const there = await unposted(structuredClone(posted(loaded)));

  assert.deepEqual(there.value, { a: "one", b: [{ c: 2 }], d: "3000" });
  assert.deepEqual(there.expansions, loaded.expansions);
  assert.equal(there.folder, loaded.folder);
});

test("posted: of a module with functions the file goes, and is run once more", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-test-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "sluice.config.mjs");
  writeFileSync(file, "export default { a: { b: () => 7 } };\n");
  const loaded = await load({ folder, file });

  const message = structuredClone(posted(loaded));
  const there = await unposted(message);

  assert.equal(message.kind, "module");
  const { a } = there.value as { readonly a: { b(): number } };
  assert.equal(a.b(), 7);
});

test("posted: functions that are in no file are refused", () => {
  const loaded = loadValue({ a: [() => 7] }, "createProxy");

  assert.throws(
    () => posted(loaded),
    /Cannot use workers: must be 1 where the config has functions/,
  );
});
