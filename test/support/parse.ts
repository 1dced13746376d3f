/** Reads messages with the product's parsers alone, whole or in pieces. */
import { LIMITS } from "../../src/core/limits.ts";
import { type BodyDecoder, bodyDecoder, DATA, END } from "../../src/protocol/h1/body-decoder.ts";
import type { Framing } from "../../src/protocol/h1/framing.ts";
import { type HeadLimits, HeadParser } from "../../src/protocol/h1/head-parser.ts";
import { NEED_MORE, REFUSE } from "../../src/protocol/h1/scan.ts";
import type { HeaderList } from "../../src/protocol/http/header-list.ts";
import type { FieldLine } from "./message.ts";

export type Role = "request" | "response" | "trailers";

export const REQUEST_LIMITS: HeadLimits = {
  lineBytes: LIMITS.requestLineBytes,
  fieldBytes: LIMITS.headerBytes,
  fieldCount: LIMITS.headerCount,
};
export const RESPONSE_LIMITS: HeadLimits = {
  lineBytes: LIMITS.requestLineBytes,
  fieldBytes: LIMITS.responseHeaderBytes,
  fieldCount: LIMITS.responseHeaderCount,
};
export const TRAILER_LIMITS: HeadLimits = {
  lineBytes: 0,
  fieldBytes: LIMITS.trailerBytes,
  fieldCount: LIMITS.trailerCount,
};

export interface ParsedHead {
  readonly answer: number; // of the last parse(): a position, NEED_MORE or REFUSE
  readonly parser: HeadParser;
  readonly text: string; // up to the position
}

/**
 * Gives a parser the text in growing pieces that end at `stops`, as a connection would: until it
 * answers something else than NEED_MORE. The bytes begin at an odd place, where offsets that are
 * not counted from there would show.
 */
export function parseHead(
  text: string,
  stops: readonly number[],
  role: Role = "request",
  limits: HeadLimits = role === "response" ? RESPONSE_LIMITS : REQUEST_LIMITS,
): ParsedHead {
  const from = 3;
  const bytes = Buffer.from(`???${text}`, "latin1");
  const parser = new HeadParser(role, limits);
  let answer: number = NEED_MORE;
  for (const stop of stops) {
    answer = parser.parse(bytes, from, from + stop);
    if (answer !== NEED_MORE) break;
  }
  const end = answer < 0 ? 0 : answer - from;
  return { answer: answer < 0 ? answer : end, parser, text: text.slice(0, end) };
}

/** Every place in the text; of a large one every 61st, for lines are scanned from their start. */
export function byteByByte(text: string): number[] {
  const step = text.length > 4096 ? 61 : 1;
  return Array.from({ length: Math.ceil(text.length / step) }, (_, index) =>
    Math.min(text.length, (index + 1) * step),
  );
}

export function fieldsOf(list: HeaderList | undefined): FieldLine[] {
  const fields: FieldLine[] = [];
  list?.each((name, value) => fields.push([name, value]));
  return fields;
}

export interface DecodedBody {
  readonly answer: number; // END, NEED_MORE or REFUSE
  readonly body: string;
  readonly trailers: readonly FieldLine[];
  readonly end: number; // after END: position in the text
}

/** Gives a decoder the text in these pieces; each piece in a buffer of its own. */
export function decodeBody(
  framing: Framing,
  text: string,
  stops: readonly number[],
  decoder: BodyDecoder = bodyDecoder(framing, TRAILER_LIMITS),
): DecodedBody {
  let body = "";
  let at = 0;
  for (const stop of stops) {
    const piece = Buffer.from(`!!${text.slice(at, stop)}`, "latin1");
    let within = 2;
    for (;;) {
      const answer = decoder.step(piece, within, piece.length);
      if (answer === DATA) {
        body += piece.toString("latin1", decoder.dataAt, decoder.dataEnd);
        within = decoder.dataEnd;
        continue;
      }
      if (answer === REFUSE) return { answer, body, trailers: [], end: -1 };
      if (answer === END) {
        const trailers = fieldsOf(decoder.trailers);
        return { answer, body, trailers, end: at + decoder.next - 2 };
      }
      break;
    }
    at = stop;
  }
  return { answer: NEED_MORE, body, trailers: [], end: -1 };
}
