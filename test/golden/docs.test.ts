/** What the pages show must work: every YAML block of docs/config.md is a good config. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { check } from "../../src/config/check.ts";
import { loadText } from "../../src/config/load.ts";
import { problemLine } from "../../src/config/problems.ts";
import { testVocabulary } from "../support/vocabulary.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/config.md"), "utf8");
const blocks = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map((found) => found[1] ?? "");

test("docs/config.md: it has examples", () => {
  assert.ok(blocks.length >= 5);
});

for (const [index, block] of blocks.entries()) {
  test(`docs/config.md: example ${index + 1} is a good config`, () => {
    const { problems, warnings } = check(loadText(block, "example", { env: {} }), testVocabulary);

    assert.deepEqual([...problems, ...warnings].map(problemLine), []);
  });
}

test("docs/config.md: the output it shows is what check says", () => {
  const text = (blocks[0] ?? "").replace("forward: web", "forward: wbe");

  const { problems } = check(loadText(text, "sluice.yaml", { env: {} }), testVocabulary);

  assert.ok(page.includes(problems.map(problemLine).join("\n")));
});
