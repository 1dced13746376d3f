/** A scanner reads bytes[at..end) and answers with the position after what it read, or one of: */
export const NEED_MORE = -1; // fine so far; call again from the same place with more bytes
export const REFUSE = -2; // no further byte can make this valid

export const CR = 0x0d;
export const LF = 0x0a;
export const SP = 0x20;
export const TAB = 0x09;
export const COLON = 0x3a;

// Tables, because these tests run once per byte of every head.

/** RFC 9110 §5.6.2 tchar: 1, and 2 for "_" and ".", which some servers read as "-". */
export const IS_TOKEN = new Uint8Array(256);
for (let byte = 0x21; byte < 0x7f; byte++) {
  if (!`"(),/:;<=>?@[\\]{}`.includes(String.fromCharCode(byte))) IS_TOKEN[byte] = 1;
}
IS_TOKEN["_".charCodeAt(0)] = 2;
IS_TOKEN[".".charCodeAt(0)] = 2;

/** RFC 9110 §5.5: VCHAR, SP, HTAB and obs-text. */
export const IS_VALUE = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++) {
  if (byte === TAB || (byte >= 0x20 && byte !== 0x7f)) IS_VALUE[byte] = 1;
}

/** RFC 9110 §5.6.3: optional whitespace. */
export const IS_SPACE = new Uint8Array(256);
IS_SPACE[SP] = 1;
IS_SPACE[TAB] = 1;

/** Visible ASCII: what a request target may hold at all. The target's own grammar comes later. */
export const IS_VISIBLE = new Uint8Array(256);
for (let byte = 0x21; byte < 0x7f; byte++) IS_VISIBLE[byte] = 1;

/** RFC 9110 §9.1: methods are upper case by convention; "get" is GET to some servers only. */
export const IS_METHOD = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++) {
  if (IS_TOKEN[byte] !== 0 && !(byte >= 0x61 && byte <= 0x7a)) IS_METHOD[byte] = 1;
}

/** The value of a hexadecimal digit, or 255. */
export const HEX = new Uint8Array(256).fill(255);
for (let digit = 0; digit < 16; digit++) {
  HEX[digit.toString(16).charCodeAt(0)] = digit;
  HEX[digit.toString(16).toUpperCase().charCodeAt(0)] = digit;
}

/** CRLF at this place: the position after it. A lone CR or LF is refused (RFC 9112 §2.2). */
export function scanLineEnd(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end) return NEED_MORE;
  if (bytes[at] !== CR) return REFUSE;
  if (at + 1 >= end) return NEED_MORE;
  return bytes[at + 1] === LF ? at + 2 : REFUSE;
}

/** Runs over bytes that `allowed` marks; stops at the first other, which it does not judge. */
export function scanWhile(bytes: Uint8Array, at: number, end: number, allowed: Uint8Array): number {
  let index = at;
  while (index < end && allowed[bytes[index]!] === 1) index++;
  return index;
}
