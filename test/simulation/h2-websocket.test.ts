/** WebSockets on streams of HTTP/2 (RFC 8441): to the endpoint the handshake is that of HTTP/1. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as wire from "../support/h2-frames.ts";
import { accept, CONNECT, H2 } from "../support/h2-websocket.ts";
import { fieldValue } from "../support/message.ts";
import { SimH2Client } from "../support/sim-h2-client.ts";
import { OK, SimProxy, simulation } from "../support/sim-proxy.ts";
import { acceptOf, switched } from "../support/websocket.ts";

const { DATA, END_STREAM, frame, GET, headers } = wire;

test("h2 websocket: it is offered", async () => {
  const proxy = await SimProxy.start(H2);
  const client = proxy.client();
  client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  client.sendBytes(wire.settings());

  await proxy.advance(20);

  const length = Buffer.from(client.text, "latin1").readUIntBE(0, 3);
  assert.ok(client.text.slice(9, 9 + length).includes("\0\x08\0\0\0\x01"));
  await proxy.end();
});

simulation("h2 websocket: the endpoint sees a handshake of HTTP/1", H2, async (proxy) => {
  const client = await SimH2Client.greet(proxy);
  const own: wire.Pair = ["sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="];

  client.send(headers(1, [...CONNECT, own, ["sec-websocket-protocol", "chat"]], 0));
  await proxy.advance(20);

  const [request] = proxy.origin.requests;
  assert.equal(request?.startLine, "GET /chat HTTP/1.1");
  const value = (name: string) => fieldValue(request!.fields, name);
  assert.deepEqual(
    [value("upgrade"), value("connection"), value("sec-websocket-protocol"), value("host")],
    ["websocket", "Upgrade", "chat", "a.test"],
  );
  assert.match(value("sec-websocket-key") ?? "", /^[A-Za-z0-9+/]{22}==$/);
  assert.notEqual(value("sec-websocket-key"), own[1]); // the client's is not believed
  assert.deepEqual(client.log.of("HEADERS"), ["HEADERS 1 :status=200"]); // no Accept, no end
});

simulation(
  "h2 websocket: what either side sends ahead arrives behind the handshake",
  { ...H2, origins: [(connection, request) => accept(connection, request, "hello")] },
  async (proxy) => {
    const client = await SimH2Client.greet(proxy);

    client.send(headers(1, CONNECT, 0), frame(DATA, 0, 1, "ear"), frame(DATA, END_STREAM, 1, "ly"));
    await proxy.advance(20);

    assert.equal(proxy.origin.last.text, "early");
    assert.ok(proxy.origin.last.hasFinished);
    assert.deepEqual(client.log.of("HEADERS"), ["HEADERS 1 :status=200"]);
    assert.equal(client.log.data(1), "hello");
  },
);

simulation(
  "h2 websocket: a refusal is an answer like any other, and what was sent ahead goes nowhere (S8)",
  { ...H2, origins: ["HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno"] },
  async (proxy) => {
    const client = await SimH2Client.greet(proxy);

    client.send(headers(1, CONNECT, 0), frame(DATA, 0, 1, "GET /smuggled HTTP/1.1\r\n\r\n"));
    await proxy.advance(20);
    client.send(headers(3));
    await proxy.advance(20);

    assert.deepEqual(client.answers, ["1 403", "3 403"]);
    assert.deepEqual(client.resets, ["RST_STREAM 1 NO_ERROR"]);
    assert.deepEqual(proxy.ends, ["served", "served"]);
    assert.ok(!proxy.origin.connections.some(({ text }) => text.includes("smuggled")));
  },
);

simulation(
  "h2 websocket: a success that is no switch would look like a tunnel: 502 (S8)",
  { ...H2, origins: [OK] },
  async (proxy) => {
    const client = await SimH2Client.greet(proxy);

    client.send(headers(1, CONNECT, 0));
    await proxy.advance(20);

    assert.deepEqual(client.answers, ["1 502 response_upgrade"]);
    assert.deepEqual(proxy.ends, ["response_upgrade"]);
  },
);

simulation(
  "h2 websocket: the same from ourselves: 400",
  { ...H2, phases: { before: [() => ({ status: 200, headers: {}, body: "hi" })] } },
  async (proxy) => {
    const client = await SimH2Client.greet(proxy);

    client.send(headers(1, CONNECT, 0));
    await proxy.advance(20);

    assert.deepEqual(client.answers, ["1 400 request_upgrade"]);
    assert.ok(!client.log.data(1).includes("hi"));
  },
);

// biome-ignore format: a table
const BAD_ANSWERS: readonly (readonly [name: string, answer: (key: string) => string])[] = [
  ["the answer to the client's own key", () => switched()],
  ["no Sec-WebSocket-Accept",            () => switched({ "sec-websocket-accept": undefined })],
  ["another protocol",                   (key) => switched({ "sec-websocket-accept": acceptOf(key), upgrade: "h2c" })],
];

for (const [name, answer] of BAD_ANSWERS) {
  simulation(
    `h2 websocket: a 101 with ${name}: 502 (S8)`,
    {
      ...H2,
      origins: [
        (connection, request) =>
          connection.send(answer(fieldValue(request.fields, "sec-websocket-key") ?? "")),
      ],
    },
    async (proxy) => {
      const client = await SimH2Client.greet(proxy);

      client.send(headers(1, [...CONNECT, ["sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="]], 0));
      client.send(frame(DATA, 0, 1, "secret"));
      await proxy.advance(20);

      assert.deepEqual(client.answers, ["1 502 response_upgrade"]);
      assert.ok(!proxy.origin.last.text.includes("secret"));
    },
  );
}

const instead = (name: string, value?: string) =>
  CONNECT.flatMap((pair) =>
    pair[0] !== name ? [pair] : value === undefined ? [] : [[name, value] as const],
  );

// biome-ignore format: a table
const BAD_REQUESTS: readonly (readonly [name: string, pairs: readonly wire.Pair[], flags: number, answer: string])[] = [
  ["plain CONNECT",            [[":method", "CONNECT"], [":authority", "a.test:22"]], 0,     "501 request_method"],
  ["CONNECT for another thing", instead(":protocol", "connect-udp"),             0,          "501 request_method"],
  ["an upgrade to h2c",        instead(":protocol", "h2c"),                      0,          "501 request_method"],
  ["an empty :protocol",       instead(":protocol", ""),                         0,          "501 request_method"],
  [":protocol beside GET",     instead(":method", "GET"),                        0,          "400 request_malformed"],
  ["no :scheme",               instead(":scheme"),                               0,          "400 request_malformed"],
  ["no :path",                 instead(":path"),                                 0,          "400 request_malformed"],
  ["no :authority",            instead(":authority"),                            0,          "400 request_host"],
  ["no version",               instead("sec-websocket-version"),                 0,          "400 request_upgrade"],
  ["version 8",                instead("sec-websocket-version", "8"),            0,          "400 request_upgrade"],
  ["two versions",             [...CONNECT, ["sec-websocket-version", "13"]],    0,          "400 request_upgrade"],
  ["a length",                 [...CONNECT, ["content-length", "5"]],            0,          "400 request_upgrade"],
  ["an end",                   CONNECT,                                          END_STREAM, "400 request_upgrade"],
  ["Upgrade, as in HTTP/1",    [...GET, ["upgrade", "websocket"]],               END_STREAM, "400 request_malformed"],
];

for (const [name, pairs, flags, answer] of BAD_REQUESTS) {
  simulation(
    `h2 websocket: refuses ${name}, and nothing reaches the endpoint`,
    H2,
    async (proxy) => {
      const client = await SimH2Client.greet(proxy);

      client.send(headers(1, pairs, flags), ...(flags === 0 ? [frame(DATA, 0, 1, "x")] : []));
      await proxy.advance(20);
      client.send(headers(3, CONNECT, 0));
      await proxy.advance(20);

      assert.deepEqual(client.answers, [`1 ${answer}`, "3 200"]);
      assert.equal(proxy.origin.requests.length, 1);
    },
  );
}
