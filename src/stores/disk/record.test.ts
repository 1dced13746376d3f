import assert from "node:assert/strict";
import { test } from "node:test";
import {
  areSound,
  BLOCK_BYTES,
  blockCrcs,
  decodeHead,
  encodeHead,
  type RecordHead,
} from "./record.ts";

const BODY = Buffer.from("what was stored");

function headOf(more: Partial<RecordHead> = {}): RecordHead {
  return {
    kind: "response",
    key: { first: 1, second: 2, partition: 3, variant: 2 ** 32 - 1 },
    url: "http://a.test/ü",
    partition: "route\n[]",
    varyNames: ["accept", "x"],
    varyKey: "a\nb",
    status: 200,
    lines: "X: \xff\r\n",
    freshness: {
      bornMs: 1.5,
      lifetimeMs: Number.POSITIVE_INFINITY,
      whileRevalidateMs: 1,
      ifErrorMs: 2,
      mayBeStale: true,
      needsValidation: false,
    },
    serial: 2 ** 52,
    order: 7,
    bodyBytes: BODY.length,
    rangeAt: 0,
    rangeTotal: BODY.length,
    bodySegment: 0,
    bodyAt: 0,
    crcs: blockCrcs([BODY]),
    ...more,
  };
}

test("record: a head comes back as it was", () => {
  const head = headOf();

  const { headBytes, ...found } = decodeHead(encodeHead(head)!, 0)!;

  assert.deepEqual(found, head);
  assert.equal(headBytes, encodeHead(head)!.length);
});

test("record: with any bit of any byte changed it is no head, and no body", () => {
  const bytes = Buffer.concat([encodeHead(headOf())!, BODY]);
  const bodyAt = bytes.length - BODY.length;
  for (let at = 0; at < bytes.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      bytes[at]! ^= 1 << bit;
      const head = decodeHead(bytes, 0);
      const isSound = head !== undefined && areSound(bytes.subarray(bodyAt), head.crcs, 0);
      assert.equal(isSound, false, `byte ${at}, bit ${bit}`);
      bytes[at]! ^= 1 << bit;
    }
  }
  assert.ok(decodeHead(bytes, 0) !== undefined);
});

test("record: cut anywhere it is no head", () => {
  const bytes = encodeHead(headOf())!;
  for (let length = 0; length < bytes.length; length++) {
    assert.equal(decodeHead(bytes.subarray(0, length), 0), undefined, `${length} bytes`);
  }
});

test("record: a head has a limit", () => {
  assert.equal(encodeHead(headOf({ varyKey: "x".repeat(600_000) })), undefined);
});

test("record: blocks are the same however a body lies in pieces", () => {
  const body = Buffer.alloc(BLOCK_BYTES * 2 + 100, "0123456789");
  const whole = blockCrcs([body]);
  for (const piece of [1_000, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1]) {
    const pieces: Buffer[] = [];
    for (let at = 0; at < body.length; at += piece) pieces.push(body.subarray(at, at + piece));
    assert.deepEqual(blockCrcs(pieces), whole);
  }
  assert.equal(whole.length, 3);
  assert.equal(areSound(body.subarray(BLOCK_BYTES), whole, 1), true);
  assert.equal(areSound(body.subarray(BLOCK_BYTES), whole, 0), false);
});
