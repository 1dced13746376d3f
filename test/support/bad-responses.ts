/** Responses that must not reach a client, with the fault that the exchange ends in. */
import { type BadMessage, type BadRow, bad, lines, manyFields } from "./sample.ts";

const OK_HEAD = "HTTP/1.1 200 OK\r\n";
const CHUNKED_OK = `${OK_HEAD}Transfer-Encoding: chunked\r\n\r\n`;

// biome-ignore format: a table
const BAD_RESPONSE_HEADS: readonly BadRow[] = [
  ["HTTP/0.9",                               "response_malformed", "hello"],
  ["HTML and no head",                       "response_malformed", "<html>\r\n\r\n</html>"],
  ["HTTP/2.0",                               "response_malformed", "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"],
  ["HTTP/1.2",                               "response_malformed", "HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n"],
  ["a version in lower case",                "response_malformed", "http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"],
  ["ICY for HTTP",                           "response_malformed", "ICY 200 OK\r\nContent-Length: 0\r\n\r\n"],
  ["status 099",                             "response_malformed", "HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n"],
  ["status 000",                             "response_malformed", "HTTP/1.1 000 None\r\nContent-Length: 0\r\n\r\n"],
  ["a status of two digits",                 "response_malformed", "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"],
  ["a status of four digits",                "response_malformed", "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n"],
  ["a status with a minus",                  "response_malformed", "HTTP/1.1 -20 OK\r\nContent-Length: 0\r\n\r\n"],
  ["two spaces before the status",           "response_malformed", "HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n"],
  ["a space ahead",                          "response_malformed", " HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"],
  ["an empty line ahead",                    "response_malformed", "\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"],
  ["a bare LF behind the status line",       "response_malformed", "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n"],
  ["a bare CR in the reason",                "response_malformed", "HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n"],
  ["a NUL in the reason",                    "response_malformed", "HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n"],
  ["a space before the colon",               "response_malformed", `${OK_HEAD}Content-Length : 0\r\n\r\n`],
  ["a line without a colon",                 "response_malformed", `${OK_HEAD}Content-Length\r\n\r\n`],
  ["a fold (obs-fold)",                      "response_malformed", `${OK_HEAD}X-A: 1\r\n 2\r\nContent-Length: 0\r\n\r\n`],
  ["a bare LF between fields",               "response_malformed", `${OK_HEAD}X-A: 1\nContent-Length: 0\r\n\r\n`],
  ["a bare CR in a value (header injection)", "response_malformed", `${OK_HEAD}X-A: 1\rSet-Cookie: evil=1\r\nContent-Length: 0\r\n\r\n`],
  ["a NUL in a value",                       "response_malformed", `${OK_HEAD}X-A: \0\r\nContent-Length: 0\r\n\r\n`],
  ["a control in a value",                   "response_malformed", `${OK_HEAD}X-A: \x1b\r\nContent-Length: 0\r\n\r\n`],
  ["the head ends with a bare LF",           "response_malformed", `${OK_HEAD}Content-Length: 0\r\n\n`],
  ["a name in brackets",                     "response_malformed", `${OK_HEAD}X[0]: 1\r\nContent-Length: 0\r\n\r\n`],
  ["fields of more than 64 KiB",             "response_head_too_large", `${OK_HEAD}X-A: ${"a".repeat(65 * 1024)}\r\nContent-Length: 0\r\n\r\n`],
  ["257 fields",                             "response_head_too_large", `${OK_HEAD}${lines(manyFields(257))}\r\n`],
  ["a status line that never ends",          ["response_head_too_large", "response_malformed"], `HTTP/1.1 200 ${"a".repeat(70 * 1024)}`],
];

