import { idOf } from "../http/header-id.ts";
import type { HeaderList } from "../http/header-list.ts";
import { isValidKey } from "../websocket/handshake.ts";
import {
  type ConnectionOptions,
  END_TO_END_FIELDS,
  keepsAlive,
  listTokens,
  readConnection,
} from "./connection-field.ts";
import { type Framing, NONE, requestFraming } from "./framing.ts";
import type { PlainRequest } from "./head-memory.ts";
import type { HeadParser } from "./head-parser.ts";

/** What a request head means for the connection it came on, read once. */
export interface RequestFacts {
  readonly method: string;
  readonly target: string; // as received
  readonly minorVersion: 0 | 1;
  readonly host: string | undefined; // the one Host field; undefined only in HTTP/1.0
  readonly headers: HeaderList;
  readonly framing: Framing;
  readonly keepsAlive: boolean; // the client would send another request
  readonly expectsContinue: boolean;
  readonly websocketKey: string | undefined; // a valid handshake asks for a WebSocket
  readonly takesTrailers: boolean; // TE: trailers
  readonly hasOddNames: boolean; // as HeadParser found
}

/** "framing" "coding" "host" …: which rule was broken; the transport knows the fault for it. */
export type RequestRefusal =
  | "framing"
  | "coding"
  | "host"
  | "expectation"
  | "connection"
  | "upgrade"
  | "method";

export interface Refused {
  readonly refused: RequestRefusal;
  readonly why: string; // for the log
}

const HOST = idOf("host");
const CONNECTION = idOf("connection");
const CONTENT_LENGTH = idOf("content-length");
const TRANSFER_ENCODING = idOf("transfer-encoding");
const EXPECT = idOf("expect");
const UPGRADE = idOf("upgrade");
const TE = idOf("te");
const FIELD_STRIDE = 5; // of HeadParser.fields

// One bit for each field that needs a closer look. Most requests have Host and Connection only.
const SAW_FRAMING = 1;
const SAW_EXPECT = 2;
const SAW_UPGRADE = 4;
const SAW_TE = 8;

/** `text`: the head as latin1, from its first byte; `parser` has just read it. */
export function readRequest(parser: HeadParser, text: string): RequestFacts | Refused {
  const method = methodOf(parser, text);
  if (method !== "GET" && REFUSED_METHODS.has(method)) return refused("method", method);

  const headers = parser.headers(text);
  const plain = parser.known?.request;
  if (plain !== undefined) return plainFacts(parser, text, method, headers, plain);
  return readFields(parser, text, method, headers);
}

