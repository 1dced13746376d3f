import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { check } from "./check.ts";
import type { AnswerIo } from "./command.ts";
import { schema } from "./schema.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-cli-"));
after(() => rmSync(folder, { recursive: true }));
const GOOD = "upstreams: { web: a:80 }\nsites: [{ hosts: [a.test], routes: [{ forward: web }] }]\n";
writeFileSync(join(folder, "sluice.yaml"), GOOD);
writeFileSync(join(folder, "bad.yaml"), `${GOOD}workers: 0\n`);
writeFileSync(join(folder, "warned.yaml"), GOOD.replace("a:80", "a:80, old: b:80"));

/** Runs a command and keeps what it says. */
async function run(
  command: (args: readonly string[], io: AnswerIo) => Promise<number>,
  args: readonly string[],
  isTTY = false,
) {
  const said = { out: "", err: "" };
  const stdout = { isTTY, write: (text: string) => (said.out += text) };
  const stderr = { isTTY, write: (text: string) => (said.err += text) };
  const code = await command(args, { stdout, stderr, cwd: folder });
  return { code, ...said };
}

test("sluice check: a good config is 0 and says so", async () => {
  assert.deepEqual(await run(check, []), { code: 0, out: "sluice.yaml: ok\n", err: "" });
});

test("sluice check: problems are 1, each with file, line and column", async () => {
  assert.deepEqual(await run(check, ["-c", "bad.yaml"]), {
    code: 1,
    out: "",
    err: 'bad.yaml:3:10: Cannot use workers: must be "auto", or a whole number from 1 to 128, got 0\nbad.yaml: 1 problem\n',
  });
});

test("sluice check: warnings alone are 0", async () => {
  assert.deepEqual(await run(check, ["--config", "warned.yaml"]), {
    code: 0,
    out: "warned.yaml: ok, 1 warning\n",
    err: "warned.yaml:1:25: warning: Check upstreams.old: no route forwards to it\n",
  });
});

test("sluice check: a terminal gets the line with a caret", async () => {
  const { err } = await run(check, ["-c", "bad.yaml"], true);

  assert.match(err, /\n {2}3 \| workers: 0\n {4}\| {10}\^\n/);
});

test("sluice check --json: the same for programs", async () => {
  const { code, out, err } = await run(check, ["--json", "-c", "bad.yaml"]);

  assert.deepEqual([code, err], [1, ""]);
  assert.deepEqual(JSON.parse(out), {
    file: "bad.yaml",
    ok: false,
    problems: [
      {
        file: "bad.yaml",
        line: 3,
        column: 10,
        at: ["workers"],
        message: 'Cannot use workers: must be "auto", or a whole number from 1 to 128, got 0',
      },
    ],
    warnings: [],
  });
});

test("sluice check: a missing file is 1", async () => {
  const { code, err } = await run(check, ["-c", "nothing.yaml"]);

  assert.equal(code, 1);
  assert.match(err, /^nothing\.yaml: Cannot read the config: must be readable text, got ENOENT/);
});

for (const args of [["--colour"], ["extra"], ["-c"], ["--json=yes"]]) {
  test(`sluice check ${args.join(" ")}: wrong usage is 2`, async () => {
    const { code, out, err } = await run(check, args);

    assert.deepEqual([code, out], [2, ""]);
    assert.match(err, /\nUsage: sluice check/);
  });
}

test("sluice schema: prints JSON Schema, and takes no arguments", async () => {
  const printed = await run(schema, []);
  const wrong = await run(schema, ["x"]);

  assert.equal(printed.code, 0);
  assert.equal((JSON.parse(printed.out) as { title: string }).title, "Sluice config");
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /\nUsage: sluice schema/);
});
