/**
 * PROXY protocol, both versions, as HAProxy's specification has them (proxy-protocol.txt, 2020).
 * A header is read whole or not at all: what is no header is refused, since the specification
 * forbids to guess whether there is one.
 */
import { formatIp, formatIpv4, isIpv4, parseIp } from "../../base/ip-address.ts";
import { crc32c } from "./crc32c.ts";
import {
  COMMAND_LOCAL,
  COMMAND_PROXY,
  FAMILY_IPV4,
  FAMILY_IPV6,
  FAMILY_UNIX,
  NO_FACTS,
  type ProxiedAddress,
  type ProxiedEnds,
  type ProxyFacts,
  type ProxyHeader,
  STREAM,
  TLS_BYTES_MIN,
  TLS_CLIENT,
  TYPE_ALPN,
  TYPE_AUTHORITY,
  TYPE_CRC32C,
  TYPE_TLS,
  TYPE_UNIQUE_ID,
  UNIQUE_ID_BYTES_MAX,
  V1_BYTES_MAX,
  V1_SIGNATURE,
  V2_BYTES_MAX,
  V2_HEAD_BYTES,
  V2_SIGNATURE,
  VERSION_2,
} from "./proxy-header.ts";

export type ReadHeader =
  | { readonly kind: "more" } // fine so far; ask again with more bytes
  | { readonly kind: "header"; readonly header: ProxyHeader; readonly next: number }
  | { readonly kind: "refused"; readonly why: string };

const MORE: ReadHeader = { kind: "more" };

/**
 * The header at the start of bytes[0..end). It is asked again from the start with each read: until
 * all is there that costs next to nothing, as version 1 is short and version 2 tells its length.
 */
export function readProxyHeader(bytes: Uint8Array, end: number): ReadHeader {
  if (end === 0) return MORE;
  return bytes[0] === V2_SIGNATURE[0] ? readV2(bytes, end) : readV1(bytes, end);
}

// --- version 1: a line of text ---------------------------------------------------------------

const CR = 0x0d;
const LF = 0x0a;

function readV1(bytes: Uint8Array, end: number): ReadHeader {
  if (!startsWith(bytes, end, V1_SIGNATURE)) return refused("it does not begin with PROXY");
  const last = Math.min(end, V1_BYTES_MAX);
  for (let index = V1_SIGNATURE.length; index < last; index++) {
    if (bytes[index] === LF) return refused("a line feed stands alone");
    if (bytes[index] !== CR) continue;
    if (index + 1 >= V1_BYTES_MAX) break;
    if (index + 1 >= end) return MORE;
    if (bytes[index + 1] !== LF) return refused("a carriage return stands alone");
    return readLine(latin1(bytes, V1_SIGNATURE.length, index), index + 2);
  }
  return end < V1_BYTES_MAX ? MORE : refused(`the line is longer than ${V1_BYTES_MAX} bytes`);
}

function readLine(line: string, next: number): ReadHeader {
  // What stands behind UNKNOWN is to be ignored up to the end of the line.
  if (line === "UNKNOWN" || line.startsWith("UNKNOWN ")) {
    return { kind: "header", header: { version: 1, ends: undefined, facts: NO_FACTS }, next };
  }
  const [family, sourceHost, destinationHost, sourcePort, destinationPort, ...rest] =
    line.split(" ");
  if ((family !== "TCP4" && family !== "TCP6") || rest.length > 0) return refused("its form");
  const source = textAddress(family, sourceHost, sourcePort);
  const destination = textAddress(family, destinationHost, destinationPort);
  if (source === undefined || destination === undefined) return refused("an address or a port");
  const header = { version: 1, ends: { source, destination }, facts: NO_FACTS } as const;
  return { kind: "header", header, next };
}

function textAddress(
  family: "TCP4" | "TCP6",
  host: string | undefined,
  port: string | undefined,
): ProxiedAddress | undefined {
  if (host === undefined || port === undefined) return undefined;
  if (!/^(0|[1-9][0-9]{0,4})$/.test(port) || Number(port) > 65_535) return undefined;
  if (host.includes(":") !== (family === "TCP6")) return undefined;
  const words = parseIp(host);
  return words === undefined ? undefined : { host: canonical(words), port: Number(port) };
}

/** One spelling for each address, IPv4 also where it came mapped into IPv6. */
function canonical(words: Uint32Array): string {
  return isIpv4(words) ? formatIpv4(words[3]!) : formatIp(words);
}

// --- version 2: binary -----------------------------------------------------------------------

const IPV4_BYTES = 12; // both addresses and both ports
const IPV6_BYTES = 36;
const UNIX_BYTES = 216;

