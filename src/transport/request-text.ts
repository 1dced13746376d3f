import type { Exchange } from "../core/exchange.ts";
import { forwardingLines, requestDrops } from "../core/forwarding-fields.ts";
import type { Endpoint } from "../core/upstream.ts";

/** A request head for an HTTP/1.1 endpoint: the lines as they came, framed and attributed anew. */
export function requestText(exchange: Exchange, endpoint: Endpoint): string {
  const { request, downstream } = exchange;
  const target =
    request.upstreamQuery === ""
      ? request.upstreamPath
      : `${request.upstreamPath}?${request.upstreamQuery}`;
  return (
    `${request.method} ${target} HTTP/1.1\r\nHost: ${hostOf(exchange, endpoint)}\r\n` +
    request.headers.lines(requestDrops(exchange)) +
    forwardingLines(exchange) +
    framingLine(exchange) +
    (downstream.websocketKey === undefined && !downstream.takesTrailers
      ? "\r\n"
      : optionLines(exchange))
  );
}

/** As the client asked for it. Only HTTP/1.0 may leave it out; HTTP/1.1 may not (RFC 9112 §3.2). */
export function hostOf({ request }: Exchange, endpoint: Endpoint): string {
  if (request.host === "") return endpoint.name.startsWith("unix:") ? "localhost" : endpoint.name;
  return request.port === 0 ? request.host : `${request.host}:${request.port}`;
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
