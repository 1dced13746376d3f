/**
 * Up to which size a body is better coded on the event loop than by a thread.
 *
 *     node src/features/compress/compress.bench.ts
 *
 * All variants take turns; the figures are medians of the rounds.
 */
import { CODINGS } from "../../protocol/http/content-coding.ts";
import { LEVELS } from "./compress-options.ts";
import { type Encoder, encoderOf } from "./encoders.ts";

const SIZES_KIB = [1, 4, 10, 16, 32, 100];
const ROUNDS = 7;
const BYTES_PER_ROUND = 4 * 1024 * 1024;

const encoders = CODINGS.map((coding) => encoderOf(coding, LEVELS[coding]));

/** Records as an API lists them. */
function jsonOf(bytes: number): Buffer {
  let text = "[";
  for (let id = 0; text.length < bytes; id++) {
    const chance = Math.imul(id + 1, 2_654_435_761) >>> 8;
    text += `{"id":${id},"name":"user ${chance % 9973}","active":${chance % 2 === 0},"tags":["a${chance % 17}"]},`;
  }
  return Buffer.from(text.slice(0, bytes));
}

function byThread(encoder: Encoder, body: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const codec = encoder.open({
      out: () => {},
      took: () => {},
      over: resolve,
      failed: (why) => reject(new Error(why)),
    });
    codec.write(body, "finish");
  });
}

/** Microseconds of the processor for each, all threads together. */
async function cpuUs(count: number, act: () => unknown): Promise<number> {
  const usage = process.cpuUsage();
  for (let index = 0; index < count; index++) await act();
  const { user, system } = process.cpuUsage(usage);
  return (user + system) / count;
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;
const cell = (value: number) => value.toFixed(0).padStart(12);

console.log("size  coding on the loop by a thread (µs of CPU)");
for (const sizeKib of SIZES_KIB) {
  const body = jsonOf(sizeKib * 1024);
  const count = Math.ceil(BYTES_PER_ROUND / body.length / 10);
  for (const encoder of encoders) {
    const whole: number[] = [];
    const thread: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      whole.push(await cpuUs(count, () => encoder.whole!(body)));
      thread.push(await cpuUs(count, () => byThread(encoder, body)));
    }
    const cells = cell(median(whole)) + cell(median(thread));
    console.log(`${String(sizeKib).padStart(3)}K  ${encoder.coding.padEnd(5)}${cells}`);
  }
}
