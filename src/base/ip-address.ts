import { hexDigit } from "./hex.ts";

/**
 * IP addresses as four 32-bit words. IPv4 is held as its IPv4-mapped IPv6 address, so that
 * "10.0.0.1" and "::ffff:10.0.0.1", which name the same host, are the same words.
 */
export type IpWords = Uint32Array; // 4 words, most significant first

const MAPPED = 0xffff; // word 2 of ::ffff:0:0/96

/** Strict: four decimal numbers without leading zeros, or RFC 4291 §2.2 without a zone. */
export function parseIp(text: string, words: IpWords = new Uint32Array(4)): IpWords | undefined {
  if (!text.includes(":")) {
    const v4 = parseIpv4(text, 0, text.length);
    if (v4 < 0) return undefined;
    words[0] = 0;
    words[1] = 0;
    words[2] = MAPPED;
    words[3] = v4;
    return words;
  }
  return parseIpv6(text, words) ? words : undefined;
}

export function isIpv4(words: IpWords): boolean {
  return words[0] === 0 && words[1] === 0 && words[2] === MAPPED;
}

/** The dotted quad in text[at..end) as a number; -1 if it is none. Octal and short forms are none. */
export function parseIpv4(text: string, at: number, end: number): number {
  let value = 0;
  let octet = -1; // no digit yet
  let dots = 0;
  for (let index = at; index < end; index++) {
    const code = text.charCodeAt(index);
    if (code === 0x2e) {
      if (octet < 0 || ++dots > 3) return -1;
      value = value * 256 + octet;
      octet = -1;
    } else {
      if (code < 0x30 || code > 0x39 || octet === 0) return -1; // a leading zero reads as octal elsewhere
      octet = octet < 0 ? code - 0x30 : octet * 10 + code - 0x30;
      if (octet > 255) return -1;
    }
  }
  return dots === 3 && octet >= 0 ? value * 256 + octet : -1;
}

const groups = new Uint16Array(8); // scratch of parseIpv6, which nothing comes back to

function parseIpv6(text: string, words: IpWords): boolean {
  let count = 0;
  let gapAt = -1; // where "::" stands, in groups
  let at = 0;
  if (text.startsWith("::")) {
    gapAt = 0;
    at = 2;
  }
  while (at < text.length) {
    if (count >= 8) return false;
    const colon = text.indexOf(":", at);
    const end = colon < 0 ? text.length : colon;
    if (colon < 0 && text.includes(".", at)) {
      const v4 = parseIpv4(text, at, end);
      if (v4 < 0 || count > 6) return false;
      groups[count++] = v4 >>> 16;
      groups[count++] = v4 & 0xffff;
      break;
    }
    const group = parseGroup(text, at, end);
    if (group < 0) return false;
    groups[count++] = group;
    if (colon < 0) break;
    at = colon + 1;
    if (text.charCodeAt(at) === 0x3a) {
      if (gapAt >= 0) return false;
      gapAt = count;
      at++;
    } else if (at === text.length) return false; // a single colon at the end
  }
  return fill(words, count, gapAt);
}

function parseGroup(text: string, at: number, end: number): number {
  if (end === at || end - at > 4) return -1;
  let value = 0;
  for (let index = at; index < end; index++) {
    const digit = hexDigit(text.charCodeAt(index));
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

function fill(words: IpWords, count: number, gapAt: number): boolean {
  const missing = 8 - count;
  if (gapAt < 0 ? missing !== 0 : missing < 1) return false;
  if (gapAt >= 0) {
    groups.copyWithin(gapAt + missing, gapAt, count);
    groups.fill(0, gapAt, gapAt + missing);
  }
  for (let index = 0; index < 4; index++) {
    words[index] = groups[index * 2]! * 65536 + groups[index * 2 + 1]!;
  }
  return true;
}

/** As RFC 5952 wants it: lower case, the longest run of zero groups as "::", mapped IPv4 dotted. */
export function formatIp(words: IpWords): string {
  if (isIpv4(words)) return `::ffff:${formatIpv4(words[3]!)}`;
  const groups: number[] = [];
  for (const word of words) groups.push(word >>> 16, word & 0xffff);
  const { at, count } = longestZeroRun(groups);
  const hex = groups.map((group) => group.toString(16));
  if (count < 2) return hex.join(":");
  return `${hex.slice(0, at).join(":")}::${hex.slice(at + count).join(":")}`;
}

export function formatIpv4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

function longestZeroRun(groups: readonly number[]): { at: number; count: number } {
  let best = { at: 0, count: 0 };
  for (let at = 0; at < groups.length; at++) {
    let end = at;
    while (groups[end] === 0) end++;
    if (end - at > best.count) best = { at, count: end - at };
  }
  return best;
}
