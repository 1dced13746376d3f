/** Every limit with the last thing it lets through and the first it refuses. */
import assert from "node:assert/strict";
import { eventually, within } from "../support/deadline.ts";
import { faultOf, firstStatus, forwardTo, GET, OK, scenario } from "../support/scenario.ts";

const HEAD = "GET / HTTP/1.1\r\nhost: a.test\r\n";
const post = (length: number) =>
  `POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: ${length}\r\n\r\n`;
const CHUNKED = "POST / HTTP/1.1\r\nhost: a.test\r\ntransfer-encoding: chunked\r\n\r\n";

// The request line "GET /… HTTP/1.1" is 13 bytes and the path.
const lineOf = (bytes: number) =>
  `GET /${"a".repeat(bytes - "GET / HTTP/1.1".length)} HTTP/1.1\r\nhost: a.test\r\n\r\n`;

// Host counts 4 + 6 + 32, and a field of our own its name, value and 32.
const fieldsOf = (bytes: number) => `${HEAD}x: ${"a".repeat(bytes - 42 - 33)}\r\n\r\n`;

type Row = [name: string, limit: string, bytes: string, status: number, fault: string];

// biome-ignore format: a table
const rows: Row[] = [
  ["requestLineBytes, just within",  "requestLineBytes: 100", lineOf(100),                       200, ""],
  ["requestLineBytes, one more",     "requestLineBytes: 100", lineOf(101),                       414, "request_line_too_long"],
  ["headerBytes, just within",       "headerBytes: 300",      fieldsOf(300),                     200, ""],
  ["headerBytes, one more",          "headerBytes: 300",      fieldsOf(301),                     431, "request_head_too_large"],
  ["headerCount, just within",       "headerCount: 3",        `${HEAD}a: 1\r\nb: 2\r\n\r\n`,      200, ""],
  ["headerCount, one more",          "headerCount: 3",        `${HEAD}a: 1\r\nb: 2\r\nc: 3\r\n\r\n`, 431, "request_head_too_large"],
  ["bodyBytes, a length just within", "bodyBytes: 5",         `${post(5)}hello`,                 200, ""],
  ["bodyBytes, a length one more",   "bodyBytes: 5",          `${post(6)}hello!`,                413, "request_body_too_large"],
  ["bodyBytes, chunks just within",  "bodyBytes: 5",          `${CHUNKED}3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n`, 200, ""],
  ["bodyBytes, chunks one more",     "bodyBytes: 5",          `${CHUNKED}3\r\nhel\r\n3\r\nlo!\r\n0\r\n\r\n`, 413, "request_body_too_large"],
  ["bodyBytes, one chunk too large", "bodyBytes: 5",          `${CHUNKED}fffffff\r\nhello!`,       413, "request_body_too_large"],
];

for (const [name, limit, bytes, status, fault] of rows) {
  scenario(`limits.${name}: ${status}`, async (it) => {
    const origin = await it.origin(OK);
    const proxy = await it.proxy(forwardTo(origin.url, { top: `limits: { ${limit} }` }));

    const answer = await it.client(bytes);

    assert.equal(firstStatus(answer), status);
    assert.equal(await faultOf(proxy), fault);
    assert.equal(origin.completed.length, status === 200 ? 1 : 0);
  });
}

scenario("limits.bodyBytes: a length too large is refused before the body is sent", async (it) => {
  const origin = await it.origin(OK);
  await it.proxy(forwardTo(origin.url, { top: "limits: { bodyBytes: 1MiB }" }));
  const client = await it.connect();

  client.send(post(2 * 1024 * 1024));
  const response = await client.readResponse();

  assert.equal(response.status, 413);
  assert.equal(origin.connections.length, 0);
});

scenario("limits.bodyBytes: a client still sending gets to read the refusal", async (it) => {
  const origin = await it.origin(OK);
  await it.proxy(forwardTo(origin.url, { top: "limits: { bodyBytes: 1MiB }" }));
  const client = await it.connect();

  client.send(post(8 * 1024 * 1024));
  client.send(Buffer.alloc(8 * 1024 * 1024));
  const response = await client.readResponse();

  assert.equal(response.status, 413);
});

