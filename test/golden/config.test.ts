/**
 * Each file in config/ is a config, a line `---- wanted`, and what check says about it. To add a
 * case is to add a file; `UPDATE=1` writes what is said now, and the diff is for reading.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { check } from "../../src/config/check.ts";
import { loadText } from "../../src/config/load.ts";
import { problemLine } from "../../src/config/problems.ts";
import { testVocabulary } from "../support/vocabulary.ts";

const FOLDER = join(import.meta.dirname, "config");
const LINE = "---- wanted\n";
const ENV = {
  WEB: "http://10.0.0.1:3000",
  WEIGHT: "3",
  BACKUP: "true",
  EMPTY: "",
  NESTED: "${WEB}",
  TOKEN: "correct-horse-battery-staple",
  SHORT_TOKEN: "hunter2-hunter2",
};

const names = readdirSync(FOLDER).filter((name) => name.endsWith(".yaml"));

test("config golden files: there are cases of every kind", () => {
  assert.ok(names.length >= 50, `only ${names.length} cases`);
});

for (const name of names) {
  test(`config golden file ${name}`, () => {
    const file = join(FOLDER, name);
    const [config = "", wanted = ""] = readFileSync(file, "utf8").split(LINE);

    const said = say(config);

    if (process.env["UPDATE"] === "1") writeFileSync(file, `${config}${LINE}${said}`);
    else assert.equal(said, wanted);
  });
}

function say(config: string): string {
  const loaded = loadText(config, "sluice.yaml", { folder: FOLDER, env: ENV });
  const { problems, warnings } = check(loaded, testVocabulary);
  const lines = [
    ...problems.map(problemLine),
    ...warnings.map((warning) =>
      problemLine({ ...warning, message: `warning: ${warning.message}` }),
    ),
  ];
  // The folder differs from machine to machine.
  return `${(lines.length === 0 ? ["ok"] : lines).join("\n").replaceAll(FOLDER, ".")}\n`;
}
