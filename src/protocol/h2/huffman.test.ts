import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodedBytesMax, decodeHuffman, encodeHuffman, huffmanBytes } from "./huffman.ts";

function encode(text: string): Buffer {
  const out = Buffer.alloc(huffmanBytes(text));
  assert.equal(encodeHuffman(text, out, 0), out.length);
  return out;
}

function decode(bytes: Buffer): string | undefined {
  const out = Buffer.alloc(decodedBytesMax(bytes.length));
  const length = decodeHuffman(bytes, 0, bytes.length, out);
  return length < 0 ? undefined : out.toString("latin1", 0, length);
}

// RFC 7541 Appendix C.
const SAMPLES: readonly (readonly [text: string, hex: string])[] = [
  ["www.example.com", "f1e3c2e5f23a6ba0ab90f4ff"],
  ["no-cache", "a8eb10649cbf"],
  ["custom-key", "25a849e95ba97d7f"],
  ["custom-value", "25a849e95bb8e8b4bf"],
  ["302", "6402"],
  ["private", "aec3771a4b"],
  ["Mon, 21 Oct 2013 20:13:21 GMT", "d07abe941054d444a8200595040b8166e082a62d1bff"],
  ["https://www.example.com", "9d29ad171863c78f0b97c8e9ae82ae43d3"],
  [
    "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
    "94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
  ],
];

for (const [text, hex] of SAMPLES) {
  test(`huffman: ${text}`, () => {
    assert.equal(encode(text).toString("hex"), hex);
    assert.equal(decode(Buffer.from(hex, "hex")), text);
  });
}

// biome-ignore format: a table
const MALFORMED: readonly (readonly [name: string, hex: string])[] = [
  ["padding of eight bits",           "1fff"], // "a" and eleven ones
  ["padding that is not all ones",    "18"],
  ["the end symbol",                  "ffffffff"],
  ["the end symbol within",           "1ffffffffc"],
  ["a long code cut off",             "fffffe"],
];

for (const [name, hex] of MALFORMED) {
  test(`huffman: refuses ${name}`, () => {
    assert.equal(decode(Buffer.from(hex, "hex")), undefined);
  });
}

test("huffman: every byte alone, and between others", () => {
  for (let byte = 0; byte < 256; byte++) {
    const letter = String.fromCharCode(byte);

    assert.equal(decode(encode(letter)), letter);
    assert.equal(decode(encode(`a${letter}${letter}0`)), `a${letter}${letter}0`);
  }
});

test("huffman: what is encoded is decoded", () => {
  const bytes = fc.uint8Array({ maxLength: 200 });

  fc.assert(
    fc.property(bytes, (each) => {
      const text = Buffer.from(each).toString("latin1");
      assert.equal(decode(encode(text)), text);
    }),
  );
});

test("huffman: no bytes throw, and what decodes has one encoding only", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (each) => {
      const bytes = Buffer.from(each);
      const text = decode(bytes);
      if (text !== undefined) assert.deepEqual(encode(text), bytes);
    }),
    { numRuns: 2_000 },
  );
});