// biome-ignore format: a table
const BAD_RESPONSE_FRAMING: readonly BadRow[] = [
  ["both, length first",                     "response_framing", `${OK_HEAD}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ["both, chunked first",                    "response_framing", `${OK_HEAD}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`],
  ["both, to HEAD's eyes the same",          "response_framing", `HTTP/1.1 304 Same\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n`],
  ["gzip",                                   "response_framing", `${OK_HEAD}Transfer-Encoding: gzip\r\n\r\nhello`],
  ["gzip, chunked",                          "response_framing", `${OK_HEAD}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
  ["xchunked",                               "response_framing", `${OK_HEAD}Transfer-Encoding: xchunked\r\n\r\nhello`],
  ["identity",                               "response_framing", `${OK_HEAD}Transfer-Encoding: identity\r\n\r\nhello`],
  ["an empty Transfer-Encoding (TE.0)",      "response_framing", `${OK_HEAD}Transfer-Encoding:\r\n\r\nhello`],
  ["chunked twice",                          "response_framing", `${OK_HEAD}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ["chunked in HTTP/1.0",                    "response_framing", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
  ["two lengths",                            "response_framing", `${OK_HEAD}Content-Length: 5\r\nContent-Length: 3\r\n\r\nhello`],
  ["two equal lengths",                      "response_framing", `${OK_HEAD}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`],
  ["a list of lengths",                      "response_framing", `${OK_HEAD}Content-Length: 5, 5\r\n\r\nhello`],
  ["a length with a plus",                   "response_framing", `${OK_HEAD}Content-Length: +5\r\n\r\nhello`],
  ["a length with a minus",                  "response_framing", `${OK_HEAD}Content-Length: -5\r\n\r\nhello`],
  ["a hexadecimal length",                   "response_framing", `${OK_HEAD}Content-Length: 0x5\r\n\r\nhello`],
  ["an empty length",                        "response_framing", `${OK_HEAD}Content-Length:\r\n\r\nhello`],
  ["a length beyond 2^53",                   "response_framing", `${OK_HEAD}Content-Length: 9007199254740993\r\n\r\nhello`],
];

// biome-ignore format: a table
const BAD_RESPONSE_CHUNKS: readonly BadRow[] = [
  ["a chunk size with 0x",                   "response_body_malformed", `${CHUNKED_OK}0x5\r\nhello\r\n0\r\n\r\n`],
  ["a chunk size of nothing",                "response_body_malformed", `${CHUNKED_OK}\r\nhello\r\n0\r\n\r\n`],
  ["a chunk size with a space behind",       "response_body_malformed", `${CHUNKED_OK}5 \r\nhello\r\n0\r\n\r\n`],
  ["a chunk size of seventeen digits",       "response_body_malformed", `${CHUNKED_OK}10000000000000005\r\nhello\r\n0\r\n\r\n`],
  ["a bare LF behind the size",              "response_body_malformed", `${CHUNKED_OK}5\nhello\r\n0\r\n\r\n`],
  ["a bare LF ends an extension",            "response_body_malformed", `${CHUNKED_OK}5;a\nhello\r\n0\r\n\r\n`],
  ["an extension of 300 bytes",              "response_body_malformed", `${CHUNKED_OK}5;${"a".repeat(300)}\r\nhello\r\n0\r\n\r\n`],
  ["a chunk without its CRLF",               "response_body_malformed", `${CHUNKED_OK}5\r\nhello0\r\n\r\n`],
  ["the end with a bare LF",                 "response_body_malformed", `${CHUNKED_OK}5\r\nhello\r\n0\r\n\n`],
  ["a trailer without a colon",              "response_body_malformed", `${CHUNKED_OK}5\r\nhello\r\n0\r\nX-A\r\n\r\n`],
  ["a response in place of trailers",        "response_body_malformed", `${CHUNKED_OK}5\r\nhello\r\n0\r\nHTTP/1.1 200 OK\r\n\r\n`],
];

export const BAD_RESPONSES: readonly BadMessage[] = [
  ...bad("head", BAD_RESPONSE_HEADS),
  ...bad("meaning", BAD_RESPONSE_FRAMING),
  ...bad("body", BAD_RESPONSE_CHUNKS),
];
