import assert from "node:assert/strict";
import { test } from "node:test";
import { withPageFiles } from "./page-files.ts";

const errors = (file: unknown) => ({ reasonHeader: true, pages: { 404: { file, text: "x" } } });

test("withPageFiles: at each level, from the folder of the config", () => {
  const config = {
    defaults: { errors: errors("pages/a.html") },
    sites: [
      { errors: errors("../c.html"), routes: [{ errors: errors("./d.html") }, { respond: 200 }] },
      { routes: { errors: errors("one.html") }, redirects: { file: "old.txt", status: 301 } },
    ],
  };

  assert.deepEqual(withPageFiles(config, "/etc/sluice"), {
    defaults: { errors: errors("/etc/sluice/pages/a.html") },
    sites: [
      {
        errors: errors("/etc/c.html"),
        routes: [{ errors: errors("/etc/sluice/d.html") }, { respond: 200 }],
      },
      // No list: the schema says so.
      {
        routes: { errors: errors("one.html") },
        redirects: { file: "/etc/sluice/old.txt", status: 301 },
      },
    ],
  });
});

test("withPageFiles: of access rules at any depth, and of nothing that others name", () => {
  const config = (file: string) => ({
    sites: [
      {
        deny: [{ file, match: { header: { file: "x" } } }, "10.0.0.0/8"],
        auth: {
          any: [
            { basic: { file } },
            { all: [{ apiKey: { file, keys: [{ claims: { file: "x" } }] } }] },
          ],
          headers: { file: "x" },
        },
        routes: [{ allow: { rules: [{ file }] } }, { allow: "10.0.0.0/8", auth: "off" }],
      },
    ],
  });

  assert.deepEqual(withPageFiles(config("a.txt"), "/etc/sluice"), config("/etc/sluice/a.txt"));
});

// biome-ignore format: a table
const left: [name: string, value: unknown][] = [
  ["an absolute path",   { sites: [{ errors: errors("/srv/a.html") }] }],
  ["no text",            { sites: [{ errors: errors(7) }] }],
  ["nothing",            { sites: [{ errors: errors("") }] }],
  ["pages that are none", { defaults: { errors: { pages: ["a.html"] } }, sites: "none" }],
  ["no map",             ["a"]],
  ["no config",          undefined],
];

for (const [name, value] of left) {
  test(`withPageFiles: left as it is: ${name}`, () => {
    assert.deepEqual(withPageFiles(value, "/etc/sluice"), value);
  });
}
