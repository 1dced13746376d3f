import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

type Case = [
  name: string,
  body: string,
  tally: [passed: number, failed: number, skipped: number],
  says: RegExp,
];

// biome-ignore format: a table
const cases: Case[] = [
  ["a test that passes", 'test("a", () => {});', [1, 0, 0], /^$/],
  ["a test that fails", 'test("a", () => { throw new Error("boom"); });', [0, 1, 0], /FAILED a\n.*\n +Error: boom/],
  ["a child that fails", 'test("a", async (t) => { await t.test("b", () => { throw 1; }); });', [0, 1, 0], /FAILED b/],
  ["a skipped test, by name", 'test("a", { skip: "no nginx" }, () => {});', [0, 0, 1], /^$/],
  ["a file that does not load", 'throw new Error("boom");', [0, 1, 0], /printed:\n[\s\S]*boom/],
  ["a test that hangs", 'test("a", () => new Promise(() => setInterval(() => {}, 1000)));', [0, 2, 0], /FAILED a\n/],
  ["a file that leaves something open", 'test("a", () => { setInterval(() => {}, 1000); });', [1, 1, 0], /did not end/],
];

for (const [name, body, tally, says] of cases) {
  test(`runTestFiles: ${name}`, (t) => {
    const [output, passed, failed, skipped] = runFile(t, body);

    assert.deepEqual([passed, failed, skipped], tally);
    assert.match(String(output), says);
  });
}

/** In a process of its own, as a test runner in a test runner runs nothing. */
function runFile(t: TestContext, body: string) {
  const folder = mkdtempSync(join(tmpdir(), "sluice-test-run-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "some.test.ts");
  writeFileSync(file, `import { test } from "node:test";\n${body}\n`);
  const script = join(folder, "runs.ts");
  const code = `
    import { runTestFiles } from ${JSON.stringify(join(import.meta.dirname, "test-run.ts"))};
    const tally = await runTestFiles([${JSON.stringify(file)}], 700, AbortSignal.timeout(20_000));
    console.log(JSON.stringify([tally.passed, tally.failed, tally.skipped.length]));
  `;
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  writeFileSync(script, code);
  const { stdout, stderr } = spawnSync(process.execPath, [script], { env, encoding: "utf8" });
  const lines = stdout.trimEnd().split("\n");
  assert.ok(lines.length > 0 && stderr === "", stderr);
  return [lines.slice(0, -1).join("\n"), ...(JSON.parse(lines.at(-1)!) as number[])];
}
