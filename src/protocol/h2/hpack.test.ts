import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { HeaderList } from "../http/header-list.ts";
import { HpackDecoder } from "./hpack-decoder.ts";
import { HpackEncoder } from "./hpack-encoder.ts";

type Pair = readonly [name: string, value: string];

/** The fields of the block; undefined if it is malformed. */
function decode(decoder: HpackDecoder, block: Buffer): Pair[] | undefined {
  const fields: Pair[] = [];
  const isSound = decoder.decode(block, 0, block.length, {
    field: ({ name, value }) => fields.push([name.text, value]),
  });
  return isSound ? fields : undefined;
}

function bytes(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(" ", ""), "hex");
}

const FIRST: readonly Pair[] = [
  [":method", "GET"],
  [":scheme", "http"],
  [":path", "/"],
  [":authority", "www.example.com"],
];
const THIRD: readonly Pair[] = [
  [":method", "GET"],
  [":scheme", "https"],
  [":path", "/index.html"],
  [":authority", "www.example.com"],
  ["custom-key", "custom-value"],
];
const REDIRECT: readonly Pair[] = [
  [":status", "302"],
  ["cache-control", "private"],
  ["date", "Mon, 21 Oct 2013 20:13:21 GMT"],
  ["location", "https://www.example.com"],
];

// RFC 7541 Appendix C: blocks of one connection, one after the other.
const SAMPLES: readonly (readonly [string, readonly (readonly [string, readonly Pair[]])[]])[] = [
  [
    "C.2.1 a literal that is indexed",
    [
      [
        "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
        [["custom-key", "custom-header"]],
      ],
    ],
  ],
  [
    "C.2.2 a literal that is not",
    [["040c 2f73 616d 706c 652f 7061 7468", [[":path", "/sample/path"]]]],
  ],
  [
    "C.2.3 one that never is",
    [["1008 7061 7373 776f 7264 0673 6563 7265 74", [["password", "secret"]]]],
  ],
  ["C.2.4 an index", [["82", [[":method", "GET"]]]]],
  [
    "C.3 requests without Huffman",
    [
      ["8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", FIRST],
      ["8286 84be 5808 6e6f 2d63 6163 6865", [...FIRST, ["cache-control", "no-cache"]]],
      ["8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65", THIRD],
    ],
  ],
  [
    "C.4 requests with Huffman",
    [
      ["8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", FIRST],
      ["8286 84be 5886 a8eb 1064 9cbf", [...FIRST, ["cache-control", "no-cache"]]],
      ["8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf", THIRD],
    ],
  ],
  [
    "C.6 responses in a table of 256 bytes, which evicts",
    [
      [
        "3fe101 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
        REDIRECT,
      ],
      ["4883 640e ffc1 c0bf", [[":status", "307"], ...REDIRECT.slice(1)]],
      [
        "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
        [
          [":status", "200"],
          ["cache-control", "private"],
          ["date", "Mon, 21 Oct 2013 20:13:22 GMT"],
          ["location", "https://www.example.com"],
          ["content-encoding", "gzip"],
          ["set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"],
        ],
      ],
    ],
  ],
];

for (const [name, blocks] of SAMPLES) {
  test(`HpackDecoder: RFC 7541 ${name}`, () => {
    const decoder = new HpackDecoder();

    const fields = blocks.map(([hex]) => decode(decoder, bytes(hex)));

    assert.deepEqual(
      fields,
      blocks.map(([, wanted]) => wanted),
    );
  });
}

// biome-ignore format: a table
const MALFORMED: readonly (readonly [name: string, hex: string])[] = [
  ["index 0",                               "80"],
  ["an index beyond the table",             "be"],
  ["a name's index beyond the table",       "7e0161"],
  ["an index of which the rest is missing", "ff"],
  ["an index that never ends",              "ffffffffffffff"],
  ["a string that is cut off",              "4002 61"],
  ["a literal without a value",             "4001 61"],
  ["a literal without a name",              "40"],
  ["a length beyond all there can be",      "407fffffff7f"],
  ["Huffman padding of eight bits",         "4082 1fff 0161"],
  ["a table size behind a field",           "82 20"],
  ["a table larger than we allow",          "3fe21f"],
];

for (const [name, hex] of MALFORMED) {
  test(`HpackDecoder: refuses ${name}`, () => {
    assert.equal(decode(new HpackDecoder(), bytes(hex)), undefined);
  });
}

test("HpackDecoder: the largest table that we allow is none too large", () => {
  assert.deepEqual(decode(new HpackDecoder(), bytes("3fe11f 82")), [[":method", "GET"]]);
});

