import assert from "node:assert/strict";
import { test } from "node:test";
import { editDistance, nearestWord } from "./nearest-word.ts";

const WORDS = ["path", "host", "clientIp", "requestId"];

// biome-ignore format: a table
const cases: [wrong: string, want: string | undefined][] = [
  ["pth",        "path"],
  ["Host",       "host"],
  ["client_ip",  "clientIp"],
  ["requestID",  "requestId"],
  ["zone",       undefined],
  ["",           undefined],
];

for (const [wrong, want] of cases) {
  test(`nearestWord: "${wrong}" ${want === undefined ? "is near to nothing" : `means ${want}`}`, () => {
    assert.equal(nearestWord(wrong, WORDS), want);
  });
}

const KEYS = ["forward", "redirect", "respond", "rewrite", "match", "name", "stripPrefix"];

// biome-ignore format: a table
const keys: readonly (readonly [word: string, want: string | undefined])[] = [
  ["froward", "forward"],
  ["forwrd", "forward"],
  ["Forward", "forward"],
  ["strip_prefix", "stripPrefix"],
  ["strip-prefix", "stripPrefix"],
  ["nam", "name"],
  ["rewirte", "rewrite"],
  ["x", undefined],
  ["", undefined],
  ["something", undefined],
  ["f".repeat(10_000), undefined],
];

for (const [word, want] of keys) {
  test(`nearestWord: of config keys, ${word.slice(0, 20)} is near ${want ?? "nothing"}`, () => {
    assert.equal(nearestWord(word, KEYS), want);
  });
}

test("editDistance: a swap of neighbours is one edit", () => {
  const pairs = [
    ["ab", "ba"],
    ["abc", "abd"],
    ["", "abc"],
    ["abc", ""],
    ["kitten", "sitting"],
  ];

  assert.deepEqual(
    pairs.map(([from, to]) => editDistance(from!, to!)),
    [1, 1, 3, 3, 3],
  );
});
