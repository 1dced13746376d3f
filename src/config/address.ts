/** The addresses a config names: where to listen, where endpoints are, which hosts a site has. */
import { isIPv4, isIPv6 } from "node:net";
import { domainToASCII } from "node:url";
import type { Address } from "../base/world.ts";
import type { Scheme } from "../core/upstream.ts";

const LISTEN = /^(?:([0-9.]+)|\[([0-9A-Fa-f:.]+)\])?:(\d{1,5})$/;
const ENDPOINT = /^(?:([A-Za-z0-9._-]+)|\[([0-9A-Fa-f:.]+)\])(?::(\d{1,5}))?$/;
const LABEL = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/;

const SOCKET_PATH_BYTES_MAX = 107; // sun_path is 108 bytes with its NUL

/** ":80" "127.0.0.1:80" "[::1]:80" "unix:/path"; ":80" is every IPv4 address of the machine. */
export function parseListen(text: string): Address | undefined {
  if (text.startsWith("unix:")) return socketPath(text.slice("unix:".length));
  const [all, v4, v6, digits] = LISTEN.exec(text) ?? [];
  const port = Number(digits);
  if (all === undefined || port > 65_535) return undefined;
  if (v4 !== undefined) return isIPv4(v4) ? { host: v4, port } : undefined;
  if (v6 !== undefined) return isIPv6(v6) ? { host: canonicalIpv6(v6), port } : undefined;
  return { host: "0.0.0.0", port };
}

