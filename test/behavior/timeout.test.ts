/** Every wait has an end: each timeout with what the client sees and the fault in the log (D6). */
import assert from "node:assert/strict";
import { blackhole } from "../support/blackhole.ts";
import type { Client } from "../support/client.ts";
import { pause, within } from "../support/deadline.ts";
import type { Origin } from "../support/origin.ts";
import {
  faultOf,
  firstStatus,
  forwardTo,
  GET,
  OK,
  type Scenario,
  scenario,
} from "../support/scenario.ts";

const HEAD = "POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 1000\r\n\r\n";

/** Sends a byte now and then, for as long as somebody listens. */
async function drip(client: Client, text: string, everyMs: number): Promise<void> {
  for (const byte of text) {
    if (client.over) return;
    client.send(byte);
    await pause(everyMs);
  }
}

async function timed(it: Scenario, answer: string, timeouts: string) {
  const origin = await it.origin(answer);
  const proxy = await it.proxy(forwardTo(origin.url, { top: timeouts }));
  return { origin, proxy, client: await it.connect() };
}

scenario("timeouts.requestHead: a head that stalls is answered 408", async (it) => {
  const { origin, proxy, client } = await timed(it, OK, "timeouts: { requestHead: 300ms }");

  client.send("GET / HTTP/1.1\r\nhost: a.test\r\nx-a: ");
  await client.readToEnd();

  assert.equal(firstStatus(client.text), 408);
  assert.equal(await faultOf(proxy), "request_head_timeout");
  assert.equal(origin.received.length, 0);
});

scenario("timeouts.requestHead: dripping bytes does not help (slowloris)", async (it) => {
  const { proxy, client } = await timed(it, OK, "timeouts: { requestHead: 300ms }");

  await drip(client, `GET / HTTP/1.1\r\nhost: a.test\r\nx-a: ${"a".repeat(500)}`, 10);

  assert.equal(firstStatus(client.text), 408);
  assert.equal(await faultOf(proxy), "request_head_timeout");
});

scenario(
  "timeouts.requestHead: starts with the first byte, not with the connection",
  async (it) => {
    const { client } = await timed(it, OK, "timeouts: { requestHead: 300ms, keepAlive: 5s }");

    await pause(500);
    client.send(GET);

    assert.equal((await client.readResponse()).status, 200);
  },
);

scenario("timeouts.requestHead: goes for the second request as for the first", async (it) => {
  const { proxy, client } = await timed(it, OK, "timeouts: { requestHead: 300ms }");

  client.send(GET);
  await client.readResponse();
  await drip(client, `GET / HTTP/1.1\r\nx-a: ${"a".repeat(500)}`, 10);

  assert.equal((await client.readResponse()).status, 408);
  assert.equal(await faultOf(proxy, 2), "request_head_timeout");
});

scenario("timeouts.requestBody: a body that stalls is answered 408", async (it) => {
  const { origin, proxy, client } = await timed(it, OK, "timeouts: { requestBody: 300ms }");

  client.send(`${HEAD}start`);
  await client.readToEnd();

  assert.equal(firstStatus(client.text), 408);
  assert.equal(await faultOf(proxy), "request_body_timeout");
  await within(origin.connections[0]!.gone, () => "the end of the origin's connection");
  assert.equal(origin.completed.length, 0);
});

scenario("timeouts.requestBody: is about progress, not about the whole", async (it) => {
  const { origin, client } = await timed(it, OK, "timeouts: { requestBody: 300ms }");

  client.send(HEAD.replace("1000", "10"));
  await drip(client, "0123456789", 60);

  assert.equal((await client.readResponse()).status, 200);
  assert.equal(origin.received[0]!.body, "0123456789");
});

scenario("rates: a body that drips below the minimum is answered 408", async (it) => {
  const { proxy, client } = await timed(it, OK, "rates: { minimum: 500B/s, grace: 300ms }");

  client.send(HEAD);
  await drip(client, "x".repeat(450), 20); // 50 bytes a second, for nine seconds

  assert.equal(firstStatus(client.text), 408);
  assert.equal(await faultOf(proxy), "request_body_timeout");
});

scenario("rates: while the origin is the slow one, the client is not blamed", async (it) => {
  const { client } = await timed(
    it,
    `<at head><wait 900ms><body>${OK}`,
    "rates: { minimum: 500B/s, grace: 200ms }",
  );

  client.send(HEAD.replace("1000", "5"));
  client.send("hello");

  assert.equal((await client.readResponse()).status, 200);
});

const BODY_BYTES = 64 * 1024 * 1024;

/** An origin that sends more than all buffers on the way can hold. */
async function bigOrigin(it: Scenario): Promise<Origin> {
  const body = "x".repeat(1024 * 1024);
  return await it.origin(
    `HTTP/1.1 200 OK\r\ncontent-length: ${BODY_BYTES}\r\n\r\n${body.repeat(BODY_BYTES / body.length)}`,
  );
}

scenario("timeouts.write: a client that takes nothing is cut (slow read)", async (it) => {
  const origin = await bigOrigin(it);
  const proxy = await it.proxy(forwardTo(origin.url, { top: "timeouts: { write: 400ms }" }));
  const client = await it.connect();

  client.send(GET);
  await client.readUntil("200");
  client.socket.pause();

  assert.equal(await faultOf(proxy), "response_write_timeout");
  await within(origin.connections[0]!.gone, () => "the end of the origin's connection");
  client.socket.resume();
  await client.readToEnd();
  assert.ok(client.text.length < BODY_BYTES);
});

