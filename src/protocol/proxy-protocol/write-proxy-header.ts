import { isIpv4, parseIp } from "../../base/ip-address.ts";
import { crc32c } from "./crc32c.ts";
import {
  COMMAND_LOCAL,
  COMMAND_PROXY,
  FAMILY_IPV4,
  FAMILY_IPV6,
  type ProxiedEnds,
  type ProxyFacts,
  STREAM,
  TLS_CLIENT,
  TYPE_ALPN,
  TYPE_AUTHORITY,
  TYPE_CRC32C,
  TYPE_TLS,
  TYPE_UNIQUE_ID,
  V2_HEAD_BYTES,
  V2_SIGNATURE,
  VERSION_2,
} from "./proxy-header.ts";

/** The header for an endpoint; `ends` undefined: the connection is no client's, or of no address. */
export function writeProxyHeader(
  version: 1 | 2,
  ends: ProxiedEnds | undefined,
  facts: ProxyFacts,
): Buffer {
  const words = ends === undefined ? undefined : wordsOf(ends);
  if (version === 2) return v2(words, facts);
  return Buffer.from(ends === undefined || words === undefined ? UNKNOWN : v1(ends, words));
}

// Of the client's certificate, if it had one, we say nothing.
const OVER_TLS = String.fromCharCode(TLS_CLIENT, 0, 0, 0, 0);
const UNKNOWN = "PROXY UNKNOWN\r\n";

interface EndWords {
  readonly source: Uint32Array;
  readonly destination: Uint32Array;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly isIpv4: boolean; // both are; else both are written as IPv6
}

function wordsOf({ source, destination }: ProxiedEnds): EndWords | undefined {
  const [from, to] = [parseIp(source.host), parseIp(destination.host)];
  if (from === undefined || to === undefined) return undefined; // a unix socket
  return {
    source: from,
    destination: to,
    sourcePort: source.port,
    destinationPort: destination.port,
    isIpv4: isIpv4(from) && isIpv4(to),
  };
}

function v1({ source, destination }: ProxiedEnds, words: EndWords): string {
  const family = words.isIpv4 ? "TCP4" : "TCP6";
  const shown = (host: string) => (words.isIpv4 || host.includes(":") ? host : `::ffff:${host}`);
  const hosts = `${shown(source.host)} ${shown(destination.host)}`;
  return `PROXY ${family} ${hosts} ${source.port} ${destination.port}\r\n`;
}

function v2(words: EndWords | undefined, facts: ProxyFacts): Buffer {
  const addresses = words === undefined ? Buffer.alloc(0) : addressBytes(words);
  const values = Buffer.concat([
    value(TYPE_ALPN, facts.alpn),
    value(TYPE_AUTHORITY, facts.authority),
    value(TYPE_UNIQUE_ID, facts.uniqueId),
    value(TYPE_TLS, facts.isTls ? OVER_TLS : ""),
    Buffer.from([TYPE_CRC32C, 0, 4, 0, 0, 0, 0]),
  ]);
  const head = Buffer.alloc(V2_HEAD_BYTES);
  V2_SIGNATURE.copy(head);
  head[12] = VERSION_2 | (words === undefined ? COMMAND_LOCAL : COMMAND_PROXY);
  head[13] = words === undefined ? 0 : (words.isIpv4 ? FAMILY_IPV4 : FAMILY_IPV6) | STREAM;
  head.writeUInt16BE(addresses.length + values.length, 14);
  const header = Buffer.concat([head, addresses, values]);
  header.writeUInt32BE(crc32c(header, 0, header.length, header.length), header.length - 4);
  return header;
}

function addressBytes(words: EndWords): Buffer {
  const first = words.isIpv4 ? 3 : 0; // of the four words, mapped IPv4 is the last
  const hosts = [...words.source.subarray(first), ...words.destination.subarray(first)];
  const bytes = Buffer.alloc(hosts.length * 4 + 4);
  for (const [index, host] of hosts.entries()) bytes.writeUInt32BE(host, index * 4);
  bytes.writeUInt16BE(words.sourcePort, hosts.length * 4);
  bytes.writeUInt16BE(words.destinationPort, hosts.length * 4 + 2);
  return bytes;
}

function value(type: number, text: string): Buffer {
  if (text === "") return Buffer.alloc(0);
  const bytes = Buffer.alloc(3 + text.length);
  bytes[0] = type;
  bytes.writeUInt16BE(text.length, 1);
  bytes.write(text, 3, "latin1");
  return bytes;
}
