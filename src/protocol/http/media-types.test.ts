import assert from "node:assert/strict";
import { test } from "node:test";
import { isMediaPattern, MediaTypes } from "./media-types.ts";

const types = new MediaTypes(["text/*", "application/json", "*/*+json", "image/*+xml", "Font/OTF"]);

// biome-ignore format: a table
const cases: [contentType: string, isIn: boolean][] = [
  ["text/html",                       true],
  ["TEXT/HTML; charset=utf-8",        true],
  ["text/event-stream",               true],
  ["application/json",                true],
  ["application/json;charset=utf-8",  true],
  [" application/json ",              true],
  ["application/json5",               false],
  ["application/problem+json",        true],
  ["model/gltf+JSON; a=b",            true],
  ["image/svg+xml",                   true],
  ["application/atom+xml",            false],
  ["application/a+json+zip",          false],
  ["application/zip; a=text/html",    false],
  ["font/otf",                        true],
  ["font/woff2",                      false],
  ["image/png",                       false],
  ["text",                            false],
  ["/text",                           false],
  ["",                                false],
  ["*/*",                             false],
];

for (const [contentType, isIn] of cases) {
  test(`MediaTypes: ${JSON.stringify(contentType)} is ${isIn ? "" : "not "}among them`, () => {
    assert.equal(types.has(contentType), isIn);
    assert.equal(types.has(contentType), isIn, "nor the second time");
  });
}

test("MediaTypes: */* is all that are types", () => {
  const all = new MediaTypes(["*/*"]);

  assert.deepEqual([all.has("image/png"), all.has("png")], [true, false]);
});

test("isMediaPattern: forms that are and are not", () => {
  const right = ["text/html", "text/*", "*/*", "*/*+json", "application/*+xml", "a/b.c+d-e"];
  const wrong = [
    "text",
    "text/",
    "/html",
    "*/html",
    "te xt/html",
    "text/html;q=1",
    "te*t/x",
    "a/*b",
  ];

  assert.deepEqual(right.filter(isMediaPattern), right);
  assert.deepEqual(wrong.filter(isMediaPattern), []);
});
