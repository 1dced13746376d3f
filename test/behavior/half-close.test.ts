/** A client that has sent its FIN still gets its answer, but not for ever. */
import assert from "node:assert/strict";
import { faultOf, forwardTo, GET, OK, scenario } from "../support/scenario.ts";

scenario("half-close: the response comes all the same", async (it) => {
  const origin = await it.origin(`<wait 50ms>${OK}`);
  await it.proxy(forwardTo(origin.url));
  const client = await it.connect();

  client.send(GET);
  client.halfClose();
  await client.readToEnd();

  assert.match(client.text, /^HTTP\/1\.1 200 [\s\S]*ok$/);
  assert.equal(client.wasReset, false);
});

for (const [name, fields, body] of [
  ["a length", "content-length: 5", "hello"],
  ["chunked", "transfer-encoding: chunked", "5\r\nhello\r\n0\r\n\r\n"],
] as const) {
  scenario(`half-close: right behind a whole body, ${name}: it is a whole request`, async (it) => {
    const origin = await it.origin(OK);
    await it.proxy(forwardTo(origin.url));
    const client = await it.connect();

    // All in one go, before there is a connection to the origin that the body could go to.
    client.send(`POST / HTTP/1.1\r\nhost: a.test\r\n${fields}\r\n\r\n${body}`);
    client.halfClose();
    await client.readToEnd();

    assert.match(client.text, /^HTTP\/1\.1 200 /);
    assert.equal(origin.received[0]!.body, "hello");
  });
}

scenario("half-close: pipelined requests before it are all answered", async (it) => {
  const origin = await it.origin(`<wait 10ms>${OK}`);
  await it.proxy(forwardTo(origin.url));
  const client = await it.connect();

  client.send(GET.repeat(3));
  client.halfClose();
  await client.readToEnd();

  assert.equal(client.text.split("HTTP/1.1 200").length - 1, 3);
});

scenario("half-close: after timeouts.halfClose the exchange is given up", async (it) => {
  const origin = await it.origin("<stall>");
  const proxy = await it.proxy(forwardTo(origin.url, { top: "timeouts: { halfClose: 100ms }" }));
  const client = await it.connect();

  client.send(GET);
  client.halfClose();
  await client.readToEnd();

  assert.equal(await faultOf(proxy), "client_gone");
  await origin.connections[0]!.gone;
});

scenario("half-close: on an idle connection closes it, quietly", async (it) => {
  const origin = await it.origin(OK);
  await it.proxy(forwardTo(origin.url));
  const client = await it.connect();

  client.halfClose();
  await client.readToEnd();

  assert.equal(client.text, "");
  assert.equal(client.wasReset, false);
});

// biome-ignore format: a table
const cut: [name: string, bytes: string][] = [
  ["the request line", "GET / HT"],
  ["the header",       "GET / HTTP/1.1\r\nhost: a.test\r\nx"],
  ["a length body",    "POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 5\r\n\r\nhel"],
  ["a chunk",          "POST / HTTP/1.1\r\nhost: a.test\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel"],
  ["the last chunk",   "POST / HTTP/1.1\r\nhost: a.test\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"],
];

for (const [name, bytes] of cut) {
  scenario(`half-close: inside of ${name}: the origin never has a whole request`, async (it) => {
    const origin = await it.origin(OK);
    const proxy = await it.proxy(forwardTo(origin.url));
    const client = await it.connect();

    client.send(bytes);
    client.halfClose();
    await client.readToEnd();

    assert.match(client.text, /^(HTTP\/1\.1 400 [\s\S]*)?$/);
    assert.equal(origin.completed.length, 0);
    assert.equal(await faultOf(proxy), "request_truncated");
  });
}
