/** SIGTERM: what has begun ends well, nothing new begins, and the process is gone in time. */
import assert from "node:assert/strict";
import { within } from "../support/deadline.ts";
import { fieldValue } from "../support/message.ts";
import { forwardTo, GET, OK, scenario } from "../support/scenario.ts";

scenario("drain: an exchange in flight is completed, its connection then closed", async (it) => {
  const origin = await it.origin(`<wait 400ms>${OK}`);
  const proxy = await it.process(forwardTo(origin.url));
  const client = await it.connect();
  client.send(GET);
  while (origin.received.length === 0) await new Promise(setImmediate);

  proxy.child.kill("SIGTERM");
  const response = await client.readResponse();
  await client.readToEnd();

  assert.equal(response.body, "ok");
  assert.equal(fieldValue(response.fields, "connection"), "close");
  assert.equal(await within(proxy.exit, () => "the exit"), 0);
});

scenario("drain: idle connections are closed at once, new ones refused", async (it) => {
  const origin = await it.origin(`<wait 600ms>${OK}`);
  const proxy = await it.process(forwardTo(origin.url));
  const idle = await it.connect();
  idle.send(GET);
  await idle.readResponse();
  const busy = await it.connect();
  busy.send(GET);
  while (origin.received.length === 1) await new Promise(setImmediate);

  proxy.child.kill("SIGTERM");
  await idle.readToEnd();
  await assert.rejects(it.connect(), /ECONNREFUSED/);

  assert.equal((await busy.readResponse()).status, 200);
  assert.equal(await within(proxy.exit, () => "the exit"), 0);
});

scenario("drain: what is not over after timeouts.drain is cut", async (it) => {
  const origin = await it.origin("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf<stall>");
  const proxy = await it.process(forwardTo(origin.url, { top: "timeouts: { drain: 400ms }" }));
  const client = await it.connect();
  client.send(GET);
  await client.readUntil("half");

  proxy.child.kill("SIGTERM");
  await client.readToEnd();
  await within(proxy.exit, () => "the exit");

  if (!client.wasReset) await assert.rejects(client.readResponse(), /ended inside/);
});

scenario("drain: a second signal stops now", async (it) => {
  const origin = await it.origin("<stall>");
  const proxy = await it.process(forwardTo(origin.url));
  const client = await it.connect();
  client.send(GET);
  while (origin.received.length === 0) await new Promise(setImmediate);

  proxy.child.kill("SIGINT");
  await new Promise((resolve) => setTimeout(resolve, 100));
  proxy.child.kill("SIGINT");

  await within(proxy.exit, () => "the exit");
});

scenario("drain: an upload in flight is completed", async (it) => {
  const origin = await it.origin(OK);
  const proxy = await it.process(forwardTo(origin.url));
  const client = await it.connect();
  client.send("POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 10\r\n\r\nhello");
  while (origin.received.length === 0) await new Promise(setImmediate);

  proxy.child.kill("SIGTERM");
  await new Promise((resolve) => setTimeout(resolve, 100));
  client.send("world");

  assert.equal((await client.readResponse()).status, 200);
  assert.equal(origin.received[0]!.body, "helloworld");
  assert.equal(await within(proxy.exit, () => "the exit"), 0);
});

scenario(
  "drain: with nothing to do the process is gone at once, and leaves its log whole",
  async (it) => {
    const origin = await it.origin(OK);
    const proxy = await it.process(forwardTo(origin.url));
    await it.client(GET.repeat(20), { responses: 20 });

    proxy.child.kill("SIGTERM");
    const startedMs = performance.now();
    assert.equal(await within(proxy.exit, () => "the exit"), 0);

    assert.ok(performance.now() - startedMs < 3_000);
    assert.equal((await proxy.accessLines(20)).length, 20);
  },
);