test("HpackDecoder: a field larger than the table empties it and is none of it", () => {
  const decoder = new HpackDecoder();
  decode(decoder, bytes("400161 0162"));
  const long = Buffer.concat([bytes("400163 7f811f"), Buffer.alloc(4096, "x")]);

  assert.deepEqual(decode(decoder, long), [["c", "x".repeat(4096)]]);
  assert.equal(decode(decoder, bytes("be")), undefined);
});

const NO_DROPS = new Uint8Array(256);

function encode(encoder: HpackEncoder, pairs: readonly Pair[]): Buffer {
  const list = HeaderList.empty();
  for (const [name, value] of pairs) list.add(name, value);
  encoder.begin();
  encoder.fields(list, NO_DROPS);
  return Buffer.from(encoder.end());
}

test("HpackEncoder: a field that comes again is one byte", () => {
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder();
  const pairs: readonly Pair[] = [
    ["Server", "sluice"],
    ["x-own", "1"],
  ];
  const lower = pairs.map(([name, value]) => [name.toLowerCase(), value]);

  const first = encode(encoder, pairs);
  const second = encode(encoder, pairs);

  assert.equal(second.length, 2);
  assert.deepEqual(decode(decoder, first), lower);
  assert.deepEqual(decode(decoder, second), lower);
});

test("HpackEncoder: secrets are never indexed, and what hardly comes twice is not", () => {
  const encoder = new HpackEncoder();

  const secret = encode(encoder, [["set-cookie", "a=b"]]);
  const seldom = encode(encoder, [["etag", '"1"']]);

  assert.equal(secret[0]! & 0xf0, 0x10);
  assert.equal(seldom[0]! & 0xf0, 0x00);
  assert.deepEqual(encode(encoder, [["set-cookie", "a=b"]]), secret);
});

test("HpackEncoder: a status is an index, or a literal that becomes one", () => {
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder();
  const lengths: number[] = [];

  for (const status of [200, 418, 418]) {
    encoder.begin();
    encoder.status(status);
    const block = Buffer.from(encoder.end());
    lengths.push(block.length);
    assert.deepEqual(decode(decoder, block), [[":status", String(status)]]);
  }

  assert.equal(lengths[0], 1);
  assert.equal(lengths[2], 1);
});

test("HpackEncoder: a table that shrinks and grows again is told of both", () => {
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder();
  const pair: readonly Pair[] = [["x-a", "1"]];
  decode(decoder, encode(encoder, pair));

  encoder.resize(0);
  encoder.resize(4096);
  const block = encode(encoder, pair);

  assert.equal(block.subarray(0, 4).toString("hex"), "203fe11f");
  assert.deepEqual(decode(decoder, block), pair);
});

test("HpackEncoder: a peer that wants no table gets literals", () => {
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder();
  encoder.resize(0);

  const blocks = [1, 2].map(() => encode(encoder, [["x-a", "1"]]));

  assert.equal(blocks[0]![0], 0x20);
  assert.equal(blocks[1]![0], 0x00);
  for (const block of blocks) assert.deepEqual(decode(decoder, block), [["x-a", "1"]]);
});

test("HpackEncoder: what any number of blocks say is what the decoder reads", () => {
  const name = fc.oneof(
    fc.constantFrom("server", "date", "vary", "x-a", "x-b", "set-cookie", "etag"),
    fc.stringMatching(/^[a-z0-9-]{1,40}$/),
  );
  const value = fc.oneof(
    fc.constantFrom("", "a", "b", "gzip", "x".repeat(1_000), "y".repeat(1_500)),
    fc.stringMatching(/^[!-~]{0,300}$/),
    fc
      .uint8Array({ maxLength: 30 })
      .map((each) => Buffer.from(each.map((byte) => byte | 0x80)).toString("latin1")),
  );
  const blocks = fc.array(fc.array(fc.tuple(name, value), { maxLength: 12 }), { maxLength: 30 });
  const sizes = fc.array(fc.constantFrom(0, 64, 300, 4096, 65_536), { maxLength: 30 });

  fc.assert(
    fc.property(blocks, sizes, (each, tableSizes) => {
      const encoder = new HpackEncoder();
      const decoder = new HpackDecoder();
      for (const [index, pairs] of each.entries()) {
        const size = tableSizes[index];
        if (size !== undefined) encoder.resize(size);
        assert.deepEqual(decode(decoder, encode(encoder, pairs)), pairs);
      }
    }),
  );
});

test("HpackDecoder: no bytes throw", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 10 }), (blocks) => {
      const decoder = new HpackDecoder();
      for (const block of blocks) decode(decoder, Buffer.from(block));
    }),
    { numRuns: 2_000 },
  );
});
