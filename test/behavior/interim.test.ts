/** Interim responses are relayed, in measure, to clients that can read them. */
import assert from "node:assert/strict";
import { fieldValue } from "../support/message.ts";
import { faultOf, forwardTo, GET, OK, scenario } from "../support/scenario.ts";

const HINT = "HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n";

scenario("interim: a 103 reaches the client before the final response is there", async (it) => {
  const origin = await it.origin(`${HINT}<wait 50ms>${OK}`);
  await it.proxy(forwardTo(origin.url));
  const client = await it.connect();

  client.send(GET);
  const hint = await client.readMessage();
  assert.equal(client.text.includes("200"), false);
  const final = await client.readMessage();

  assert.equal(hint.status, 103);
  assert.equal(fieldValue(hint.fields, "link"), "</a.css>; rel=preload");
  assert.equal(final.body, "ok");
});

scenario("interim: eight go through, and so does what follows", async (it) => {
  const origin = await it.origin(HINT.repeat(8) + OK);
  await it.proxy(forwardTo(origin.url));
  const client = await it.connect();

  client.send(GET);

  for (let number = 0; number < 8; number++) {
    assert.equal((await client.readMessage()).status, 103);
  }
  assert.equal((await client.readMessage()).status, 200);
});

scenario("interim: the ninth makes it a 502", async (it) => {
  const origin = await it.origin(HINT.repeat(200) + OK);
  const proxy = await it.proxy(forwardTo(origin.url));
  const client = await it.connect();

  client.send(GET);
  const final = await client.readResponse();

  assert.equal(final.status, 502);
  assert.ok(client.text.split("HTTP/1.1 103").length <= 9);
  assert.equal(await faultOf(proxy), "response_interim");
});

scenario("interim: 102 and codes yet unknown go through as well", async (it) => {
  const origin = await it.origin(
    `HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 199 What\r\nx-a: 1\r\n\r\n${OK}`,
  );
  await it.proxy(forwardTo(origin.url));
  const client = await it.connect();

  client.send(GET);

  assert.equal((await client.readMessage()).status, 102);
  assert.equal((await client.readMessage()).status, 199);
  assert.equal((await client.readMessage()).status, 200);
});

scenario("interim: a client of 1.0 sees none", async (it) => {
  const origin = await it.origin(HINT + OK);
  await it.proxy(forwardTo(origin.url));
  const client = await it.connect();

  client.send("GET / HTTP/1.0\r\nhost: a.test\r\n\r\n");
  await client.readToEnd();

  assert.match(client.text, /^HTTP\/1\.1 200 /);
});

scenario("interim: hop-by-hop fields of a 103 stay behind", async (it) => {
  const origin = await it.origin(
    `HTTP/1.1 103 Early Hints\r\nconnection: x-hop\r\nx-hop: 1\r\nx-end: 2\r\n\r\n${OK}`,
  );
  await it.proxy(forwardTo(origin.url));
  const client = await it.connect();

  client.send(GET);
  const hint = await client.readMessage();

  assert.equal(fieldValue(hint.fields, "x-hop"), undefined);
  assert.equal(fieldValue(hint.fields, "x-end"), "2");
});

scenario("interim: a 100 that nobody asked for is not passed to the client", async (it) => {
  const origin = await it.origin(`HTTP/1.1 100 Continue\r\n\r\n${OK}`);
  await it.proxy(forwardTo(origin.url));
  const client = await it.connect();

  client.send(GET);

  assert.equal((await client.readMessage()).status, 200);
});
