import { formatIp, parseIp, parseIpv4 } from "../../base/ip-address.ts";

/** Who is asked for: the host as sites are looked up by, and the port unless it is the usual one. */
export interface Authority {
  readonly host: string; // lower case, no trailing dot; IPv6 in brackets, as RFC 5952 writes it
  readonly port: number; // 0: none given, or the default of the scheme
}

const HOST_BYTES_MAX = 255;

// RFC 3986 §3.2.2, reg-name without escapes and sub-delims, which no host on the web has.
const REFUSED = 0;
const LOWER = 1; // as it should be
const UPPER = 2;
const CLASS = new Uint8Array(256);
for (const character of "abcdefghijklmnopqrstuvwxyz0123456789-._~") {
  CLASS[character.charCodeAt(0)] = LOWER;
  CLASS[character.toUpperCase().charCodeAt(0)] ||= UPPER;
}

/**
 * Reads Host, :authority, or the authority of an absolute target. No userinfo, no escapes, no
 * empty port: whatever two readers could split differently is refused (undefined).
 */
export function parseAuthority(text: string, scheme: "http" | "https"): Authority | undefined {
  if (text.charCodeAt(0) === BRACKET) return bracketed(text, scheme);
  let hasUpper = false;
  let end = 0;
  let labelAt = 0;
  for (; end < text.length; end++) {
    const code = text.charCodeAt(end);
    if (code === COLON) break;
    const kind = CLASS[code] ?? REFUSED;
    if (kind === REFUSED) return undefined;
    if (kind === UPPER) hasUpper = true;
    if (code === DOT) {
      if (end === labelAt) return undefined; // an empty label
      labelAt = end + 1;
    }
  }
  const port = portOf(text, end, scheme);
  if (port < 0) return undefined;
  // "a.test." is the same host as "a.test", and must not be another site (H1).
  const hostEnd = labelAt === end ? end - 1 : end;
  if (hostEnd <= 0 || hostEnd > HOST_BYTES_MAX) return undefined;
  const cut = hostEnd === text.length ? text : text.slice(0, hostEnd);
  const host = hasUpper ? cut.toLowerCase() : cut;
  return mayBeName(host) ? { host, port } : undefined;
}

/** A host whose last label is a number is an IPv4 address, so it has to be a good one. */
function mayBeName(host: string): boolean {
  const last = host.charCodeAt(host.length - 1);
  const isHex = last >= 0x61 && last <= 0x66; // may end 0x7f, which some resolvers take for a number
  if ((last < 0x30 || last > 0x39) && !isHex && last !== X) return true;
  const label = host.slice(host.lastIndexOf(".") + 1);
  if (!/^([0-9]+|0x[0-9a-f]*)$/.test(label)) return true;
  return parseIpv4(host, 0, host.length) >= 0;
}

function bracketed(text: string, scheme: "http" | "https"): Authority | undefined {
  const close = text.indexOf("]");
  if (close < 0) return undefined;
  const inside = text.slice(1, close);
  const words = inside.includes(":") ? parseIp(inside) : undefined;
  const port = portOf(text, close + 1, scheme);
  return words === undefined || port < 0 ? undefined : { host: `[${formatIp(words)}]`, port };
}

/** The port that starts with the colon at text[at]; 0 for none or the usual one, -1 if refused. */
function portOf(text: string, at: number, scheme: "http" | "https"): number {
  if (at === text.length) return 0;
  const digits = text.length - at - 1;
  if (text.charCodeAt(at) !== COLON || digits < 1 || digits > 5) return -1;
  let port = 0;
  for (let index = at + 1; index < text.length; index++) {
    const digit = text.charCodeAt(index) - 0x30;
    if (digit < 0 || digit > 9 || (digit === 0 && port === 0)) return -1;
    port = port * 10 + digit;
  }
  if (port > 65535) return -1;
  return port === (scheme === "https" ? 443 : 80) ? 0 : port;
}

const DOT = 0x2e;
const COLON = 0x3a;
const BRACKET = 0x5b;
const X = 0x78;
