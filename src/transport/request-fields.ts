import { type Exchange, upstreamMethodOf } from "../core/exchange.ts";
import { forwardingLines, requestDrops, tunnelDrops } from "../core/forwarding-fields.ts";
import type { Endpoint } from "../core/upstream.ts";
import type { RequestFields } from "../protocol/h2/stream.ts";
import { hostOf } from "./request-text.ts";

/** A request head for an HTTP/2 endpoint: the fields as they came, and attributed anew. */
export function requestFields(exchange: Exchange, endpoint: Endpoint): RequestFields {
  const { request, downstream } = exchange;
  const isTunnel = downstream.websocketKey !== undefined; // RFC 8441 §4
  return {
    method: isTunnel ? "CONNECT" : upstreamMethodOf(request),
    protocol: isTunnel ? "websocket" : undefined,
    scheme: endpoint.manner.tls === undefined ? "http" : "https",
    authority: hostOf(exchange, endpoint),
    path:
      request.upstreamQuery === ""
        ? request.upstreamPath
        : `${request.upstreamPath}?${request.upstreamQuery}`,
    headers: request.headers,
    drop: isTunnel ? tunnelDrops(exchange) : requestDrops(exchange),
    more: `${forwardingLines(exchange)}${exchange.id}\r\n${messageLines(exchange)}`,
  };
}

function messageLines({ downstream }: Exchange): string {
  const framing = downstream.requestFraming;
  const expect = downstream.expectsContinue ? "Expect: 100-continue\r\n" : "";
  const length = framing.kind === "length" ? `Content-Length: ${framing.bytes}\r\n` : "";
  return expect + length + (downstream.takesTrailers ? "TE: trailers\r\n" : "");
}
