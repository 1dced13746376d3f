import { idOf } from "../http/header-id.ts";
import type { HeaderList } from "../http/header-list.ts";
import { END_TO_END_FIELDS, keepsAlive, readConnection } from "./connection-field.ts";
import { type Framing, responseFraming } from "./framing.ts";
import type { HeadParser } from "./head-parser.ts";

/** What a response head means for the connection it came on, read once. */
export interface ResponseFacts {
  readonly status: number;
  readonly headers: HeaderList;
  readonly framing: Framing; // never "refused"
  readonly keepsAlive: boolean;
  readonly switchesTo: string | undefined; // 101 only: the Upgrade field, in lower case
  readonly keepAliveSeconds: number; // Keep-Alive: timeout=N; 0 if it does not say
}

const CONTENT_LENGTH = idOf("content-length");
const TRANSFER_ENCODING = idOf("transfer-encoding");
const CONNECTION = idOf("connection");
const KEEP_ALIVE = idOf("keep-alive");
const FIELD_STRIDE = 5; // of HeadParser.fields

/** `method`: of the request that this answers. Answers with a reason if the framing is in doubt. */
export function readResponse(
  parser: HeadParser,
  text: string,
  method: string,
): ResponseFacts | string {
  const headers = parser.headers(text);
  const { minorVersion, status } = parser;
  const plain = parser.known?.response;
  if (
    plain !== undefined &&
    plain.status === status &&
    plain.minorVersion === minorVersion &&
    plain.method === method
  ) {
    const { framing, keepsAlive, keepAliveSeconds } = plain;
    return { status, headers, framing, keepsAlive, switchesTo: undefined, keepAliveSeconds };
  }
  const { fields, fieldsEnd } = parser;
  let lengths = 0;
  let encodings = 0;
  let connections = 0;
  let keepAlives = 0;
  for (let at = 0; at < fieldsEnd; at += FIELD_STRIDE) {
    const id = fields[at]!;
    if (id === CONTENT_LENGTH) lengths++;
    else if (id === TRANSFER_ENCODING) encodings++;
    else if (id === CONNECTION) connections++;
    else if (id === KEEP_ALIVE) keepAlives++;
  }
  const framing = responseFraming(
    {
      minorVersion,
      contentLengths: lengths === 0 ? NO_VALUES : headers.all("content-length"),
      transferEncodings: encodings === 0 ? NO_VALUES : headers.all("transfer-encoding"),
    },
    status,
    method,
  );
  if (framing.kind === "refused") return framing.why;

  const connection = readConnection(connections === 0 ? NO_VALUES : headers.all("connection"));
  for (const field of connection.fields) {
    // A field that must reach the client is kept, whatever the endpoint says of it.
    if (!END_TO_END_FIELDS.has(field)) headers.delete(field);
  }
  const facts: ResponseFacts = {
    status,
    headers,
    framing,
    keepsAlive: keepsAlive(minorVersion, connection),
    switchesTo:
      status === 101 && connection.upgrade ? headers.get("upgrade")?.toLowerCase() : undefined,
    keepAliveSeconds: keepAlives === 0 ? 0 : keepAliveSeconds(headers.first(KEEP_ALIVE)!),
  };
  if (parser.known !== undefined && status !== 101 && connection.fields.length === 0) {
    const { keepsAlive, keepAliveSeconds } = facts;
    parser.known.response = { status, minorVersion, method, framing, keepsAlive, keepAliveSeconds };
  }
  return facts;
}

const NO_VALUES: readonly string[] = [];

function keepAliveSeconds(value: string): number {
  const [, digits] = /(?:^|[,;\s])timeout\s*=\s*"?(\d{1,6})/i.exec(value) ?? [];
  return digits === undefined ? 0 : Number(digits);
}
