import assert from "node:assert/strict";
import { test } from "node:test";
import {
  brotliCompressSync,
  constants,
  createZstdCompress,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from "node:zlib";
import { Seeded } from "../../../test/support/seeded.ts";
import { StageSink } from "../../../test/support/stage-sink.ts";
import { type Decoding, decodingOf, openDecoder } from "./decoders.ts";
import { Inflating } from "./inflating.ts";

class Bench {
  readonly sink = new StageSink();
  readonly bugs: unknown[] = [];
  readonly stage: Inflating;
  overs = 0;
  judged = 0;

  constructor(decoding: Decoding, bytesMax = Number.POSITIVE_INFINITY) {
    this.stage = new Inflating(this.sink, {
      open: (first, taker) => openDecoder(decoding, first, taker),
      judge: (bytes) => {
        this.judged += bytes;
        if (this.judged <= bytesMax) return undefined;
        return { code: "request_content_too_large", detail: "" };
      },
      over: () => {
        this.overs++;
      },
      bug: (error) => this.bugs.push(error),
    });
    // As the pipeline does it.
    const { fail } = this.sink;
    this.sink.fail = (fault) => {
      fail.call(this.sink, fault);
      this.stage.stop();
    };
  }

  /** What came out, or the fault's code. */
  async outcome(): Promise<string> {
    const { sink } = this;
    await sink.until(() => sink.ends > 0 || sink.faults.length > 0);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([sink.ends + sink.faults.length, this.overs, this.bugs], [1, 1, []]);
    return sink.faults[0]?.code ?? sink.bytes.toString();
  }
}

const TEXT = "a few words, and a few words again ".repeat(8);
const PLAIN = Buffer.from(TEXT);

const CODED: readonly (readonly [name: string, decoding: Decoding, coded: Buffer])[] = [
  ["gzip", "gzip", gzipSync(PLAIN)],
  [
    "gzip of two members",
    "gzip",
    Buffer.concat([gzipSync(PLAIN.subarray(0, 9)), gzipSync(PLAIN.subarray(9))]),
  ],
  ["deflate", "deflate", deflateSync(PLAIN)],
  ["deflate without its frame", "deflate", deflateRawSync(PLAIN)],
  ["br", "br", brotliCompressSync(PLAIN)],
  ["zstd", "zstd", zstdCompressSync(PLAIN)],
  [
    "zstd of two frames",
    "zstd",
    Buffer.concat([zstdCompressSync(PLAIN.subarray(0, 9)), zstdCompressSync(PLAIN.subarray(9))]),
  ],
];

for (const [name, decoding, coded] of CODED) {
  test(`Inflating: ${name}, split at every place`, async () => {
    for (let at = 1; at < coded.length; at++) {
      const bench = new Bench(decoding);
      bench.stage.write(coded.subarray(0, at));
      bench.stage.flush();
      bench.stage.write(coded.subarray(at));
      bench.stage.end(undefined);

      assert.equal(await bench.outcome(), TEXT, `split at ${at}`);
    }
  });

  test(`Inflating: ${name}, byte by byte`, async () => {
    const bench = new Bench(decoding);
    for (const byte of coded) {
      bench.stage.write(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    bench.stage.end(undefined);

    assert.equal(await bench.outcome(), TEXT);
  });

  test(`Inflating: ${name} that ends early is malformed`, async () => {
    const whole = name.includes("two") ? gzipOrZstdFirst(decoding) : 0; // the first part is whole
    for (let length = 1; length < coded.length; length++) {
      if (length === whole) continue;
      const bench = new Bench(decoding);
      bench.stage.write(coded.subarray(0, length));
      bench.stage.end(undefined);

      assert.equal(await bench.outcome(), "request_content_malformed", `${length} bytes`);
    }
  });

  test(`Inflating: ${name} with something behind it is malformed`, async () => {
    for (const isApart of [true, false]) {
      const bench = new Bench(decoding);
      if (isApart) {
        bench.stage.write(coded);
        bench.stage.write(Buffer.from("GET / HTTP/1.1"));
      } else bench.stage.write(Buffer.concat([coded, Buffer.from("GET / HTTP/1.1")]));
      bench.stage.end(undefined);

      assert.equal(await bench.outcome(), "request_content_malformed");
    }
  });

  test(`Inflating: ${name} with a byte that is another one is malformed, or other text`, async () => {
    const random = new Seeded(coded.length);
    for (let round = 0; round < 60; round++) {
      const broken = Buffer.from(coded);
      broken[random.below(broken.length)]! ^= 1 << random.below(8);
      const bench = new Bench(decoding, 100_000);
      bench.stage.write(broken);
      bench.stage.end(undefined);

      await bench.outcome(); // whichever: once, and no bug
    }
  });
}

function gzipOrZstdFirst(decoding: Decoding): number {
  const first = PLAIN.subarray(0, 9);
  return (decoding === "gzip" ? gzipSync(first) : zstdCompressSync(first)).length;
}

test("Inflating: no byte at all is an empty body", async () => {
  for (const decoding of ["gzip", "deflate", "br", "zstd"] as const) {
    const bench = new Bench(decoding);
    bench.stage.end(undefined);

    assert.equal(await bench.outcome(), "");
  }
});

test("Inflating: one byte is none of them", async () => {
  for (const decoding of ["gzip", "deflate", "br", "zstd"] as const) {
    const bench = new Bench(decoding);
    bench.stage.write(Buffer.of(0x78));
    bench.stage.end(undefined);

    assert.equal(await bench.outcome(), "request_content_malformed", decoding);
  }
});

test("Inflating: a bomb stops where the judge says, and little was made beyond that (D8)", async () => {
  const zeros = Buffer.alloc(64 * 1024 * 1024);
  const bombs = [
    ["gzip", gzipSync(zeros)],
    ["deflate", deflateSync(zeros)],
    ["br", brotliCompressSync(zeros, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } })],
    ["zstd", zstdCompressSync(zeros)],
  ] as const;
  for (const [decoding, bomb] of bombs) {
    const bench = new Bench(decoding, 1_000_000);
    bench.stage.write(bomb);
    bench.stage.end(undefined);

    assert.equal(await bench.outcome(), "request_content_too_large", decoding);
    assert.ok(bench.sink.bytes.length <= 1_000_000, `${bench.sink.bytes.length} bytes passed on`);
    assert.ok(bench.judged < 1_100_000, `${bench.judged} bytes made`);
  }
});

test("Inflating: who takes nothing makes a bomb wait", async () => {
  const bench = new Bench("gzip");
  bench.sink.takes = () => false;

  bench.stage.write(gzipSync(Buffer.alloc(64 * 1024 * 1024)));
  await bench.sink.until(() => bench.sink.bytes.length > 0);
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setTimeout(resolve, 2));

  assert.ok(bench.judged < 200_000, `${bench.judged} bytes made`);
  assert.equal(bench.stage.write(PLAIN), false);
  bench.stage.stop();
  assert.equal(bench.overs, 1);
});

