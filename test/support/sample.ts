/** What the corpus is made of: samples with what a strict reader makes of them. */
import type { FaultCode } from "../../src/core/fault.ts";
import type { FieldLine } from "./message.ts";

export interface GoodRequest {
  readonly name: string;
  readonly bytes: string; // this one message and nothing behind it
  readonly method: string;
  readonly target: string; // as on the wire
  readonly minorVersion: 0 | 1;
  readonly fields: readonly FieldLine[]; // in order, whitespace around the values removed
  readonly body: string;
  readonly trailers: readonly FieldLine[];
}

export interface GoodResponse {
  readonly name: string;
  readonly bytes: string; // up to the end of the connection if `untilClose`
  readonly method: string; // of the request that it answers
  readonly status: number;
  readonly minorVersion: 0 | 1;
  readonly fields: readonly FieldLine[];
  readonly body: string;
  readonly trailers: readonly FieldLine[];
  readonly untilClose: boolean;
}

/** Where a message is refused: in the grammar of its head, by what the head says, in its body. */
export type Stage = "head" | "meaning" | "body";

export interface BadMessage {
  readonly name: string; // the attack or defect
  readonly stage: Stage;
  readonly faults: readonly FaultCode[]; // the first is the one we mean; others would do
  readonly bytes: string;
}

export type BadRow = [name: string, faults: FaultCode | readonly FaultCode[], bytes: string];

export const bad = (stage: Stage, rows: readonly BadRow[]): BadMessage[] =>
  rows.map(([name, faults, bytes]) => ({ name, stage, faults: [faults].flat(), bytes }));

export const HOST: FieldLine = ["Host", "a.test"];

export function request(
  name: string,
  startLine: string,
  fields: readonly FieldLine[],
  framed = "",
  body = framed,
  trailers: readonly FieldLine[] = [],
): GoodRequest {
  const [method = "", target = "", version = ""] = startLine.split(" ");
  const minorVersion = version === "HTTP/1.0" ? 0 : 1;
  const bytes = `${startLine}\r\n${lines(fields)}\r\n${framed}`;
  return { name, bytes, method, target, minorVersion, fields, body, trailers };
}

export function response(
  name: string,
  startLine: string,
  fields: readonly FieldLine[],
  framed = "",
  body = framed,
  more: Partial<GoodResponse> = {},
): GoodResponse {
  const bytes = `${startLine}\r\n${lines(fields)}\r\n${framed}`;
  const status = Number(startLine.slice(9, 12));
  const minorVersion = startLine.startsWith("HTTP/1.0") ? 0 : 1;
  const facts = { name, bytes, status, minorVersion, fields, body } as const;
  return { ...facts, method: "GET", trailers: [], untilClose: false, ...more };
}

export function lines(fields: readonly FieldLine[]): string {
  return fields.map(([name, value]) => `${name}: ${value}\r\n`).join("");
}

export const length = (count: number | string): FieldLine => ["Content-Length", String(count)];
export const CHUNKED: FieldLine = ["Transfer-Encoding", "chunked"];
export const manyFields = (count: number): FieldLine[] =>
  Array.from({ length: count }, (_, number) => [`X-Field-${number}`, `value ${number}`]);
