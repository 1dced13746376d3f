/**
 * Small numbers for the header names the proxy itself has an opinion on. The parser computes the
 * number once per field; everything after compares numbers.
 */
export const OTHER = 0; // a name without a number

// biome-ignore format: a table
const NAMES = [
  "", "host", "connection", "content-length", "transfer-encoding", "expect", "upgrade", "te", "trailer", "keep-alive",
  "proxy-connection", "http2-settings", "proxy", "via", "forwarded", "x-forwarded-for", "x-forwarded-proto",
  "x-forwarded-host", "x-forwarded-port", "x-real-ip", "x-client-ip", "true-client-ip", "cf-connecting-ip",
  "x-original-url", "x-rewrite-url", "x-request-id", "user-agent", "referer", "cookie", "set-cookie", "authorization",
  "proxy-authorization", "date", "server", "location", "content-type", "content-encoding", "accept", "accept-encoding",
  "cache-control", "etag", "last-modified", "if-none-match", "if-modified-since", "range", "vary", "age",
  "sec-websocket-key", "sec-websocket-version", "sec-websocket-accept", "traceparent", "x-forwarded-server", "x-original-host",
  "x-http-method-override", "x-forwarded-prefix", "proxy-authenticate", "x-powered-by", "x-forwarded-ssl", "x-forwarded-scheme",
  "sec-websocket-protocol", "sec-websocket-extensions", "x-method-override", "x-http-method", "content-range", "origin",
  "pragma", "expires", "if-range", "if-match", "if-unmodified-since", "accept-ranges", "content-language", "content-location",
  "proxy-authentication-info", "cache-status", "surrogate-key", "cache-tag", "cdn-cache-control",
] as const;

export type KnownHeader = Exclude<(typeof NAMES)[number], "">;

/** "content-length" → its number. Only for names in the table, which the type holds to. */
export function idOf(name: KnownHeader): number {
  return NAMES.indexOf(name);
}

export const HEADER_ID_COUNT = NAMES.length;

/** In lower case; "" for OTHER. */
export function nameOfId(id: number): string {
  return NAMES[id]!;
}

// One open-addressed table over length, first and last letter; a hit is confirmed letter by letter.
const SLOTS = 1024;
const slots = new Uint8Array(SLOTS);
const letters = NAMES.map((name) => Buffer.from(name, "latin1"));

function slotOf(length: number, first: number, middle: number, last: number): number {
  return (length * 37 + first * 5 + middle * 17 + last * 3) & (SLOTS - 1);
}

for (let id = 1; id < NAMES.length; id++) {
  const name = letters[id]!;
  let slot = slotOf(name.length, name[0]!, name[name.length >> 1]!, name[name.length - 1]!);
  while (slots[slot] !== 0) slot = (slot + 1) & (SLOTS - 1);
  slots[slot] = id;
}

/** The number of the name in bytes[at..end), of any case; OTHER if it has none. */
export function headerId(bytes: Uint8Array, at: number, end: number): number {
  const length = end - at;
  // Setting bit 5 makes letters small and leaves digits and "-" alone. What else it maps together
  // ("_" and DEL, "^" and "~") is in no name of the table.
  let slot = slotOf(
    length,
    bytes[at]! | 0x20,
    bytes[at + (length >> 1)]! | 0x20,
    bytes[end - 1]! | 0x20,
  );
  for (let id = slots[slot]!; id !== OTHER; id = slots[slot]!) {
    const name = letters[id]!;
    if (name.length === length && isSame(bytes, at, name)) return id;
    slot = (slot + 1) & (SLOTS - 1);
  }
  return OTHER;
}

function isSame(bytes: Uint8Array, at: number, name: Uint8Array): boolean {
  for (let index = 0; index < name.length; index++) {
    if ((bytes[at + index]! | 0x20) !== name[index]) return false;
  }
  return true;
}

const idsByName = new Map<string, number>(NAMES.map((name, id) => [name, id]));

/** The number of a name given as text, of any case; OTHER if it has none. */
export function headerIdOfText(name: string): number {
  return idsByName.get(name) ?? idsByName.get(name.toLowerCase()) ?? OTHER;
}
