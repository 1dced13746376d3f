import type { RequestPlan } from "./chaos-plan.ts";

/**
 * A body that is like no other and at no place like at another, so that a byte which is lost,
 * doubled, moved or somebody else's shows.
 */
export function bodyOf(name: string, bytes: number): string {
  let text = "";
  for (let place = 0; text.length < bytes; place++) text += `<${name} ${place}>`;
  return text.slice(0, bytes);
}

/** In chunks of about this size. */
export function chunked(body: string, chunkBytes: number, trailers: string): string {
  let text = "";
  for (let at = 0; at < body.length; at += chunkBytes) {
    const chunk = body.slice(at, at + chunkBytes);
    text += `${chunk.length.toString(16)}\r\n${chunk}\r\n`;
  }
  return `${text}0\r\n${trailers}\r\n`;
}

export function pathOf(request: RequestPlan): string {
  switch (request.kind) {
    case "here":
      return `/here/${request.number}`;
    case "nowhere":
      return `/nowhere/${request.number}`;
    default:
      return `/${request.route}/${request.number}`;
  }
}

export function requestHead(request: RequestPlan): string {
  const lines = [`${request.method} ${pathOf(request)} HTTP/1.${request.minorVersion}`];
  lines.push("Host: a.test");
  if (request.kind === "bad") lines.push("X-Folded: 1", " 2");
  if (request.framing === "length") lines.push(`Content-Length: ${request.bodyBytes}`);
  if (request.framing === "chunked") lines.push("Transfer-Encoding: chunked");
  if (request.expects) lines.push("Expect: 100-continue");
  const options: string[] = [];
  if (request.closes) options.push("close");
  if (request.takesTrailers) {
    options.push("TE");
    lines.push("TE: trailers");
  }
  if (request.kind === "socket") {
    options.push("Upgrade");
    lines.push("Upgrade: websocket", "Sec-WebSocket-Version: 13", `Sec-WebSocket-Key: ${KEY}`);
  }
  if (options.length > 0) lines.push(`Connection: ${options.join(", ")}`);
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** The body as it is on the wire. */
export function requestBody(request: RequestPlan): string {
  const body = sentBody(request);
  if (request.framing === "none") return "";
  if (request.framing === "length") return body;
  return chunked(body, 1 + (request.number % 7) * 700, `X-Sum: ${body.length}\r\n`);
}

export function sentBody(request: RequestPlan): string {
  return request.framing === "none" ? "" : bodyOf(`q${request.number}`, request.bodyBytes);
}

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
export const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/** What the client of a socket says, as one text; the origin says the same in capitals. */
export function socketWords(request: RequestPlan): string {
  return bodyOf(`w${request.number}`, request.bodyBytes);
}
