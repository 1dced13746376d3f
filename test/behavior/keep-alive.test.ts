/** A connection lives on after a response when both sides may keep it, and ends when one may not. */
import assert from "node:assert/strict";
import { fieldValue } from "../support/message.ts";
import { forwardTo, OK, scenario } from "../support/scenario.ts";

type Row = [name: string, version: string, connection: string | undefined, want: "keep" | "close"];

// biome-ignore format: a table
const rows: Row[] = [
  ["1.1 without Connection",           "1.1", undefined,             "keep"],
  ["1.1 keep-alive",                   "1.1", "keep-alive",          "keep"],
  ["1.1 close",                        "1.1", "close",               "close"],
  ["1.1 close in another case",        "1.1", "Close",               "close"],
  ["1.1 close in a list",              "1.1", "foo, close",          "close"],
  ["1.1 close beats keep-alive",       "1.1", "keep-alive, close",   "close"],
  ["1.1 a token that contains close",  "1.1", "not-close",           "keep"],
  ["1.0 without Connection",           "1.0", undefined,             "close"],
  ["1.0 keep-alive",                   "1.0", "keep-alive",          "keep"],
  ["1.0 close beats keep-alive",       "1.0", "close, keep-alive",   "close"],
];

for (const [name, version, connection, want] of rows) {
  scenario(`keep-alive: ${name}: ${want}`, async (it) => {
    const origin = await it.origin(OK);
    await it.proxy(forwardTo(origin.url));
    const line = connection === undefined ? "" : `connection: ${connection}\r\n`;
    const request = `GET / HTTP/${version}\r\nhost: a.test\r\n${line}\r\n`;
    const client = await it.connect();

    client.send(request);
    const first = await client.readResponse();

    assert.equal(first.status, 200);
    if (want === "close") {
      await client.readToEnd();
      assert.equal(client.wasReset, false);
      assert.equal(fieldValue(first.fields, "connection"), "close");
      return;
    }
    // A client of 1.0 takes the connection for closed unless it is told (RFC 9112 §9.3).
    if (version === "1.0") assert.equal(fieldValue(first.fields, "connection"), "keep-alive");
    client.send(request);
    assert.equal((await client.readResponse()).status, 200);
    assert.equal(origin.connections.length, 1);
  });
}

scenario("keep-alive: the origin's close is its own: the client's connection stays", async (it) => {
  const origin = await it.origin(
    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok<hang up>",
  );
  await it.proxy(forwardTo(origin.url));
  const client = await it.connect();

  for (let number = 0; number < 3; number++) {
    client.send("GET / HTTP/1.1\r\nhost: a.test\r\n\r\n");
    const response = await client.readResponse();
    assert.equal(response.status, 200);
    assert.notEqual(fieldValue(response.fields, "connection"), "close");
  }
  assert.equal(origin.connections.length, 3);
});

scenario("keep-alive: an origin of 1.0 without keep-alive is not asked twice", async (it) => {
  const origin = await it.origin("HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok");
  await it.proxy(forwardTo(origin.url));
  const client = await it.connect();

  client.send("GET / HTTP/1.1\r\nhost: a.test\r\n\r\n");
  await client.readResponse();
  client.send("GET / HTTP/1.1\r\nhost: a.test\r\n\r\n");
  await client.readResponse();

  assert.equal(origin.connections.length, 2);
});

scenario("keep-alive: one connection to the origin serves many clients in turn", async (it) => {
  const origin = await it.origin(OK);
  await it.proxy(forwardTo(origin.url));

  for (let number = 0; number < 4; number++) {
    await it.client("GET / HTTP/1.1\r\nhost: a.test\r\nconnection: close\r\n\r\n");
  }

  assert.equal(origin.received.length, 4);
  assert.equal(origin.connections.length, 1);
});

scenario("keep-alive: requestsPerConnection ends the connection with the last one", async (it) => {
  const origin = await it.origin(OK);
  await it.proxy(forwardTo(origin.url, { top: "limits: { requestsPerConnection: 2 }" }));
  const client = await it.connect();

  client.send("GET / HTTP/1.1\r\nhost: a.test\r\n\r\n");
  const first = await client.readResponse();
  client.send("GET / HTTP/1.1\r\nhost: a.test\r\n\r\n");
  const second = await client.readResponse();
  await client.readToEnd();

  assert.notEqual(fieldValue(first.fields, "connection"), "close");
  assert.equal(fieldValue(second.fields, "connection"), "close");
});
