import { latin1Text } from "../../base/latin1.ts";
import { headerId, OTHER } from "../http/header-id.ts";
import { HeaderList, KnownLines, putField } from "../http/header-list.ts";
import { HeadMemory, type KnownHead } from "./head-memory.ts";
import {
  COLON,
  CR,
  IS_METHOD,
  IS_SPACE,
  IS_TOKEN,
  IS_VALUE,
  IS_VISIBLE,
  LF,
  NEED_MORE,
  REFUSE,
  SP,
  scanLineEnd,
  scanWhile,
  TAB,
} from "./scan.ts";

export interface HeadLimits {
  readonly lineBytes: number; // the start line
  readonly fieldBytes: number; // all field lines: name, value and 32 each (RFC 9113 §6.5.2)
  readonly fieldCount: number;
}

/** Why a head was refused. */
export type HeadRefusal = "grammar" | "version" | "line-too-long" | "fields-too-large";

const METHOD_BYTES_MAX = 32;
const FIELD_OVERHEAD_BYTES = 32;
const NO_FIELDS: number[] = [];
const FIELDS_FIRST = 16 * 5; // room for a usual head, which then does not grow step by step

/**
 * Reads a message head, whole or in pieces: a start line and field lines, or field lines alone (the
 * trailer section of a chunked body). Bytes in, facts out; the bytes stay the caller's.
 *
 * The caller keeps the head's bytes together from its first byte on and calls parse() with all of
 * them as they grow. Lines that were read are not read again. Offsets count from the first byte.
 */
export class HeadParser {
  readonly #role: "request" | "response" | "trailers";
  readonly #limits: HeadLimits;
  #next: number; // where the first unread line starts
  #fieldsAt: number; // where the first field line starts
  #isStarted: boolean; // the start line has been read
  #fieldBytes: number;
  #fieldCount: number;
  #fields: number[];
  #fieldsEnd: number; // how many of the numbers are filled in
  #fieldsUsual: number; // how many the last head had: the next one of a connection is much alike
  #memory: HeadMemory | undefined; // from the second head on
  #toKeep: Buffer | undefined; // the field lines, if they are to be remembered
  known: KnownHead | undefined; // whose field lines these are, or will be known as
  refusal: HeadRefusal | undefined;
  detail: string; // for the log

  // Facts of the start line, valid once parse() has answered with a position.
  methodAt: number;
  methodEnd: number;
  targetEnd: number; // the target starts one past methodEnd
  minorVersion: 0 | 1;
  status: number;
  linesEnd: number; // past the last field line, before the empty line
  hasOddNames: boolean; // some name needs the closer look of core/claims.ts

  constructor(role: "request" | "response" | "trailers", limits: HeadLimits) {
    this.#role = role;
    this.#limits = limits;
    this.#next = 0;
    this.#fieldsAt = 0;
    this.#isStarted = role === "trailers";
    this.#fieldBytes = 0;
    this.#fieldCount = 0;
    this.#fields = NO_FIELDS;
    this.#fieldsEnd = 0;
    this.#fieldsUsual = FIELDS_FIRST;
    this.#memory = undefined;
    this.#toKeep = undefined;
    this.known = undefined;
    this.refusal = undefined;
    this.detail = "";
    this.methodAt = 0;
    this.methodEnd = 0;
    this.targetEnd = 0;
    this.minorVersion = 1;
    this.status = 0;
    this.linesEnd = 0;
    this.hasOddNames = false;
  }

