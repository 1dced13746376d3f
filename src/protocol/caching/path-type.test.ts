import assert from "node:assert/strict";
import { test } from "node:test";
import { contradictsPath } from "./path-type.ts";

// biome-ignore format: a table
const cases: readonly [path: string, type: string | undefined, want: boolean][] = [
  ["/account/x.css",       "text/html; charset=utf-8",  true],
  ["/account/x.css",       "text/css",                  false],
  ["/account/x.CSS",       "Text/CSS; charset=utf-8",   false],
  ["/account/x.css",       undefined,                   true],
  ["/account/x.css",       "application/octet-stream",  false],
  ["/account;x.js",        "text/html",                 true],
  ["/account/%0ax.js",     "application/javascript",    false],
  ["/x.png",               "application/json",          true],
  ["/x.png",               "image/webp",                false],
  ["/x.svg",               "image/svg+xml",             false],
  ["/x.woff2",             "font/woff2",                false],
  ["/x.zip",               "application/zip",           false],
  ["/x.zip",               "application/json",          true],
  ["/x.docx",              "application/xhtml+xml",     true],
  ["/x.json",              "application/problem+json",  false],
  ["/x.json",              "text/html",                 true],
  ["/x.js.map",            "application/json",          false],
  ["/x.pdf",               "text/plain",                true],
  ["/account",             "text/html",                 false],
  ["/v1.2",                "text/html",                 false],
  ["/user@mail.com",       "text/html",                 false],
  ["/x.",                  "text/html",                 false],
  ["/x.css/",              "text/html",                 false],
  ["/x.html",              "text/html",                 false],
];
for (const [path, type, want] of cases) {
  test(`contradictsPath: ${path} as ${type} ${want ? "does" : "does not"}`, () => {
    assert.equal(contradictsPath(path, type), want);
  });
}
