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
  type ZlibReset,
  type ZstdOptions,
  zstdCompressSync,
} from "node:zlib";
import type { Codec, CodecOpener, CodecTaker } from "../../base/codec.ts";
import { ZlibCodec, type ZlibKinds, type ZlibStream } from "../../base/zlib-codec.ts";
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
const CHUNK_BYTES = 32 * KIB; // of what comes out; each has a call from the thread to the event loop
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

/** Up to here 16 KiB cost the event loop some 0.1 ms. compress.bench.ts has what a thread costs. */
const WHOLE_LEVEL_MAX: Levels = { gzip: 6, br: 5, zstd: 6 };

export function encoderOf(coding: Coding, level: number): Encoder {
  return new PooledEncoder(coding, level);
}

const IDLE_COUNT_MAX = 4; // as many as there are threads to use them
const IDLE_BYTES_MAX = 4 * MIB; // of one: what is dearer is not kept

/**
 * Streams of gzip and zstd are used again: to set one up costs gzip a tenth of what 100 KiB cost, and
 * zstd half. One of brotli can be used once.
 */
class PooledEncoder implements Encoder, Disposable {
  readonly coding: Coding;
  readonly memoryBytes: number;
  readonly whole: ((body: Uint8Array) => Buffer) | undefined;
  readonly #level: number;
  readonly #idle: ZlibStream[];
  #idleMax: number;

  constructor(coding: Coding, level: number) {
    this.coding = coding;
    this.memoryBytes = MEMORY[coding].find(([most]) => level <= most)![1];
    this.whole = level <= WHOLE_LEVEL_MAX[coding] ? WHOLE[coding](level) : undefined;
    this.#level = level;
    this.#idle = [];
    this.#idleMax = this.memoryBytes <= IDLE_BYTES_MAX ? IDLE_COUNT_MAX : 0;
  }

  readonly open = (taker: CodecTaker): Codec => {
    const stream = this.#idle.pop() ?? MAKERS[this.coding](this.#level);
    return new ZlibCodec(stream, KINDS[this.coding], taker, (each) => this.#keep(each));
  };

  [Symbol.dispose](): void {
    this.#idleMax = 0;
    for (const stream of this.#idle.splice(0)) stream.destroy();
  }

  #keep(stream: ZlibStream): void {
    if (this.#idle.length >= this.#idleMax) {
      stream.destroy();
      return;
    }
    // What was ended is begun anew by zstd itself.
    if (this.coding === "gzip") (stream as ZlibStream & ZlibReset).reset();
    this.#idle.push(stream);
  }
}

const KINDS: Readonly<Record<Coding, ZlibKinds>> = {
  gzip: { flush: constants.Z_SYNC_FLUSH, finish: constants.Z_FINISH },
  br: { flush: constants.BROTLI_OPERATION_FLUSH },
  zstd: { flush: constants.ZSTD_e_flush, finish: constants.ZSTD_e_end },
};

const MAKERS: Readonly<Record<Coding, (level: number) => ZlibStream>> = {
  gzip: (level) => createGzip({ level, chunkSize: CHUNK_BYTES }),
  br: (level) => createBrotliCompress(brotliOptions(level, 0)),
  zstd: (level) => createZstdCompress(zstdOptions(level)),
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
    chunkSize: CHUNK_BYTES,
    params: {
      [constants.BROTLI_PARAM_QUALITY]: level,
      [constants.BROTLI_PARAM_LGWIN]: WINDOW_LOG,
      ...(bytes > 0 && { [constants.BROTLI_PARAM_SIZE_HINT]: bytes }),
    },
  };
}

function zstdOptions(level: number): ZstdOptions {
  return {
    chunkSize: CHUNK_BYTES,
    params: {
      [constants.ZSTD_c_compressionLevel]: level,
      [constants.ZSTD_c_windowLog]: WINDOW_LOG,
    },
  };
}