function readFields(
  parser: HeadParser,
  text: string,
  method: string,
  headers: HeaderList,
): RequestFacts | Refused {
  const { minorVersion, fields, fieldsEnd } = parser;
  let hosts = 0;
  let connections = 0;
  let saw = 0;
  for (let at = 0; at < fieldsEnd; at += FIELD_STRIDE) {
    const id = fields[at]!;
    if (id === HOST) hosts++;
    else if (id === CONNECTION) connections++;
    else if (id === CONTENT_LENGTH || id === TRANSFER_ENCODING) saw |= SAW_FRAMING;
    else if (id === EXPECT) saw |= SAW_EXPECT;
    else if (id === UPGRADE) saw |= SAW_UPGRADE;
    else if (id === TE) saw |= SAW_TE;
  }
  if (hosts > 1) return refused("host", "more than one Host"); // RFC 9112 §3.2
  if (hosts === 0 && minorVersion === 1) return refused("host", "no Host");
  let framing = NONE;
  if ((saw & SAW_FRAMING) !== 0) {
    framing = requestFraming({
      minorVersion,
      contentLengths: headers.all("content-length"),
      transferEncodings: headers.all("transfer-encoding"),
    });
    if (framing.kind === "refused") {
      return refused(framing.reason === "coding" ? "coding" : "framing", framing.why);
    }
  }

  const connection = readConnection(connections === 0 ? [] : headers.all("connection"));
  for (const field of connection.fields) {
    if (END_TO_END_FIELDS.has(field)) return refused("connection", field);
  }
  if (saw === 0 && hosts === 1 && connection.fields.length === 0) {
    const plain = { host: headers.first(HOST)!, connection };
    if (parser.known !== undefined) parser.known.request = plain;
    return plainFacts(parser, text, method, headers, plain);
  }
  let expectsContinue = false;
  if ((saw & SAW_EXPECT) !== 0 && minorVersion === 1) {
    // RFC 9110 §10.1.1: an HTTP/1.0 client's Expect is ignored.
    if (listTokens(headers.all("expect")).some((token) => token !== "100-continue")) {
      return refused("expectation", headers.first(EXPECT)!);
    }
    expectsContinue = framing.kind !== "none";
  }
  let websocketKey: string | undefined;
  if ((saw & SAW_UPGRADE) !== 0 && minorVersion === 1 && asksWebSocket(headers, connection)) {
    const problem = handshakeProblem(method, headers, framing);
    if (problem !== "") return refused("upgrade", problem);
    websocketKey = headers.get("sec-websocket-key");
  }

  const takesTrailers = (saw & SAW_TE) !== 0 && listTokens(headers.all("te")).includes("trailers");
  // Fields that the client declared to be for this hop are gone before anyone can read them, and
  // before the proxy adds its own (SECURITY H2).
  for (const field of connection.fields) headers.delete(field);
  return {
    method,
    target: text.slice(parser.methodEnd + 1, parser.targetEnd),
    minorVersion,
    host: headers.first(HOST),
    headers,
    framing,
    keepsAlive: keepsAlive(minorVersion, connection),
    expectsContinue,
    websocketKey,
    takesTrailers,
    hasOddNames: parser.hasOddNames,
  };
}

/** The same few letters each time: one string for all of them, which compares at once. */
function methodOf({ methodAt, methodEnd }: HeadParser, text: string): string {
  const isGet = methodEnd - methodAt === 3 && text.startsWith("GET", methodAt);
  return isGet ? "GET" : text.slice(methodAt, methodEnd);
}

/** Of field lines that say no more than this. */
function plainFacts(
  parser: HeadParser,
  text: string,
  method: string,
  headers: HeaderList,
  { host, connection }: PlainRequest,
): RequestFacts {
  const { minorVersion, methodEnd, targetEnd, hasOddNames } = parser;
  return {
    method,
    target: text.slice(methodEnd + 1, targetEnd),
    minorVersion,
    host,
    headers,
    framing: NONE,
    keepsAlive: keepsAlive(minorVersion, connection),
    expectsContinue: false,
    websocketKey: undefined,
    takesTrailers: false,
    hasOddNames,
  };
}

// Every other protocol is left unasked for, h2c above all (SECURITY S7).
function asksWebSocket(headers: HeaderList, connection: ConnectionOptions): boolean {
  return connection.upgrade && listTokens(headers.all("upgrade")).includes("websocket");
}

/** What is wrong with a WebSocket handshake (RFC 6455 §4.1, SECURITY S8); "" if it is sound. */
function handshakeProblem(method: string, headers: HeaderList, framing: Framing): string {
  if (method !== "GET") return "the method is not GET";
  if (framing.kind !== "none" && !(framing.kind === "length" && framing.bytes === 0)) {
    return "it has a body";
  }
  const versions = headers.all("sec-websocket-version");
  if (versions.length !== 1 || versions[0] !== "13") return "the version is not 13";
  const keys = headers.all("sec-websocket-key");
  if (keys.length !== 1 || !isValidKey(keys[0]!)) return "the key is not 16 bytes in base64";
  return "";
}

// A reverse proxy is no one's tunnel, and TRACE would show what we add (SECURITY S9). The others are
// RTSP's: with an HTTP version behind them, one protocol poses as another.
export const REFUSED_METHODS: ReadonlySet<string> = new Set([
  ...["CONNECT", "TRACE"],
  ...["ANNOUNCE", "DESCRIBE", "GET_PARAMETER", "PAUSE", "PLAY", "RECORD", "SETUP"],
  ...["SET_PARAMETER", "TEARDOWN"],
]);

function refused(refusal: RequestRefusal, why: string): Refused {
  return { refused: refusal, why };
}
