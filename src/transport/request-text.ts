import { type Client, ENDPOINT_HOST, type Exchange, upstreamMethodOf } from "../core/exchange.ts";
import { forwardingLines, requestDrops } from "../core/forwarding-fields.ts";
import type { Forwarding } from "../core/runtime.ts";
import type { Endpoint } from "../core/upstream.ts";
import type { KnownLines } from "../protocol/http/header-list.ts";

/** A request head for an HTTP/1.1 endpoint: the lines as they came, framed and attributed anew. */
export function requestText(exchange: Exchange, endpoint: Endpoint): string {
  const { request, downstream } = exchange;
  const target =
    request.upstreamQuery === ""
      ? request.upstreamPath
      : `${request.upstreamPath}?${request.upstreamQuery}`;
  return (
    `${upstreamMethodOf(request)} ${target}${linesOf(exchange, endpoint)}${exchange.id}\r\n` +
    framingLine(exchange) +
    (downstream.websocketKey === undefined && !downstream.takesTrailers
      ? "\r\n"
      : optionLines(exchange))
  );
}

/** From behind the target to before the request's id. */
function linesOf(exchange: Exchange, endpoint: Endpoint): string {
  const { known } = exchange.request.headers;
  const sent = known === undefined ? undefined : sentBefore.get(known);
  if (sent?.fit(exchange) === true) return sent.lines;
  const lines =
    ` HTTP/1.1\r\nHost: ${hostOf(exchange, endpoint)}\r\n` +
    exchange.request.headers.lines(requestDrops(exchange)) +
    forwardingLines(exchange);
  if (known !== undefined && sent === undefined && SentLines.mayKeep(exchange)) {
    sentBefore.set(known, new SentLines(exchange, lines));
  }
  return lines;
}

/**
 * What was sent on for lines that come again and again on a client's connection: the next time it
 * is one string, and not a dozen to join.
 */
class SentLines {
  readonly #client: Client;
  readonly #host: string;
  readonly #upstreamHost: string;
  readonly #port: number;
  readonly #minorVersion: number;
  readonly #forwarding: Forwarding;
  readonly lines: string;

  constructor({ client, request, runtime }: Exchange, lines: string) {
    this.#client = client;
    this.#host = request.host;
    this.#upstreamHost = request.upstreamHost;
    this.#port = request.port;
    this.#minorVersion = request.minorVersion;
    this.#forwarding = runtime.forwarding;
    this.lines = lines;
  }

  /** Not of a trusted peer, which is another client each time, nor where the endpoint is the host. */
  static mayKeep({ client, request }: Exchange): boolean {
    return !client.isTrusted && request.host !== "" && request.upstreamHost !== ENDPOINT_HOST;
  }

  fit({ client, request, runtime }: Exchange): boolean {
    return (
      client === this.#client && // and the scheme with it
      request.host === this.#host &&
      request.upstreamHost === this.#upstreamHost &&
      request.port === this.#port &&
      request.minorVersion === this.#minorVersion &&
      runtime.forwarding === this.#forwarding
    );
  }
}

const sentBefore = new WeakMap<KnownLines, SentLines>();

/** As the client asked for it. Only HTTP/1.0 may leave it out; HTTP/1.1 may not (RFC 9112 §3.2). */
export function hostOf({ request }: Exchange, endpoint: Endpoint): string {
  const { upstreamHost } = request;
  if (upstreamHost === ENDPOINT_HOST) return ownHostOf(endpoint);
  if (upstreamHost !== "") return upstreamHost;
  if (request.host === "") return endpoint.name.startsWith("unix:") ? "localhost" : endpoint.name;
  return request.port === 0 ? request.host : `${request.host}:${request.port}`;
}

/** As a browser would ask for it: the name that its certificate is for, and no usual port. */
function ownHostOf({ name, address, manner }: Endpoint): string {
  if (address.host.startsWith("/")) return "localhost";
  const isUsual = address.port === (manner.tls === undefined ? 80 : 443);
  const { serverName } = manner.tls ?? {};
  if (serverName === undefined || serverName === "")
    return isUsual ? name.replace(/:[0-9]+$/, "") : name;
  const host = serverName.includes(":") ? `[${serverName}]` : serverName;
  return isUsual ? host : `${host}:${address.port}`;
}

function framingLine({ downstream }: Exchange): string {
  const framing = downstream.requestFraming;
  const expect = downstream.expectsContinue ? "Expect: 100-continue\r\n" : "";
  if (framing.kind === "length") return `${expect}Content-Length: ${framing.bytes}\r\n`;
  if (framing.kind === "chunked") return `${expect}Transfer-Encoding: chunked\r\n`;
  return "";
}

function optionLines({ downstream }: Exchange): string {
  if (downstream.websocketKey !== undefined) {
    return "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
  }
  return "Connection: TE\r\nTE: trailers\r\n\r\n"; // RFC 9110 §10.1.4: TE is for one hop
}
