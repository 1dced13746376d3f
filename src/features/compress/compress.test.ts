import assert from "node:assert/strict";
import { test } from "node:test";
import { shape } from "../../config/issues.ts";
import type { Problem } from "../../core/feature.ts";
import { compress } from "./compress.ts";
import { TYPES } from "./compress-options.ts";

// biome-ignore format: a table
const refused: [options: unknown, want: string[]][] = [
  ["gzip",                             ['must be true, false, or a map, got "gzip"']],
  [["gzip"],                           ["must be true, false, or a map, got a list"]],
  [{ codings: [] },                    ["codings: must be a list of at least one coding, got an empty list"]],
  [{ codings: "gzip" },                ['codings: must be a list of codings, got "gzip"']],
  [{ codings: ["gzip", "lzma", 3] },   ['codings[1]: must be one of zstd, br, gzip, got "lzma"', "codings[2]: must be one of zstd, br, gzip, got 3"]],
  [{ codings: ["br", "br"] },          ["codings: must name each coding once"]],
  [{ levels: 5 },                      ["levels: must be a map of zstd, br and gzip, got 5"]],
  [{ levels: { gzip: 10, br: 12, zstd: 0 } }, ["levels.zstd: must be a whole number from 1 to 19, got 0", "levels.br: must be a whole number from 0 to 11, got 12", "levels.gzip: must be a whole number from 1 to 9, got 10"]],
  [{ levels: { brotli: 1 } },          ["levels.brotli: this key is unknown; known: zstd, br and gzip"]],
  [{ types: [] },                      ["types: must be a list of at least one media type, got an empty list"]],
  [{ types: ["text", "*/html"] },      ['types[0]: must be a media type such as "text/html", "text/*" or "*/*+json", got "text"', 'types[1]: must be a media type such as "text/html", "text/*" or "*/*+json", got "*/html"']],
  [{ minBytes: "1KB" },                ['minBytes: must be a size such as "64KiB", got "1KB"']],
  [{ minbytes: 3 },                    ["minbytes: this key is unknown; did you mean minBytes?"]],
  [{ forwardAcceptEncoding: "no" },    ['forwardAcceptEncoding: must be true or false, got "no"']],
];

for (const [options, want] of refused) {
  test(`compress: the config ${JSON.stringify(options)} is refused`, () => {
    const said = shape(compress.schema, options);

    assert.ok(!said.ok);
    assert.deepEqual(said.findings.map(textOf), want);
  });
}

const accepted: unknown[] = [
  true,
  false,
  {},
  { codings: ["gzip"], levels: { gzip: 9 }, types: ["*/*"], minBytes: 0 },
  { minBytes: "64MiB", forwardAcceptEncoding: false, types: [...TYPES, "application/x-mine"] },
];

for (const options of accepted) {
  test(`compress: the config ${JSON.stringify(options)} is taken`, () => {
    assert.deepEqual(shape(compress.schema, options).ok, true);
  });
}

function textOf({ message }: Problem): string {
  return message.replace("Cannot use ", "").replace(/^the config: /, "");
}
