import assert from "node:assert/strict";
import { test } from "node:test";
import { BAD_REQUESTS } from "../../../test/support/corpus.ts";
import { fieldsOf, parseHead } from "../../../test/support/parse.ts";
import { type RequestFacts, type RequestRefusal, readRequest } from "./request-facts.ts";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

function read(startLine: string, ...fields: string[]) {
  const text = `${startLine}\r\n${fields.map((each) => `${each}\r\n`).join("")}\r\n`;
  const { parser, text: head } = parseHead(text, [text.length]);
  return readRequest(parser, head);
}

function facts(startLine: string, ...fields: string[]): RequestFacts {
  const answer = read(startLine, ...fields);
  assert.ok(!("refused" in answer), JSON.stringify(answer));
  return answer;
}

// What only the whole of host and target tells is told by core/arrival.ts.
const REFUSALS: Readonly<Record<RequestRefusal, string>> = {
  framing: "request_framing",
  coding: "request_coding",
  host: "request_host",
  expectation: "request_expectation",
  connection: "request_connection",
  upgrade: "request_upgrade",
  method: "request_method",
};

for (const { name, bytes, faults } of BAD_REQUESTS.filter(({ stage }) => stage === "meaning")) {
  if (name === "an empty Host") continue;
  test(`readRequest: refused: ${name}`, () => {
    const { parser, text } = parseHead(bytes, [bytes.length]);

    const answer = readRequest(parser, text);

    assert.ok("refused" in answer);
    assert.ok(faults.includes(REFUSALS[answer.refused] as never), answer.refused);
  });
}

const GET = "GET /x HTTP/1.1";
const HOST = "Host: a.test";
const HANDSHAKE = [
  HOST,
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  `Sec-WebSocket-Key: ${KEY}`,
];
const without = (name: string, ...more: string[]) => [
  ...HANDSHAKE.filter((each) => !each.startsWith(`${name}:`)),
  ...more,
];

// biome-ignore format: a table
const refused: [name: string, startLine: string, fields: string[], want: RequestRefusal][] = [
  ["Connection lists Host (H2)",            GET, [HOST, "Connection: Host"],                       "connection"],
  ["Connection lists Content-Length (H2)",  "POST /x HTTP/1.1", [HOST, "Content-Length: 1", "Connection: content-length"], "connection"],
  ["Connection lists Cookie (H2)",          GET, [HOST, "Connection: close, COOKIE"],              "connection"],
  ["Connection lists Authorization (H2)",   GET, [HOST, "Connection: close", "Connection: Authorization"], "connection"],
  ["an unknown expectation",                GET, [HOST, "Expect: 200-ok"],                         "expectation"],
  ["an expectation beside 100-continue",    GET, [HOST, "Expect: 100-continue, x"],                "expectation"],
  ["a handshake by POST (S8)",              "POST /x HTTP/1.1", HANDSHAKE,                         "upgrade"],
  ["a handshake with a body (S8)",          GET, [...HANDSHAKE, "Content-Length: 5"],              "upgrade"],
  ["a handshake with chunks (S8)",          GET, [...HANDSHAKE, "Transfer-Encoding: chunked"],     "upgrade"],
  ["a handshake of version 8",              GET, without("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8"), "upgrade"],
  ["a handshake without a version",         GET, without("Sec-WebSocket-Version"),                 "upgrade"],
  ["a handshake of two versions",           GET, [...HANDSHAKE, "Sec-WebSocket-Version: 13"],      "upgrade"],
  ["a handshake without a key",             GET, without("Sec-WebSocket-Key"),                     "upgrade"],
  ["a handshake of two keys",               GET, [...HANDSHAKE, `Sec-WebSocket-Key: ${KEY}`],      "upgrade"],
  ["a handshake with a short key",          GET, without("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhl"), "upgrade"],
];

for (const [name, startLine, fields, want] of refused) {
  test(`readRequest: refused: ${name}`, () => {
    const answer = read(startLine, ...fields);

    assert.equal("refused" in answer ? answer.refused : "accepted", want);
  });
}

// biome-ignore format: a table
const keeps: [name: string, version: string, connection: string[], want: boolean][] = [
  ["1.1",                       "1.1", [],                                  true],
  ["1.1 and close",             "1.1", ["Connection: close"],               false],
  ["1.1 and keep-alive, close", "1.1", ["Connection: keep-alive, close"],   false],
  ["1.0",                       "1.0", [],                                  false],
  ["1.0 and keep-alive",        "1.0", ["Connection: Keep-Alive"],          true],
  ["1.0 and both",              "1.0", ["Connection: keep-alive, close"],   false],
];

