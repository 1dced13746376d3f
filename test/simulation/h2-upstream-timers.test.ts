/** HTTP/2 to endpoints over time: idling, silence, stalls, and windows on both sides. */
import assert from "node:assert/strict";
import * as wire from "../support/h2-frames.ts";
import { type H2OriginOptions, SimH2Origin } from "../support/sim-h2-origin.ts";
import {
  answersOf,
  GET,
  type SimProxy,
  type SimProxyOptions,
  simulation,
} from "../support/sim-proxy.ts";

const { DATA, END_STREAM, frame, headers, word } = wire;
const H2C = { endpoint: { scheme: "h2c" } } as const;
const OK: H2OriginOptions = { answer: (connection, id) => connection.respond(id) };
const post = (body: string) =>
  `POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

function h2(
  name: string,
  options: SimProxyOptions,
  origin: H2OriginOptions,
  act: (proxy: SimProxy, origin: SimH2Origin) => Promise<void>,
): void {
  simulation(`H2Upstream: ${name}`, { ...H2C, ...options }, (proxy) =>
    act(proxy, new SimH2Origin(proxy, origin)),
  );
}

h2(
  "an idle connection is kept for a while, and closed with a GOAWAY",
  {},
  OK,
  async (proxy, origin) => {
    await proxy.clientWith(GET);
    await proxy.advance(29_000);
    await proxy.clientWith(GET);
    assert.equal(origin.connections.length, 1);
    await proxy.advance(40_000);

    assert.equal(origin.last.peer.hasFinished, true);
    assert.deepEqual(origin.last.log.of("GOAWAY"), ["GOAWAY 0 NO_ERROR"]);
  },
);

h2(
  "an idle connection that has gone silent is found out by a PING",
  {},
  OK,
  async (proxy, origin) => {
    await proxy.clientWith(GET);
    await proxy.advance(20_000);
    origin.options = {};
    const client = await proxy.clientWith(GET);
    assert.equal(origin.last.log.of("PING").length, 1);
    origin.options = OK;
    await proxy.advance(12_000);

    assert.equal(origin.connections.length, 2);
    assert.deepEqual(answersOf(client), ["200"]);
  },
);

h2(
  "an answer that does not come in time",
  { timeouts: { responseHead: 2_000 } },
  {},
  async (proxy, origin) => {
    const client = await proxy.clientWith(GET);
    await proxy.advance(3_000);

    assert.deepEqual(answersOf(client), ["504 response_timeout"]);
    assert.deepEqual(origin.last.log.of("RST_STREAM"), ["RST_STREAM 1 CANCEL"]);
    assert.equal(origin.last.peer.isClosed, false);
  },
);

h2("a body that stalls", { timeouts: { responseBody: 2_000 } }, {}, async (proxy, origin) => {
  await proxy.clientWith(GET);
  origin.last.send(headers(1, [[":status", "200"]], 0), frame(DATA, 0, 1, "half"));
  await proxy.advance(4_000);

  assert.deepEqual(proxy.ends, ["response_body_timeout"]);
  assert.deepEqual(origin.last.log.of("RST_STREAM"), ["RST_STREAM 1 CANCEL"]);
});

h2(
  "a window held shut stalls one request and no other",
  { timeouts: { send: 2_000 } },
  {
    settings: [[4, 0]],
  },
  async (proxy, origin) => {
    await proxy.clientWith(GET); // so that the SETTINGS have come
    origin.last.respond(1);
    const stalled = await proxy.clientWith(post("x".repeat(100)));
    const other = await proxy.clientWith(GET);
    origin.last.respond(5);
    await proxy.advance(4_000);

    assert.deepEqual(answersOf(stalled), ["504 upstream_send_timeout"]);
    assert.deepEqual(answersOf(other), ["200"]);
    assert.deepEqual(origin.last.log.of("RST_STREAM"), ["RST_STREAM 3 CANCEL"]);
  },
);

h2(
  "an endpoint that never acknowledges our SETTINGS is left",
  {},
  { isSilent: true },
  async (proxy, origin) => {
    const client = await proxy.clientWith(GET);
    await proxy.advance(11_000);

    assert.deepEqual(answersOf(client), ["502 response_malformed"]);
    assert.deepEqual(origin.last.log.of("GOAWAY"), ["GOAWAY 0 SETTINGS_TIMEOUT"]);
  },
);

// --- flow control ------------------------------------------------------------------------------------

h2("a client that stops reading stops its stream, and no other", {}, {}, async (proxy, origin) => {
  const slow = proxy.client();
  slow.pause();
  slow.send(GET);
  const quick = await proxy.clientWith(GET);
  origin.last.send(headers(1, [[":status", "200"]], 0));
  const piece = "x".repeat(16_000);
  let sent = 0;
  const windows = () =>
    origin.last.log
      .of("WINDOW_UPDATE 1 ")
      .reduce((sum, line) => sum + Number(line.split(" ")[2]), 65_535);
  for (let round = 0; round < 200; round++) {
    while (sent + piece.length <= windows() && sent < 4_000_000) {
      origin.last.send(frame(DATA, 0, 1, piece));
      sent += piece.length;
    }
    await proxy.advance(5);
  }
  assert.ok(sent < 1_500_000, `${sent} bytes for a client that reads nothing`);
  origin.last.respond(3, "quick");
  await proxy.advance(5);

  assert.match(quick.text, /quick/);
  slow.resume();
  await proxy.advance(1_000);
  assert.ok(slow.byteCount >= sent, `${slow.byteCount} of ${sent}`);
  origin.last.send(frame(DATA, END_STREAM, 1, ""));
  await proxy.advance(5);
});

h2(
  "an endpoint that takes little pauses the client's upload",
  {},
  { settings: [[4, 1_000]] },
  async (proxy, origin) => {
    await proxy.clientWith(GET); // so that the SETTINGS have come
    origin.last.respond(1);
    const client = proxy.client();
    client.send(`POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5000000\r\n\r\n`);
    for (let count = 0; count < 50; count++) client.send("x".repeat(100_000));
    await proxy.advance(100);
    assert.equal(origin.last.log.data(3).length, 1_000);
    assert.ok(proxy.pendingBytes < 500_000);
    origin.last.send(
      frame(wire.WINDOW_UPDATE, 0, 3, word(10_000_000)),
      frame(wire.WINDOW_UPDATE, 0, 0, word(10_000_000)),
    );
    await proxy.advance(2_000);

    assert.equal(origin.last.log.data(3).length, 5_000_000);
    origin.last.respond(3);
    await proxy.advance(10);
    assert.deepEqual(answersOf(client), ["200"]);
  },
);
