import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import * as wire from "../../../test/support/h2-frames.ts";
import { FrameReader, type FrameTaker } from "./frame-reader.ts";

/** What a reader finds in the pieces; data of one frame is put together. */
function read(pieces: readonly Buffer[], awaitsPreface = false): string[] {
  const found: string[] = [];
  let data = "";
  const taker: FrameTaker = {
    frame(kind, flags, id, bytes, at, end) {
      found.push(`${kind} ${flags} ${id} ${bytes.toString("latin1", at, end)}`);
    },
    dataBegan(id, bytes, padding, isLast) {
      data = `data ${id} ${bytes} ${padding} ${isLast} `;
    },
    dataBytes(bytes) {
      data += bytes.toString("latin1");
    },
    dataEnded() {
      found.push(data);
    },
    framesBroken(code) {
      found.push(`broken ${code}`);
    },
  };
  const reader = new FrameReader(taker, awaitsPreface);
  for (const piece of pieces) reader.read(piece);
  return found;
}

const padded = (padding: number, text: string) =>
  Buffer.concat([Buffer.of(padding), Buffer.from(text), Buffer.alloc(padding)]);

const STREAM = Buffer.concat([
  wire.PREFACE,
  wire.settings([[3, 100]]),
  wire.frame(wire.HEADERS, 5, 1, "block"),
  wire.frame(wire.DATA, 0, 1, "hello"),
  wire.frame(wire.DATA, 0, 1),
  wire.frame(wire.DATA, wire.PADDED, 1, padded(3, "padded")),
  wire.frame(wire.DATA, wire.PADDED, 1, padded(0, "")),
  wire.frame(wire.PING, 0, 0, "12345678"),
  wire.frame(wire.DATA, 1, 0x80000001, "x"), // the reserved bit is ignored
  wire.frame(0xfe, 0xff, 9, "unknown"),
  wire.frame(wire.SETTINGS, wire.ACK, 0),
]);
const FOUND = read([STREAM], true);

test("FrameReader: a stream of frames", () => {
  assert.deepEqual(FOUND, [
    "4 0 0 \0\x03\0\0\0d",
    "1 5 1 block",
    "data 1 5 0 false hello",
    "data 1 0 0 false ",
    "data 1 10 4 false padded",
    "data 1 1 1 false ",
    "6 0 0 12345678",
    "data 1 1 0 true x",
    "254 255 9 unknown",
    "4 1 0 ",
  ]);
});

test("FrameReader: the same frames at every split", () => {
  for (let at = 0; at <= STREAM.length; at++) {
    assert.deepEqual(read([STREAM.subarray(0, at), STREAM.subarray(at)], true), FOUND, `at ${at}`);
  }
});

test("FrameReader: the same frames in any pieces", () => {
  const cuts = fc.array(fc.nat(STREAM.length), { maxLength: 60 });

  fc.assert(
    fc.property(cuts, (each) => {
      const places = [0, ...each.sort((a, b) => a - b), STREAM.length];
      const pieces = places.slice(1).map((end, index) => STREAM.subarray(places[index], end));
      assert.deepEqual(read(pieces, true), FOUND);
    }),
  );
});

const BROKEN: readonly (readonly [name: string, code: number, bytes: Buffer])[] = [
  ["a frame beyond 16 KiB", 6, wire.frame(wire.HEADERS, 4, 1, Buffer.alloc(16_385))],
  ["data beyond 16 KiB", 6, wire.frame(wire.DATA, 0, 1, Buffer.alloc(16_385))],
  ["data on stream 0", 1, wire.frame(wire.DATA, 0, 0, "x")],
  ["padding as long as all", 1, wire.frame(wire.DATA, wire.PADDED, 1, Buffer.of(3, 0, 0))],
  ["a padding of which nothing is said", 6, wire.frame(wire.DATA, wire.PADDED, 1)],
];

for (const [name, code, bytes] of BROKEN) {
  test(`FrameReader: refuses ${name}`, () => {
    assert.deepEqual(read([bytes, STREAM]), [`broken ${code}`]);
    assert.deepEqual(read([...bytes].map((byte) => Buffer.of(byte))), [`broken ${code}`]);
  });
}

test("FrameReader: another preface is refused at the first byte that differs", () => {
  assert.deepEqual(read([Buffer.from("PRI * HTTP/2.0\r\n\r\nSX")], true), ["broken 1"]);
  assert.deepEqual(read([Buffer.from("G")], true), ["broken 1"]);
  assert.deepEqual(read([Buffer.from("PRI * HTTP/2.0\r\n\r\n")], true), []);
});
