import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { load, loadText, loadValue } from "./load.ts";

const root = mkdtempSync(join(tmpdir(), "sluice-load-"));
after(() => rmSync(root, { recursive: true }));

let folderCount = 0;

/** A folder with these files in it. */
function folderWith(files: Readonly<Record<string, string | Uint8Array>>): string {
  folderCount += 1;
  const folder = join(root, String(folderCount));
  mkdirSync(folder);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}

test("load: sluice.yaml before sluice.yml before sluice.config.ts, and says what it ignores", async () => {
  const folder = folderWith({
    "sluice.config.ts": "export default { from: 'ts' };",
    "sluice.yml": "from: yml",
    "sluice.yaml": "from: yaml",
  });

  const loaded = await load({ folder });

  assert.deepEqual(loaded.value, { from: "yaml" });
  assert.equal(loaded.origin.name, "sluice.yaml");
  assert.equal(loaded.file, join(folder, "sluice.yaml"));
  assert.deepEqual(
    loaded.warnings.map(({ message }) => message),
    [
      "Check sluice.yml: it is ignored, because sluice.yaml is there too",
      "Check sluice.config.ts: it is ignored, because sluice.yaml is there too",
    ],
  );
});

for (const name of ["sluice.yml", "sluice.config.ts", "sluice.config.js", "sluice.config.mjs"]) {
  test(`load: finds ${name}`, async () => {
    const text = name === "sluice.yml" ? "a: 1" : "export default { a: 1 };";
    const folder = folderWith({ [name]: text, "package.json": '{ "type": "module" }' });

    const loaded = await load({ folder });

    assert.deepEqual(loaded.value, { a: 1 });
  });
}

test("load: a file that is named is the only one, and relative paths start from its folder", async () => {
  const folder = folderWith({ "sluice.yaml": "a: 1" });
  const other = folderWith({ "other.yaml": 'a: "${file:secret}"', secret: "x" });

  const loaded = await load({ folder, file: join(other, "other.yaml") });

  assert.deepEqual(loaded.value, { a: "x" });
  assert.equal(loaded.folder, other);
  assert.deepEqual(loaded.warnings, []);
});

test("load: TypeScript with types, and again with what changed", async () => {
  const folder = folderWith({ "sluice.config.ts": "const a: number = 1;\nexport default { a };" });
  const first = await load({ folder });
  writeFileSync(join(folder, "sluice.config.ts"), "export default { a: 2, b: '$' + '{HOST}' };");

  const second = await load({ folder, env: { HOST: "a.test" } });

  assert.deepEqual(first.value, { a: 1 });
  assert.deepEqual(second.value, { a: 2, b: "a.test" });
});

// biome-ignore format: a table
const refusals: readonly (readonly [name: string, file: string, content: string | Uint8Array, wanted: RegExp])[] = [
  ["a module that throws", "sluice.config.ts", "throw new Error('no luck');", /must run, got no luck/],
  ["a module that throws no Error", "sluice.config.ts", "throw undefined;", /must run, got undefined/],
  ["a module with a slip of syntax", "sluice.config.ts", "export default {", /must run, got/],
  ["a module with an enum", "sluice.config.ts", "enum A { B }\nexport default {};", /must run, got/],
  ["a module that imports what is not there", "sluice.config.mjs", "import './x.mjs';", /must run, got Cannot find module/],
  ["a module without a default", "sluice.config.mjs", "export const a = 1;", /default export/],
  ["a module with a getter that throws", "sluice.config.mjs", "export default { get a() { throw new Error('no') } };", /plain data, got no/],
  ["bytes that are not UTF-8", "sluice.yaml", new Uint8Array([0x61, 0xff]), /must be readable text/],
  ["UTF-16", "sluice.yaml", new Uint8Array([0xff, 0xfe, 0x61, 0]), /must be readable text/],
];

for (const [name, file, content, wanted] of refusals) {
  test(`load: ${name} is a problem`, async () => {
    const loaded = await load({ folder: folderWith({ [file]: content }) });

    assert.equal(loaded.value, undefined);
    assert.equal(loaded.findings.length, 1);
    assert.match(loaded.findings[0]!.message, wanted);
  });
}

test("load: no file, a missing file, a folder and a file beyond 16 MiB are problems", async () => {
  const folder = folderWith({ "large.yaml": "" });
  truncateSync(join(folder, "large.yaml"), 16 * 1024 * 1024 + 1);
  const files = [undefined, "missing.yaml", ".", "large.yaml"];

  const loads = files.map((file) => load({ folder, ...(file === undefined ? {} : { file }) }));

  const messages = (await Promise.all(loads)).map(({ findings }) => findings[0]?.message ?? "");
  assert.match(messages[0]!, /must be there: sluice\.yaml, .* or sluice\.config\.mjs/);
  assert.match(messages[1]!, /ENOENT/);
  assert.match(messages[2]!, /must be a file/);
  assert.match(messages[3]!, /must be at most 16MiB/);
});

test("loadText: a byte order mark is no part of the text", () => {
  const loaded = loadText("\u{feff}a: 1", "x.yaml");

  assert.deepEqual(loaded.value, { a: 1 });
});

test("loadValue: data goes through as it is, but for what is expanded", () => {
  const run = () => 1;

  const loaded = loadValue({ a: "${A}", run }, "config", { env: { A: "x" } });

  assert.deepEqual(loaded.value, { a: "x", run });
});