function readV2(bytes: Uint8Array, end: number): ReadHeader {
  if (!startsWith(bytes, end, V2_SIGNATURE)) return refused("its signature");
  if (end < V2_HEAD_BYTES) return MORE;
  const command = bytes[12]! & 0x0f;
  if ((bytes[12]! & 0xf0) !== VERSION_2) return refused("its version");
  if (command !== COMMAND_LOCAL && command !== COMMAND_PROXY) return refused("its command");
  const family = bytes[13]! & 0xf0;
  const transport = bytes[13]! & 0x0f;
  if (family > FAMILY_UNIX || transport > 2) return refused("its address family");
  const next = V2_HEAD_BYTES + word(bytes, 14);
  if (next > V2_BYTES_MAX) return refused(`it is longer than ${V2_BYTES_MAX} bytes`);
  if (end < next) return MORE;

  // Of a LOCAL connection all that follows is to be skipped.
  if (command === COMMAND_LOCAL) {
    return { kind: "header", header: { version: 2, ends: undefined, facts: NO_FACTS }, next };
  }
  const valuesAt = V2_HEAD_BYTES + addressBytes(family);
  if (valuesAt > next) return refused("it is too short for its addresses");
  const facts = readFacts(bytes, valuesAt, next);
  if (typeof facts === "string") return refused(facts);
  const ends = transport === STREAM ? readEnds(bytes, family) : undefined;
  return { kind: "header", header: { version: 2, ends, facts }, next };
}

function addressBytes(family: number): number {
  if (family === FAMILY_IPV4) return IPV4_BYTES;
  if (family === FAMILY_IPV6) return IPV6_BYTES;
  return family === FAMILY_UNIX ? UNIX_BYTES : 0;
}

function readEnds(bytes: Uint8Array, family: number): ProxiedEnds | undefined {
  const at = V2_HEAD_BYTES;
  if (family === FAMILY_IPV4) {
    return {
      source: { host: formatIpv4(quad(bytes, at)), port: word(bytes, at + 8) },
      destination: { host: formatIpv4(quad(bytes, at + 4)), port: word(bytes, at + 10) },
    };
  }
  if (family !== FAMILY_IPV6) return undefined;
  return {
    source: { host: ipv6(bytes, at), port: word(bytes, at + 32) },
    destination: { host: ipv6(bytes, at + 16), port: word(bytes, at + 34) },
  };
}

function ipv6(bytes: Uint8Array, at: number): string {
  const words = Uint32Array.of(
    quad(bytes, at),
    quad(bytes, at + 4),
    quad(bytes, at + 8),
    quad(bytes, at + 12),
  );
  return canonical(words);
}

/** Type, length, value, to the end; a string says what is wrong. */
function readFacts(bytes: Uint8Array, start: number, end: number): ProxyFacts | string {
  let { authority, alpn, uniqueId, isTls } = NO_FACTS;
  let at = start;
  while (at < end) {
    if (at + 3 > end) return "a value is cut short";
    const type = bytes[at]!;
    const valueAt = at + 3;
    const valueEnd = valueAt + word(bytes, at + 1);
    if (valueEnd > end) return "a value is longer than the header";
    if (type === TYPE_CRC32C) {
      if (valueEnd - valueAt !== 4) return "its checksum is not four bytes";
      if (quad(bytes, valueAt) !== crc32c(bytes, 0, end, valueAt)) return "its checksum is wrong";
    } else if (type === TYPE_ALPN) alpn = latin1(bytes, valueAt, valueEnd);
    else if (type === TYPE_AUTHORITY) authority = latin1(bytes, valueAt, valueEnd).toLowerCase();
    else if (type === TYPE_UNIQUE_ID) {
      if (valueEnd - valueAt > UNIQUE_ID_BYTES_MAX) return "its unique id is too long";
      uniqueId = latin1(bytes, valueAt, valueEnd);
    } else if (type === TYPE_TLS) {
      if (!isTlsValue(bytes, valueAt, valueEnd)) return "its TLS value is cut short";
      isTls = (bytes[valueAt]! & TLS_CLIENT) !== 0;
    }
    at = valueEnd;
  }
  return { authority, alpn, uniqueId, isTls };
}

/** Its five bytes, and whole values behind them. */
function isTlsValue(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start + TLS_BYTES_MIN;
  while (at + 3 <= end) at += 3 + word(bytes, at + 1);
  return at === end;
}

// --- bytes -----------------------------------------------------------------------------------

/** As far as there are bytes; a signature that has only begun may still become one. */
function startsWith(bytes: Uint8Array, end: number, signature: Uint8Array): boolean {
  const last = Math.min(end, signature.length);
  for (let index = 0; index < last; index++) {
    if (bytes[index] !== signature[index]) return false;
  }
  return true;
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! * 256 + bytes[at + 1]!;
}

function quad(bytes: Uint8Array, at: number): number {
  return word(bytes, at) * 65_536 + word(bytes, at + 2);
}

function latin1(bytes: Uint8Array, at: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + at, end - at).toString("latin1");
}

function refused(why: string): ReadHeader {
  return { kind: "refused", why };
}
