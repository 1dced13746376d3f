import type { Clock, World } from "../../base/world.ts";
import type { Exchange, ResponseHead } from "../../core/exchange.ts";
import { respond } from "../../core/pipeline.ts";
import { isNotModified, rangeHolds } from "../../protocol/caching/conditional.ts";
import { contentRange, type WantedRange, wantedRange } from "../../protocol/caching/range.ts";
import { notModifiedFields } from "../../protocol/caching/stored-fields.ts";
import { NONE } from "../../protocol/h1/framing.ts";
import { idOf } from "../../protocol/http/header-id.ts";
import type { HeaderList } from "../../protocol/http/header-list.ts";
import type { StoredResponse } from "../../stores/cache-store.ts";
import type { Keyed } from "./cache.ts";
import { type CodingWorks, type ServedCoded, ServedContent } from "./codings.ts";

const RANGE = idOf("range");
const IF_NONE_MATCH = idOf("if-none-match");
const IF_MODIFIED_SINCE = idOf("if-modified-since");

/** How a body is read that cannot be written at once. */
export interface ReadBody {
  readonly caches: { readonly world: Pick<World, "clock">; readonly works: CodingWorks };
  read(
    keyed: Keyed,
    stored: StoredResponse,
    from: number,
    end: number,
    response: ResponseHead,
  ): void;
  /** In another coding; the head is sent. */
  follow(keyed: Keyed, served: ServedCoded): void;
}

/** Answers with what is stored: whole, a part of it, or that the client has it already. */
export function serveStored(
  keyed: Keyed,
  stored: StoredResponse,
  age: number, // in seconds
  reading: ReadBody,
): void {
  const { exchange } = keyed;
  const { request } = exchange;
  const { clock } = reading.caches.world;
  const headers = stored.headers();
  if (stored.status === 200 && isAsked(request.headers, headers, clock)) {
    sendBare(exchange, 304, notModifiedFields(headers), age);
    return;
  }
  headers.addOwn("Age", String(age));
  const range = rangeFor(exchange, stored, headers);
  if (range === "unsatisfiable") {
    headers.set("Content-Range", `bytes */${stored.rangeTotal}`);
    sendBare(exchange, 416, headers, undefined);
    return;
  }
  if (range === undefined) {
    const response = { status: stored.status, headers };
    sendBody(keyed, stored, response, { from: 0, end: stored.bodyBytes }, reading);
    return;
  }
  headers.set("Content-Range", contentRange(range, stored.rangeTotal));
  const from = range.first - stored.rangeAt;
  const span = { from, end: range.last + 1 - stored.rangeAt };
  sendBody(keyed, stored, { status: 206, headers }, span, reading);
}

/** Most requests have no condition, and then nobody asks the clock. */
function isAsked(request: HeaderList, stored: HeaderList, clock: Clock): boolean {
  const isConditional =
    request.first(IF_NONE_MATCH) !== undefined || request.first(IF_MODIFIED_SINCE) !== undefined;
  return isConditional && isNotModified(request, stored, clock.wallMs());
}

/** RFC 9110 §14.2: for GET, of a 200, and only while If-Range holds. */
function rangeFor(exchange: Exchange, stored: StoredResponse, headers: HeaderList): WantedRange {
  const { request } = exchange;
  const value = request.headers.first(RANGE);
  if (value === undefined || request.method !== "GET") return undefined;
  if (stored.status !== 200 && stored.status !== 206) return undefined;
  return rangeHolds(request.headers, headers) ? wantedRange(value, stored.rangeTotal) : undefined;
}

/** A stored part serves a request for what lies within it, and no other. */
export function partServes(stored: StoredResponse, request: HeaderList): boolean {
  const value = request.first(RANGE);
  if (value === undefined) return false;
  const range = wantedRange(value, stored.rangeTotal);
  if (typeof range !== "object" || !rangeHolds(request, stored.headers())) return false;
  return range.first >= stored.rangeAt && range.last < stored.rangeAt + stored.bodyBytes;
}

function sendBare(
  exchange: Exchange,
  status: number,
  headers: HeaderList,
  age: number | undefined,
): void {
  if (age !== undefined) headers.addOwn("Age", String(age));
  const framing = status === 304 ? NONE : { kind: "length" as const, bytes: 0 };
  respond(exchange, { status, headers }, framing);
  exchange.downstream.end(undefined);
}

interface Span {
  readonly from: number;
  readonly end: number;
}

function sendBody(
  keyed: Keyed,
  stored: StoredResponse,
  response: ResponseHead,
  { from, end }: Span,
  reading: ReadBody,
): void {
  const { exchange } = keyed;
  const { status } = response;
  const isBare = exchange.request.method === "HEAD" || status === 204 || from === end;
  if (!isBare && !stored.isLent) {
    reading.read(keyed, stored, from, end, response);
    return;
  }
  const framing = status === 204 ? NONE : { kind: "length" as const, bytes: end - from };
  const content = new ServedContent(exchange, reading.caches.works, stored);
  exchange.content = content;
  respond(exchange, response, framing);
  const { served } = content;
  if (isBare) exchange.downstream.end(undefined);
  else if (served === undefined) writeWhole(exchange, stored.at(from)!.subarray(0, end - from));
  else if (served.isLent) writeWhole(exchange, served.source.at(0)!);
  else reading.follow(keyed, served);
}

/** The slot that they lie in may be another's by the time that a slow client takes them. */
function writeWhole({ downstream }: Exchange, lent: Buffer): void {
  downstream.write(lent.length <= downstream.copiesUpTo ? lent : Buffer.from(lent));
  downstream.end(undefined);
}
