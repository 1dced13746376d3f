import assert from "node:assert/strict";
import { test } from "node:test";
import { MessageWatch } from "./message-watch.ts";
import { TextDecoder64 } from "./text-decoder.ts";

/** All that comes out of these pieces; undefined if one of them is refused. */
function decoded(pieces: readonly string[]): string | undefined {
  const decoder = new TextDecoder64();
  let out = "";
  for (const piece of pieces) {
    const bytes = decoder.decode(Buffer.from(piece, "latin1"));
    if (bytes === undefined) return undefined;
    out += bytes.toString("latin1");
  }
  return decoder.isBetween ? out : undefined;
}

const base64 = (text: string) => Buffer.from(text, "latin1").toString("base64");

test("TextDecoder64: texts behind each other, each with its padding, cut anywhere", () => {
  const all = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join("");
  const parts = ["a", "bc", "def", "\0\xff\xfe", "", all, "g"];
  const text = parts.map(base64).join("");

  for (let at = 0; at <= text.length; at++) {
    assert.equal(decoded([text.slice(0, at), text.slice(at)]), parts.join(""), `cut at ${at}`);
  }
  assert.equal(decoded([...text]), parts.join(""));
});

// biome-ignore format: a table
const BAD_TEXT = ["a", "ab", "abc", "a===", "====", "=abc", "a=bc", "ab=c", "abc=a", "ab c", "abc\n", "ab-_", "\xe9bcd", "ab=="+"a", "abcd="];

for (const text of BAD_TEXT) {
  test(`TextDecoder64: refuses ${JSON.stringify(text)}`, () => {
    assert.equal(decoded([text]), undefined);
    assert.equal(decoded([...text]), undefined);
  });
}

function watched(pieces: readonly Buffer[]): "between" | "inside" | "refused" {
  const watch = new MessageWatch();
  for (const piece of pieces) if (!watch.feed(piece)) return "refused";
  return watch.isBetween ? "between" : "inside";
}

test("MessageWatch: knows at every byte whether a message is on its way", () => {
  const ends = new Set([0, 5, 5 + 5 + 300]);
  const first = Buffer.from([0, 0, 0, 0, 0]);
  const second = Buffer.concat([Buffer.from([1, 0, 0, 1, 44]), Buffer.alloc(300, 0x80)]);
  const body = Buffer.concat([first, second]);

  for (let at = 0; at <= body.length; at++) {
    assert.equal(watched([body.subarray(0, at)]), ends.has(at) ? "between" : "inside", `${at}`);
    assert.equal(watched([body.subarray(0, at), body.subarray(at)]), "between", `cut at ${at}`);
  }
});

test("MessageWatch: refuses flags that no message has, trailers of gRPC-Web above all", () => {
  for (const flags of [2, 0x7f, 0x80, 0x81, 0xff]) {
    assert.equal(watched([Buffer.from([flags, 0, 0, 0, 0])]), "refused");
    assert.equal(watched([Buffer.from([0, 0, 0, 0, 1, 65, flags])]), "refused");
  }
});

test("MessageWatch: a length of four bytes is not read as a sign", () => {
  const watch = new MessageWatch();

  assert.equal(watch.feed(Buffer.from([0, 255, 255, 255, 255])), true);
  assert.equal(watch.feed(Buffer.alloc(100_000)), true);
  assert.equal(watch.isBetween, false);
});
