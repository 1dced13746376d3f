import type { Exchange, ResponseHead } from "../core/exchange.ts";
import { RESPONSE_DROPS } from "../core/forwarding-fields.ts";
import type { Framing } from "../protocol/h1/framing.ts";
import { contentLength } from "../protocol/h1/framing.ts";
import { idOf } from "../protocol/http/header-id.ts";
import type { HeaderList } from "../protocol/http/header-list.ts";
import { statusLine } from "../protocol/http/status.ts";

const CONTENT_LENGTH = idOf("content-length");

/** What the connection means to do after this response; HTTP/1.0 has to be told either way. */
export type Persistence = "keep" | "keep-1.0" | "close";

/** A response head for an HTTP/1 client: the lines as they came, framed anew. */
export function responseText(
  exchange: Exchange,
  response: ResponseHead,
  framing: Framing,
  persistence: Persistence,
): string {
  return (
    statusLine(response.status) +
    response.headers.lines(RESPONSE_DROPS) +
    framingLine(exchange.request.method, response, framing) +
    (persistence === "keep"
      ? "\r\n"
      : persistence === "close"
        ? "Connection: close\r\n\r\n"
        : "Connection: keep-alive\r\n\r\n")
  );
}

function framingLine(method: string, response: ResponseHead, framing: Framing): string {
  if (framing.kind === "length") return `Content-Length: ${framing.bytes}\r\n`;
  if (framing.kind === "chunked") return "Transfer-Encoding: chunked\r\n";
  if (framing.kind === "close") return "";
  const told = toldLength(method, response);
  return told === undefined ? "" : `Content-Length: ${told}\r\n`;
}

/** Of no body: what a GET would have had may be told to HEAD and in a 304 (RFC 9110 §8.6). */
export function toldLength(method: string, response: ResponseHead): string | undefined {
  const isTold = method === "HEAD" || response.status === 304;
  const told = isTold ? response.headers.first(CONTENT_LENGTH) : undefined;
  return told === undefined || contentLength(told) < 0 ? undefined : told;
}

/** A 1xx: no framing, no connection options. */
export function interimText(status: number, headers: HeaderList | undefined): string {
  const lines = headers === undefined ? "" : headers.lines(RESPONSE_DROPS);
  return `${statusLine(status)}${lines}\r\n`;
}

/** 101: the one response whose Upgrade is ours to send. */
export function switchingText(response: ResponseHead): string {
  const lines = response.headers.lines(RESPONSE_DROPS);
  return `${statusLine(101)}${lines}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
}
