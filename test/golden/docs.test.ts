/**
 * What the pages and the examples show must work: every YAML block and every example is a config
 * without problems or warnings, every TypeScript block type-checks.
 */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { test } from "node:test";
import { check } from "../../src/config/check.ts";
import { type Loaded, load, loadText } from "../../src/config/load.ts";
import { problemLine } from "../../src/config/problems.ts";
import { vocabulary } from "../../src/features/index.ts";
import { ROOT, runCommand } from "../../tools/command.ts";
import { readTree } from "../../tools/tidy/tree.ts";

interface Block {
  readonly name: string; // "docs/config.md:12"
  readonly text: string;
}

const TSC_TIMEOUT_MS = 60_000;
const files = readTree(ROOT, []).files;
const pages = files.filter(({ path }) => path.endsWith(".md"));
const examples = files
  .map(({ path }) => path)
  .filter((path) => /^examples\/.*(?:\.yaml|sluice\.config\.ts)$/.test(path));

/** The fenced blocks of a language, with the line that each begins at. */
function blocksOf(path: string, text: string, language: string): Block[] {
  const fence = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms");
  return [...text.matchAll(fence)].map(({ index, 1: block = "" }) => ({
    name: `${path}:${text.slice(0, index).split("\n").length}`,
    text: block,
  }));
}

function complaints(loaded: Loaded): string[] {
  const { problems, warnings } = check(loaded, vocabulary, { reads: false });
  return [...problems, ...warnings].map(problemLine);
}

const yaml = pages.flatMap(({ path, text }) => blocksOf(path, text, "yaml"));

test("documents: there is something to check", () => {
  assert.ok(yaml.length >= 15, `${yaml.length} blocks of YAML`);
  assert.ok(examples.length >= 4, `${examples.length} examples`);
});

for (const { name, text } of yaml) {
  test(`documents: ${name} is a good config`, () => {
    assert.deepEqual(complaints(loadText(text, "example", { env: {} })), []);
  });
}

for (const path of examples) {
  test(`examples: ${path} is a good config`, async () => {
    const where = { folder: join(ROOT, dirname(path)), file: basename(path), env: {} };

    assert.deepEqual(complaints(await load(where)), []);
  });
}

test("docs/config.md: the output it shows is what check says", () => {
  const page = pages.find(({ path }) => path === "docs/config.md")?.text ?? "";
  const [first] = blocksOf("docs/config.md", page, "yaml");
  const text = (first?.text ?? "").replace("forward: web", "forward: wbe");

  const { problems } = check(loadText(text, "sluice.yaml", { env: {} }), vocabulary, {
    reads: false, // the files that a page names are its reader's
  });

  assert.ok(page.includes(problems.map(problemLine).join("\n")));
});

test("documents: every block of TypeScript type-checks", async (t) => {
  const entry = readFileSync(join(ROOT, "src/index.ts"), "utf8").replaceAll(/^ \* ?/gm, "");
  const blocks = [
    ...pages.flatMap(({ path, text }) => blocksOf(path, text, "ts")),
    ...blocksOf("src/index.ts", entry, "ts"),
  ];
  assert.ok(blocks.length >= 2, `${blocks.length} blocks of TypeScript`);
  mkdirSync(join(ROOT, "tmp"), { recursive: true });
  const folder = mkdtempSync(join(ROOT, "tmp", "docs-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [index, { name, text }] of blocks.entries()) {
    // A block without imports or exports would share its names with the others.
    writeFileSync(join(folder, `block-${index}.ts`), `// ${name}\n${text}\nexport {};\n`);
  }
  const config = {
    extends: "../../tsconfig.json",
    compilerOptions: {
      noUnusedLocals: false,
      noUnusedParameters: false,
      paths: { sluice: ["../../src/index.ts"] },
    },
    include: ["*.ts"],
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));

  const { code, output } = await runCommand("tsc", ["-p", relative(ROOT, folder)], TSC_TIMEOUT_MS);

  const named = output.replaceAll(/^\S*block-(\d+)\.ts/gm, (_, index) => blocks[index]!.name);
  assert.equal(code, 0, named);
});
