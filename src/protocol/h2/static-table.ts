import { Field, fieldName } from "./field.ts";

// RFC 7541 Appendix A.
// biome-ignore format: a table
const ROWS: readonly (readonly [name: string, value: string])[] = [
  [":authority", ""], [":method", "GET"], [":method", "POST"], [":path", "/"], [":path", "/index.html"], [":scheme", "http"], [":scheme", "https"],
  [":status", "200"], [":status", "204"], [":status", "206"], [":status", "304"], [":status", "400"], [":status", "404"], [":status", "500"],
  ["accept-charset", ""], ["accept-encoding", "gzip, deflate"], ["accept-language", ""], ["accept-ranges", ""], ["accept", ""],
  ["access-control-allow-origin", ""], ["age", ""], ["allow", ""], ["authorization", ""], ["cache-control", ""], ["content-disposition", ""],
  ["content-encoding", ""], ["content-language", ""], ["content-length", ""], ["content-location", ""], ["content-range", ""], ["content-type", ""],
  ["cookie", ""], ["date", ""], ["etag", ""], ["expect", ""], ["expires", ""], ["from", ""], ["host", ""], ["if-match", ""], ["if-modified-since", ""],
  ["if-none-match", ""], ["if-range", ""], ["if-unmodified-since", ""], ["last-modified", ""], ["link", ""], ["location", ""], ["max-forwards", ""],
  ["proxy-authenticate", ""], ["proxy-authorization", ""], ["range", ""], ["referer", ""], ["refresh", ""], ["retry-after", ""], ["server", ""],
  ["set-cookie", ""], ["strict-transport-security", ""], ["transfer-encoding", ""], ["user-agent", ""], ["vary", ""], ["via", ""], ["www-authenticate", ""],
];

export const STATIC_COUNT = ROWS.length;

/** By index less one: the first index is 1. */
export const STATIC_FIELDS: readonly Field[] = ROWS.map(
  ([name, value]) => new Field(fieldName(name), value),
);

const byName = new Map<string, number>();
const byField = new Map<string, number>();
for (const [at, [name, value]] of ROWS.entries()) {
  if (!byName.has(name)) byName.set(name, at + 1);
  if (value !== "") byField.set(`${name}\n${value}`, at + 1);
}

/** The first index with this name; 0 if there is none. */
export function staticNameIndex(name: string): number {
  return byName.get(name) ?? 0;
}

/** The index of this very field; 0 if there is none. Only for names that begin with a colon. */
export function staticFieldIndex(name: string, value: string): number {
  return byField.get(`${name}\n${value}`) ?? 0;
}
