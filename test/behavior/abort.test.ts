/** When one side goes, the other one learns of it, and a cut message never looks whole (S10). */
import assert from "node:assert/strict";
import { within } from "../support/deadline.ts";
import { faultOf, forwardTo, GET, OK, scenario } from "../support/scenario.ts";

const UPLOAD = "POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 100\r\n\r\nhello";

for (const how of ["reset", "close"] as const) {
  scenario(`abort: a client's ${how} while it waits ends the work upstream`, async (it) => {
    const origin = await it.origin("<stall>");
    const proxy = await it.proxy(forwardTo(origin.url));
    const client = await it.connect();
    client.send(GET);
    while (origin.received.length === 0) await new Promise(setImmediate);

    client[how]();
    await within(origin.connections[0]!.gone, () => "the end of the origin's connection");

    assert.equal(await faultOf(proxy), "client_gone");
    assert.equal((await proxy.accessLines(1))[0]!["status"], 499);
  });

  scenario(`abort: a client's ${how} in its body: the origin has no whole request`, async (it) => {
    const origin = await it.origin(OK);
    const proxy = await it.proxy(forwardTo(origin.url));
    const client = await it.connect();
    client.send(UPLOAD);
    while (!origin.connections[0]?.text.includes("hello")) await new Promise(setImmediate);

    client[how]();
    await within(origin.connections[0]!.gone, () => "the end of the origin's connection");

    assert.equal(origin.completed.length, 0);
    assert.match(await faultOf(proxy), /^(client_gone|request_truncated)$/);
  });

  scenario(`abort: a client's ${how} in the response ends it upstream`, async (it) => {
    const origin = await it.origin("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nfirst<stall>");
    await it.proxy(forwardTo(origin.url));
    const client = await it.connect();
    client.send(GET);
    await client.readUntil("first");

    client[how]();

    await within(origin.connections[0]!.gone, () => "the end of the origin's connection");
  });
}

const CHUNKED = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

// biome-ignore format: a table
const cuts: [name: string, answer: string][] = [
  ["a length body, FIN",            "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello<hang up>"],
  ["a length body, RST",            "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello<wait 20ms><reset>"],
  ["inside of a chunk, FIN",        `${CHUNKED}a\r\nhello<hang up>`],
  ["inside of a chunk, RST",        `${CHUNKED}a\r\nhello<wait 20ms><reset>`],
  ["between chunks, FIN",           `${CHUNKED}5\r\nhello\r\n<hang up>`],
  ["between chunks, RST",           `${CHUNKED}5\r\nhello\r\n<wait 20ms><reset>`],
  ["inside of the last chunk, FIN", `${CHUNKED}5\r\nhello\r\n0\r\n<hang up>`],
  ["inside of the trailers, FIN",   `${CHUNKED}5\r\nhello\r\n0\r\nx-a: 1\r\n<hang up>`],
  ["up to the close, RST",          "HTTP/1.1 200 OK\r\n\r\nhello<wait 20ms><reset>"],
];

for (const [name, answer] of cuts) {
  for (const version of ["1.1", "1.0"]) {
    scenario(
      `abort: the origin ends ${name}: never whole to a client of ${version}`,
      async (it) => {
        const origin = await it.origin(answer);
        const proxy = await it.proxy(forwardTo(origin.url));
        const client = await it.connect();

        client.send(`GET / HTTP/${version}\r\nhost: a.test\r\n\r\n`);
        await client.readToEnd();

        // Nothing of the response may have left yet: then an honest 502 is right as well.
        if (/^HTTP\/1\.1 502 /.test(client.text)) return;
        assert.match(client.text, /^HTTP\/1\.1 200 /);
        if (!client.wasReset) await assert.rejects(client.readResponse(), /ended inside/);
        assert.equal(await faultOf(proxy), "response_truncated");
      },
    );
  }
}

scenario("abort: an origin that hangs up without a byte: 502", async (it) => {
  const origin = await it.origin("<hang up>");
  const proxy = await it.proxy(forwardTo(origin.url));

  const answer = await it.client(GET);

  assert.match(answer, /^HTTP\/1\.1 502 /);
  assert.equal(await faultOf(proxy), "reset_before_head");
});

scenario("abort: an origin that hangs up in its head: 502, and the client stays", async (it) => {
  const origin = await it.origin(["HTTP/1.1 200 OK\r\ncontent-le<hang up>", OK]);
  const proxy = await it.proxy(forwardTo(origin.url));
  const client = await it.connect();

  client.send(GET);
  assert.equal((await client.readResponse()).status, 502);
  client.send(GET);
  assert.equal((await client.readResponse()).status, 200);

  assert.equal(await faultOf(proxy), "response_truncated");
});

scenario("abort: an origin that nobody listens for: 502", async (it) => {
  const origin = await it.origin(OK);
  await origin.close();
  // Another of our own addresses: what listens next may get the port that has just become free.
  const proxy = await it.proxy(forwardTo(origin.url.replace("127.0.0.1", "127.0.0.77")));

  const answer = await it.client(GET);

  assert.match(answer, /^HTTP\/1\.1 502 /);
  assert.equal(await faultOf(proxy), "connect_refused");
});

scenario(
  "abort: a client that leaves is no mark against the connection's other users",
  async (it) => {
    const origin = await it.origin(["<stall>", OK]);
    await it.proxy(forwardTo(origin.url));
    const gone = await it.connect();
    gone.send(GET);
    while (origin.received.length === 0) await new Promise(setImmediate);
    gone.reset();

    const answer = await it.client(GET);

    assert.match(answer, /^HTTP\/1\.1 200 /);
  },
);
