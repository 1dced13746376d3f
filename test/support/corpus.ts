/**
 * Messages with what a strict reader makes of them. Parsers are tested on every prefix and split of
 * them, fuzzers start from them, and the behavior tests send them through the proxy. All bytes are
 * latin1 strings.
 */
import { BAD_REQUESTS } from "./bad-requests.ts";
import { BAD_RESPONSES } from "./bad-responses.ts";
import {
  CHUNKED,
  type GoodRequest,
  type GoodResponse,
  HOST,
  length,
  manyFields,
  request,
  response,
} from "./sample.ts";

export type { BadMessage, GoodRequest, GoodResponse, Stage } from "./sample.ts";
export { BAD_REQUESTS, BAD_RESPONSES };

// biome-ignore format: a table
export const GOOD_REQUESTS: readonly GoodRequest[] = [
  request("the least",                    "GET / HTTP/1.1", [HOST]),
  request("HTTP/1.0 without Host",        "GET / HTTP/1.0", []),
  request("HTTP/1.0 with keep-alive",     "GET / HTTP/1.0", [HOST, ["Connection", "keep-alive"]]),
  request("a path and a query",           "GET /a/b.c?d=e&f=%20?g HTTP/1.1", [HOST]),
  request("the absolute form",            "GET http://a.test/x?y HTTP/1.1", [HOST]),
  request("the asterisk form",            "OPTIONS * HTTP/1.1", [HOST]),
  request("a method of our own time",     "QUERY /q HTTP/1.1", [HOST, length(2)], "ab"),
  request("a method with a hyphen",       "M-SEARCH / HTTP/1.1", [HOST]),
  request("every byte of a token",        "GET / HTTP/1.1", [HOST, ["!#$%&'*+-.^_`|~09azAZ", "x"]]),
  request("an empty value",               "GET / HTTP/1.1", [HOST, ["X-Empty", ""]]),
  request("a value with inner spaces",    "GET / HTTP/1.1", [HOST, ["X-A", "a  b\tc"]]),
  request("a value of obs-text",          "GET / HTTP/1.1", [HOST, ["X-A", "D\xfcsseldorf \x80\xff"]]),
  request("quotes and separators",        "GET / HTTP/1.1", [HOST, ["X-A", '"a;b, c" (d) [e] {f} <g@h>: /i\\']]),
  request("a repeated field",             "GET / HTTP/1.1", [HOST, ["X-A", "1"], ["x-a", "2"]]),
  request("a hundred fields",             "GET / HTTP/1.1", [HOST, ...manyFields(99)]),
  request("a length",                     "POST / HTTP/1.1", [HOST, length(5)], "hello"),
  request("a length of zero",             "POST / HTTP/1.1", [HOST, length(0)]),
  request("a length with zeroes",         "POST / HTTP/1.1", [HOST, length("005")], "hello"),
  request("a body that looks like a request", "POST / HTTP/1.1", [HOST, length(18)], "GET /x HTTP/1.1\r\n\r"),
  request("a GET with a body",            "GET / HTTP/1.1", [HOST, length(2)], "hi"),
  request("chunked",                      "POST / HTTP/1.1", [HOST, CHUNKED], "5\r\nhello\r\n0\r\n\r\n", "hello"),
  request("chunked in another case",      "POST / HTTP/1.1", [HOST, ["TRANSFER-ENCODING", "Chunked"]], "1\r\nx\r\n0\r\n\r\n", "x"),
  request("chunked, nothing in it",       "POST / HTTP/1.1", [HOST, CHUNKED], "0\r\n\r\n", ""),
  request("several chunks",               "POST / HTTP/1.1", [HOST, CHUNKED], "1\r\na\r\n0A\r\n0123456789\r\nb\r\n0123456789b\r\n000\r\n\r\n", "a01234567890123456789b"),
  request("chunk extensions",             "POST / HTTP/1.1", [HOST, CHUNKED], '5;a;b=c;d="e f"\r\nhello\r\n0;g\r\n\r\n', "hello"),
  request("CRLF in a chunk",              "POST / HTTP/1.1", [HOST, CHUNKED], "7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n", "\r\n0\r\n\r\n"),
  request("trailers",                     "POST / HTTP/1.1", [HOST, CHUNKED], "2\r\nhi\r\n0\r\nX-Sum: 7\r\nX-Two:\r\n\r\n", "hi", [["X-Sum", "7"], ["X-Two", ""]]),
  request("Connection: close",            "GET / HTTP/1.1", [HOST, ["Connection", "close"]]),
  request("Expect",                       "POST / HTTP/1.1", [HOST, ["Expect", "100-continue"], length(2)], "hi"),
  // Written out, because whitespace and the empty line are what they are about.
  { ...request("no space after the colon", "GET / HTTP/1.1", [HOST]), bytes: "GET / HTTP/1.1\r\nHost:a.test\r\n\r\n" },
  { ...request("tabs and spaces around a value", "GET / HTTP/1.1", [HOST]), bytes: "GET / HTTP/1.1\r\nHost: \t a.test\t \r\n\r\n" },
  { ...request("an empty line ahead",      "GET / HTTP/1.1", [HOST]), bytes: "\r\nGET / HTTP/1.1\r\nHost: a.test\r\n\r\n" },
];

const closed: Partial<GoodResponse> = { untilClose: true };

// biome-ignore format: a table
export const GOOD_RESPONSES: readonly GoodResponse[] = [
  response("a length",                "HTTP/1.1 200 OK", [length(5)], "hello"),
  response("a length of zero",        "HTTP/1.1 200 OK", [length(0)]),
  response("no reason",               "HTTP/1.1 200 ", [length(2)], "hi"),
  response("no space before no reason", "HTTP/1.1 200", [length(2)], "hi"),
  response("a long reason",           "HTTP/1.1 404 Not here, nor \xe4nywhere", [length(0)]),
  response("a status yet unknown",    "HTTP/1.1 799 What", [length(0)]),
  response("chunked",                 "HTTP/1.1 200 OK", [CHUNKED], "5\r\nhello\r\n0\r\n\r\n", "hello"),
  response("chunk extensions",        "HTTP/1.1 200 OK", [CHUNKED], '5;a="b"\r\nhello\r\n0;c\r\n\r\n', "hello"),
  response("trailers",                "HTTP/1.1 200 OK", [CHUNKED], "1\r\nx\r\n0\r\nX-Sum: 1\r\n\r\n", "x", { trailers: [["X-Sum", "1"]] }),
  response("until the close",         "HTTP/1.1 200 OK", [], "hello", "hello", closed),
  response("until the close, empty",  "HTTP/1.1 200 OK", [], "", "", closed),
  response("until the close, 1.0",    "HTTP/1.0 200 OK", [], "hello", "hello", closed),
  response("1.0 with a length",       "HTTP/1.0 200 OK", [length(5)], "hello"),
  response("204",                     "HTTP/1.1 204 No Content", []),
  response("304 with a length",       "HTTP/1.1 304 Not Modified", [length(5)]),
  response("HEAD with a length",      "HTTP/1.1 200 OK", [length(5)], "", "", { method: "HEAD" }),
  response("HEAD with chunked",       "HTTP/1.1 200 OK", [CHUNKED], "", "", { method: "HEAD" }),
  response("set-cookie twice",        "HTTP/1.1 200 OK", [["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"], length(0)]),
  response("obs-text in a value",     "HTTP/1.1 200 OK", [["X-A", "\xe4\x80"], length(0)]),
  response("an empty value",          "HTTP/1.1 200 OK", [["X-A", ""], length(0)]),
];