scenario("rates: a client that takes less than the minimum is cut (slow read)", async (it) => {
  const origin = await bigOrigin(it);
  const top = "rates: { minimum: 100MiB/s, grace: 300ms }";
  const proxy = await it.proxy(forwardTo(origin.url, { top }));
  const client = await it.connect();

  client.send(GET);
  await client.readUntil("200");
  for (let turn = 0; turn < 90 && !client.over; turn++) {
    client.socket.pause();
    await pause(100);
    client.socket.resume(); // takes a chunk or two until the next turn of the loop
    await pause(0);
  }

  assert.equal(await faultOf(proxy), "response_write_timeout");
  assert.ok(client.text.length < BODY_BYTES);
});

scenario("timeouts.connect: an endpoint that does not answer the SYN: 504", async (it) => {
  const hole = await blackhole();
  it.defer(() => hole[Symbol.asyncDispose]());
  const proxy = await it.proxy(forwardTo(hole.url, { upstream: "timeouts: { connect: 300ms }" }));

  const answer = await it.client(GET);

  assert.equal(firstStatus(answer), 504);
  assert.equal(await faultOf(proxy), "connect_timeout");
});

scenario("timeouts.send: an endpoint that does not read: 504", async (it) => {
  const { proxy, client } = await timed(it, "<at head><deaf><stall>", "timeouts: { send: 400ms }");

  client.send(HEAD.replace("1000", String(BODY_BYTES)));
  client.send(Buffer.alloc(BODY_BYTES));
  const response = await client.readResponse();

  assert.equal(response.status, 504);
  assert.equal(await faultOf(proxy), "upstream_send_timeout");
});

scenario("timeouts.responseHead: a silent endpoint: 504, its connection closed", async (it) => {
  const { origin, proxy, client } = await timed(it, "<stall>", "timeouts: { responseHead: 300ms }");

  client.send(GET);
  const response = await client.readResponse();

  assert.equal(response.status, 504);
  assert.equal(await faultOf(proxy), "response_timeout");
  await within(origin.connections[0]!.gone, () => "the end of the origin's connection");
});

scenario("timeouts.responseHead: half a head is no head", async (it) => {
  const { proxy, client } = await timed(
    it,
    "HTTP/1.1 200 OK\r\ncontent-le<stall>",
    "timeouts: { responseHead: 300ms }",
  );

  client.send(GET);

  assert.equal((await client.readResponse()).status, 504);
  assert.equal(await faultOf(proxy), "response_timeout");
});

scenario("timeouts.responseHead: a long upload is not a slow response", async (it) => {
  const { client } = await timed(it, OK, "timeouts: { responseHead: 300ms }");

  client.send(HEAD.replace("1000", "12"));
  await drip(client, "0123456789ab", 60);

  assert.equal((await client.readResponse()).status, 200);
});

scenario("timeouts.responseBody: a body that stalls is cut", async (it) => {
  const { proxy, client } = await timed(
    it,
    "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nstart<stall>",
    "timeouts: { responseBody: 300ms }",
  );

  client.send(GET);
  await client.readToEnd();

  assert.equal(firstStatus(client.text), 200);
  if (!client.wasReset) await assert.rejects(client.readResponse(), /ended inside/);
  assert.equal(await faultOf(proxy), "response_body_timeout");
});

scenario("timeouts.responseBody: is about progress", async (it) => {
  const { client } = await timed(
    it,
    `HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n${"x<wait 100ms>".repeat(8)}`,
    "timeouts: { responseBody: 400ms }",
  );

  client.send(GET);

  assert.equal((await client.readResponse()).body, "xxxxxxxx");
});

scenario("timeouts.keepAlive: an idle connection is closed, quietly", async (it) => {
  const { client } = await timed(it, OK, "timeouts: { keepAlive: 300ms }");

  client.send(GET);
  const { end } = await client.readResponse();
  await client.readToEnd();

  assert.equal(client.text.length, end);
  assert.equal(client.wasReset, false);
});

scenario("timeouts.keepAlive: a connection that never says anything is closed, too", async (it) => {
  const { client } = await timed(it, OK, "timeouts: { keepAlive: 300ms, requestHead: 300ms }");

  await client.readToEnd();

  assert.equal(client.text, "");
});

scenario("timeouts: of a route hold for its requests only", async (it) => {
  const origin = await it.origin("<stall>");
  const proxy = await it.proxy(`
    upstreams: { app: "${origin.url}" }
    timeouts: { responseHead: 10s }
    sites:
      - hosts: ["*"]
        routes:
          - { match: { path: /quick }, forward: app, timeouts: { responseHead: 200ms } }
          - { forward: app }
  `);
  const patient = await it.connect();
  patient.send(GET);

  const answer = await it.client("GET /quick HTTP/1.1\r\nhost: a.test\r\n\r\n");

  assert.equal(firstStatus(answer), 504);
  assert.equal(await faultOf(proxy), "response_timeout");
  assert.equal(patient.text, "");
  patient.reset();
});
