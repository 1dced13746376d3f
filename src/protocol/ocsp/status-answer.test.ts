import assert from "node:assert/strict";
import { test } from "node:test";
import { refusal, SimResponder } from "../../../test/support/ocsp.ts";
import { SeededRandom } from "../../base/seeded-random.ts";
import { der, sequence } from "../der/der.ts";
import { certificateKey } from "./certificate-key.ts";
import { readStatusAnswer } from "./status-answer.ts";
import { statusSourceOf } from "./status-source.ts";

const NOW_MS = Date.UTC(2030, 0, 1);
const responder = new SimResponder(NOW_MS);
const leaf = responder.leaf();
const key = certificateKey(leaf.der, responder.issuer.der)!;
const GOOD = responder.answer(leaf);

function shown(bytes: Uint8Array): string {
  const read = readStatusAnswer(bytes, key);
  return typeof read === "string" ? read : read.status;
}

// biome-ignore format: a table
const cases: [name: string, bytes: Buffer, want: string][] = [
  ["a good one",                  GOOD, "good"],
  ["its signer named by key",     responder.answer(leaf, { byKey: true }), "good"],
  ["with a signer's certificate", responder.answer(leaf, { by: "delegate" }), "good"],
  ["without an end",              responder.answer(leaf, { nextUpdateMs: undefined }), "good"],
  ["revoked",                     responder.answer(leaf, { status: "revoked" }), "revoked"],
  ["unknown",                     responder.answer(leaf, { status: "unknown" }), "unknown"],
  ["about another serial number", responder.answer(responder.leaf({ serial: 8 })), "it is about another certificate"],
  ["try later",                   refusal(3), "it says tryLater"],
  ["not for us",                  refusal(6), "it says unauthorized"],
  ["a status that nobody knows",  refusal(9), "it says status 9"],
  ["good, and no answer",         refusal(0), "it is malformed"],
  ["nothing",                     Buffer.alloc(0), "it is malformed"],
  ["a page",                      Buffer.from("<html>"), "it is malformed"],
  ["something behind it",         Buffer.concat([GOOD, Buffer.from([5, 0])]), "it is malformed"],
  ["of another kind",             Buffer.from(GOOD.toString("hex").replace("2b0601050507300101", "2b0601050507300102"), "hex"), "it is of another kind"],
  ["an empty sequence",           sequence(), "it is malformed"],
  ["a length beyond the end",     Buffer.from([0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0]), "it is malformed"],
  ["nested without end",          nested(2_000), "it is malformed"],
];

function nested(depth: number): Buffer {
  let bytes: Buffer = sequence();
  for (let level = 0; level < depth; level++) bytes = der(0x30, bytes);
  return bytes;
}

for (const [name, bytes, want] of cases) {
  test(`readStatusAnswer: ${name}`, () => assert.equal(shown(bytes), want));
}

test("readStatusAnswer: times are those of the answer", () => {
  const times = { thisUpdateMs: NOW_MS - 5_000, nextUpdateMs: NOW_MS + 60_000 };

  const read = readStatusAnswer(responder.answer(leaf, times), key);

  assert.ok(typeof read !== "string");
  assert.deepEqual([read.thisUpdateMs, read.nextUpdateMs], [NOW_MS - 5_000, NOW_MS + 60_000]);
});

test("readStatusAnswer: no prefix is an answer", () => {
  for (let end = 0; end < GOOD.length; end++) {
    assert.equal(typeof readStatusAnswer(GOOD.subarray(0, end), key), "string", `${end} bytes`);
  }
});

test("readStatusAnswer, statusSourceOf, certificateKey: no bytes make them throw", () => {
  const random = new SeededRandom(1);
  const delegated = responder.answer(leaf, { by: "delegate" });
  for (let round = 0; round < 20_000; round++) {
    const bytes = Buffer.from(round % 2 === 0 ? delegated : leaf.der);
    for (let edit = random.below(4); edit >= 0; edit--) {
      bytes[random.below(bytes.length)] = random.below(256);
    }
    readStatusAnswer(bytes, key);
    statusSourceOf(bytes);
    certificateKey(bytes, bytes);
  }
});

// biome-ignore format: a table
const sources: [name: string, responder: string | undefined, want: string | undefined][] = [
  ["none",                  undefined, undefined],
  ["http",                  "http://ocsp.test/x", "http://ocsp.test/x"],
  ["https",                 "https://ocsp.test", "https://ocsp.test"],
  ["a directory",           "ldap://ocsp.test", undefined],
  ["a file",                "file:///etc/passwd", undefined],
  ["no URL",                "ocsp", undefined],
  ["with a user",           "http://a:b@ocsp.test", undefined],
  ["too long",              `http://ocsp.test/${"a".repeat(2_048)}`, undefined],
];

for (const [name, url, want] of sources) {
  test(`statusSourceOf: ${name}`, () => {
    const { der: bytes } = responder.leaf(url === undefined ? {} : { responder: url });

    assert.deepEqual(statusSourceOf(bytes), { responder: want, mustStaple: false });
  });
}

test("statusSourceOf: a certificate that must be stapled says so", () => {
  assert.equal(statusSourceOf(responder.leaf({ mustStaple: true }).der).mustStaple, true);
});
