import assert from "node:assert/strict";
import { test } from "node:test";
import {
  brotliDecompressSync,
  constants,
  gunzipSync,
  type ZlibOptions,
  zstdDecompressSync,
} from "node:zlib";
import { Seeded } from "../../../test/support/seeded.ts";
import { SimClock } from "../../../test/support/sim-clock.ts";
import { StageSink } from "../../../test/support/stage-sink.ts";
import { CODINGS, type Coding } from "../../protocol/http/content-coding.ts";
import { LEVELS } from "./compress-options.ts";
import { Compressing, WHOLE_BYTES_MAX } from "./compressing.ts";
import { type Encoder, encoderOf } from "./encoders.ts";
import { JOB_BYTES, JobBuffers } from "./job-buffers.ts";

/** Whole contents, and what there is of one so far. */
const DECODERS: Readonly<Record<Coding, readonly [whole: Decode, part: Decode]>> = {
  gzip: [gunzipSync, (bytes) => gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH })],
  br: [
    brotliDecompressSync,
    (bytes) =>
      brotliDecompressSync(bytes, { finishFlush: constants.BROTLI_OPERATION_FLUSH } as ZlibOptions),
  ],
  zstd: [
    zstdDecompressSync,
    (bytes) => zstdDecompressSync(bytes, { finishFlush: constants.ZSTD_e_flush }),
  ],
};
type Decode = (bytes: Buffer) => Buffer;

/** One for all bodies, as a worker has it. */
const ENCODERS: Readonly<Record<Coding, Encoder>> = {
  gzip: encoderOf("gzip", LEVELS.gzip),
  br: encoderOf("br", LEVELS.br),
  zstd: encoderOf("zstd", LEVELS.zstd),
};

class Bench {
  readonly sink = new StageSink();
  readonly clock = new SimClock();
  readonly buffers = new JobBuffers();
  readonly bugs: unknown[] = [];
  readonly stage: Compressing;
  readonly #coding: Coding;
  counted = 0;
  overs = 0;
  opened = 0;

  constructor(coding: Coding, options: { flushesReads?: boolean; isBroken?: boolean } = {}) {
    const { open, whole } = ENCODERS[coding];
    this.#coding = coding;
    this.stage = new Compressing(this.sink, {
      open: (taker) => {
        this.opened++;
        const codec = open(taker);
        if (options.isBroken === true) setImmediate(() => taker.failed("out of memory"));
        return codec;
      },
      whole,
      flushesReads: options.flushesReads ?? false,
      clock: this.clock,
      buffers: this.buffers,
      count: (bytes) => {
        this.counted += bytes;
      },
      over: () => {
        this.overs++;
      },
      bug: (error) => this.bugs.push(error),
    });
  }

  async ended(): Promise<Buffer> {
    await this.sink.until(() => this.sink.ends > 0);
    assert.deepEqual([this.sink.ends, this.overs, this.bugs], [1, 1, []]);
    assert.equal(this.clock.pendingCount, 0);
    return DECODERS[this.#coding][0](this.sink.bytes);
  }

  /** What a client can read by now. */
  get readable(): string {
    return DECODERS[this.#coding][1](this.sink.flushed).toString();
  }
}

function textOf(bytes: number, seed = 1): Buffer {
  const random = new Seeded(seed);
  let text = "";
  while (text.length < bytes) text += `${random.below(1000)} of ${random.below(50)}, `;
  return Buffer.from(text.slice(0, bytes));
}

for (const coding of CODINGS) {
  test(`Compressing: ${coding} of any chunks, flushes and pauses is what went in`, async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = new Seeded(seed);
      const body = textOf(random.below(random.of([1, 100, 20_000, 200_000])), seed);
      const bench = new Bench(coding, { flushesReads: random.chance(2) });
      const { stage, sink } = bench;
      if (random.chance(2)) {
        sink.takes = () => {
          const isTaken = random.chance(2);
          if (!isTaken) setImmediate(() => stage.resume());
          return isTaken;
        };
      }

      const most = random.of([1, 1000, 70_000]) * (body.length > 20_000 ? 100 : 1);
      for (let at = 0; at < body.length; ) {
        const end = Math.min(body.length, at + 1 + random.below(most));
        const asked = sink.asked;
        if (!stage.write(body.subarray(at, end))) await sink.until(() => sink.asked > asked);
        if (random.chance(3)) stage.flush();
        if (random.chance(8)) await new Promise((resolve) => setImmediate(resolve));
        at = end;
      }
      stage.end(undefined);

      const came = await bench.ended();
      assert.ok(came.equals(body), `seed ${seed}: ${came.length} of ${body.length} bytes`);
      assert.equal(bench.counted, body.length);
    }
  });

  test(`Compressing: ${coding}, around the borders of what is done at once and of a job`, async () => {
    const borders = [WHOLE_BYTES_MAX, JOB_BYTES, 2 * JOB_BYTES];
    for (const bytes of borders.flatMap((border) => [border - 1, border, border + 1])) {
      for (const first of [1, WHOLE_BYTES_MAX, bytes - 1, bytes]) {
        const body = textOf(bytes);
        const bench = new Bench(coding);

        bench.stage.write(body.subarray(0, first));
        if (first < bytes) bench.stage.write(body.subarray(first));
        bench.stage.end(undefined);

        assert.ok((await bench.ended()).equals(body), `${bytes} bytes, ${first} of them first`);
        assert.equal(bench.opened, bytes > WHOLE_BYTES_MAX ? 1 : 0);
      }
    }
  });

