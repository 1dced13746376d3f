/** How an exchange went, as the access log's lines end. */
import { type Exchange, type ExchangeTimes, statusOf } from "../core/exchange.ts";
import type { Fault, FaultCode } from "../core/fault.ts";
import type { Coding } from "../protocol/http/content-coding.ts";
import { putMs, putPiece, putWhole } from "./json-bytes.ts";
import { cutAt, piece, putField } from "./line-fields.ts";

const HTTP_1_0 = statusPieces("HTTP/1.0");
const HTTP_1_1 = statusPieces("HTTP/1.1");
const HTTP_2 = statusPieces("HTTP/2");
const FAULT = piece(',"fault":"');
const FAULT_DETAIL = piece(',"fault_detail":"');
const CODINGS: Readonly<Record<Coding, Uint8Array>> = {
  gzip: piece(',"coding":"gzip","bytes_plain":'),
  br: piece(',"coding":"br","bytes_plain":'),
  zstd: piece(',"coding":"zstd","bytes_plain":'),
};
const BYTES_INFLATED = piece(',"bytes_in_plain":');
const HEAD_MS = piece(',"head_ms":');
const WAIT_MS = piece(',"wait_ms":');
const CONNECT_MS = piece(',"connect_ms":');
const UPSTREAM_MS = piece(',"upstream_ms":');
const TOTAL_MS = piece(',"total_ms":');
const AT_ONCE = piece(',"head_ms":0.000,"wait_ms":0.000,"connect_ms":0.000,"upstream_ms":');
const USER = piece(',"user":"');
const WARNED = piece(',"warned":["');
const NEXT = piece('","');
const LAST = piece('"]');

/** By status, with its protocol before it; 0 is for no response at all. */
function statusPieces(protocol: string): readonly Uint8Array[] {
  return Array.from({ length: 1000 }, (_, status) =>
    piece(`,"protocol":"${protocol}","status":${status}`),
  );
}

export function putStatus(block: Uint8Array, at: number, exchange: Exchange): number {
  const { client, request } = exchange;
  const status = statusOf(exchange);
  const pieces = client.isHttp2 ? HTTP_2 : request.minorVersion === 0 ? HTTP_1_0 : HTTP_1_1;
  return putPiece(block, at, pieces[status] ?? pieces[0]!);
}

export function putFault(block: Uint8Array, start: number, fault: Fault): number {
  const at = putField(block, start, FAULT, fault.code);
  return fault.detail === "" ? at : putField(block, at, FAULT_DETAIL, fault.detail);
}

/** How many characters putFilters() may write at most. */
export function charsOfFilters({ identity, warned }: Exchange): number {
  const chars = identity === undefined ? 0 : cutAt(identity.name) + USER.length;
  if (warned === undefined) return chars;
  return warned.reduce((sum, code) => sum + code.length + NEXT.length, chars + WARNED.length);
}

/** What filters found out: who sent it, and what it would have been refused for. */
export function putFilters(block: Uint8Array, start: number, exchange: Exchange): number {
  const { identity, warned } = exchange;
  const at = identity === undefined ? start : putField(block, start, USER, identity.name);
  return warned === undefined ? at : putWarned(block, at, warned);
}

function putWarned(block: Uint8Array, start: number, codes: readonly FaultCode[]): number {
  let at = start;
  for (const [index, code] of codes.entries()) {
    at = putPiece(block, at, index === 0 ? WARNED : NEXT);
    at = putPiece(block, at, piece(code));
  }
  return putPiece(block, at, LAST);
}

/** What bodies are without their coding, where it was put on or taken off here. */
export function putCodings(block: Uint8Array, start: number, exchange: Exchange): number {
  const { compression, decompression } = exchange;
  let at = start;
  if (compression?.coding !== undefined && compression.plainBytes > 0) {
    at = putWhole(block, putPiece(block, at, CODINGS[compression.coding]), compression.plainBytes);
  }
  if (decompression === undefined) return at;
  return putWhole(block, putPiece(block, at, BYTES_INFLATED), decompression.plainBytes);
}

export function putTimes(block: Uint8Array, start: number, times: ExchangeTimes): number {
  const { startedMs, headMs, claimedMs, connectedMs, responseMs, endedMs } = times;
  // The usual case: all at one moment, up to where the endpoint is asked.
  const isAtOnce = startedMs === headMs && headMs === claimedMs && claimedMs === connectedMs;
  if (isAtOnce && startedMs !== 0 && responseMs !== 0 && endedMs !== 0) {
    const at = putMs(block, putPiece(block, start, AT_ONCE), responseMs - connectedMs);
    return putMs(block, putPiece(block, at, TOTAL_MS), endedMs - startedMs);
  }
  let at = putSpan(block, start, HEAD_MS, times.startedMs, times.headMs);
  at = putSpan(block, at, WAIT_MS, times.headMs, times.claimedMs);
  at = putSpan(block, at, CONNECT_MS, times.claimedMs, times.connectedMs);
  at = putSpan(block, at, UPSTREAM_MS, times.connectedMs, times.responseMs);
  return putSpan(block, at, TOTAL_MS, times.startedMs, times.endedMs);
}

/** From one moment to the next; nothing if either did not happen. */
function putSpan(
  block: Uint8Array,
  start: number,
  key: Uint8Array,
  fromMs: number,
  toMs: number,
): number {
  if (fromMs === 0 || toMs === 0) return start;
  return putMs(block, putPiece(block, start, key), toMs - fromMs);
}
