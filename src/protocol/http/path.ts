import { hexDigit } from "../../base/hex.ts";
import type { TargetPolicy } from "./target.ts";

/**
 * The canonical path. Only what RFC 3986 calls equivalent is changed: escapes of unreserved
 * characters are decoded (§6.2.2.2), the others get upper-case digits (§6.2.2.1), dot segments go
 * (§6.2.2.3), "//" becomes "/" unless the policy keeps it, and characters that a path may not hold
 * but browsers send ("|", "[", "^" …) are escaped. Escaped "/", "\" and "%" stay escaped: whether
 * they mean what they decode to is for the application to say.
 */
export function canonicalPath(text: string, at: number, end: number, policy: TargetPolicy): string {
  if (isClean(text, at, end, policy)) {
    return at === 0 && end === text.length ? text : text.slice(at, end);
  }
  return rebuild(text, at, end, policy); // a reason, which does not begin with "/", if refused
}

/** For a second look after a rewrite: true if canonicalPath would change nothing. */
export function isCanonicalPath(path: string, policy: TargetPolicy): boolean {
  if (path.charCodeAt(0) !== SLASH) return false;
  return isClean(path, 0, path.length, policy) || rebuild(path, 0, path.length, policy) === path;
}

// Classes of path characters. What is not PLAIN, SLASH, DOT or PERCENT is left to rebuild().
const OTHER = 0;
const PLAIN = 1;
const AFTER_SLASH = 2; // "/" and ".": fine unless they follow a "/"
const ESCAPE = 3;
const ODD = 4; // not allowed in a path by RFC 3986, but sent by browsers

const UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
const PLAIN_CHARACTERS = `${UNRESERVED}!$&'()*+,;=:@`;

const CLASS = new Uint8Array(256);
for (const character of PLAIN_CHARACTERS) CLASS[character.charCodeAt(0)] = PLAIN;
for (const character of '"<>[]^`{|}') CLASS[character.charCodeAt(0)] = ODD;
CLASS["/".charCodeAt(0)] = AFTER_SLASH;
CLASS[".".charCodeAt(0)] = AFTER_SLASH;
CLASS["%".charCodeAt(0)] = ESCAPE;

// Escaped bytes that a canonical path holds as they are, and that no rule of segments looks at.
const IS_QUIET_ESCAPE = new Uint8Array(256).fill(1);
for (const character of `${UNRESERVED}/\\\0`) IS_QUIET_ESCAPE[character.charCodeAt(0)] = 0;
for (const lead of [0xc0, 0xc1, 0xe0, 0xf0]) IS_QUIET_ESCAPE[lead] = 0; // may begin an overlong form

/**
 * True for a path that is canonical at first sight, which is nearly every one: one pass, nothing
 * allocated. False only means that rebuild() has to look.
 */
function isClean(text: string, at: number, end: number, policy: TargetPolicy): boolean {
  let previous = 0;
  for (let index = at; index < end; index++) {
    const code = text.charCodeAt(index);
    switch (CLASS[code]) {
      case PLAIN:
        break;
      case AFTER_SLASH:
        if (previous === SLASH && (code === DOT || policy.slashes === "merge")) {
          if (code === SLASH || !isHiddenName(text, index, end)) return false;
        }
        break;
      case ESCAPE: {
        const value = escapeValue(text, index, end);
        if (value < 0 || IS_QUIET_ESCAPE[value] === 0) return false;
        if (text.charCodeAt(index + 1) > LOWER_A - 1 || text.charCodeAt(index + 2) > LOWER_A - 1) {
          return false;
        }
        index += 2;
        break;
      }
      default:
        return false;
    }
    previous = code;
  }
  return true;
}

/** A segment such as ".well-known": a dot and then a letter or the like. */
function isHiddenName(text: string, dot: number, end: number): boolean {
  const next = dot + 1 < end ? text.charCodeAt(dot + 1) : SLASH;
  return next !== DOT && next !== SEMICOLON && CLASS[next] === PLAIN;
}

