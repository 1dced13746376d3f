/**
 * The encoders of node:zlib with the parameters that a level stands for here: how much of the body they
 * look back on is bounded, since that is what one costs in memory for as long as its response lasts.
 */
import {
  type BrotliOptions,
  brotliCompressSync,
  constants,
  createBrotliCompress,
  createGzip,
  createZstdCompress,
  gzipSync,
  type ZlibOptions,
  type ZstdOptions,
  zstdCompressSync,
} from "node:zlib";
import type { CodecOpener } from "../../base/codec.ts";
import { ZlibCodec } from "../../base/zlib-codec.ts";
import type { Coding } from "../../protocol/http/content-coding.ts";

export type Levels = Readonly<Record<Coding, number>>;

export interface Encoder {
  readonly coding: Coding;
  readonly memoryBytes: number; // of one that open() has made, at most
  readonly open: CodecOpener;
  /** All at once, on the event loop; undefined where the level is too slow for that. */
  readonly whole: ((body: Uint8Array) => Buffer) | undefined;
}

const KIB = 1024;
const MIB = 1024 * KIB;
const WINDOW_LOG = 19; // 512 KiB; the defaults of 4 and 2 MiB buy nothing on most of what the web has

/**
 * Measured on Node 26, resident bytes of 20 encoders that had taken 640 KiB each, rounded up: the
 * highest level of a row, and what one costs.
 */
const MEMORY: Readonly<Record<Coding, readonly (readonly [level: number, bytes: number])[]>> = {
  gzip: [[9, 320 * KIB]],
  br: [
    [1, 256 * KIB],
    [4, 1.5 * MIB],
    [5, 2.5 * MIB],
    [6, 4 * MIB],
    [11, 20 * MIB],
  ],
  zstd: [
    [1, 1 * MIB],
    [3, 1.75 * MIB],
    [6, 3.5 * MIB],
    [9, 12 * MIB],
    [12, 48 * MIB],
    [19, 96 * MIB],
  ],
};

/** Up to here 16 KiB cost the event loop some 0.2 ms; see compress.bench.ts. */
const WHOLE_LEVEL_MAX: Levels = { gzip: 6, br: 5, zstd: 6 };

export function encoderOf(coding: Coding, level: number): Encoder {
  const memoryBytes = MEMORY[coding].find(([most]) => level <= most)![1];
  const whole = level <= WHOLE_LEVEL_MAX[coding] ? WHOLE[coding](level) : undefined;
  return { coding, memoryBytes, open: OPENERS[coding](level), whole };
}

const OPENERS: Readonly<Record<Coding, (level: number) => CodecOpener>> = {
  gzip: (level) => (taker) => new ZlibCodec(createGzip({ level }), constants.Z_SYNC_FLUSH, taker),
  br: (level) => (taker) =>
    new ZlibCodec(
      createBrotliCompress(brotliOptions(level, 0)),
      constants.BROTLI_OPERATION_FLUSH,
      taker,
    ),
  zstd: (level) => (taker) =>
    new ZlibCodec(createZstdCompress(zstdOptions(level)), constants.ZSTD_e_flush, taker),
};

const WHOLE: Readonly<Record<Coding, (level: number) => (body: Uint8Array) => Buffer>> = {
  gzip: (level) => (body) => gzipSync(body, gzipOptions(level, body.length)),
  br: (level) => (body) => brotliCompressSync(body, brotliOptions(level, body.length)),
  zstd: (level) => (body) =>
    zstdCompressSync(body, { ...zstdOptions(level), pledgedSrcSize: body.length }),
};

/** A window no larger than the body: to set up a larger one is a third of the work for 1 KiB. */
function gzipOptions(level: number, bytes: number): ZlibOptions {
  const windowBits = Math.min(15, Math.max(9, 32 - Math.clz32(bytes + 262)));
  return { level, windowBits };
}

function brotliOptions(level: number, bytes: number): BrotliOptions {
  return {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: level,
      [constants.BROTLI_PARAM_LGWIN]: WINDOW_LOG,
      ...(bytes > 0 && { [constants.BROTLI_PARAM_SIZE_HINT]: bytes }),
    },
  };
}

function zstdOptions(level: number): ZstdOptions {
  return {
    params: {
      [constants.ZSTD_c_compressionLevel]: level,
      [constants.ZSTD_c_windowLog]: WINDOW_LOG,
    },
  };
}
