/**
 * The tests' own reader of HTTP/1 messages, apart from the product's: it reads what Sluice wrote,
 * on either side, and throws on anything that a strict reader would not take.
 */
export type FieldLine = readonly [name: string, value: string];

export interface Message {
  readonly startLine: string;
  readonly fields: readonly FieldLine[];
  readonly framing: "none" | "length" | "chunked" | "close";
  readonly body: string; // latin1, framing removed
  readonly trailers: readonly FieldLine[];
  readonly end: number; // position after the message
}

export interface Head {
  readonly startLine: string;
  readonly fields: readonly FieldLine[];
  readonly end: number;
}

/** The head that starts at `at`, or undefined if its end is not there yet. */
export function readHead(text: string, at: number): Head | undefined {
  const stop = text.indexOf("\r\n\r\n", at);
  if (stop === -1) return undefined;
  const [startLine, ...lines] = text.slice(at, stop).split("\r\n");
  return { startLine: startLine!, fields: lines.map(fieldLine), end: stop + 4 };
}

/** A whole request that starts at `at`, or undefined if there is more to come. */
export function readRequest(text: string, at: number): Message | undefined {
  const head = readHead(text, at);
  if (head === undefined) return undefined;
  return withBody(text, head, framingOf(head) === "close" ? "none" : framingOf(head), false);
}

/** A whole response to `method`; `ended` says that nothing follows, for bodies up to the close. */
export function readResponse(
  text: string,
  at: number,
  method: string,
  ended: boolean,
): Message | undefined {
  const head = readHead(text, at);
  if (head === undefined) return undefined;
  const status = statusOf(head.startLine);
  const bodiless = method === "HEAD" || status < 200 || status === 204 || status === 304;
  return withBody(text, head, bodiless ? "none" : framingOf(head), ended);
}

export function statusOf(startLine: string): number {
  const match = /^HTTP\/1\.[01] ([0-9]{3})(?: [\t -~\x80-\xff]*)?$/.exec(startLine);
  if (match === null) throw new Error(`not a status line: ${JSON.stringify(startLine)}`);
  return Number(match[1]);
}

export function fieldValues(fields: readonly FieldLine[], name: string): string[] {
  return fields.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value);
}

/** The only value; a repeat throws, because no test wants a choice made for it. */
export function fieldValue(fields: readonly FieldLine[], name: string): string | undefined {
  const values = fieldValues(fields, name);
  if (values.length > 1) throw new Error(`${name} given ${values.length} times`);
  return values[0];
}

function fieldLine(line: string): FieldLine {
  const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t -~\x80-\xff]*?)[ \t]*$/.exec(line);
  if (match === null) throw new Error(`not a field line: ${JSON.stringify(line)}`);
  return [match[1]!, match[2]!];
}

function framingOf(head: Head): Message["framing"] {
  const lengths = fieldValues(head.fields, "content-length");
  const codings = fieldValues(head.fields, "transfer-encoding");
  if (codings.length > 0) {
    if (lengths.length > 0) throw new Error("content-length beside transfer-encoding");
    if (codings.length > 1 || codings[0] !== "chunked") throw new Error(`coding ${codings}`);
    return "chunked";
  }
  if (lengths.length > 1) throw new Error(`${lengths.length} content-lengths`);
  if (lengths.length === 1 && !/^[0-9]+$/.test(lengths[0]!)) throw new Error("odd content-length");
  return lengths.length === 1 ? "length" : "close";
}

function withBody(
  text: string,
  head: Head,
  framing: Message["framing"],
  ended: boolean,
): Message | undefined {
  const { startLine, fields } = head;
  const start = { startLine, fields, framing };
  if (framing === "chunked") {
    // It ends in an empty line: without one there is no need to walk through all chunks again.
    if (!text.includes("\r\n\r\n", head.end - 2)) return undefined;
    const rest = readChunks(text, head.end);
    return rest === undefined ? undefined : { ...start, ...rest };
  }
  if (framing === "close") {
    if (!ended) return undefined;
    return { ...start, body: text.slice(head.end), trailers: [], end: text.length };
  }
  const length = framing === "length" ? Number(fieldValue(fields, "content-length")) : 0;
  const end = head.end + length;
  if (end > text.length) return undefined;
  return { ...start, body: text.slice(head.end, end), trailers: [], end };
}

function readChunks(
  text: string,
  from: number,
): Pick<Message, "body" | "trailers" | "end"> | undefined {
  let at = from;
  let body = "";
  for (;;) {
    const lineEnd = text.indexOf("\r\n", at);
    if (lineEnd === -1) return undefined;
    const line = text.slice(at, lineEnd);
    if (!/^[0-9A-Fa-f]+$/.test(line)) throw new Error(`chunk line ${JSON.stringify(line)}`);
    const size = Number.parseInt(line, 16);
    at = lineEnd + 2;
    if (size === 0) return readTrailers(text, at, body);
    if (text.length < at + size + 2) return undefined;
    if (text.slice(at + size, at + size + 2) !== "\r\n") throw new Error("chunk without its CRLF");
    body += text.slice(at, at + size);
    at += size + 2;
  }
}

function readTrailers(
  text: string,
  from: number,
  body: string,
): Pick<Message, "body" | "trailers" | "end"> | undefined {
  const trailers: FieldLine[] = [];
  let at = from;
  for (;;) {
    const lineEnd = text.indexOf("\r\n", at);
    if (lineEnd === -1) return undefined;
    if (lineEnd === at) return { body, trailers, end: at + 2 };
    trailers.push(fieldLine(text.slice(at, lineEnd)));
    at = lineEnd + 2;
  }
}
