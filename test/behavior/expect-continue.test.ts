/** Expect: 100-continue: the client waits for a word, and always gets one. */
import assert from "node:assert/strict";
import type { Client } from "../support/client.ts";
import { faultOf, forwardTo, OK, scenario } from "../support/scenario.ts";

const HEAD = "POST / HTTP/1.1\r\nhost: a.test\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n";

async function statuses(client: Client, count: number): Promise<number[]> {
  const got: number[] = [];
  for (let number = 0; number < count; number++) got.push((await client.readMessage()).status);
  return got;
}

scenario("expect: the origin's 100 reaches the client before the body is sent", async (it) => {
  const origin = await it.origin(`<at head>HTTP/1.1 100 Continue\r\n\r\n<body>${OK}`);
  await it.proxy(forwardTo(origin.url));
  const client = await it.connect();

  client.send(HEAD);
  assert.deepEqual(await statuses(client, 1), [100]);
  client.send("hello");
  assert.deepEqual(await statuses(client, 1), [200]);

  assert.equal(origin.received[0]!.body, "hello");
});

scenario("expect: the origin's final answer comes instead, and no 100 before it", async (it) => {
  const origin = await it.origin(
    "<at head>HTTP/1.1 401 No\r\nconnection: close\r\ncontent-length: 0\r\n\r\n<hang up>",
  );
  await it.proxy(forwardTo(origin.url));
  const client = await it.connect();

  client.send(HEAD);

  assert.deepEqual(await statuses(client, 1), [401]);
});

scenario(
  "expect: after a final answer, a body sent all the same is never a request",
  async (it) => {
    const evil = "GET /smuggled HTTP/1.1\r\nhost: a.test\r\n\r\n";
    const origin = await it.origin("<at head>HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n");
    await it.proxy(forwardTo(origin.url));
    const client = await it.connect();

    client.send(HEAD.replace("content-length: 5", `content-length: ${evil.length}`));
    await client.readMessage();
    client.send(evil);
    client.halfClose();
    await client.readToEnd();

    assert.ok(origin.received.every((each) => each.target !== "/smuggled"));
  },
);

scenario("expect: a silent origin: our own 100 after timeouts.expectContinue", async (it) => {
  const origin = await it.origin(OK); // answers once it has the whole body
  await it.proxy(forwardTo(origin.url, { top: "timeouts: { expectContinue: 100ms }" }));
  const client = await it.connect();

  client.send(HEAD);
  assert.deepEqual(await statuses(client, 1), [100]);
  client.send("hello");
  assert.deepEqual(await statuses(client, 1), [200]);

  assert.equal(origin.received[0]!.body, "hello");
});

scenario("expect: a 100 that comes after our own is not said twice", async (it) => {
  const origin = await it.origin(`<at head><body>HTTP/1.1 100 Continue\r\n\r\n${OK}`);
  await it.proxy(forwardTo(origin.url, { top: "timeouts: { expectContinue: 100ms }" }));
  const client = await it.connect();

  client.send(HEAD);
  assert.deepEqual(await statuses(client, 1), [100]);
  client.send("hello");
  await client.readUntil("\r\n\r\nok");

  assert.equal(client.text.match(/HTTP\/1\.1 100/g)?.length, 1);
});

scenario("expect: a client that does not wait gets its answer", async (it) => {
  const origin = await it.origin(OK);
  await it.proxy(forwardTo(origin.url));
  const client = await it.connect();

  client.send(`${HEAD}hello`);
  assert.equal((await client.readResponse()).status, 200);

  assert.equal(origin.received[0]!.body, "hello");
});

scenario("expect: a chunked body may wait too", async (it) => {
  const origin = await it.origin(`<at head>HTTP/1.1 100 Continue\r\n\r\n<body>${OK}`);
  await it.proxy(forwardTo(origin.url));
  const client = await it.connect();

  client.send(HEAD.replace("content-length: 5", "transfer-encoding: chunked"));
  assert.deepEqual(await statuses(client, 1), [100]);
  client.send("5\r\nhello\r\n0\r\n\r\n");
  assert.deepEqual(await statuses(client, 1), [200]);

  assert.equal(origin.received[0]!.body, "hello");
});

scenario("expect: one that waits for ever is cut by timeouts.requestBody", async (it) => {
  const origin = await it.origin("<at head>HTTP/1.1 100 Continue\r\n\r\n<stall>");
  const proxy = await it.proxy(forwardTo(origin.url, { top: "timeouts: { requestBody: 200ms }" }));
  const client = await it.connect();

  client.send(HEAD);
  assert.deepEqual(await statuses(client, 2), [100, 408]);
  await client.readToEnd();

  assert.equal(await faultOf(proxy), "request_body_timeout");
});

for (const expectation of ["200-ok", "100-continue, x", "100-continue;q=1", "x"]) {
  scenario(`expect: ${expectation}: 417, and the origin is not asked`, async (it) => {
    const origin = await it.origin(OK);
    const proxy = await it.proxy(forwardTo(origin.url));

    const answer = await it.client(
      `POST / HTTP/1.1\r\nhost: a.test\r\nexpect: ${expectation}\r\ncontent-length: 2\r\n\r\nhi`,
    );

    assert.match(answer, /^HTTP\/1\.1 417 /);
    assert.equal(origin.received.length, 0);
    assert.equal(await faultOf(proxy), "request_expectation");
  });
}

scenario("expect: in HTTP/1.0 it is ignored, no 100 is sent", async (it) => {
  const origin = await it.origin(OK);
  await it.proxy(forwardTo(origin.url, { top: "timeouts: { expectContinue: 50ms }" }));
  const client = await it.connect();

  client.send(HEAD.replace("HTTP/1.1", "HTTP/1.0"));
  client.send("hello");
  await client.readToEnd();

  assert.match(client.text, /^HTTP\/1\.1 200 /);
});

scenario("expect: without a body the answer comes as ever", async (it) => {
  const origin = await it.origin(OK);
  await it.proxy(forwardTo(origin.url));
  const client = await it.connect();

  client.send("GET / HTTP/1.1\r\nhost: a.test\r\nexpect: 100-continue\r\n\r\n");

  assert.equal((await client.readResponse()).status, 200);
});
