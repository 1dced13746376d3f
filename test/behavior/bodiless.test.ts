/** HEAD, 204 and 304 end with their head, whatever the framing fields say (RFC 9112 §6.3). */
import assert from "node:assert/strict";
import { fieldValue, fieldValues } from "../support/message.ts";
import { forwardTo, OK, scenario } from "../support/scenario.ts";

type Row = [name: string, method: string, response: string];

// biome-ignore format: a table
const rows: Row[] = [
  ["HEAD with a length",          "HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"],
  ["HEAD with chunked",           "HEAD", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"],
  ["HEAD without either",         "HEAD", "HTTP/1.1 200 OK\r\n\r\n"],
  ["HEAD of a 404",               "HEAD", "HTTP/1.1 404 No\r\ncontent-length: 12\r\n\r\n"],
  ["204 plain",                   "GET",  "HTTP/1.1 204 No Content\r\n\r\n"],
  ["304 with a length",           "GET",  "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n"],
  ["304 without",                 "GET",  "HTTP/1.1 304 Not Modified\r\netag: \"a\"\r\n\r\n"],
];

for (const [name, method, response] of rows) {
  scenario(`bodiless: ${name}: the next response follows at once`, async (it) => {
    const origin = await it.origin([response, OK]);
    await it.proxy(forwardTo(origin.url));
    const client = await it.connect();

    client.send(`${method} / HTTP/1.1\r\nhost: a.test\r\n\r\n`);
    const first = await client.readResponse(method);
    client.send("GET / HTTP/1.1\r\nhost: a.test\r\n\r\n");
    const second = await client.readResponse();

    assert.equal(first.body, "");
    assert.equal(second.body, "ok");
    assert.equal(origin.connections.length, 1, "nothing was wrong with the origin's connection");
  });
}

scenario("bodiless: HEAD keeps the length that a GET would have", async (it) => {
  const origin = await it.origin("HTTP/1.1 200 OK\r\ncontent-length: 12345\r\n\r\n");
  await it.proxy(forwardTo(origin.url));
  const client = await it.connect();

  client.send("HEAD / HTTP/1.1\r\nhost: a.test\r\n\r\n");
  const response = await client.readResponse("HEAD");

  assert.equal(fieldValue(response.fields, "content-length"), "12345");
});

scenario("bodiless: a 204 carries no framing fields to the client (RFC 9110 §8.6)", async (it) => {
  const origin = await it.origin("HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n");
  await it.proxy(forwardTo(origin.url));
  const client = await it.connect();

  client.send("GET / HTTP/1.1\r\nhost: a.test\r\n\r\n");
  const response = await client.readResponse();

  assert.deepEqual(fieldValues(response.fields, "content-length"), []);
  assert.deepEqual(fieldValues(response.fields, "transfer-encoding"), []);
});

for (const [method, status] of [
  ["HEAD", "200 OK"],
  ["GET", "204 No Content"],
  ["GET", "304 Not Modified"],
] as const) {
  scenario(`bodiless: ${method} ${status} with a body after it: it reaches nobody`, async (it) => {
    const evil = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil";
    const origin = await it.origin([
      `HTTP/1.1 ${status}\r\ncontent-length: ${evil.length}\r\n\r\n${evil}`,
      OK,
    ]);
    await it.proxy(forwardTo(origin.url));
    const client = await it.connect();

    client.send(`${method} / HTTP/1.1\r\nhost: a.test\r\n\r\n`);
    await client.readResponse(method);
    client.send("GET / HTTP/1.1\r\nhost: a.test\r\n\r\n");
    const second = await client.readResponse();

    assert.equal(second.body, "ok");
    assert.ok(!client.text.includes("evil"));
    assert.equal(origin.connections.length, 2, "a connection with bytes left over is not reused");
  });
}

scenario("bodiless: our own answer to a HEAD has no body", async (it) => {
  const origin = await it.origin("<hang up>");
  await it.proxy(forwardTo(origin.url));
  const client = await it.connect();

  client.send("HEAD / HTTP/1.1\r\nhost: a.test\r\nconnection: close\r\n\r\n");
  await client.readToEnd();

  assert.match(client.text, /^HTTP\/1\.1 502 /);
  assert.equal(client.text.indexOf("\r\n\r\n"), client.text.length - 4);
});