test("Inflating: a window beyond 8 MiB is refused", async () => {
  const encoder = createZstdCompress({ params: { [constants.ZSTD_c_windowLog]: 24 } });
  const pieces: Buffer[] = [];
  encoder.on("data", (piece: Buffer) => pieces.push(piece));
  const isOver = new Promise((resolve) => encoder.on("end", resolve));
  encoder.write(PLAIN);
  encoder.end(PLAIN);
  await isOver;
  const bench = new Bench("zstd");

  bench.stage.write(Buffer.concat(pieces));
  bench.stage.end(undefined);

  assert.equal(await bench.outcome(), "request_content_malformed");
});

test("Inflating: to stop it at any moment ends it once, and nothing comes afterwards", async () => {
  const [, , coded] = CODED[0]!;
  for (let moment = 0; moment < 8; moment++) {
    const bench = new Bench("gzip");
    const { stage, sink } = bench;
    const acts = [
      () => stage.write(coded.subarray(0, 9)),
      () => new Promise((resolve) => setImmediate(resolve)),
      () => stage.write(coded.subarray(9)),
      () => stage.end(undefined),
    ];
    for (const act of acts.slice(0, Math.ceil(moment / 2))) await act();
    stage.stop();
    const { length } = sink.bytes;
    stage.stop();
    await new Promise((resolve) => setTimeout(resolve, 5));

    assert.deepEqual([sink.bytes.length, sink.ends, bench.overs], [length, 0, 1]);
  }
});

test("decodingOf: names, old ones, and none of ours", () => {
  const found = ["gzip", "x-gzip", "deflate", "br", "zstd", "compress", "lzma", ""].map(decodingOf);

  assert.deepEqual(found, [
    "gzip",
    "gzip",
    "deflate",
    "br",
    "zstd",
    undefined,
    undefined,
    undefined,
  ]);
});
