import assert from "node:assert/strict";
import { test } from "node:test";
import { SignatureWatch } from "./signature-watch.ts";

// biome-ignore format: a table
const cases: [name: string, text: string, want: string][] = [
  ["version 1",              "PROXY TCP4 ",               "found"],
  ["version 2",              "\r\n\r\n\0\r\nQUIT\n\x21",  "found"],
  ["a request",              "POST / HTTP/1.1",           "clean"],
  ["nearly version 1",       "PROXY\r\n",                 "clean"],
  ["nearly version 2",       "\r\n\r\n\0\r\nQUIT\r",      "clean"],
  ["lower case",             "proxy ",                    "clean"],
  ["the beginning of one",   "PROX",                      "more"],
];

for (const [name, text, want] of cases) {
  test(`SignatureWatch: ${name}, whole and by the byte`, () => {
    const bytes = Buffer.from(text, "latin1");
    const whole = new SignatureWatch().feed(bytes);
    const watch = new SignatureWatch();
    let byByte = "more";
    for (let at = 0; at < bytes.length && byByte === "more"; at++) {
      byByte = watch.feed(bytes.subarray(at, at + 1));
    }

    assert.deepEqual([whole, byByte], [want, want]);
  });
}
