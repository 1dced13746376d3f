import { idOf, type KnownHeader } from "../protocol/http/header-id.ts";
import { dropTable, type HeaderList } from "../protocol/http/header-list.ts";

// RFC 9110 §6.5.1: fields that frame, route, authenticate or describe must not come behind the body,
// where a reader that merges them would act on them too late or twice.
const NOT_IN_TRAILERS: readonly KnownHeader[] = [
  "host",
  "connection",
  "content-length",
  "transfer-encoding",
  "expect",
  "upgrade",
  "te",
  "trailer",
  "keep-alive",
  "proxy-connection",
  "http2-settings",
  "proxy",
  "via",
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-real-ip",
  "x-request-id",
  "cookie",
  "set-cookie",
  "authorization",
  "proxy-authorization",
  "proxy-authenticate",
  "content-type",
  "content-encoding",
  "content-range",
  "cache-control",
  "location",
  "range",
  "vary",
  "age",
  "date",
];

/** Received trailer fields that do not go on. */
export const TRAILER_DROPS = dropTable(NOT_IN_TRAILERS.map(idOf));

/** Where there are none. */
export const NO_TRAILERS = new Uint8Array();

/** A trailer section to send on, each line with its CRLF. */
export function trailerLines(trailers: HeaderList): string {
  return trailers.lines(TRAILER_DROPS);
}