/** Segment by segment; answers with a reason if the path is refused. */
function rebuild(text: string, at: number, end: number, policy: TargetPolicy): string {
  const segments: string[] = [];
  for (let start = at + 1; start <= end; ) {
    const slash = text.indexOf("/", start);
    const stop = slash < 0 || slash > end ? end : slash;
    const isLast = stop === end;
    const segment = canonicalSegment(text, start, stop);
    if (segment.charCodeAt(0) === REASON) return segment.slice(1);
    const why = whyRefused(segment, policy);
    if (why !== "") return why;

    if (segment === "..") {
      if (segments.length === 0) return "a path that climbs above its root";
      segments.pop();
    }
    const isDots = segment === "." || segment === "..";
    if (isLast) segments.push(isDots ? "" : segment);
    else if (!isDots && (segment !== "" || policy.slashes === "keep")) segments.push(segment);
    start = stop + 1;
  }
  return `/${segments.join("/")}`;
}

const REASON = 0x20; // a space, which no segment holds, begins a reason in place of a segment

function canonicalSegment(text: string, start: number, end: number): string {
  let out = "";
  for (let index = start; index < end; index++) {
    const code = text.charCodeAt(index);
    const kind = CLASS[code] ?? OTHER;
    if (kind === OTHER) return ` a ${nameOf(code)} in the path`;
    if (kind === ODD) {
      out += escapeOf(code);
    } else if (kind === ESCAPE) {
      const value = escapeValue(text, index, end);
      if (value < 0) return " a broken escape in the path";
      if (value === 0) return " an escaped NUL in the path";
      if (isOverlong(value, text, index + 3, end)) return " overlong UTF-8 in the path";
      const character = String.fromCharCode(value);
      out += UNRESERVED.includes(character) ? character : escapeOf(value);
      index += 2;
    } else out += text[index];
  }
  return out;
}

/**
 * Tomcat reads "/..;/" as "/../", and whoever decodes "%2F" and then resolves dots reads "..%2F" as
 * "../". Nobody sends either for another reason.
 */
function whyRefused(segment: string, policy: TargetPolicy): string {
  if (segment.startsWith("..;") || segment.startsWith(".;")) return "a dot segment with parameters";
  if (!segment.includes("%2F") && !segment.includes("%5C")) return "";
  if (policy.encodedSlashes === "reject") return "an escaped slash in the path";
  const parts = segment.split(/%2F|%5C/);
  const hidesDots = parts.some((part) => part === "." || part === ".." || /^\.\.?;/.test(part));
  return hidesDots ? "a dot segment behind an escaped slash" : "";
}

/** %C0 %AE is "." to a lax decoder. The shortest form is the only form (RFC 3629 §3). */
function isOverlong(lead: number, text: string, next: number, end: number): boolean {
  if (lead !== 0xc0 && lead !== 0xc1 && lead !== 0xe0 && lead !== 0xf0) return false;
  const second = text.charCodeAt(next) === PERCENT ? escapeValue(text, next, end) : -1;
  if (second < 0x80 || second > 0xbf) return false; // no UTF-8 at all: some other encoding's letter
  if (lead === 0xe0) return second < 0xa0;
  return lead === 0xf0 ? second < 0x90 : true;
}

/** The value of the escape at text[at..at+3); -1 if it is broken or does not end before `end`. */
function escapeValue(text: string, at: number, end: number): number {
  if (at + 2 >= end) return -1;
  const high = hexDigit(text.charCodeAt(at + 1));
  const low = hexDigit(text.charCodeAt(at + 2));
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

const HEX = "0123456789ABCDEF";

/** "%7C"; for a byte. */
export function escapeOf(byte: number): string {
  return `%${HEX[byte >> 4]}${HEX[byte & 15]}`;
}

function nameOf(code: number): string {
  if (code === 0x20) return "space";
  if (code === 0x23) return "fragment";
  if (code === 0x5c) return "backslash";
  if (code < 0x20 || code === 0x7f) return "control character";
  return code < 0x7f ? "question mark" : "character outside ASCII";
}

const PERCENT = 0x25;
const DOT = 0x2e;
const SLASH = 0x2f;
const SEMICOLON = 0x3b;
const LOWER_A = 0x61;