/** What tells one listener from another, and one endpoint: "0.0.0.0:80" "[::1]:80" "unix:/path". */
export function addressKey({ host, port }: Address): string {
  if (host.startsWith("/")) return `unix:${host}`;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

export type EndpointAddress =
  | { readonly kind: "address"; readonly address: Address; readonly scheme: Scheme | undefined }
  | { readonly kind: "refused"; readonly why: string }; // completes "must be …" or stands alone

const SCHEME = /^(https?|h2c?)(?:(:\/\/)|\+(?=unix:))/;
const PORTS: Readonly<Record<Scheme, number>> = { http: 80, https: 443, h2: 443, h2c: 80 };

/**
 * "10.0.0.1:3000" "http://host" "https://host:8443" "h2://host" "h2c://host:50051" "unix:/path"
 * "https+unix:/path". The scheme is undefined where none is written, which is as with "http".
 */
export function parseEndpoint(text: string): EndpointAddress {
  const [prefix = "", scheme, isUrl] = SCHEME.exec(text) ?? [];
  const rest = text.slice(prefix.length);
  const socket = isUrl === undefined ? /^unix:(?:\/\/)?(\/.*)$/.exec(rest)?.[1] : undefined;
  const found = (address: Address): EndpointAddress => {
    return { kind: "address", address, scheme: scheme as Scheme | undefined }; // as the pattern has it
  };
  if (socket !== undefined) {
    const address = socketPath(socket);
    return address === undefined
      ? refused(`must be a socket path of at most ${SOCKET_PATH_BYTES_MAX} bytes`)
      : found(address);
  }
  const authority = isUrl === undefined ? rest : rest.replace(/\/$/, "");
  if (isUrl !== undefined && /[/?#]/.test(authority)) {
    return refused("must be without a path, which is for rewrite to set");
  }
  const [all, name, v6, digits] = ENDPOINT.exec(authority) ?? [];
  const port =
    digits === undefined && isUrl !== undefined ? PORTS[scheme as Scheme] : Number(digits);
  if (all === undefined || !(port >= 1 && port <= 65_535)) return refused(ENDPOINT_FORM);
  if (v6 !== undefined) {
    return isIPv6(v6) ? found({ host: canonicalIpv6(v6), port }) : refused(ENDPOINT_FORM);
  }
  const host = name!.toLowerCase();
  return isIPv4(host) || isName(host) ? found({ host, port }) : refused(ENDPOINT_FORM);
}

/** A name that DNS may be asked for, as it is asked: lower case, without a final dot. */
export function parseDnsName(text: string): string | undefined {
  const name = text.toLowerCase().replace(/\.$/, "");
  return isName(name) ? name : undefined;
}

/** Neither an IP address nor a path of a socket. */
export function isHostName({ host }: Address): boolean {
  return !host.startsWith("/") && !isIPv4(host) && !isIPv6(host);
}

const SERVER = /^(?:([0-9.]+)|\[([0-9A-Fa-f:.]+)\])(?::(\d{1,5}))?$/;

/** "10.0.0.53" "10.0.0.53:5353" "[::1]:5353" "::1"; a server of names has no name itself. */
export function isDnsServer(text: string): boolean {
  return parseDnsServer(text) !== undefined;
}

const DNS_PORT = 53;

export function parseDnsServer(text: string): Address | undefined {
  if (isIPv6(text) && !text.includes("%")) return { host: text, port: DNS_PORT };
  const [all, v4, v6, digits] = SERVER.exec(text) ?? [];
  const host = v4 ?? v6 ?? "";
  if (all === undefined || !(v4 === undefined ? isIPv6(host) : isIPv4(host))) return undefined;
  const port = digits === undefined ? DNS_PORT : Number(digits);
  return port >= 1 && port <= 65_535 ? { host, port } : undefined;
}

const ENDPOINT_FORM =
  'must be an endpoint such as "10.0.0.1:3000", "https://app:8443" or "unix:/run/app.sock"';

function refused(why: string): EndpointAddress {
  return { kind: "refused", why };
}

function socketPath(path: string): Address | undefined {
  if (!path.startsWith("/") || path.includes("\0")) return undefined;
  return Buffer.byteLength(path) > SOCKET_PATH_BYTES_MAX ? undefined : { host: path, port: 0 };
}

/**
 * A host of a site: "shop.example.com", "*.example.com", "*", an IP address. Lower case, without a
 * final dot, international names as they are on the wire, IPv6 in brackets as it is in Host.
 */
export function parseSiteHost(text: string): string | undefined {
  if (text === "*") return text;
  if (isIPv4(text)) return text;
  const v6 = /^\[(.*)\]$/.exec(text)?.[1] ?? text;
  if (isIPv6(v6)) return v6.includes("%") ? undefined : `[${canonicalIpv6(v6)}]`;
  const wildcard = text.startsWith("*.");
  const plain = wildcard ? text.slice(2) : text;
  const name = (isAscii(plain) ? plain : domainToASCII(plain)).toLowerCase().replace(/\.$/, "");
  if (!isName(name)) return undefined;
  return wildcard ? `*.${name}` : name;
}

/** A name that TLS clients ask for: exact, or "*.example.com" for any depth below. Lower case. */
export function parseServerName(text: string): string | undefined {
  const name = text === "*" || isIPv4(text) ? undefined : parseSiteHost(text);
  return name?.startsWith("[") ? undefined : name;
}

/** TCP and UDP have ports of their own: "0.0.0.0:53" "udp/0.0.0.0:53" */
export function streamKey(protocol: "tcp" | "udp", address: Address): string {
  return protocol === "udp" ? `udp/${addressKey(address)}` : addressKey(address);
}

function isName(name: string): boolean {
  if (name.length === 0 || name.length > 253) return false;
  const labels = name.split(".");
  // A last label of digits would be an IPv4 address to some readers, and 10.0.0.256 is a slip.
  return labels.every((label) => LABEL.test(label)) && !/^\d+$/.test(labels.at(-1)!);
}

function isAscii(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}

function canonicalIpv6(text: string): string {
  return new URL(`http://[${text}]`).hostname.slice(1, -1);
}

/** "10.0.0.0/8" "2001:db8::/32", or a single address. */
export function isAddressRange(text: string): boolean {
  const [address = "", bits, ...rest] = text.split("/");
  if (rest.length > 0 || address.includes("%")) return false;
  const bitsMax = isIPv4(address) ? 32 : isIPv6(address) ? 128 : -1;
  if (bitsMax < 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= bitsMax);
}

/** Only this machine can reach it. */
export function isLoopback({ host }: Address): boolean {
  return host.startsWith("/") || host.startsWith("127.") || host === "::1";
}
