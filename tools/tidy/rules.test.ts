import assert from "node:assert/strict";
import { test } from "node:test";
import { judge } from "../tidy.ts";
import { calls } from "./calls.ts";
import { deadFiles } from "./dead-files.ts";
import { documents } from "./documents.ts";
import { language } from "./language.ts";
import { layers } from "./layers.ts";
import { names } from "./names.ts";
import { packages } from "./packages.ts";
import { sizes } from "./sizes.ts";
import { type Rule, treeOf } from "./tree.ts";

type Case = [name: string, files: Readonly<Record<string, string>>, wanted: readonly string[]];

/** Each case is a small tree and the `path:line` of every finding. */
function table(rule: Rule, cases: readonly Case[]): void {
  for (const [name, files, wanted] of cases) {
    test(`tidy ${rule.name}: ${name}`, () => {
      const found = rule.find(treeOf(files)).map(({ path, line }) => `${path}:${line}`);
      assert.deepEqual(found, wanted);
    });
  }
}

const lines = (count: number): string => "f();\n".repeat(count);

table(layers, [
  ["a lower rank is fine", { "src/core/a.ts": 'import { x } from "../base/x.ts";' }, []],
  ["one's own folder is fine", { "src/core/a.ts": 'import { x } from "./x.ts";' }, []],
  [
    "a higher rank",
    { "src/core/a.ts": '\nimport { x } from "../config/x.ts";' },
    ["src/core/a.ts:2"],
  ],
  [
    "a type of a higher rank",
    { "src/core/a.ts": 'import type { X } from "../route/x.ts";' },
    ["src/core/a.ts:1"],
  ],
  [
    "a re-export of a higher rank",
    { "src/base/a.ts": 'export { x } from "../core/x.ts";' },
    ["src/base/a.ts:1"],
  ],
  [
    "an import() of a higher rank",
    { "src/base/a.ts": 'await import("../core/x.ts");' },
    ["src/base/a.ts:1"],
  ],
  [
    "a side-effect import of a higher rank",
    { "src/base/a.ts": 'import "../core/x.ts";' },
    ["src/base/a.ts:1"],
  ],
  [
    "an import over several lines",
    { "src/base/a.ts": 'import {\n  x,\n  y,\n} from "../core/x.ts";' },
    ["src/base/a.ts:1"],
  ],
  [
    "a stranger of the same rank",
    { "src/route/a.ts": 'import { x } from "../observe/x.ts";' },
    ["src/route/a.ts:1"],
  ],
  [
    "another feature",
    { "src/features/a/a.ts": 'import { x } from "../b/b.ts";' },
    ["src/features/a/a.ts:1"],
  ],
  [
    "the list of features knows them all",
    { "src/features/index.ts": 'import { x } from "./b/b.ts";' },
    [],
  ],
  ["the entry may import anything", { "src/index.ts": 'export { x } from "./server/x.ts";' }, []],
  [
    "nobody imports the entry",
    { "src/cli/a.ts": 'import { x } from "../index.ts";' },
    ["src/cli/a.ts:1"],
  ],
  [
    "a folder without a rank",
    { "src/core/a.ts": 'import { x } from "../stuff/x.ts";' },
    ["src/core/a.ts:1"],
  ],
  [
    "test support in what ships",
    { "src/core/a.ts": 'import { x } from "../../test/support/x.ts";' },
    ["src/core/a.ts:1"],
  ],
  [
    "test support in a test",
    { "src/core/a.test.ts": 'import { x } from "../../test/support/x.ts";' },
    [],
  ],
  [
    "a package in a folder that has none",
    { "src/route/a.ts": 'import { z } from "zod";' },
    ["src/route/a.ts:1"],
  ],
  ["zod where it is at home", { "src/core/fields.ts": 'import { z } from "zod";' }, []],
  ["an import in a comment", { "src/base/a.ts": '// import { x } from "../core/x.ts";' }, []],
]);

