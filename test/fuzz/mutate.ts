import type { Seeded } from "../support/seeded.ts";

/** What parsers have stumbled over, to be put anywhere. */
// biome-ignore format: a table
const PIECES = [
  "\r\n", "\n", "\r", "\r\n\r\n", "\n\n", "\r\r\n", " ", "\t", "\0", "\x0b", "\x7f", "\x80", "\xff", ":", " :", ",", ";", "=", '"', "\\", "#", "?", "%", "%00", "%2e", "..",
  "0", "1", "5", "f", "+5", "-1", "0x5", "00000000000000000", "ffffffffffffffff", "9007199254740993", "18446744073709551617",
  "Content-Length: 5\r\n", "Content-Length: 0\r\n", "Transfer-Encoding: chunked\r\n", "transfer-encoding:chunked\r\n", "Transfer-Encoding: identity\r\n", "Host: b.test\r\n",
  "Connection: close\r\n", "Connection: keep-alive\r\n", "Connection: upgrade\r\n", "Upgrade: websocket\r\n", "Expect: 100-continue\r\n", "TE: trailers\r\n", "Trailer: x\r\n",
  "0\r\n\r\n", "5\r\nhello\r\n", "1\r\nx\r\n0\r\n\r\n", "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.0", "HTTP/1.1", "HTTP/2.0",
  "chunked", "Chunked", "chunked, chunked", "gzip, chunked", "http://a.test/", "*", " HTTP/1.1", "GET", "POST", "HEAD",
];

/** The input with one to four things done to it. */
export function mutate(input: string, others: readonly string[], random: Seeded): string {
  let text = input;
  for (let count = 1 + random.below(4); count > 0; count--) {
    text = random.of(CHANGES)(text, others, random);
  }
  return text.slice(0, 64 * 1024);
}

type Change = (text: string, others: readonly string[], random: Seeded) => string;

const CHANGES: readonly Change[] = [
  (text, _others, random) => splice(text, random.below(text.length + 1), 0, random.of(PIECES)),
  (text, _others, random) => splice(text, random.below(text.length + 1), 1, random.of(PIECES)),
  (text, _others, random) => {
    const byte = String.fromCharCode(random.below(256));
    return splice(text, random.below(text.length + 1), 1, byte);
  },
  (text, _others, random) => {
    const at = random.below(text.length + 1);
    return splice(text, at, random.below(8), "");
  },
  (text, _others, random) => {
    const at = random.below(text.length + 1);
    return splice(text, at, 0, text.slice(at, at + random.below(40)));
  },
  (text, others, random) => {
    const other = random.of(others);
    return text.slice(0, random.below(text.length + 1)) + other.slice(random.below(other.length));
  },
  (text, others, random) => text + random.of(others),
  // At a line's start or end, where most of the grammar is.
  (text, _others, random) => splice(text, lineEnd(text, random), 0, random.of(PIECES)),
  (text, _others, random) => splice(text, lineEnd(text, random), 2, random.of(PIECES)),
  (text, _others, random) => splice(text, lineEnd(text, random) + 2, 0, random.of(PIECES)),
];

function splice(text: string, at: number, count: number, piece: string): string {
  return text.slice(0, at) + piece + text.slice(at + count);
}

function lineEnd(text: string, random: Seeded): number {
  const at = text.indexOf("\r\n", random.below(text.length + 1));
  return at === -1 ? text.length : at;
}
