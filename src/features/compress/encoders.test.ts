import assert from "node:assert/strict";
import { test } from "node:test";
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import { CODINGS } from "../../protocol/http/content-coding.ts";
import { encoderOf } from "./encoders.ts";

const DECODE = { gzip: gunzipSync, br: brotliDecompressSync, zstd: zstdDecompressSync };
const LEVELS = { gzip: [1, 6, 9], br: [0, 4, 11], zstd: [1, 3, 19] };

function coded(encoder: ReturnType<typeof encoderOf>, pieces: readonly Buffer[]): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const out: Buffer[] = [];
    let at = 0;
    const next = () => codec.write(pieces[at]!, ++at === pieces.length ? "finish" : "more");
    const codec = encoder.open({
      out: (bytes) => out.push(bytes),
      took: next,
      over: () => resolve(Buffer.concat(out)),
      failed: (why) => reject(new Error(why)),
    });
    next();
  });
}

for (const coding of CODINGS) {
  for (const level of LEVELS[coding]) {
    test(`encoderOf: ${coding} ${level}, one body after the other, several at once, some given up`, async () => {
      const encoder = encoderOf(coding, level);
      const bodyOf = (number: number) => Buffer.from(`body ${number}, `.repeat(3_000));

      for (let round = 0; round < 4; round++) {
        const bodies = Array.from({ length: 7 }, (_, index) => bodyOf(round * 10 + index));
        const results = await Promise.all(
          bodies.map((body) =>
            coded(encoder, [body.subarray(0, 7), body.subarray(7), Buffer.alloc(0)]),
          ),
        );
        const givenUp = encoder.open({ out() {}, took() {}, over() {}, failed() {} });
        givenUp.write(bodyOf(99), "more");
        givenUp.close();

        for (const [index, result] of results.entries()) {
          assert.ok(DECODE[coding](result).equals(bodies[index]!), `round ${round}`);
        }
      }
      const { whole } = encoder;
      assert.equal(whole === undefined, level > 6, "slow levels have no place on the event loop");
      if (whole === undefined) return;
      for (const bytes of [0, 1, 250, 251, 1_000, 16_384]) {
        const body = bodyOf(1).subarray(0, bytes);
        assert.ok(DECODE[coding](whole(body)).equals(body), `${bytes} bytes`);
      }
    });
  }
}
