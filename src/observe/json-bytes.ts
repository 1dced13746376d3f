/**
 * Writes JSON into bytes. What it writes is ASCII whatever it is given, so it is valid UTF-8, and a
 * terminal that shows it cannot be steered by it: a character beyond "~" or below " " leaves as an
 * escape. Header text is latin1, so there one escape is one byte as it arrived; nothing is lost
 * and nothing is guessed.
 *
 * Every function answers with the position after what it wrote. The caller has made sure of the
 * room: `ESCAPED_BYTES_MAX` for a character, `WHOLE_BYTES_MAX` for a number.
 */
export const ESCAPED_BYTES_MAX = 6; // \u00e9
export const WHOLE_BYTES_MAX = 20;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LETTER_U = 0x75;
const ZERO = 0x30;
const POINT = 0x2e;
const HEX = Buffer.from("0123456789abcdef", "latin1");

// 1: as it is. 0: \u00xx. Otherwise the letter of the short escape.
const ESCAPE = new Uint8Array(128);
ESCAPE.fill(1, 0x20, 0x7f);
ESCAPE[QUOTE] = QUOTE;
ESCAPE[BACKSLASH] = BACKSLASH;
ESCAPE[0x08] = 0x62;
ESCAPE[0x09] = 0x74;
ESCAPE[0x0a] = 0x6e;
ESCAPE[0x0c] = 0x66;
ESCAPE[0x0d] = 0x72;

/** value[from..to), escaped, without quotes around it. */
export function putText(
  bytes: Uint8Array,
  start: number,
  value: string,
  from: number,
  to: number,
): number {
  let at = start;
  for (let index = from; index < to; index++) {
    const code = value.charCodeAt(index);
    if (code < 128 && ESCAPE[code] === 1) bytes[at++] = code;
    else at = putEscape(bytes, at, code);
  }
  return at;
}

function putEscape(bytes: Uint8Array, at: number, code: number): number {
  bytes[at] = BACKSLASH;
  const letter = code < 128 ? ESCAPE[code]! : 0;
  if (letter !== 0) {
    bytes[at + 1] = letter;
    return at + 2;
  }
  bytes[at + 1] = LETTER_U;
  bytes[at + 2] = HEX[code >> 12]!;
  bytes[at + 3] = HEX[(code >> 8) & 15]!;
  bytes[at + 4] = HEX[(code >> 4) & 15]!;
  bytes[at + 5] = HEX[code & 15]!;
  return at + 6;
}

/** A prepared piece. Short ones in a loop: `set` costs 40 ns before its first byte. */
export function putPiece(bytes: Uint8Array, at: number, piece: Uint8Array): number {
  const { length } = piece;
  if (length > 12) bytes.set(piece, at);
  else for (let index = 0; index < length; index++) bytes[at + index] = piece[index]!;
  return at + length;
}

/** A whole number from 0; what is no such number is written as 0. */
export function putWhole(bytes: Uint8Array, at: number, value: number): number {
  let rest = value > 0 && value <= Number.MAX_SAFE_INTEGER ? Math.floor(value) : 0;
  let digits = 1;
  for (let bound = 10; rest >= bound; bound *= 10) digits++;
  for (let index = at + digits - 1; index >= at; index--) {
    const next = Math.floor(rest / 10);
    bytes[index] = ZERO + (rest - next * 10);
    rest = next;
  }
  return at + digits;
}

/** Milliseconds with three decimals, "12.345"; never below zero. */
export function putMs(bytes: Uint8Array, at: number, ms: number): number {
  const micros = ms > 0 ? Math.round(ms * 1000) : 0;
  const whole = Math.floor(micros / 1000);
  const rest = micros - whole * 1000;
  const next = putWhole(bytes, at, whole);
  if (!(rest >= 0)) return next; // Infinity: written as 0
  bytes[next] = POINT;
  bytes[next + 1] = ZERO + Math.floor(rest / 100);
  bytes[next + 2] = ZERO + (Math.floor(rest / 10) % 10);
  bytes[next + 3] = ZERO + (rest % 10);
  return next + 4;
}