  test(`Compressing: ${coding}, 300 bytes split at every place`, async () => {
    const body = textOf(300);
    for (let at = 1; at < body.length; at++) {
      const bench = new Bench(coding, { flushesReads: true });

      bench.stage.write(body.subarray(0, at));
      if (at % 2 === 0) bench.stage.flush();
      bench.stage.write(body.subarray(at));
      bench.stage.end(undefined);

      assert.ok((await bench.ended()).equals(body), `split at ${at}`);
    }
  });

  test(`Compressing: ${coding}, 10,000 tiny chunks are a few jobs`, async () => {
    const body = textOf(50_000);
    const bench = new Bench(coding);

    for (let at = 0; at < body.length; at += 5) bench.stage.write(body.subarray(at, at + 5));
    bench.stage.end(undefined);

    assert.ok((await bench.ended()).equals(body));
    assert.ok(bench.sink.bytes.length < 20_000, `${bench.sink.bytes.length} bytes`);
  });

  test(`Compressing: ${coding} of messages can be read as they come`, async () => {
    const bench = new Bench(coding, { flushesReads: true });
    const { stage, sink } = bench;
    let sent = "";

    stage.flush(); // the head alone
    assert.equal(sink.flushes, 1);
    for (let number = 1; number <= 20; number++) {
      const message = `data: message ${number}\n\n`;
      sent += message;
      const before = sink.flushes;
      stage.write(Buffer.from(message));
      stage.flush();
      await sink.until(() => sink.flushes > before);
      assert.equal(bench.readable, sent);
    }
    const { length } = sink.bytes;
    for (let time = 0; time < 3; time++) stage.flush();
    assert.equal(sink.bytes.length, length, "and nothing is sent to say nothing");
    stage.end(undefined);

    assert.equal((await bench.ended()).toString(), sent);
  });
}

test("Compressing: what trickles can be read when nothing has followed for 50 ms", async () => {
  const bench = new Bench("gzip");
  const { stage, sink, clock } = bench;

  stage.write(Buffer.from("a"));
  stage.flush();
  await clock.advance(30);
  stage.write(Buffer.from("b"));
  stage.flush();
  await clock.advance(49);
  assert.equal(sink.flushes, 0);
  await clock.advance(2);
  await sink.until(() => sink.flushes === 1);
  assert.equal(bench.readable, "ab");
  await clock.advance(1_000);
  assert.equal(clock.pendingCount, 0, "no timer where there is nothing to wait for");
  stage.write(Buffer.from("c"));
  stage.flush();
  stage.end(undefined);

  assert.equal((await bench.ended()).toString(), "abc");
});

test("Compressing: who takes nothing makes it hold on, and it holds little", async () => {
  const bench = new Bench("gzip");
  const { stage, sink } = bench;
  const random = new Seeded(3);
  const noise = () => Buffer.from(Array.from({ length: 16_384 }, () => random.below(256)));
  sink.takes = () => false;
  let taken = 0;
  for (; taken < 100; taken++) {
    if (!stage.write(noise())) {
      const asked = sink.asked;
      await new Promise((resolve) => setTimeout(resolve, 20));
      if (sink.asked === asked) break;
    }
  }

  assert.ok(taken * 16_384 <= 8 * JOB_BYTES, `${taken * 16} KiB taken`);
  sink.takes = () => true;
  stage.resume();
  await sink.until(() => sink.asked > 0);
  stage.end(undefined);
  await bench.ended();
});

test("Compressing: to stop it at any moment ends it once, and nothing comes afterwards", async () => {
  for (let moment = 0; moment < 12; moment++) {
    const bench = new Bench("zstd", { flushesReads: moment % 2 === 0 });
    const { stage, sink } = bench;
    const acts = [
      () => stage.write(textOf(10)),
      () => stage.flush(),
      () => stage.write(textOf(100_000)),
      () => new Promise((resolve) => setImmediate(resolve)),
      () => stage.write(textOf(JOB_BYTES)),
      () => stage.end(undefined),
    ];

    for (const act of acts.slice(0, Math.ceil(moment / 2))) await act();
    stage.stop();
    const { length } = sink.bytes;
    stage.stop();
    await bench.clock.advance(1_000);
    await new Promise((resolve) => setTimeout(resolve, 5));

    assert.equal(sink.bytes.length, length);
    assert.deepEqual([sink.ends, bench.overs, bench.bugs], [0, 1, []], `moment ${moment}`);
    assert.equal(bench.clock.pendingCount, 0);
  }
});

test("Compressing: an encoder that fails is a bug that ends the exchange", async () => {
  const bench = new Bench("gzip", { isBroken: true });

  bench.stage.write(textOf(JOB_BYTES));
  await bench.sink.until(() => bench.sink.faults.length > 0);
  bench.stage.stop();

  assert.equal(bench.sink.faults[0]!.code, "bug");
  assert.match(String(bench.bugs[0]), /out of memory/);
  assert.equal(bench.overs, 1);
});

test("JobBuffers: are used again, a bounded number of them", () => {
  const buffers = new JobBuffers();
  const taken = Array.from({ length: 100 }, () => buffers.take());
  for (const buffer of taken) buffers.giveBack(buffer);

  const again = Array.from({ length: 100 }, () => buffers.take());

  assert.equal(new Set([...taken, ...again]).size, 136);
});
