/**
 * Whether a response is to be coded, and how: from the heads of the request and the response alone, so
 * it is known before the body begins, and the same for HEAD as for GET.
 */
import { type Coding, type CodingOffers, codingsOf } from "./content-coding.ts";
import { idOf } from "./header-id.ts";
import type { HeaderList } from "./header-list.ts";
import type { MediaTypes } from "./media-types.ts";

export interface CodingRules {
  readonly offers: CodingOffers;
  readonly types: MediaTypes;
  readonly bytesMin: number;
}

/** Why a response goes out as it is. */
export const PLAIN_REASONS = [
  "status", // has no body, or is a part of one
  "coded", // the origin has done it
  "no_transform", // Cache-Control asks for that
  "type",
  "small",
  "range", // a part was asked for, and the origin gave the whole
  "version", // HTTP/1.0
  "accept", // the client takes none of ours, or has not said so
  "busy", // what may be held in memory for this is
] as const;
export type PlainReason = (typeof PLAIN_REASONS)[number];

export interface CodingChoice {
  readonly coding: Coding | undefined;
  readonly why: PlainReason | undefined; // no coding
  /** Another client would get it otherwise: Vary has to name Accept-Encoding. */
  readonly varies: boolean;
}

interface Asked {
  readonly minorVersion: number;
  readonly headers: HeaderList;
}

interface Answered {
  readonly status: number;
  readonly headers: HeaderList;
}

/** What the choice needs besides the heads. */
export interface CodingFacts {
  readonly accept: string; // the client's Accept-Encoding, which may be gone from the headers by now
  readonly bytes: number | undefined; // of the body, where that is known
}

const CONTENT_TYPE = idOf("content-type");
const CONTENT_ENCODING = idOf("content-encoding");
const CONTENT_RANGE = idOf("content-range");
const CACHE_CONTROL = idOf("cache-control");
const RANGE = idOf("range");

export function chooseCoding(
  request: Asked,
  response: Answered,
  { accept, bytes }: CodingFacts,
  rules: CodingRules,
): CodingChoice {
  const plain = whyNever(response, bytes, rules);
  if (plain !== undefined) return NEVER[plain];
  const why = whyPlainFor(request);
  if (why !== undefined) return PLAIN[why];
  const coding = rules.offers.preferred(accept);
  return coding === undefined ? PLAIN.accept : { coding, why: undefined, varies: true };
}

/** Why this request gets no coding, whatever it is answered with and whatever it accepts. */
export function whyPlainFor({ minorVersion, headers }: Asked): PlainReason | undefined {
  if (forbidsTransform(headers)) return "no_transform";
  // Without chunks its end would be the end of the connection, which a client can take for the whole.
  if (minorVersion === 0) return "version";
  return headers.first(RANGE) === undefined ? undefined : "range";
}

/** Why nobody would get this response coded. */
function whyNever(
  { status, headers }: Answered,
  bytes: number | undefined,
  rules: CodingRules,
): PlainReason | undefined {
  if (status < 200 || BODYLESS_OR_PARTIAL.has(status)) return "status";
  if (headers.first(CONTENT_RANGE) !== undefined) return "status";
  const type = headers.first(CONTENT_TYPE);
  if (type === undefined || !rules.types.has(type)) return "type";
  if (bytes !== undefined && bytes < Math.max(rules.bytesMin, 1)) return "small";
  if (headers.first(CONTENT_ENCODING) !== undefined && codingsOf(headers)?.length !== 0) {
    return "coded";
  }
  return forbidsTransform(headers) ? "no_transform" : undefined;
}

const BODYLESS_OR_PARTIAL: ReadonlySet<number> = new Set([204, 205, 206, 304]);

function forbidsTransform(headers: HeaderList): boolean {
  if (headers.first(CACHE_CONTROL) === undefined) return false;
  return headers
    .all("cache-control")
    .some((value) => /(^|[\s,])no-transform([\s,]|$)/i.test(value));
}

const entries = PLAIN_REASONS.map((why) => [why, { coding: undefined, why, varies: false }]);
const NEVER = Object.fromEntries(entries) as Readonly<Record<PlainReason, CodingChoice>>;
const PLAIN = Object.fromEntries(
  PLAIN_REASONS.map((why) => [why, { coding: undefined, why, varies: true }]),
) as Readonly<Record<PlainReason, CodingChoice>>;
