/**
 * The fields that tell the next server who asked us, and through what (DEFAULTS "Headers"). From a
 * peer that is not trusted every such field is dropped and ours are set; a trusted peer's are kept
 * and continued.
 */

import { idOf, type KnownHeader } from "../protocol/http/header-id.ts";
import { dropTable } from "../protocol/http/header-list.ts";
import type { Client, Exchange } from "./exchange.ts";

/** Never sent on as received: about this hop, or sent anew from our own state. */
const HOP: readonly KnownHeader[] = [
  "host",
  "connection",
  "keep-alive",
  "proxy-connection",
  "content-length",
  "transfer-encoding",
  "expect",
  "upgrade",
  "te",
  "http2-settings",
  "proxy", // HTTPoxy (SECURITY H6)
  "proxy-authorization",
  "proxy-authenticate",
];

/** Claims about who asked for what, which only a trusted peer may make (SECURITY H3, H7). */
const CLAIMS: readonly KnownHeader[] = [
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-server",
  "x-forwarded-prefix",
  "x-forwarded-ssl",
  "x-forwarded-scheme",
  "x-real-ip",
  "x-client-ip",
  "true-client-ip",
  "cf-connecting-ip",
  "x-original-url",
  "x-original-host",
  "x-rewrite-url",
  "x-http-method-override",
  "x-http-method",
  "x-method-override",
  "x-request-id",
];

/** What we set ourselves also where the peer is trusted. */
const CONTINUED: readonly KnownHeader[] = [
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-request-id",
];

// A claim that is ours to make (`headers: { request: { set: { x-real-ip: … } } }`) goes on.
const DROP_UNTRUSTED = dropTable([...HOP, ...CONTINUED].map(idOf), CLAIMS.map(idOf));
const DROP_TRUSTED = dropTable([...HOP, ...CONTINUED].map(idOf));
const DROP_TRUSTED_NO_FORWARDED = dropTable(
  [...HOP, ...CONTINUED].filter((name) => name !== "forwarded").map(idOf),
);

const WITHOUT_KEY = new Map<Uint8Array, Uint8Array>(
  [DROP_UNTRUSTED, DROP_TRUSTED, DROP_TRUSTED_NO_FORWARDED].map((drops) => {
    const more = drops.slice();
    more[idOf("sec-websocket-key")] = 1;
    return [drops, more];
  }),
);

/** As requestDrops(), for a WebSocket on a stream of HTTP/2, which has no key (RFC 8441 §5). */
export function tunnelDrops(exchange: Exchange): Uint8Array {
  return WITHOUT_KEY.get(requestDrops(exchange))!;
}

/** Which received request fields do not go upstream. */
export function requestDrops(exchange: Exchange): Uint8Array {
  if (!exchange.client.isTrusted) return DROP_UNTRUSTED;
  return exchange.runtime.forwarding.emitForwarded ? DROP_TRUSTED : DROP_TRUSTED_NO_FORWARDED;
}

const RESPONSE_HOP: readonly KnownHeader[] = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "content-length",
  "transfer-encoding",
  "upgrade",
  "te",
  "proxy-authenticate",
  "http2-settings",
];

/** Which received response fields do not go downstream. */
export const RESPONSE_DROPS = dropTable(RESPONSE_HOP.map(idOf));

/** Where a stream of HTTP/2 becomes a WebSocket there is no key to answer, either (RFC 8441 §5). */
export const SWITCH_DROPS = dropTable([...RESPONSE_HOP, "sec-websocket-accept" as const].map(idOf));

/**
 * Our own lines, each with its CRLF, and the last of them up to where the request's id begins. Every
 * value has been validated on its way in.
 */
export function forwardingLines(exchange: Exchange): string {
  const { request, client, runtime } = exchange;
  const { forwarding } = runtime;
  const host = request.port === 0 ? request.host : `${request.host}:${request.port}`;
  let lines = client.isTrusted
    ? continuedLines(exchange, host)
    : `X-Forwarded-For: ${nodeOf(client)}\r\nX-Forwarded-Proto: ${request.scheme}\r\n` +
      `X-Forwarded-Host: ${host}\r\n${portLine(String(client.localPort))}`;
  if (forwarding.emitForwarded) lines += forwardedLine(exchange, host);
  if (forwarding.pseudonym !== "") {
    lines += `Via: 1.${request.minorVersion} ${forwarding.pseudonym}\r\n`;
  }
  return `${lines}X-Request-Id: `;
}

function continuedLines(exchange: Exchange, host: string): string {
  const { request, client } = exchange;
  const { headers } = request;
  const hops = [...headers.all("x-forwarded-for"), nodeOf(client)].join(", ");
  const said = (name: string, own: string) => headers.get(name) ?? own;
  return (
    `X-Forwarded-For: ${hops}\r\nX-Forwarded-Proto: ${request.scheme}\r\n` +
    `X-Forwarded-Host: ${said("x-forwarded-host", host)}\r\n` +
    portLine(said("x-forwarded-port", String(client.localPort)))
  );
}

/** A peer on a unix socket has no address: "unknown" is the word for it (RFC 7239 §6.2). */
function nodeOf({ wireAddress }: Client): string {
  return wireAddress === "unix" ? "unknown" : wireAddress;
}

/** A unix socket has no port either, and then nothing is said. */
function portLine(port: string): string {
  return port === "0" ? "" : `X-Forwarded-Port: ${port}\r\n`;
}

/** RFC 7239 §4: IPv6 addresses are quoted and in brackets. */
function forwardedLine(exchange: Exchange, host: string): string {
  const { request, client } = exchange;
  const plain = nodeOf(client);
  const node = plain.includes(":") ? `"[${plain}]"` : plain;
  const own = `for=${node};host="${host}";proto=${request.scheme}`;
  const received = client.isTrusted ? request.headers.all("forwarded") : [];
  return `Forwarded: ${[...received, own].join(", ")}\r\n`;
}

/** Our pseudonym in Via: this request has been here before (RFC 9110 §7.6.3). */
export function isLoop(exchange: Exchange): boolean {
  const { pseudonym } = exchange.runtime.forwarding;
  if (pseudonym === "") return false;
  const via = exchange.request.headers.first(VIA);
  if (via === undefined) return false;
  return exchange.request.headers
    .all("via")
    .join(",")
    .split(",")
    .some((hop) => hop.trim().split(/[ \t]+/)[1] === pseudonym);
}

const VIA = idOf("via");
