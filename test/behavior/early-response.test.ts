/** An origin that answers before it has the whole request: the answer counts, the rest harms nobody. */
import assert from "node:assert/strict";
import { forwardTo, GET, OK, scenario } from "../support/scenario.ts";

const EVIL = "GET /smuggled HTTP/1.1\r\nhost: a.test\r\n\r\n";
const TOO_LARGE = "HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n";

scenario("early response: the client gets it before its body is sent", async (it) => {
  const origin = await it.origin(`<at head>${TOO_LARGE}`);
  await it.proxy(forwardTo(origin.url));
  const client = await it.connect();

  client.send("POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 1000000\r\n\r\nstart");
  const response = await client.readResponse();

  assert.equal(response.status, 413);
});

scenario("early response: the rest of the body is no request, here or there (CL.0)", async (it) => {
  const origin = await it.origin(`<at head>${TOO_LARGE}`);
  await it.proxy(forwardTo(origin.url));
  const client = await it.connect();

  client.send(`POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: ${EVIL.length}\r\n\r\n`);
  await client.readResponse();
  client.send(EVIL);
  client.halfClose();
  await client.readToEnd();
  const other = await it.client(GET);

  assert.match(other, /^HTTP\/1\.1 413 /);
  assert.ok(origin.received.every((each) => each.target === "/"));
  assert.equal(client.text.split("HTTP/1.1").length, 2, "one request, one response");
});

scenario("early response: an upstream connection that owes a body is not reused", async (it) => {
  // The origin reads what comes as the next request, as one does that takes no body on this path.
  const origin = await it.origin(`<at head>${TOO_LARGE}<stall>`);
  await it.proxy(forwardTo(origin.url));
  const client = await it.connect();

  client.send("POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 100\r\n\r\nstart");
  await client.readResponse();
  await it.client(GET);

  assert.equal(origin.connections.length, 2);
  assert.equal(origin.received.length, 2);
});

scenario("early response: with the body sent to its end, all goes on as ever", async (it) => {
  const origin = await it.origin(`<at head>${OK}<body>`);
  await it.proxy(forwardTo(origin.url));
  const client = await it.connect();

  client.send("POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 5\r\n\r\nhel");
  await client.readResponse();
  client.send("lo");
  client.send(GET);
  await client.readUntil(/ok[\s\S]*ok/);

  // Either the connection was kept and both are answered, or it was closed after the first one.
  const answers = client.text.split("HTTP/1.1 200").length - 1;
  assert.ok(answers === 2 || client.over, "an open connection must serve the next request");
  assert.ok(origin.completed.every((each) => each.body === "hello" || each.body === ""));
});

scenario(
  "early response: an origin that answers and hangs up: the client still gets it",
  async (it) => {
    const origin = await it.origin(`<at head>${TOO_LARGE}<hang up>`);
    await it.proxy(forwardTo(origin.url));
    const client = await it.connect();
    const body = Buffer.alloc(4 * 1024 * 1024, 0x78);

    client.send(`POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: ${body.length}\r\n\r\n`);
    client.send(body);
    const response = await client.readResponse();

    assert.equal(response.status, 413);
  },
);

scenario("early response: one up to the close is relayed while the body goes on", async (it) => {
  const origin = await it.origin("<at head>HTTP/1.1 200 OK\r\n\r\nfirst<body>last<hang up>");
  await it.proxy(forwardTo(origin.url));
  const client = await it.connect();

  client.send("POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 5\r\n\r\n");
  await client.readUntil("first");
  client.send("hello");
  const response = await client.readResponse();

  assert.equal(response.body, "firstlast");
  assert.equal(origin.received[0]!.body, "hello");
});
