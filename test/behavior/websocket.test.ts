/** WebSockets pass through both ways; nothing else gets a tunnel that calls itself one. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { WebSocket } from "ws";
import { fieldValue } from "../support/message.ts";
import { faultOf, forwardTo, GET, OK, type Scenario, scenario } from "../support/scenario.ts";
import { handshake, socketServer, switched } from "../support/websocket.ts";

async function open(it: Scenario, onSocket: (socket: WebSocket) => void, top?: string) {
  const server = await socketServer(onSocket);
  it.defer(() => server.close());
  const proxy = await it.proxy(forwardTo(server.url, top === undefined ? {} : { top }));
  const client = new WebSocket(`ws://127.0.0.1:${proxy.port}/socket`, "chat");
  it.defer(() => client.terminate());
  await once(client, "open");
  return { client, server, proxy };
}

const echo = (socket: WebSocket) =>
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));

scenario("websocket: text, binary, compression and subprotocol pass through", async (it) => {
  const { client } = await open(it, echo);

  client.send("grüße");
  const [text, textBinary] = await once(client, "message");
  client.send(Buffer.from([0, 1, 254, 255]));
  const [binary, binaryBinary] = await once(client, "message");

  assert.deepEqual([String(text), textBinary], ["grüße", false]);
  assert.deepEqual([binary, binaryBinary], [Buffer.from([0, 1, 254, 255]), true]);
  assert.equal(client.protocol, "chat");
  assert.match(client.extensions, /permessage-deflate/);
});

scenario("websocket: 8 MiB each way arrive whole", async (it) => {
  const { client } = await open(it, echo);
  const data = Buffer.alloc(8 * 1024 * 1024);
  for (let index = 0; index < data.length; index++) data[index] = (index * 31) >> 3;

  client.send(data);
  const [back] = await once(client, "message");

  assert.ok(data.equals(back as Buffer));
});

scenario("websocket: ping is answered by the other end, not by the proxy", async (it) => {
  let pings = 0;
  const { client } = await open(it, (socket) => socket.on("ping", () => pings++));

  client.ping("x");
  const [payload] = await once(client, "pong");

  assert.equal(String(payload), "x");
  assert.equal(pings, 1);
});

scenario("websocket: the close code of either side reaches the other", async (it) => {
  const { client, server } = await open(it, echo);
  server.sockets[0]!.close(4001, "enough");
  const [code, reason] = await once(client, "close");

  assert.deepEqual([code, String(reason)], [4001, "enough"]);

  const second = await open(it, echo);
  const closed = once(second.server.sockets[0]!, "close");
  second.client.close(4002, "bye");
  assert.equal((await closed)[0], 4002);
});

scenario("websocket: a server that dies takes the client's connection with it", async (it) => {
  const { client, server } = await open(it, echo);

  server.sockets[0]!.terminate();
  const [code] = await once(client, "close");

  assert.equal(code, 1006);
});

scenario("websocket: a client that dies takes the server's connection with it", async (it) => {
  const { client, server } = await open(it, echo);

  const closed = once(server.sockets[0]!, "close");
  client.terminate();

  assert.equal((await closed)[0], 1006);
});

scenario("websocket: an idle tunnel ends after timeouts.tunnelIdle", async (it) => {
  const { client, proxy } = await open(it, echo, "timeouts: { tunnelIdle: 200ms }");

  await once(client, "close");

  assert.equal(await faultOf(proxy), "tunnel_idle");
});

scenario("websocket: bytes that keep coming keep the tunnel", async (it) => {
  const { client } = await open(it, echo, "timeouts: { tunnelIdle: 300ms }");

  for (let number = 0; number < 12; number++) {
    await new Promise((resolve) => setTimeout(resolve, 60));
    client.send("x");
    await once(client, "message");
  }

  assert.equal(client.readyState, WebSocket.OPEN);
});

scenario("websocket: frames sent with the handshake arrive after it", async (it) => {
  const origin = await it.origin(`${switched()}<raw>`);
  await it.proxy(forwardTo(origin.url));
  const client = await it.connect();

  client.send(`${handshake()}early`);
  const response = await client.readResponse();
  client.send(" late");
  client.halfClose();
  await client.readToEnd();

  assert.equal(response.status, 101);
  assert.equal(fieldValue(response.fields, "upgrade"), "websocket");
  assert.equal(origin.connections[0]!.raw, "early late");
});

scenario("websocket: frames that come with the 101 arrive after it", async (it) => {
  const origin = await it.origin(`${switched()}hello<raw>`);
  await it.proxy(forwardTo(origin.url));
  const client = await it.connect();

  client.send(handshake());
  await client.readUntil("\r\n\r\nhello");

  client.reset();
});

scenario("websocket: a refusal by the origin is an ordinary response, no tunnel", async (it) => {
  const origin = await it.origin(["HTTP/1.1 403 No\r\ncontent-length: 2\r\n\r\nno", OK]);
  await it.proxy(forwardTo(origin.url));
  const client = await it.connect();

  client.send(handshake());
  assert.equal((await client.readResponse()).status, 403);
  client.send(GET);
  assert.equal((await client.readResponse()).body, "ok");

  assert.equal(origin.received.length, 2);
  assert.equal(fieldValue(origin.received[1]!.fields, "upgrade"), undefined);
});

scenario(
  "websocket: bytes sent ahead of a refusal are no request to the origin (S8)",
  async (it) => {
    const evil = "GET /smuggled HTTP/1.1\r\nhost: internal\r\n\r\n";
    const origin = await it.origin("HTTP/1.1 426 No\r\ncontent-length: 0\r\n\r\n");
    await it.proxy(
      `{ upstreams: { app: ${origin.url} }, sites: [{ hosts: [a.test], routes: [{ forward: app }] }] }`,
    );
    const client = await it.connect();

    client.send(handshake() + evil);
    client.halfClose();
    await client.readToEnd();

    assert.equal(origin.received.length, 1);
    assert.ok(!origin.connections.some((each) => each.text.includes("smuggled")));
  },
);

// biome-ignore format: a table
const badAnswers: [name: string, change: Record<string, string | undefined>][] = [
  ["the wrong Sec-WebSocket-Accept",  { "sec-websocket-accept": "AAAAAAAAAAAAAAAAAAAAAAAAAAA=" }],
  ["no Sec-WebSocket-Accept",         { "sec-websocket-accept": undefined }],
  ["no Upgrade",                      { upgrade: undefined }],
  ["another protocol in Upgrade",     { upgrade: "h2c" }],
  ["no `upgrade` in Connection",      { connection: "keep-alive" }],
];

for (const [name, change] of badAnswers) {
  scenario(`websocket: a 101 with ${name}: 502, no tunnel (S8)`, async (it) => {
    const origin = await it.origin(`${switched(change)}<raw>`);
    const proxy = await it.proxy(forwardTo(origin.url));
    const client = await it.connect();

    client.send(`${handshake()}secret`);
    const response = await client.readResponse();

    assert.equal(response.status, 502);
    assert.equal(await faultOf(proxy), "response_upgrade");
    assert.ok(!origin.connections[0]!.text.includes("secret"));
  });
}

scenario("websocket: a 101 that nobody asked for is a 502 (S8)", async (it) => {
  const origin = await it.origin(`${switched()}HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil`);
  const proxy = await it.proxy(forwardTo(origin.url));

  const answer = await it.client(GET);

  assert.match(answer, /^HTTP\/1\.1 502 /);
  assert.ok(!answer.includes("evil"));
  assert.equal(await faultOf(proxy), "response_upgrade");
});

// biome-ignore format: a table
const badRequests: [name: string, change: Record<string, string | undefined>, line?: string][] = [
  ["POST",                      { "content-length": "0" }, "POST /socket HTTP/1.1"],
  ["a body",                    { "content-length": "5" }],
  ["a chunked body",            { "transfer-encoding": "chunked" }],
  ["no key",                    { "sec-websocket-key": undefined }],
  ["an empty key",              { "sec-websocket-key": "" }],
  ["a key of the wrong length", { "sec-websocket-key": "c2hvcnQ=" }],
  ["a key that is not base64",  { "sec-websocket-key": "not base64 at all, no, no" }],
  ["no version",                { "sec-websocket-version": undefined }],
  ["version 8",                 { "sec-websocket-version": "8" }],
];

for (const [name, change, line] of badRequests) {
  scenario(`websocket: a handshake with ${name} gets no tunnel (S8)`, async (it) => {
    const origin = await it.origin(`${switched()}<raw>`);
    const proxy = await it.proxy(forwardTo(origin.url));
    const client = await it.connect();

    client.send(handshake(change, line));
    const response = await client.readResponse();
    await client.readToEnd();

    // RFC 6455 §4.2.2: another version is answered with the one that is spoken.
    assert.ok(response.status === 400 || response.status === 426, `got ${response.status}`);
    assert.equal(await faultOf(proxy), "request_upgrade");
    assert.equal(origin.received.length, 0);
  });
}

scenario("websocket: in HTTP/1.0 an upgrade is not one (RFC 9110 §7.8)", async (it) => {
  const origin = await it.origin(OK);
  await it.proxy(forwardTo(origin.url));

  const answer = await it.client(handshake({}, "GET /socket HTTP/1.0"));

  assert.doesNotMatch(answer, /^HTTP\/1\.1 101/);
  for (const each of origin.received) assert.equal(fieldValue(each.fields, "upgrade"), undefined);
});

scenario("websocket: Upgrade without `upgrade` in Connection is not one", async (it) => {
  const origin = await it.origin(OK);
  await it.proxy(forwardTo(origin.url));

  const answer = await it.client(handshake({ connection: "keep-alive" }));

  assert.match(answer, /^HTTP\/1\.1 200 /);
  assert.equal(fieldValue(origin.received[0]!.fields, "upgrade"), undefined);
});