  /** Makes ready for the next head; header lists handed out keep what they have. */
  reset(): void {
    this.#next = 0;
    this.#isStarted = this.#role === "trailers";
    this.#fieldBytes = 0;
    this.#fieldCount = 0;
    this.#fields = NO_FIELDS;
    if (this.#fieldsEnd > 0) this.#fieldsUsual = this.#fieldsEnd;
    this.#fieldsEnd = 0;
    this.#toKeep = undefined;
    this.known = undefined;
    if (this.#role !== "trailers") this.#memory ??= new HeadMemory();
    this.refusal = undefined;
    this.hasOddNames = false;
  }

  /** Reads bytes[start..end); answers with the position after the head, NEED_MORE or REFUSE. */
  parse(bytes: Uint8Array, start: number, end: number): number {
    let at = start + this.#next;
    if (!this.#isStarted) {
      at =
        this.#role === "request"
          ? this.#requestLine(bytes, start, at, end)
          : this.#statusLine(bytes, start, at, end);
      if (at < 0) return at === NEED_MORE ? this.#checkStartLine(end - start) : this.#refuse();
      if (at - start > this.#limits.lineBytes + 2) return this.#refuse("line-too-long");
      this.#isStarted = true;
      this.#next = at - start;
      this.#fieldsAt = at - start;
    }

    if (this.#fieldCount === 0 && this.#recall(bytes, start, at, end))
      return start + this.linesEnd + 2;
    const next = this.#fieldLines(bytes, start, at, end);
    if (next === REFUSE) return this.#refuse();
    if (next !== NEED_MORE) {
      this.#maybeKeep(bytes, start + this.#fieldsAt, next);
      return next;
    }
    // A line that never ends must not grow past what the section may hold.
    const unreadAt = start + this.#next;
    const isLine = bytes[unreadAt] !== CR; // else it is half of the empty line
    if (isLine && this.#fieldBytes + end - unreadAt > this.#limits.fieldBytes) {
      return this.#refuse("fields-too-large");
    }
    return NEED_MORE;
  }

  /** What headers() and readers of the start line need of the head that ends at `after`. */
  textOf(bytes: Buffer, start: number, after: number): string {
    if (this.known === undefined) return latin1Text(bytes, start, after);
    return this.targetEnd === 0 ? "" : latin1Text(bytes, start, start + this.targetEnd);
  }

  /** The field lines over the head's text (latin1, from its first byte). Call once per head. */
  headers(text: string): HeaderList {
    if (this.known !== undefined) return HeaderList.on(this.known.lines);
    const fields = this.#fields;
    if (this.#toKeep === undefined) {
      return new HeaderList(text, this.linesEnd, fields, this.#fieldsEnd);
    }
    const lines = new KnownLines(text, this.linesEnd, fields, this.#fieldsEnd);
    this.known = this.#memory!.keep(this.#toKeep, lines, this.hasOddNames);
    return HeaderList.on(lines);
  }

  /** The fields, five numbers each up to fieldsEnd, for a pass over their ids. */
  get fields(): readonly number[] {
    return this.known === undefined ? this.#fields : this.known.lines.fields;
  }

  get fieldsEnd(): number {
    return this.known === undefined ? this.#fieldsEnd : this.known.lines.fieldsEnd;
  }

  /** The same field lines as before, with their end: what they are need not be found out again. */
  #recall(bytes: Uint8Array, start: number, at: number, end: number): boolean {
    const known = this.#memory?.find(bytes, at, end);
    if (known === undefined) return false;
    this.known = known;
    this.linesEnd = at - start + known.bytes.length - 2;
    this.hasOddNames = known.hasOddNames;
    return true;
  }

  #maybeKeep(bytes: Uint8Array, at: number, next: number): void {
    if (this.#memory?.wants(next - at) !== true) return;
    // Not from Node's pool: a slice of that would keep 64 KiB for as long as the connection lives.
    this.#toKeep = Buffer.allocUnsafeSlow(next - at);
    this.#toKeep.set(bytes.subarray(at, next));
  }

  // method SP request-target SP HTTP-version CRLF (RFC 9112 §3), with nothing else for the spaces.
  #requestLine(bytes: Uint8Array, start: number, from: number, end: number): number {
    let at = from;
    if (at === start && bytes[at] === CR) {
      // §2.2: a client may send one empty line too many after a body. One, not any number.
      at = scanLineEnd(bytes, at, end);
      if (at < 0) return at;
      this.#next = at - start;
    }
    const methodEnd = scanWhile(bytes, at, end, IS_METHOD);
    if (methodEnd - at > METHOD_BYTES_MAX) return this.#say("the method is too long");
    if (methodEnd === end) return NEED_MORE;
    if (bytes[methodEnd] !== SP || methodEnd === at) return this.#say("the method");

    const targetEnd = scanWhile(bytes, methodEnd + 1, end, IS_VISIBLE);
    if (targetEnd === end) return NEED_MORE;
    if (bytes[targetEnd] !== SP || targetEnd === methodEnd + 1) return this.#say("the target");

    this.methodAt = at - start;
    this.methodEnd = methodEnd - start;
    this.targetEnd = targetEnd - start;
    const versionEnd = this.#version(bytes, targetEnd + 1, end);
    if (versionEnd < 0) return versionEnd;
    const after = scanLineEnd(bytes, versionEnd, end);
    return after === REFUSE ? this.#say("the end of the request line") : after;
  }

  // HTTP-version SP status-code [ SP reason-phrase ] CRLF (RFC 9112 §4). The space before an absent
  // reason is required by the grammar and left out by many servers.
  #statusLine(bytes: Uint8Array, _start: number, from: number, end: number): number {
    const versionEnd = this.#version(bytes, from, end);
    if (versionEnd < 0) return versionEnd;
    if (versionEnd + 4 > end) return NEED_MORE;
    if (bytes[versionEnd] !== SP) return this.#say("the status line");

    let status = 0;
    for (let index = versionEnd + 1; index < versionEnd + 4; index++) {
      const digit = bytes[index]! - 0x30;
      if (digit < 0 || digit > 9) return this.#say("the status code");
      status = status * 10 + digit;
    }
    if (status < 100) return this.#say("the status code");
    this.status = status;

    const codeEnd = versionEnd + 4;
    if (codeEnd === end) return NEED_MORE;
    if (bytes[codeEnd] !== SP) return this.#lineEnd(bytes, codeEnd, end);
    return this.#lineEnd(bytes, scanWhile(bytes, codeEnd + 1, end, IS_VALUE), end);
  }

  #lineEnd(bytes: Uint8Array, at: number, end: number): number {
    const after = scanLineEnd(bytes, at, end);
    return after === REFUSE ? this.#say("the end of the start line") : after;
  }

  // "HTTP/1.0" or "HTTP/1.1". Anything else that looks like a version is a 505, the rest a 400.
  #version(bytes: Uint8Array, at: number, end: number): number {
    for (let index = 0; index < VERSION.length; index++) {
      if (at + index >= end) return NEED_MORE;
      if (bytes[at + index] !== VERSION[index]) {
        if (index < MAJOR_AT) return this.#say("the protocol version");
        return this.#otherVersion(bytes, at, end);
      }
    }
    const digitAt = at + VERSION.length;
    if (digitAt >= end) return NEED_MORE;
    const minor = bytes[digitAt]! - 0x30;
    if (minor !== 0 && minor !== 1) return this.#otherVersion(bytes, at, end);
    this.minorVersion = minor;
    return digitAt + 1;
  }

  #otherVersion(bytes: Uint8Array, at: number, end: number): number {
    // HTTP/DIGIT.DIGIT is a version that we do not speak; wait until it is all there.
    if (at + 8 > end) return NEED_MORE;
    const isDigit = (byte: number | undefined) => byte! >= 0x30 && byte! <= 0x39;
    if (isDigit(bytes[at + 5]) && bytes[at + 6] === 0x2e && isDigit(bytes[at + 7])) {
      this.refusal = "version";
    }
    return this.#say("the protocol version");
  }

