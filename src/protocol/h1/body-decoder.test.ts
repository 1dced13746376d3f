import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  BAD_REQUESTS,
  BAD_RESPONSES,
  GOOD_REQUESTS,
  GOOD_RESPONSES,
} from "../../../test/support/corpus.ts";
import { byteByByte, decodeBody, parseHead, TRAILER_LIMITS } from "../../../test/support/parse.ts";
import { lines, manyFields } from "../../../test/support/sample.ts";
import { bodyDecoder, DATA, END, NEED_MORE, REFUSE } from "./body-decoder.ts";
import { encodeChunk, encodeEnd } from "./chunked-encoder.ts";
import { CHUNKED, CLOSE, type Framing } from "./framing.ts";
import { readRequest } from "./request-facts.ts";
import { readResponse } from "./response-facts.ts";

function requestBody(bytes: string): [framing: Framing, body: string] {
  const { answer, parser, text } = parseHead(bytes, [bytes.length]);
  const facts = readRequest(parser, text);
  assert.ok(!("refused" in facts));
  return [facts.framing, bytes.slice(answer)];
}

function responseBody(bytes: string, method: string): [framing: Framing, body: string] {
  const { answer, parser, text } = parseHead(bytes, [bytes.length], "response");
  const facts = readResponse(parser, text, method);
  assert.ok(typeof facts !== "string");
  return [facts.framing, bytes.slice(answer)];
}

const good = [
  ...GOOD_REQUESTS.map((each) => ({ ...each, read: () => requestBody(each.bytes) })),
  ...GOOD_RESPONSES.map((each) => ({
    ...each,
    read: () => responseBody(each.bytes, each.method),
  })),
].filter(({ read }) => read()[0].kind !== "none");

for (const { name, body, trailers, read } of good) {
  const [framing, coded] = read();
  test(`BodyDecoder: ${name} (${framing.kind})`, () => {
    const behind = framing.kind === "close" ? "" : "GET /next";
    const answer = framing.kind === "close" ? NEED_MORE : END;
    const end = framing.kind === "close" ? -1 : coded.length;
    const want = { answer, body, trailers, end };
    const text = coded + behind;

    assert.deepEqual(decodeBody(framing, text, [text.length]), want);
    for (let stop = 0; stop < coded.length; stop++) {
      const prefix = decodeBody(framing, text, [stop]);
      assert.equal(prefix.answer, NEED_MORE, `prefix of ${stop}`);
      assert.ok(body.startsWith(prefix.body), `prefix of ${stop}`);
      assert.deepEqual(decodeBody(framing, text, [stop, text.length]), want, `split at ${stop}`);
    }
    assert.deepEqual(decodeBody(framing, text, byteByByte(text)), want);
  });
}

for (const [corpus, read] of [
  [BAD_REQUESTS, requestBody],
  [BAD_RESPONSES, (bytes: string) => responseBody(bytes, "GET")],
] as const) {
  for (const { name, bytes } of corpus.filter(({ stage }) => stage === "body")) {
    test(`BodyDecoder: no body, ${name}`, () => {
      const [framing, coded] = read(bytes);

      assert.equal(decodeBody(framing, coded, [coded.length]).answer, REFUSE);
      assert.equal(decodeBody(framing, coded, byteByByte(coded)).answer, REFUSE);
      for (let stop = 1; stop < coded.length; stop += 7) {
        assert.equal(decodeBody(framing, coded, [stop, coded.length]).answer, REFUSE, `${stop}`);
      }
    });
  }
}

