import { idOf, type KnownHeader } from "../http/header-id.ts";
import { dropTable, HeaderList } from "../http/header-list.ts";
import type { CacheControl } from "./cache-control.ts";

// RFC 9111 §3.1: about one connection, or one message. What Connection lists has gone already, when
// the response was read. Age is worked out anew on every use.
const NOT_STORED: readonly KnownHeader[] = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-authentication-info",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
  "content-length",
  "age",
  "cache-status",
];

const STORE_DROPS = dropTable(NOT_STORED.map(idOf));

/** The lines of a response that are kept, each with its CRLF. */
export function storedLines(response: HeaderList, control: CacheControl): string {
  const { noCacheFields, privateFields } = control;
  if (noCacheFields.length + privateFields.length === 0) return response.lines(STORE_DROPS);
  // §5.2.2.4 and §5.2.2.7: those fields are not for others, or not without being asked about.
  const rest = response.copy();
  for (const name of noCacheFields) rest.delete(name);
  for (const name of privateFields) rest.delete(name);
  return rest.lines(STORE_DROPS);
}

// §3.2: what the stored body depends on stays as it is, or a 304 could turn text into what looks
// like gzip.
const NOT_UPDATED = dropTable([
  ...NOT_STORED.map(idOf),
  ...(["content-encoding", "content-type", "content-range"] as const).map(idOf),
]);

/** What is stored, freshened by a 304 or by the answer to a HEAD (RFC 9111 §3.2). */
export function freshenedFields(stored: HeaderList, update: HeaderList): HeaderList {
  const merged = stored.copy();
  const fresh = HeaderList.ofLines(update.lines(NOT_UPDATED));
  fresh.each((name) => merged.delete(name));
  fresh.each((name, value) => merged.add(name, value));
  return HeaderList.ofLines(merged.lines(STORE_DROPS));
}

// RFC 9110 §15.4.5: of a 304 the client needs what could have changed for it, and not what describes
// a body that it has.
const NOT_IN_304 = dropTable(
  (
    [
      ...["content-encoding", "content-type", "content-length", "content-range"],
      ...["content-language", "accept-ranges"],
    ] as const
  ).map((name) => idOf(name)),
);

export function notModifiedFields(stored: HeaderList): HeaderList {
  return HeaderList.ofLines(stored.lines(NOT_IN_304));
}