table(names, [
  ["a noun", { "src/core/fault-table.ts": "" }, []],
  ["utils", { "src/core/utils.ts": "" }, ["src/core/utils.ts:1"]],
  ["the test of utils", { "src/core/helpers.test.ts": "" }, ["src/core/helpers.test.ts:1"]],
  ["a folder named common", { "src/common/fault.ts": "" }, ["src/common:1"]],
  ["an index anywhere else", { "src/core/index.ts": "" }, ["src/core/index.ts:1"]],
  ["the two that may", { "src/index.ts": "", "src/features/index.ts": "" }, []],
  ["camel case", { "src/core/faultTable.ts": "" }, ["src/core/faultTable.ts:1"]],
]);

table(calls, [
  ["Date.now", { "src/core/a.ts": "const at = Date.now();" }, ["src/core/a.ts:1"]],
  ["Date.now handed on", { "src/core/a.ts": "run(Date.now);" }, ["src/core/a.ts:1"]],
  ["Date.now in the real world", { "src/base/real-world.ts": "Date.now();" }, []],
  ["Date.now in a test", { "src/core/a.test.ts": "Date.now();" }, []],
  ["Date.now in a string", { "src/core/a.ts": 'say("Date.now()");' }, []],
  ["new Date()", { "src/core/a.ts": "new Date();" }, ["src/core/a.ts:1"]],
  ["new Date(ms)", { "src/core/a.ts": "new Date(clock.wallMs());" }, []],
  ["performance.now", { "src/route/a.ts": "performance.now();" }, ["src/route/a.ts:1"]],
  ["Math.random", { "src/upstream/a.ts": "\n\nMath.random();" }, ["src/upstream/a.ts:3"]],
  [
    "setTimeout and setInterval",
    { "src/core/a.ts": "setTimeout(f, 1);\nsetInterval(f, 1);" },
    ["src/core/a.ts:1", "src/core/a.ts:2"],
  ],
  ["a method of that name", { "src/core/a.ts": "socket.setTimeout(5);" }, []],
  [
    "timers/promises",
    { "src/core/a.ts": 'import { setTimeout as sleep } from "node:timers/promises";' },
    ["src/core/a.ts:1", "src/core/a.ts:1"],
  ],
  ["console", { "src/cli/run.ts": "console.log(1);" }, ["src/cli/run.ts:1"]],
  ["process.exit", { "src/cli/run.ts": "process.exit(1);" }, ["src/cli/run.ts:1"]],
  ["process.exit in the command line", { "src/cli/main.ts": "process.exit(1);" }, []],
  ["process.exitCode", { "src/cli/run.ts": "process.exitCode = 1;" }, []],
  [
    "node:net",
    { "src/transport/a.ts": 'import { connect } from "node:net";' },
    ["src/transport/a.ts:1"],
  ],
  ["a type of node:net", { "src/transport/a.ts": 'import type { Socket } from "node:net";' }, []],
  ["what is pure in node:net", { "src/base/a.ts": 'import { isIP, isIPv6 } from "node:net";' }, []],
  [
    "pure and impure together",
    { "src/base/a.ts": 'import { isIP, connect } from "node:net";' },
    ["src/base/a.ts:1"],
  ],
  [
    "node:http below admin",
    { "src/server/a.ts": 'import { createServer } from "node:http";' },
    ["src/server/a.ts:1"],
  ],
  [
    "a type of node:http below admin",
    { "src/core/a.ts": 'import type { Server } from "node:http2";' },
    ["src/core/a.ts:1"],
  ],
  ["node:http in admin", { "src/admin/a.ts": 'import { createServer } from "node:http";' }, []],
  [
    "a module without node:",
    { "src/admin/a.ts": 'import { createServer } from "http";' },
    ["src/admin/a.ts:1"],
  ],
]);

table(language, [
  ["a default export", { "src/core/a.ts": "export default 1;" }, ["src/core/a.ts:1"]],
  ["a default export of a config", { "examples/a/sluice.config.ts": "export default {};" }, []],
  ["any as a type", { "src/core/a.ts": "let a: any;" }, ["src/core/a.ts:1"]],
  ["any in a cast", { "src/core/a.ts": "f(a as any);" }, ["src/core/a.ts:1"]],
  ["any as a type argument", { "src/core/a.ts": "let a: Map<any, b>;" }, ["src/core/a.ts:1"]],
  [
    "any as an argument's type",
    { "src/core/a.ts": "function f(a: any, b: c) {}" },
    ["src/core/a.ts:1"],
  ],
  [
    "any as a key and in words",
    { "src/core/a.ts": "const a = { any: [1] }; // any of them\nmany();" },
    [],
  ],
  ["a TODO", { "src/core/a.ts": "// TODO: later" }, ["src/core/a.ts:1"]],
  ["a TODO with its issue", { "src/core/a.ts": "// TODO(#12): later" }, []],
  ["a TODO in a string", { "src/core/a.ts": 'say("TODO");' }, []],
  [
    "only, left in a test",
    { "src/core/a.test.ts": 'test.only("x", () => {});' },
    ["src/core/a.test.ts:1"],
  ],
  ["an enum", { "src/core/a.ts": "export enum Color { Red }" }, ["src/core/a.ts:1"]],
]);