// A line of at most 256 bytes: size, extensions and CRLF. Sizes of at most 13 digits.
// biome-ignore format: a table
const limits: [name: string, coded: string, want: number][] = [
  ["a chunk line of 256 bytes",           `1;${"a".repeat(252)}\r\nx\r\n0\r\n\r\n`, END],
  ["a chunk line of 257 bytes",           `1;${"a".repeat(253)}\r\nx\r\n0\r\n\r\n`, REFUSE],
  ["the last chunk's line of 256 bytes",  `0;${"a".repeat(252)}\r\n\r\n`, END],
  ["the last chunk's line of 257 bytes",  `0;${"a".repeat(253)}\r\n\r\n`, REFUSE],
  ["thirteen digits",                     "0000000000001\r\nx\r\n0\r\n\r\n", END],
  ["fourteen digits",                     "00000000000001\r\nx\r\n0\r\n\r\n", REFUSE],
  ["the largest size there is",           "fffffffffffff\r\nx", NEED_MORE],
  ["32 trailers",                         `0\r\n${lines(manyFields(32))}\r\n`, END],
  ["33 trailers",                         `0\r\n${lines(manyFields(33))}\r\n`, REFUSE],
  ["exactly 8 KiB of trailers",           `0\r\na: ${"b".repeat(8 * 1024 - 33)}\r\n\r\n`, END],
  ["8 KiB of trailers and a byte",        `0\r\na: ${"b".repeat(8 * 1024 - 32)}\r\n\r\n`, REFUSE],
  ["a trailer that never ends",           `0\r\na: ${"b".repeat(8 * 1024)}`, REFUSE],
];

for (const [name, coded, want] of limits) {
  test(`BodyDecoder: limits: ${name}`, () => {
    assert.equal(decodeBody(CHUNKED, coded, [coded.length]).answer, want);
    assert.equal(decodeBody(CHUNKED, coded, byteByByte(coded)).answer, want);
  });
}

// RFC 9110 §6.5.1: behind the body it is too late to say how long that was or whom it is for.
for (const name of ["Content-Length", "Transfer-Encoding", "Host"]) {
  test(`BodyDecoder: ${name} is refused as a trailer, whatever comes beside it`, () => {
    const coded = `0\r\nX-A: 1\r\n${name.toLowerCase()}: 5\r\nX-B: 2\r\n\r\n`;

    assert.equal(decodeBody(CHUNKED, coded, [coded.length]).answer, REFUSE);
  });
}

test("LengthDecoder: takes so much and no more, and says where it ended", () => {
  const decoder = bodyDecoder({ kind: "length", bytes: 3 }, TRAILER_LIMITS);
  const bytes = Buffer.from("abcdef");

  assert.equal(decoder.step(bytes, 0, 2), DATA);
  assert.equal(decoder.isOver, false);
  assert.equal(decoder.step(bytes, 2, 6), DATA);
  assert.deepEqual([decoder.dataAt, decoder.dataEnd, decoder.isOver], [2, 3, true]);
  assert.equal(decoder.step(bytes, 3, 6), END);
  assert.equal(decoder.next, 3);
});

test("BodyDecoder: only a body without an end of its own ends with its connection", () => {
  const ends = (framing: Framing) => bodyDecoder(framing, TRAILER_LIMITS).endsWithConnection;

  assert.equal(ends(CLOSE), true);
  assert.equal(ends(CHUNKED), false);
  assert.equal(ends({ kind: "length", bytes: 5 }), false);
});

test("encodeChunk and encodeEnd: what they write is read back, at any split", () => {
  const chunk = fc.uint8Array({ minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 8 }), fc.boolean(), fc.nat(), (chunks, has, seed) => {
      const trailers = has ? "X-A: 1\r\nX-B: \r\n" : "";
      const coded =
        chunks.map((each) => encodeChunk(each).toString("latin1")).join("") + encodeEnd(trailers);
      const body = Buffer.concat(chunks).toString("latin1");
      const want = {
        answer: END,
        body,
        trailers: has
          ? [
              ["X-A", "1"],
              ["X-B", ""],
            ]
          : [],
      };

      const stop = seed % coded.length;
      const { end, ...got } = decodeBody(CHUNKED, coded, [stop, coded.length]);

      assert.deepEqual(got, want);
      assert.equal(end, coded.length);
    }),
    { numRuns: 300, seed: 1 },
  );
});

test("encodeChunk: the size in hexadecimal, and a buffer of its own", () => {
  const bytes = Buffer.from("x".repeat(26));

  const chunk = encodeChunk(bytes);
  bytes.fill(0);

  assert.equal(chunk.toString(), `1a\r\n${"x".repeat(26)}\r\n`);
  assert.equal(encodeEnd(), "0\r\n\r\n");
});
