/** When an upstream connection is used again, and what makes it one of a kind (SECURITY S2, S6). */
import assert from "node:assert/strict";
import { answersOf, GET, OK, type SimProxy, simulation } from "../support/sim-proxy.ts";

const onlyPool = (proxy: SimProxy) => [...proxy.pools.values()][0]!;
const HEAD = GET.replace("GET", "HEAD");
const post = (fields: string, body = "") =>
  `POST / HTTP/1.1\r\nHost: a.test\r\n${fields}\r\n${body}`;

// biome-ignore format: a table
const cases: [name: string, request: string, response: string, isReused: boolean][] = [
  ["a length",                          GET, OK, true],
  ["chunked",                           GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", true],
  ["chunked with trailers",             GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-A: 1\r\n\r\n", true],
  ["204",                               GET, "HTTP/1.1 204 No Content\r\n\r\n", true],
  ["304 with a length",                 GET, "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", true],
  ["an answer to HEAD",                 HEAD, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true],
  ["a body behind a HEAD",              HEAD, OK, false],
  ["a body behind a 204",               GET, "HTTP/1.1 204 No Content\r\n\r\nok", false],
  ["bytes behind the length (S6)",      GET, `${OK}!`, false],
  ["a second response (queue poisoning)", GET, OK + OK, false],
  ["bytes behind the last chunk",       GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n0", false],
  ["Connection: close",                 GET, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", false],
  ["HTTP/1.0",                          GET, "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", false],
  ["HTTP/1.0 with keep-alive",          GET, "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", true],
  ["a request with a body",             post("Content-Length: 2\r\n", "hi"), OK, true],
  ["a request with a length of zero",   post("Content-Length: 0\r\n"), OK, true],
  ["a chunked request",                 post("Transfer-Encoding: chunked\r\n", "2\r\nhi\r\n0\r\n\r\n"), OK, true],
];

for (const [name, request, response, isReused] of cases) {
  simulation(
    `upstream connection: ${isReused ? "kept" : "not kept"} after ${name}`,
    {
      origins: [response],
      network: { splits: false },
    },
    async (proxy) => {
      const client = await proxy.clientWith(request);

      assert.equal(answersOf(client).length, 1);
      assert.equal(onlyPool(proxy).idleCount, isReused ? 1 : 0);
      assert.equal(onlyPool(proxy).openCount, isReused ? 1 : 0);
      assert.deepEqual(proxy.ends, ["served"]);
    },
  );
}

simulation(
  "upstream connection: not kept where the answer came ahead of the request",
  {
    origins: [() => {}],
  },
  async (proxy) => {
    const client = await proxy.clientWith(post("Content-Length: 5\r\n", "he"));
    proxy.origin.last.send(OK);
    await proxy.advance(5);
    assert.deepEqual(answersOf(client), ["200"]);
    assert.equal(onlyPool(proxy).openCount, 0);

    client.send(`llo${GET}`);
    await proxy.advance(5);

    // The rest of the body is read and dropped; it is no request.
    assert.equal(proxy.origin.requests.length, 1);
    assert.equal(proxy.worker.begun.length, 2);
    assert.match(proxy.origin.requests[0]!.startLine, /^GET /);
  },
);

simulation("upstream connection: bytes that nobody asked for end it", {}, async (proxy) => {
  await proxy.clientWith(GET);
  proxy.origin.last.send(OK);
  await proxy.advance(5);
  assert.equal(onlyPool(proxy).openCount, 0);

  const client = await proxy.clientWith(GET);

  assert.deepEqual(answersOf(client), ["200"]);
  assert.equal(proxy.origin.connections.length, 2);
});

simulation(
  "upstream connection: one after the other, many exchanges use the same one",
  {},
  async (proxy) => {
    const client = proxy.client();
    for (let count = 0; count < 20; count++) {
      client.send(GET);
      await proxy.advance(5);
    }

    assert.equal(answersOf(client).length, 20);
    assert.equal(proxy.origin.connections.length, 1);
  },
);

simulation(
  "upstream connection: at most idleMax wait",
  { idleMax: 2, origins: [() => {}] },
  async (proxy) => {
    for (let count = 0; count < 5; count++) await proxy.clientWith(GET);
    assert.equal(onlyPool(proxy).openCount, 5);

    for (const connection of proxy.origin.connections) connection.send(OK);
    await proxy.advance(5);

    assert.equal(onlyPool(proxy).idleCount, 2);
    assert.equal(onlyPool(proxy).openCount, 2);
  },
);

simulation(
  "a malformed rest of a body that nobody wants is no bug",
  { origins: [() => {}] },
  async (proxy) => {
    const client = await proxy.clientWith(post("Transfer-Encoding: chunked\r\n", "2\r\nhi\r\n"));
    proxy.origin.last.send(OK);
    await proxy.advance(5);
    assert.deepEqual(answersOf(client), ["200"]);

    client.send("no chunk at all\r\n\r\n");
    await proxy.advance(3_000);

    assert.deepEqual(proxy.ends, ["served"]);
    assert.equal(client.hasFinished || client.isClosed, true);
  },
);

simulation(
  "a chunked upload flows as it comes: no chunk waits for the next one",
  {
    origins: [() => {}],
  },
  async (proxy) => {
    const client = await proxy.clientWith(post("Transfer-Encoding: chunked\r\n"));
    for (const letter of "abc") {
      client.send(`1\r\n${letter}\r\n`);
      await proxy.advance(5);
      assert.match(proxy.origin.last.text, new RegExp(`1\r\n${letter}\r\n$`));
    }
    client.send("0\r\n\r\n");
    await proxy.advance(5);

    assert.equal(proxy.origin.requests[0]!.body, "abc");
    proxy.origin.last.send(OK);
    await proxy.advance(5);
  },
);

simulation("a request that came whole before its FIN is served", {}, async (proxy) => {
  const client = proxy.client();
  client.send(post("Content-Length: 5\r\n", "hello"));
  client.finish();
  await proxy.advance(5);

  assert.deepEqual(answersOf(client), ["200"]);
  assert.equal(proxy.origin.requests[0]!.body, "hello");
});

simulation(
  "a request that is cut by its FIN is not, however late the endpoint is",
  {},
  async (proxy) => {
    const client = proxy.client();
    client.send(post("Content-Length: 5\r\n", "hell"));
    client.finish();
    await proxy.advance(600);

    assert.equal(proxy.origin.requests.length, 0);
    assert.deepEqual(proxy.ends, ["request_truncated"]);
  },
);

simulation(
  "an empty line behind a request is no request, and a FIN behind it no fault",
  {},
  async (proxy) => {
    const client = await proxy.clientWith(`${post("Content-Length: 2\r\n", "hi")}\r\n`);
    client.finish();
    await proxy.advance(5);

    assert.deepEqual(answersOf(client), ["200"]);
    assert.deepEqual(proxy.ends, ["served"]);
  },
);
