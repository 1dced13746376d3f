import { HeaderList, putField } from "../http/header-list.ts";
import {
  AUTHORITY,
  BAD_NAME,
  BAD_VALUE,
  COOKIE,
  EXPECT,
  type Field,
  fieldName,
  HOP,
  HOST,
  LENGTH,
  METHOD,
  ODD,
  PATH,
  PROTOCOL,
  SCHEME,
  STATUS,
  TE,
} from "./field.ts";
import type { FieldTaker } from "./hpack-decoder.ts";

export interface SectionLimits {
  readonly fieldBytes: number; // all fields: name, value and 32 each (RFC 9113 §6.5.2)
  readonly fieldCount: number; // every crumb of a cookie is one
}

const COOKIE_NAME = fieldName("cookie");
const NO_FIELDS: number[] = [];

/**
 * The fields of one block, as an HTTP/1 head would have them: the lines in their order, one Host for
 * :authority, one Cookie for its crumbs. What breaks a rule of RFC 9113 §8.2 and §8.3 is kept as the
 * reason for refusing it, and fields beyond the limits are not kept at all.
 */
export class FieldSection implements FieldTaker {
  readonly #limits: SectionLimits;
  readonly #pseudo: "request" | "response" | "none"; // which pseudo-header fields there may be
  #text: string;
  #fields: number[];
  #fieldsEnd: number;
  #bytes: number;
  #count: number;
  #cookie: Field | string | undefined; // one crumb, or several put together
  #hasPlain: boolean; // no pseudo-header field may follow
  problem: string; // why it is malformed; "" if it is not
  isTooLarge: boolean;
  method: string | undefined;
  scheme: string | undefined;
  path: string | undefined;
  authority: string | undefined;
  protocol: string | undefined;
  status: string | undefined;
  host: string | undefined; // of a Host field
  contentLengths: string[] | undefined;
  takesTrailers: boolean;
  expects: boolean; // there is an Expect
  hasOddNames: boolean; // as HeadParser has it

  constructor(limits: SectionLimits, pseudo: "request" | "response" | "none") {
    this.#limits = limits;
    this.#pseudo = pseudo;
    this.#text = "";
    this.#fields = NO_FIELDS;
    this.#fieldsEnd = 0;
    this.#bytes = 0;
    this.#count = 0;
    this.#cookie = undefined;
    this.#hasPlain = false;
    this.problem = "";
    this.isTooLarge = false;
    this.method = undefined;
    this.scheme = undefined;
    this.path = undefined;
    this.authority = undefined;
    this.protocol = undefined;
    this.status = undefined;
    this.host = undefined;
    this.contentLengths = undefined;
    this.takesTrailers = false;
    this.expects = false;
    this.hasOddNames = false;
  }

  field(field: Field): void {
    const { kind } = field;
    this.#bytes += field.bytes;
    this.#count++;
    if (this.#bytes > this.#limits.fieldBytes || this.#count > this.#limits.fieldCount) {
      // An index of one byte stands for a field of any size: what is too much is not kept (the
      // HPACK bomb, SECURITY D4), and what was kept before is of no use any more.
      this.isTooLarge = true;
      this.#text = "";
      this.#fields = NO_FIELDS;
      this.#fieldsEnd = 0;
      this.#cookie = undefined;
      return;
    }
    if (kind >= METHOD) {
      this.#takePseudo(field);
      return;
    }
    this.#hasPlain = true;
    if (kind === COOKIE) this.#takeCrumb(field);
    else if (kind === HOST) this.#takeHost(field);
    else {
      if (kind > ODD) this.#judge(field);
      else if (kind === ODD) this.hasOddNames = true;
      this.#put(field, field.name.id, field.name.text.length);
    }
  }

  /** The fields as lines; call once, at the end. */
  headers(): HeaderList {
    const cookie = this.#cookie;
    if (cookie !== undefined) this.#putCookie(cookie);
    return new HeaderList(this.#text, this.#text.length, this.#fields, this.#fieldsEnd);
  }

  #putCookie(cookie: Field | string): void {
    const value = typeof cookie === "string" ? cookie : cookie.value;
    this.#putLine(`cookie: ${value}\r\n`, COOKIE_NAME.id, COOKIE_NAME.text.length, value.length);
  }

  #put(field: Field, id: number, nameLength: number): void {
    this.#putLine(field.line, id, nameLength, field.value.length);
  }

  #putLine(line: string, id: number, nameLength: number, valueLength: number): void {
    if (this.isTooLarge) return;
    if (this.#fields === NO_FIELDS) this.#fields = [];
    const at = this.#text.length;
    const colon = at + nameLength;
    const value = colon + 2;
    this.#text += line;
    this.#fieldsEnd = putField(
      this.#fields,
      this.#fieldsEnd,
      id,
      at,
      colon,
      value,
      value + valueLength,
    );
  }

  #takePseudo(field: Field): void {
    const { kind, value } = field;
    if (this.#hasPlain) this.#refuse(`${field.name.text} behind other fields`);
    else if (this.#pseudo === "none") this.#refuse(`${field.name.text} in trailers`);
    else if ((kind === STATUS) !== (this.#pseudo === "response")) {
      this.#refuse(`${field.name.text} in a ${this.#pseudo}`);
    } else if (kind === METHOD) this.method = this.#once(this.method, field);
    else if (kind === SCHEME) this.scheme = this.#once(this.scheme, field);
    else if (kind === PATH) this.path = this.#once(this.path, field);
    else if (kind === PROTOCOL) this.protocol = this.#once(this.protocol, field);
    else if (kind === STATUS) this.status = this.#once(this.status, field);
    else if (kind === AUTHORITY) {
      this.authority = this.#once(this.authority, field);
      if (value !== "") this.#put(field, HOST_ID, HOST_LENGTH);
    }
  }

  #once(before: string | undefined, field: Field): string {
    if (before !== undefined) this.#refuse(`${field.name.text} twice`);
    return field.value;
  }

  #takeCrumb(field: Field): void {
    const before = this.#cookie;
    const isFirst = before === undefined || (typeof before !== "string" && before.value === "");
    if (isFirst) this.#cookie = field;
    else if (field.value === "")
      return; // a "; " at the end would be whitespace around the value
    else if (typeof before === "string") this.#cookie = `${before}; ${field.value}`;
    else this.#cookie = `${before.value}; ${field.value}`;
  }

  // Beside :authority it says the same, which is checked later, and one of them is enough.
  #takeHost(field: Field): void {
    if (this.host !== undefined) this.#refuse("more than one Host");
    this.host = field.value;
    if (!this.authority) this.#put(field, field.name.id, field.name.text.length);
  }

  #judge(field: Field): void {
    const { kind, value } = field;
    const name = field.name.text;
    if (kind === BAD_NAME) this.#refuse("a field name");
    else if (kind === BAD_VALUE) this.#refuse(`the value of ${name}`);
    else if (kind === HOP) this.#refuse(`${name}, which is of one connection`);
    else if (kind === EXPECT) this.expects = true;
    else if (kind === LENGTH) {
      this.contentLengths ??= [];
      this.contentLengths.push(value);
    } else if (kind === TE) {
      if (value.toLowerCase() === "trailers") this.takesTrailers = true;
      else this.#refuse("te other than trailers");
    }
  }

  #refuse(problem: string): void {
    if (this.problem === "") this.problem = problem;
  }
}

const HOST_ID = fieldName("host").id;
const HOST_LENGTH = "host".length;