for (const [name, version, connection, want] of keeps) {
  test(`readRequest: keepsAlive in ${name}`, () => {
    assert.equal(facts(`GET / HTTP/${version}`, HOST, ...connection).keepsAlive, want);
  });
}

// biome-ignore format: a table
const expects: [name: string, startLine: string, fields: string[], want: boolean][] = [
  ["with a length",          "POST / HTTP/1.1", ["Content-Length: 5", "Expect: 100-continue"], true],
  ["in another case",        "POST / HTTP/1.1", ["Content-Length: 5", "Expect: 100-Continue"], true],
  ["with chunks",            "POST / HTTP/1.1", ["Transfer-Encoding: chunked", "Expect: 100-continue"], true],
  ["without a body",         "GET / HTTP/1.1",  ["Expect: 100-continue"], false],
  ["from 1.0",               "POST / HTTP/1.0", ["Content-Length: 5", "Expect: 100-continue"], false],
  ["of anything, from 1.0",  "POST / HTTP/1.0", ["Content-Length: 5", "Expect: tea"], false],
  ["not at all",             "POST / HTTP/1.1", ["Content-Length: 5"], false],
];

for (const [name, startLine, fields, want] of expects) {
  test(`readRequest: Expect ${name}`, () => {
    assert.equal(facts(startLine, HOST, ...fields).expectsContinue, want);
  });
}

// biome-ignore format: a table
const upgrades: [name: string, startLine: string, fields: string[], want: string | undefined][] = [
  ["a handshake",                            GET, HANDSHAKE, KEY],
  ["a handshake with a length of zero",      GET, [...HANDSHAKE, "Content-Length: 0"], KEY],
  ["websocket among others",                 GET, without("Upgrade", "Upgrade: foo, WebSocket"), KEY],
  ["Upgrade that Connection does not list",  GET, without("Connection", "Connection: keep-alive"), undefined],
  ["h2c (S7)",                               GET, [HOST, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: x"], undefined],
  ["another protocol",                       GET, [HOST, "Connection: Upgrade", "Upgrade: TLS/1.0"], undefined],
  ["from 1.0",                               "GET / HTTP/1.0", HANDSHAKE, undefined],
];

for (const [name, startLine, fields, want] of upgrades) {
  test(`readRequest: upgrade: ${name}`, () => {
    assert.equal(facts(startLine, ...fields).websocketKey, want);
  });
}

test("readRequest: fields that Connection lists are gone", () => {
  const { headers } = facts(
    GET,
    HOST,
    "X-A: 1",
    "Connection: x-a, X-Forwarded-For",
    "x-forwarded-for: b",
    "X-B: 2",
    "X-a: 3",
  );

  assert.deepEqual(fieldsOf(headers), [
    ["Host", "a.test"],
    ["Connection", "x-a, X-Forwarded-For"],
    ["X-B", "2"],
  ]);
});

test("readRequest: the facts are of this request", () => {
  const { method, target, minorVersion, host, framing } = facts(
    "DELETE /a?b HTTP/1.1",
    "host:  A.test:80 ",
    "Content-Length: 7",
  );

  assert.deepEqual([method, target, minorVersion, host], ["DELETE", "/a?b", 1, "A.test:80"]);
  assert.deepEqual(framing, { kind: "length", bytes: 7 });
});

test("readRequest: HTTP/1.0 may leave Host out", () => {
  assert.equal(facts("GET / HTTP/1.0").host, undefined);
});

// biome-ignore format: a table
const trailers: [value: string, want: boolean][] = [
  ["TE: trailers", true], ["TE: Trailers", true], ["TE: gzip, trailers", true], ["TE: gzip", false], ["TE: trailersx", false], ["X: trailers", false],
];

for (const [field, want] of trailers) {
  test(`readRequest: takesTrailers: ${field}`, () => {
    assert.equal(facts(GET, HOST, "Connection: close", field).takesTrailers, want);
  });
}

test("readRequest: TE is read also where Connection names it, as it should (RFC 9110 §10.1.4)", () => {
  assert.equal(facts(GET, HOST, "Connection: TE", "TE: trailers").takesTrailers, true);
});
