import { HEADER_ID_COUNT, headerIdOfText, nameOfId, OTHER } from "../http/header-id.ts";
import { isFieldName, isFieldValue } from "../http/header-list.ts";

/** What a field is to whoever reads a head; the highest numbers are pseudo-header fields. */
export const PLAIN = 0;
export const ODD = 1; // a plain one whose name needs the closer look of core/claims.ts
export const COOKIE = 2;
export const HOST = 3;
export const LENGTH = 4;
export const TE = 5;
export const EXPECT = 6;
export const HOP = 7; // belongs to one connection, which HTTP/2 has other means for (RFC 9113 §8.2.2)
export const BAD_NAME = 8;
export const BAD_VALUE = 9;
export const METHOD = 16;
export const SCHEME = 17;
export const PATH = 18;
export const AUTHORITY = 19;
export const PROTOCOL = 20;
export const STATUS = 21;

const OVERHEAD_BYTES = 32; // RFC 7541 §4.1

/** A name and what is known of it, made once for all that are common. */
export interface FieldName {
  readonly text: string;
  readonly id: number; // as in header-id.ts
  readonly kind: number;
}

/**
 * One field of a field block. What it is and whether it is valid is settled when it is made, so that a
 * field which comes again as an index costs no look at its bytes.
 */
export class Field {
  readonly name: FieldName;
  readonly value: string; // latin1
  readonly kind: number;
  readonly line: string; // as HTTP/1 writes it; of :authority it is the Host line
  readonly bytes: number; // RFC 7541 §4.1: what it counts in tables and limits

  constructor(name: FieldName, value: string) {
    this.name = name;
    this.value = value;
    this.kind = isSound(value) || name.kind === BAD_NAME ? name.kind : BAD_VALUE;
    const written = name.kind === AUTHORITY ? "host" : name.text;
    this.line = `${written}: ${value}\r\n`;
    this.bytes = name.text.length + value.length + OVERHEAD_BYTES;
  }
}

/** RFC 9113 §8.2.1: as in HTTP/1, and no whitespace around it. */
function isSound(value: string): boolean {
  return (
    value === "" || (!isEdge(value, 0) && !isEdge(value, value.length - 1) && isFieldValue(value))
  );
}

function isEdge(value: string, index: number): boolean {
  const code = value.charCodeAt(index);
  return code === 0x20 || code === 0x09;
}

const KINDS: Readonly<Record<string, number>> = {
  ":method": METHOD,
  ":scheme": SCHEME,
  ":path": PATH,
  ":authority": AUTHORITY,
  ":protocol": PROTOCOL,
  ":status": STATUS,
  cookie: COOKIE,
  host: HOST,
  "content-length": LENGTH,
  te: TE,
  expect: EXPECT,
  connection: HOP,
  "proxy-connection": HOP,
  "keep-alive": HOP,
  "transfer-encoding": HOP,
  upgrade: HOP,
};

const known = new Map<string, FieldName>();
for (const [text, kind] of Object.entries(KINDS)) {
  known.set(text, { text, id: headerIdOfText(text), kind });
}
for (let id = 1; id < HEADER_ID_COUNT; id++) {
  const text = nameOfId(id);
  if (!known.has(text)) known.set(text, { text, id, kind: PLAIN });
}

/** `text`: as received, latin1. */
export function fieldName(text: string): FieldName {
  return known.get(text) ?? { text, id: OTHER, kind: kindOf(text) };
}

// RFC 9113 §8.2.1: lower case, and else as in HTTP/1. An unknown pseudo-header field is malformed.
function kindOf(text: string): number {
  if (!isFieldName(text) || /[A-Z]/.test(text)) return BAD_NAME;
  // The names that HeadParser calls odd, too.
  return /^x-[fo]|[_.]/.test(text) ? ODD : PLAIN;
}
