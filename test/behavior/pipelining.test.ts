/** Requests sent ahead are answered in their order, each on its own way to the origin. */
import assert from "node:assert/strict";
import { forwardTo, GET, OK, scenario } from "../support/scenario.ts";

const named = (path: string, more = "") =>
  `HTTP/1.1 200 OK\r\ncontent-length: ${path.length}\r\n${more}\r\n${path}`;

scenario(
  "pipelining: three at once are answered in order, though the first is slow",
  async (it) => {
    const origin = await it.origin(({ target }) => {
      return `${target === "/1" ? "<wait 60ms>" : ""}${named(target)}`;
    });
    await it.proxy(forwardTo(origin.url));
    const client = await it.connect();

    client.send(["/1", "/2", "/3"].map((path) => GET.replace("/", path)).join(""));

    const bodies = [];
    for (let number = 0; number < 3; number++) bodies.push((await client.readResponse()).body);
    assert.deepEqual(bodies, ["/1", "/2", "/3"]);
    assert.deepEqual(
      origin.received.map((each) => each.target),
      ["/1", "/2", "/3"],
    );
  },
);

scenario("pipelining: bodies and methods do not run into each other", async (it) => {
  const origin = await it.origin(({ method, target, body }) => {
    if (method === "HEAD") return "HTTP/1.1 200 OK\r\ncontent-length: 77\r\n\r\n";
    return named(`${method} ${target} ${body}`);
  });
  await it.proxy(forwardTo(origin.url));
  const client = await it.connect();

  client.send(
    "POST /a HTTP/1.1\r\nhost: a.test\r\ncontent-length: 3\r\n\r\nGET" +
      "HEAD /b HTTP/1.1\r\nhost: a.test\r\n\r\n" +
      "PUT /c HTTP/1.1\r\nhost: a.test\r\ntransfer-encoding: chunked\r\n\r\n2\r\nxy\r\n0\r\n\r\n" +
      "GET /d HTTP/1.1\r\nhost: a.test\r\n\r\n",
  );

  assert.equal((await client.readResponse()).body, "POST /a GET");
  assert.equal((await client.readResponse("HEAD")).body, "");
  assert.equal((await client.readResponse()).body, "PUT /c xy");
  assert.equal((await client.readResponse()).body, "GET /d ");
});

scenario("pipelining: fifty in one write", async (it) => {
  const origin = await it.origin(({ target }) => named(target));
  await it.proxy(forwardTo(origin.url));
  const client = await it.connect();
  const paths = Array.from({ length: 50 }, (_, number) => `/${number}`);

  client.send(paths.map((path) => GET.replace("/", path)).join(""));

  for (const path of paths) assert.equal((await client.readResponse()).body, path);
});

scenario("pipelining: one byte at a time makes no difference", async (it) => {
  const origin = await it.origin(({ target, body }) => named(`${target} ${body}`));
  await it.proxy(forwardTo(origin.url));
  const client = await it.connect();
  const bytes =
    "POST /a HTTP/1.1\r\nhost: a.test\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" +
    "GET /b HTTP/1.1\r\nhost: a.test\r\n\r\n";

  for (const byte of bytes) await client.sent(byte);

  assert.equal((await client.readResponse()).body, "/a abc");
  assert.equal((await client.readResponse()).body, "/b ");
});

scenario("pipelining: what follows `connection: close` is not served", async (it) => {
  const origin = await it.origin(OK);
  await it.proxy(forwardTo(origin.url));
  const client = await it.connect();

  client.send(`GET /1 HTTP/1.1\r\nhost: a.test\r\nconnection: close\r\n\r\n${GET}`);
  await client.readResponse();
  await client.readToEnd();

  assert.equal(origin.received.length, 1);
  assert.equal(client.text.split("HTTP/1.1 ").length, 2);
});

scenario(
  "pipelining: a bad request after a good one: the good one is answered first",
  async (it) => {
    const origin = await it.origin(`<wait 30ms>${OK}`);
    await it.proxy(forwardTo(origin.url));
    const client = await it.connect();

    client.send(`${GET}GET / HTTP/1.1\r\nhost : a.test\r\n\r\n${GET}`);

    assert.equal((await client.readResponse()).status, 200);
    assert.equal((await client.readResponse()).status, 400);
    await client.readToEnd();
    assert.equal(origin.received.length, 1);
  },
);

scenario(
  "pipelining: a client that never reads does not make the proxy read for ever",
  async (it) => {
    const body = "x".repeat(64 * 1024);
    const origin = await it.origin(named(body));
    await it.proxy(forwardTo(origin.url));
    const client = await it.connect();
    client.socket.pause();

    // 2,000 answers of 64 KiB: far more than the system's buffers hold.
    client.send(GET.repeat(2_000));
    let asked = -1;
    while (asked !== origin.received.length) {
      asked = origin.received.length;
      await new Promise((resolve) => setTimeout(resolve, 150));
    }

    assert.ok(asked < 1_000, `${asked} requests went on while nobody took the answers`);
    client.reset();
  },
);
