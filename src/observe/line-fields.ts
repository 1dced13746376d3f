/** What lines of the access log are put together from: keys, and values that end in their quote. */
import { ESCAPED_BYTES_MAX, putPiece, putText } from "./json-bytes.ts";

// Longer values are cut and end in an ellipsis: a log must not be a way to fill the disk faster.
const FIELD_CHARS_MAX = 2048;
const QUOTE = 0x22;

export function piece(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "latin1"));
}

export function cutAt(value: string): number {
  return Math.min(value.length, FIELD_CHARS_MAX);
}

export function putField(block: Uint8Array, start: number, key: Uint8Array, value: string): number {
  const at = putPiece(block, start, key);
  return putEnd(block, putText(block, at, value, 0, cutAt(value)), value);
}

/** The closing quote, and an ellipsis before it if the value was cut. */
export function putEnd(block: Uint8Array, start: number, value: string): number {
  const at = value.length > FIELD_CHARS_MAX ? putText(block, start, "…", 0, 1) : start;
  block[at] = QUOTE;
  return at + 1;
}

/** Two fields that come together again and again. */
export function fieldsPiece(key: Uint8Array, value: string, other: Uint8Array, otherValue: string) {
  const chars = key.length + cutAt(value) + other.length + cutAt(otherValue) + 4;
  const bytes = new Uint8Array(chars * ESCAPED_BYTES_MAX);
  const end = putField(bytes, putField(bytes, 0, key, value), other, otherValue);
  return bytes.slice(0, end);
}
