/**
 * Each file in explain/ is a config, and then questions, each a line `---- explain ARGUMENTS` with
 * what is said to it. `UPDATE=1` writes what is said now, and the diff is for reading.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { explain } from "../../src/cli/explain.ts";

const FOLDER = join(import.meta.dirname, "explain");
const QUESTION = /^---- explain (.*)\n/m;
const cwd = mkdtempSync(join(tmpdir(), "sluice-explain-"));
after(() => rmSync(cwd, { recursive: true }));

const names = readdirSync(FOLDER).filter((name) => name.endsWith(".yaml"));

test("explain golden files: there are some", () => {
  assert.ok(names.length >= 5);
});

for (const name of names) {
  test(`explain golden file ${name}`, async () => {
    const file = join(FOLDER, name);
    const wanted = readFileSync(file, "utf8");
    // The pieces between the questions: the config, then question and answer in turn.
    const [config = "", ...pieces] = wanted.split(QUESTION);
    writeFileSync(join(cwd, "sluice.yaml"), config);
    const questions = pieces.filter((_, index) => index % 2 === 0);

    let said = config;
    for (const question of questions) {
      said += `---- explain ${question}\n${await answer(wordsOf(question))}`;
    }

    if (process.env["UPDATE"] === "1") writeFileSync(file, said);
    else assert.equal(said, wanted);
  });
}

test("docs/explain.md: the output it shows is what is said", async () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/explain.md"), "utf8");
  const [, config = "", question = "", wanted] =
    /^```yaml\n(.*?)^```$.*?^\$ sluice explain (.*?)\n(.*?)^```$/ms.exec(page) ?? [];
  writeFileSync(join(cwd, "sluice.yaml"), config);

  assert.equal(await answer(wordsOf(question)), `${wanted}exit 0\n`);
});

async function answer(args: readonly string[]): Promise<string> {
  let said = "";
  const output = { write: (text: string) => (said += text) };
  const code = await explain(args, { stdout: output, stderr: output, cwd });
  return `${said}exit ${code}\n`;
}

/** As a shell would take it apart, single quotes only. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
}
