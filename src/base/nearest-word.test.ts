import assert from "node:assert/strict";
import { test } from "node:test";
import { nearestWord } from "./nearest-word.ts";

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
