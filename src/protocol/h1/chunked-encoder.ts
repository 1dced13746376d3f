import { writeLatin1 } from "../../base/latin1.ts";

const LAST_CHUNK = "0\r\n";

/** One chunk of the chunked coding (RFC 9112 §7.1): size, CRLF, the bytes, CRLF. Never empty. */
export function encodeChunk(bytes: Uint8Array): Buffer {
  const size = bytes.length.toString(16);
  const dataAt = size.length + 2;
  const chunk = Buffer.allocUnsafe(dataAt + bytes.length + 2);
  writeLatin1(chunk, size, 0);
  chunk[dataAt - 2] = 0x0d;
  chunk[dataAt - 1] = 0x0a;
  chunk.set(bytes, dataAt);
  chunk[dataAt + bytes.length] = 0x0d;
  chunk[dataAt + bytes.length + 1] = 0x0a;
  return chunk;
}

/** The end of the body, with the trailer lines, each with its CRLF. */
export function encodeEnd(trailerLines = ""): string {
  return `${LAST_CHUNK}${trailerLines}\r\n`;
}
