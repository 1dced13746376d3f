import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_TOOLS } from "../../../test/support/build-tools.ts";
import { exchangeOf, requestOf } from "../../../test/support/exchange-of.ts";
import type { Reply } from "../../core/filter.ts";
import { respond } from "./respond.ts";

function answerTo(options: unknown): Reply {
  const handler = respond.build(respond.schema.parse(options), NO_TOOLS);
  const request = requestOf("GET /a?q=%22%3Cb%3E%0D%0Ax:1", { "user-agent": "t" });
  return handler.handle(exchangeOf({ request })) as Reply;
}

const TEXT = { "content-type": "text/plain; charset=utf-8" };

// biome-ignore format: a table
const cases: [name: string, options: unknown, status: number, headers: Record<string, string>, body: string][] = [
  ["a text",               "hello",                                       200, TEXT,                                 "hello"],
  ["a text with a value",  "you are {clientIp}",                          200, TEXT,                                 "you are 192.0.2.7"],
  ["a status",             204,                                           204, {},                                   ""],
  ["a status and a body",  { status: 410, body: "gone" },                 410, TEXT,                                 "gone"],
  ["nothing at all",       {},                                            200, {},                                   ""],
  ["a value as JSON",      { json: { path: "{path}", n: [1, null] } },    200, { "content-type": "application/json" }, '{"path":"/a","n":[1,null]}'],
  ["JSON escapes values",  { json: "{query.q}" },                         200, { "content-type": "application/json" }, '"\\"\\u003cb\\u003e\\r\\nx:1"'],
  ["HTML escapes values",  { body: "<p>{query.q}", headers: { "Content-Type": "text/html" } }, 200, { "content-type": "text/html" }, "<p>&quot;&lt;b&gt;\r\nx:1"],
  ["a body of JSON text",  { body: '{"q":"{query.q}"}', headers: { "content-type": "application/problem+json" } }, 200, { "content-type": "application/problem+json" }, '{"q":"\\"\\u003cb\\u003e\\r\\nx:1"}'],
  ["a header with a value", { headers: { "X-Agent": "{header.user-agent} {query.q}" } }, 200, { "x-agent": 't "<b>x:1' }, ""],
  ["UTF-8",                "é {{host}}",                                  200, TEXT,                                 "é {host}"],
];

for (const [name, options, status, headers, body] of cases) {
  test(`respond: ${name}`, () => {
    const reply = answerTo(options);

    assert.equal(reply.status, status);
    assert.deepEqual(reply.headers, headers);
    assert.equal(Buffer.from(reply.body ?? "").toString("utf8"), body);
  });
}

const refused: unknown[] = [
  99,
  101,
  600,
  true,
  [],
  "{pth}",
  { status: 204, body: "x" },
  { status: 304, json: {} },
  { body: "a", json: {} },
  { body: "{nothing}" },
  { json: "{nothing}" },
  { headers: { "content-length": "3" } },
  { headers: { "Transfer-Encoding": "chunked" } },
  { headers: { "a b": "x" } },
  { headers: { a: "x\r\ny: 1" } },
  { headers: { a: "{nothing}" } },
  { text: "a" },
];

for (const options of refused) {
  test(`respond: refuses ${JSON.stringify(options)}`, () => {
    assert.equal(respond.schema.safeParse(options).success, false);
  });
}