table(sizes, [
  ["400 lines", { "src/core/a.ts": lines(400) }, []],
  ["401 lines", { "src/core/a.ts": lines(401) }, ["src/core/a.ts:1"]],
  ["a function of 70 lines", { "src/core/a.ts": `\nfunction f(): void {\n${lines(68)}}\n` }, []],
  [
    "a function of 71 lines",
    { "src/core/a.ts": `\nfunction f(): void {\n${lines(69)}}\n` },
    ["src/core/a.ts:2"],
  ],
  [
    "a method of 71 lines",
    { "src/core/a.ts": `class A {\n  #f(a: () => void): Map<A, () => void> {\n${lines(69)}}\n}` },
    ["src/core/a.ts:2"],
  ],
  [
    "an arrow of 71 lines",
    { "src/core/a.ts": `const f = (a: A): B => {\n${lines(69)}};` },
    ["src/core/a.ts:1"],
  ],
  ["a loop of 71 lines", { "src/core/a.ts": `for (const a of b(c)) {\n${lines(69)}}` }, []],
  ["an object of 71 lines", { "src/core/a.ts": `const a = {\n${"b: 1,\n".repeat(69)}};` }, []],
  ["120 columns", { "src/core/a.ts": `// ${"a".repeat(117)}` }, []],
  ["121 columns", { "src/core/a.ts": `\n// ${"a".repeat(118)}` }, ["src/core/a.ts:2"]],
  [
    "a table that is left alone, and what follows it",
    {
      "src/core/a.ts": `// biome-ignore format: a table\nconst A = [\n  "${"a".repeat(120)}",\n];\n// ${"a".repeat(118)}`,
    },
    ["src/core/a.ts:5"],
  ],
]);

table(documents, [
  ["a page with a title", { "a.md": "# A\n" }, []],
  ["a page without", { "a.md": "## A\n" }, ["a.md:1"]],
  ["a page that is linked", { "docs/README.md": "# D\n\n[a](a.md#part)", "docs/a.md": "# A" }, []],
  ["a page that is not", { "docs/README.md": "# D\n", "docs/a.md": "# A" }, ["docs/a.md:1"]],
  ["a link that leads nowhere", { "a.md": "# A\n\n[b](docs/b.md)" }, ["a.md:3"]],
  [
    "a link to the web or to a place in the page",
    { "a.md": "# A\n\n[b](https://b.example/) [c](#c)" },
    [],
  ],
  ["a link in code", { "a.md": "# A\n\n```\n[b](b.md)\n```\n" }, []],
  [
    "a feature with all it needs",
    {
      "src/features/redirect/redirect.ts": "",
      "src/features/redirect/redirect.test.ts": "",
      "docs/redirect.md": "# Redirect",
      "docs/README.md": "# D\n\n[r](redirect.md)",
    },
    [],
  ],
  [
    "a feature without a page",
    { "src/features/redirect/redirect.test.ts": "" },
    ["src/features/redirect:1"],
  ],
  [
    "a feature without a test",
    {
      "src/features/redirect/redirect.ts": "",
      "docs/redirect.md": "# R",
      "docs/README.md": "# D\n\n[r](redirect.md)",
    },
    ["src/features/redirect:1"],
  ],
  [
    "a path of one machine",
    { "src/core/a.ts": `// see ${"/ho"}me/ann/notes.txt` },
    ["src/core/a.ts:1"],
  ],
  ["a path of every machine", { "src/core/a.ts": "// see /etc/ssl/certs and /run/app.sock" }, []],
  ["a registry", { "a.md": `# A\n\nfrom ${"https://regi"}stry.example.org/x` }, ["a.md:3"]],
  [
    "a folder that the tour does not name",
    { "ARCHITECTURE.md": "# A", "src/core/a.ts": "" },
    ["ARCHITECTURE.md:1"],
  ],
  [
    "a folder that is gone",
    { "ARCHITECTURE.md": "# A\n\n`src/core/` `src/old/`", "src/core/a.ts": "" },
    ["ARCHITECTURE.md:3"],
  ],
]);