  // field-name ":" OWS field-value OWS CRLF (RFC 9112 §5), up to the empty line. A line that starts
  // with a space (obs-fold) or has one before the colon fails as a name.
  //
  // One loop over plain locals, because this is where a request spends most of its parsing: with a
  // method per line and a scanner per part it took twice as long (head-parser.bench.ts).
  #fieldLines(bytes: Uint8Array, start: number, from: number, end: number): number {
    // Made with the first line of a head: an idle connection holds none.
    if (this.#fields === NO_FIELDS) this.#fields = new Array<number>(this.#fieldsUsual);
    const fields = this.#fields;
    const { fieldBytes: bytesMax, fieldCount: countMax } = this.#limits;
    let at = from;
    while (at < end) {
      let colon = at;
      let seen = 0;
      for (; colon < end; colon++) {
        const kind = IS_TOKEN[bytes[colon]!]!;
        if (kind === 0) break;
        seen |= kind;
      }
      if (colon === at) return this.#lineThatIsNoField(bytes, start, at, end);
      if (colon === end) return NEED_MORE;
      if (bytes[colon] !== COLON) return this.#say("a field name");

      let valueAt = colon + 1;
      while (valueAt < end && (bytes[valueAt] === SP || bytes[valueAt] === TAB)) valueAt++;
      let lineEnd = valueAt;
      while (lineEnd < end && IS_VALUE[bytes[lineEnd]!] === 1) lineEnd++;
      if (lineEnd + 1 >= end) {
        return lineEnd < end && bytes[lineEnd] !== CR ? this.#say("a field value") : NEED_MORE;
      }
      if (bytes[lineEnd] !== CR || bytes[lineEnd + 1] !== LF) return this.#say("a field value");
      let valueEnd = lineEnd;
      while (valueEnd > valueAt && IS_SPACE[bytes[valueEnd - 1]!] === 1) valueEnd--;

      // What a line that comes in pieces is held to, the whole one is too: see the end of parse().
      const isLong = this.#fieldBytes + (lineEnd + 1 - at) > bytesMax;
      this.#fieldBytes += colon - at + (valueEnd - valueAt) + FIELD_OVERHEAD_BYTES;
      this.#fieldCount++;
      if (isLong || this.#fieldBytes > bytesMax || this.#fieldCount > countMax) {
        this.refusal = "fields-too-large";
        return REFUSE;
      }
      const id = headerId(bytes, at, colon);
      if (id === OTHER && (seen > 1 || isClaim(bytes, at))) this.hasOddNames = true;
      this.#fieldsEnd = putField(
        fields,
        this.#fieldsEnd,
        id,
        at - start,
        colon - start,
        valueAt - start,
        valueEnd - start,
      );
      at = lineEnd + 2;
      this.#next = at - start;
    }
    return NEED_MORE;
  }

  /** The empty line that ends the section, or something that is no line of it. */
  #lineThatIsNoField(bytes: Uint8Array, start: number, at: number, end: number): number {
    if (bytes[at] !== CR) return this.#say("a field name");
    const after = scanLineEnd(bytes, at, end);
    if (after === REFUSE) return this.#say("a lone CR");
    if (after !== NEED_MORE) this.linesEnd = at - start;
    return after;
  }

  #checkStartLine(bytesSoFar: number): number {
    // One more than the line: its CR may be here and its LF not yet.
    return bytesSoFar > this.#limits.lineBytes + 1 ? this.#refuse("line-too-long") : NEED_MORE;
  }

  #say(detail: string): number {
    this.detail = detail;
    return REFUSE;
  }

  #refuse(refusal?: HeadRefusal, detail?: string): number {
    this.refusal ??= refusal ?? "grammar";
    if (detail !== undefined) this.detail = detail;
    return REFUSE;
  }
}

const VERSION = Buffer.from("HTTP/1.", "latin1");
const MAJOR_AT = 5; // from here on a difference is another version, not another protocol

/**
 * "X-F…" and "X-O…": may be X-Forwarded-… or X-Original-…, claims about the request that only a
 * trusted proxy may make. Together with the names that some servers read as another ("_" and "." are
 * "-" to CGI) these are worth a closer look.
 */
function isClaim(bytes: Uint8Array, at: number): boolean {
  if ((bytes[at]! | 0x20) !== 0x78 || bytes[at + 1] !== 0x2d) return false;
  const third = bytes[at + 2]! | 0x20;
  return third === 0x66 || third === 0x6f;
}