scenario("limits.bodyBytes: of a route counts for its requests only", async (it) => {
  const origin = await it.origin(OK);
  await it.proxy(`
    upstreams: { app: "${origin.url}" }
    sites:
      - hosts: ["*"]
        routes:
          - { match: { path: /small }, forward: app, limits: { bodyBytes: 3 } }
          - { forward: app }
  `);

  const small = await it.client(`${post(5).replace("/", "/small")}hello`);
  const large = await it.client(`${post(5)}hello`);

  assert.deepEqual([firstStatus(small), firstStatus(large)], [413, 200]);
});

const trailers = (lines: string) => `${CHUNKED}2\r\nhi\r\n0\r\n${lines}\r\n`;

// biome-ignore format: a table
const trailerRows: [name: string, limit: string, bytes: string, isRefused: boolean][] = [
  ["trailerCount, just within", "trailerCount: 2", trailers("a: 1\r\nb: 2\r\n"),          false],
  ["trailerCount, one more",    "trailerCount: 2", trailers("a: 1\r\nb: 2\r\nc: 3\r\n"),  true],
  ["trailerBytes, just within", "trailerBytes: 50", trailers(`a: ${"x".repeat(17)}\r\n`), false],
  ["trailerBytes, one more",    "trailerBytes: 50", trailers(`a: ${"x".repeat(18)}\r\n`), true],
];

for (const [name, limit, bytes, isRefused] of trailerRows) {
  scenario(`limits.${name}: ${isRefused ? "refused" : "accepted"}`, async (it) => {
    const origin = await it.origin(OK);
    await it.proxy(forwardTo(origin.url, { top: `limits: { ${limit} }` }));

    const status = firstStatus(await it.client(bytes));

    assert.ok(isRefused ? status === 400 || status === 431 : status === 200, `got ${status}`);
    assert.equal(origin.completed.length, isRefused ? 0 : 1);
  });
}

const answerOf = (fields: string) => `HTTP/1.1 200 OK\r\ncontent-length: 2\r\n${fields}\r\nok`;

// content-length counts 14 + 1 + 32.
// biome-ignore format: a table
const responseRows: [name: string, limit: string, answer: string, status: number][] = [
  ["responseHeaderBytes, just within", "responseHeaderBytes: 300", answerOf(`a: ${"x".repeat(220)}\r\n`), 200],
  ["responseHeaderBytes, one more",    "responseHeaderBytes: 300", answerOf(`a: ${"x".repeat(221)}\r\n`), 502],
  ["responseHeaderCount, just within", "responseHeaderCount: 3",   answerOf("a: 1\r\nb: 2\r\n"),          200],
  ["responseHeaderCount, one more",    "responseHeaderCount: 3",   answerOf("a: 1\r\nb: 2\r\nc: 3\r\n"),  502],
];

for (const [name, limit, answer, status] of responseRows) {
  scenario(`limits.${name}: ${status}`, async (it) => {
    const origin = await it.origin(answer);
    const proxy = await it.proxy(forwardTo(origin.url, { upstream: `limits: { ${limit} }` }));

    assert.equal(firstStatus(await it.client(GET)), status);
    assert.equal(await faultOf(proxy), status === 200 ? "" : "response_head_too_large");
  });
}

scenario("limits.connectionsMax: one more is told so, those at work go on", async (it) => {
  const origin = await it.origin(OK);
  await it.proxy(forwardTo(origin.url, { top: "limits: { connectionsMax: 2 }" }));
  const first = await it.connect();
  const second = await it.connect();
  for (const each of [first, second]) {
    each.send(GET);
    await each.readResponse();
    each.send(post(5));
  }
  await eventually(
    () => (origin.connections.length === 2 ? true : undefined),
    () => "two requests at work",
  );

  const third = await it.connect();
  third.send(GET);
  await third.readToEnd();

  assert.match(third.text, /^HTTP\/1\.1 503 [\s\S]*retry-after: 1\r\n[\s\S]*: overloaded\n$/);
  first.send("hello");
  assert.equal((await first.readResponse()).status, 200);

  // Room is made by whoever leaves.
  second.close();
  await within(
    (async () => {
      while (firstStatus((await it.client(GET)) || "HTTP/1.1 503 ") !== 200);
    })(),
    () => "room for another connection",
  );
});
