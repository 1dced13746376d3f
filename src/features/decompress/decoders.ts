import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
} from "node:zlib";
import type { Codec, CodecTaker } from "../../base/codec.ts";
import { ZlibCodec } from "../../base/zlib-codec.ts";

/** Codings of content that requests may come in. */
export const DECODINGS = ["gzip", "deflate", "br", "zstd"] as const;
export type Decoding = (typeof DECODINGS)[number];

/** RFC 9110 §8.4.1: names compare without case, which is lost by now; "x-gzip" is "gzip". */
export function decodingOf(name: string): Decoding | undefined {
  const known = name === "x-gzip" ? "gzip" : name;
  return DECODINGS.find((each) => each === known);
}

const KIB = 1024;
const MIB = 1024 * KIB;

/** What one may hold, its window above all; a client may not ask for a larger one. */
export const MEMORY_BYTES: Readonly<Record<Decoding, number>> = {
  gzip: 192 * KIB,
  deflate: 192 * KIB,
  br: 17 * MIB,
  zstd: 9 * MIB,
};
const ZSTD_WINDOW_LOG_MAX = 23; // RFC 9659 §3: 8 MiB, and what is larger is refused

/**
 * `first`: of the bytes to come. What is called deflate comes with the frame of zlib, as it should, or
 * without one, as it is often sent; two bytes tell (RFC 1950 §2.2).
 */
export function openDecoder(decoding: Decoding, first: Uint8Array, taker: CodecTaker): Codec {
  return new ZlibCodec(MAKERS[decoding](first), { flush: constants.Z_SYNC_FLUSH }, taker);
}

// Several members of gzip and several frames of zstd are one content; anything else behind it is none.
const MAKERS = {
  gzip: () => createGunzip(),
  deflate: (first: Uint8Array) =>
    hasZlibFrame(first)
      ? createInflate({ rejectGarbageAfterEnd: true })
      : createInflateRaw({ rejectGarbageAfterEnd: true }),
  br: () => createBrotliDecompress({ rejectGarbageAfterEnd: true }),
  zstd: () =>
    createZstdDecompress({
      rejectGarbageAfterEnd: true,
      params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX },
    }),
} as const;

function hasZlibFrame(first: Uint8Array): boolean {
  const [method = 0, flags = 0] = first;
  return (method & 0x0f) === 8 && (method * 256 + flags) % 31 === 0;
}
