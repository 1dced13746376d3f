/**
 * Field lines as a block has them: four bytes for each field, then the lines. Where every line is
 * `Name: value`, all offsets into them follow from the lengths.
 */
import { latin1Text, writeLatin1 } from "../../base/latin1.ts";
import { HeaderList } from "../../protocol/http/header-list.ts";

const STRIDE = 5; // of HeaderList.offsets
const FIELD_BYTES = 4; // the number of the name, its length, and two bytes for the value's
const NAME_BYTES_MAX = 255;
const LINES_BYTES_MAX = 65_535;
const BETWEEN = 2; // ": ", and CRLF

/** Of such lines, in the form that can be packed; undefined: there are too many, or too long ones. */
export function packable(lines: string): HeaderList | undefined {
  if (lines.length > LINES_BYTES_MAX) return undefined;
  const received = HeaderList.ofLines(lines);
  const list = isPlain(received) ? received : plainOf(received);
  const { offsets } = list;
  if (list.linesEnd > LINES_BYTES_MAX) return undefined;
  for (let at = 0; at < offsets.length; at += STRIDE) {
    if (offsets[at + 2]! - offsets[at + 1]! > NAME_BYTES_MAX) return undefined;
  }
  return list;
}

/** What packLines() takes. */
export function packedBytes({ offsets, linesEnd }: HeaderList): number {
  return fieldCount(offsets) * FIELD_BYTES + linesEnd;
}

export function fieldCount(offsets: readonly number[]): number {
  return offsets.length / STRIDE;
}

/** Answers with where they end. */
export function packLines({ offsets, text }: HeaderList, bytes: Buffer, from: number): number {
  let to = from;
  for (let at = 0; at < offsets.length; at += STRIDE) {
    bytes[to] = offsets[at]!;
    bytes[to + 1] = offsets[at + 2]! - offsets[at + 1]!;
    bytes.writeUInt16LE(offsets[at + 4]! - offsets[at + 3]!, to + 2);
    to += FIELD_BYTES;
  }
  writeLatin1(bytes, text, to);
  return to + text.length;
}

export function unpackLines(
  bytes: Buffer,
  from: number,
  count: number,
  linesBytes: number,
): HeaderList {
  const fields: number[] = [];
  let line = 0;
  let at = from;
  for (let index = 0; index < count; index++) {
    const colon = line + bytes[at + 1]!;
    const value = colon + BETWEEN;
    const end = value + (bytes[at + 2]! | (bytes[at + 3]! << 8));
    fields.push(bytes[at]!, line, colon, value, end);
    line = end + BETWEEN;
    at += FIELD_BYTES;
  }
  const text = latin1Text(bytes, at, at + linesBytes);
  return new HeaderList(text, linesBytes, fields, fields.length);
}

/** Where the lines are behind, from where unpackLines() reads. */
export function packedEnd(from: number, count: number, linesBytes: number): number {
  return from + count * FIELD_BYTES + linesBytes;
}

function isPlain({ offsets, linesEnd }: HeaderList): boolean {
  let line = 0;
  for (let at = 0; at < offsets.length; at += STRIDE) {
    if (offsets[at + 1] !== line || offsets[at + 3] !== offsets[at + 2]! + BETWEEN) return false;
    line = offsets[at + 4]! + BETWEEN;
  }
  return line === linesEnd;
}

function plainOf(received: HeaderList): HeaderList {
  let lines = "";
  received.each((name, value) => {
    lines += `${name}: ${value}\r\n`;
  });
  return HeaderList.ofLines(lines);
}