test("tidy documents: a fault without its row", () => {
  const tree = treeOf(
    { "docs/README.md": "# D\n\n[f](faults.md)", "docs/faults.md": "# F\n\n| `one` |" },
    ["one", "two"],
  );

  const found = documents.find(tree);

  assert.deepEqual(
    found.map(({ message }) => message),
    ["has no row for two: run npm run docs"],
  );
});

const ENTRIES = { "src/main.ts": 'import { a } from "./core/a.ts";', "src/index.ts": "" };

table(deadFiles, [
  [
    "what the entry reaches",
    { ...ENTRIES, "src/core/a.ts": 'import { b } from "./b.ts";', "src/core/b.ts": "" },
    [],
  ],
  [
    "what only its test reaches",
    {
      ...ENTRIES,
      "src/core/a.ts": "",
      "src/core/b.ts": "",
      "src/core/b.test.ts": 'import { b } from "./b.ts";',
    },
    ["src/core/b.ts:1"],
  ],
  [
    "a worker's file",
    { ...ENTRIES, "src/core/a.ts": 'new URL("./b.ts", import.meta.url)', "src/core/b.ts": "" },
    [],
  ],
  [
    "support that a test uses",
    {
      ...ENTRIES,
      "src/core/a.ts": "",
      "test/support/s.ts": "",
      "test/behavior/b.test.ts": 'import "../support/s.ts";',
    },
    [],
  ],
  [
    "support that nobody uses",
    { ...ENTRIES, "src/core/a.ts": "", "test/support/s.ts": "" },
    ["test/support/s.ts:1"],
  ],
  ["no entry", {}, ["src/index.ts:1", "src/main.ts:1"]],
]);

const WITH_YAML = {
  "package.json": '{"dependencies":{"yaml":"1"}}',
  "docs/decisions/0001-a.md": "# A\n\n`yaml`",
};

table(packages, [
  [
    "declared and decided",
    { ...WITH_YAML, "src/config/a.ts": 'import { parse } from "yaml";' },
    [],
  ],
  [
    "not declared",
    { ...WITH_YAML, "src/config/a.ts": 'import { parse } from "@b/toml/parse";' },
    ["src/config/a.ts:1"],
  ],
  ["not decided", { "package.json": '{"dependencies":{"yaml":"1"}}' }, ["package.json:1"]],
  [
    "a lock file that names a host",
    { "package-lock.json": '{"packages":{"node_modules/a":{"resolved":"x"}}}' },
    ["package-lock.json:1"],
  ],
  [
    "a lock file that npm ci refuses",
    { "package-lock.json": '{"packages":{"node_modules/a":{"optionalDependencies":{"b":"1"}}}}' },
    ["package-lock.json:1"],
  ],
]);

const LONG = treeOf({ "src/core/a.ts": lines(450) });

test("tidy exceptions: one that covers the finding", () => {
  const exception = { rule: "sizes", path: "src/core/a.ts", reason: "a table", max: 450 };
  assert.deepEqual(judge(LONG, [sizes], [exception]), []);
});

test("tidy exceptions: a file that grew past its ratchet", () => {
  const exception = { rule: "sizes", path: "src/core/a.ts", reason: "a table", max: 449 };
  const found = judge(LONG, [sizes], [exception]).map(({ path }) => path);
  assert.deepEqual(found, ["src/core/a.ts", "src/core/a.ts"]); // too long, and an idle exception
});

test("tidy exceptions: one that is no longer needed", () => {
  const exception = { rule: "sizes", path: "src/core/b.ts", reason: "a table" };
  const found = judge(treeOf({ "src/core/b.ts": "" }), [sizes], [exception]);
  assert.match(found[0]?.message ?? "", /no longer needs/);
});
