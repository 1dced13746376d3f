import assert from "node:assert/strict";
import { test } from "node:test";
import { BAD_RESPONSES, GOOD_RESPONSES } from "../../../test/support/corpus.ts";
import { fieldsOf, parseHead } from "../../../test/support/parse.ts";
import { type ResponseFacts, readResponse } from "./response-facts.ts";

function readBytes(bytes: string, method: string): ResponseFacts | string {
  const { parser, text } = parseHead(bytes, [bytes.length], "response");
  return readResponse(parser, text, method);
}

function facts(startLine: string, ...fields: string[]): ResponseFacts {
  const text = `${startLine}\r\n${fields.map((each) => `${each}\r\n`).join("")}\r\n`;
  const answer = readBytes(text, "GET");
  assert.ok(typeof answer !== "string", String(answer));
  return answer;
}

for (const { name, bytes, method, status } of GOOD_RESPONSES) {
  test(`readResponse: ${name}`, () => {
    const answer = readBytes(bytes, method);

    assert.ok(typeof answer !== "string");
    assert.equal(answer.status, status);
  });
}

for (const { name, bytes } of BAD_RESPONSES.filter(({ stage }) => stage === "meaning")) {
  test(`readResponse: refused: ${name}`, () => {
    assert.equal(typeof readBytes(bytes, "GET"), "string");
    assert.equal(typeof readBytes(bytes, "HEAD"), "string", "to HEAD, too");
  });
}

const OK = "HTTP/1.1 200 OK";

// biome-ignore format: a table
const keeps: [name: string, startLine: string, fields: string[], want: boolean][] = [
  ["1.1",                      OK, [], true],
  ["1.1 and close",            OK, ["Connection: close"], false],
  ["1.1 and close in a list",  OK, ["Connection: x-a", "Connection: y, Close"], false],
  ["1.0",                      "HTTP/1.0 200 OK", [], false],
  ["1.0 and keep-alive",       "HTTP/1.0 200 OK", ["Connection: keep-alive"], true],
  ["1.0 and both",             "HTTP/1.0 200 OK", ["Connection: keep-alive, close"], false],
];

for (const [name, startLine, fields, want] of keeps) {
  test(`readResponse: keepsAlive in ${name}`, () => {
    assert.equal(facts(startLine, ...fields).keepsAlive, want);
  });
}

// biome-ignore format: a table
const keepAlive: [field: string, want: number][] = [
  ["timeout=5",                 5],
  ["timeout=5, max=100",        5],
  ["max=100, timeout=7",        7],
  ["Timeout = 9",               9],
  ['timeout="11"',              11],
  ["max=100",                   0],
  ["mytimeout=5",               0],
  ["timeout=-5",                0],
  ["timeout",                   0],
];

for (const [field, want] of keepAlive) {
  test(`readResponse: Keep-Alive: ${field}`, () => {
    assert.equal(facts(OK, `Keep-Alive: ${field}`).keepAliveSeconds, want);
  });
}

// biome-ignore format: a table
const switches: [name: string, startLine: string, fields: string[], want: string | undefined][] = [
  ["101 to websocket",             "HTTP/1.1 101 S", ["Connection: upgrade", "Upgrade: WebSocket"], "websocket"],
  ["101 to something else",        "HTTP/1.1 101 S", ["Connection: upgrade", "Upgrade: h2c"], "h2c"],
  ["101 that Connection ignores",  "HTTP/1.1 101 S", ["Upgrade: websocket"], undefined],
  ["101 to nothing",               "HTTP/1.1 101 S", ["Connection: upgrade"], undefined],
  ["200 with Upgrade",             OK, ["Connection: upgrade", "Upgrade: websocket"], undefined],
];

for (const [name, startLine, fields, want] of switches) {
  test(`readResponse: switchesTo: ${name}`, () => {
    assert.equal(facts(startLine, ...fields).switchesTo, want);
  });
}

test("readResponse: what Connection lists is gone, but not what the client must get", () => {
  const { headers } = facts(OK, "Connection: X-A, Set-Cookie", "x-a: 1", "Set-Cookie: b=1");

  assert.deepEqual(fieldsOf(headers), [
    ["Connection", "X-A, Set-Cookie"],
    ["Set-Cookie", "b=1"],
  ]);
});
