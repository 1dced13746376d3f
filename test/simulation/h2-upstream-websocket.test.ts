/** WebSockets to endpoints of HTTP/2, on streams that leave HTTP (RFC 8441). */
import assert from "node:assert/strict";
import {
  accept,
  ENABLE_CONNECT_PROTOCOL,
  h2,
  OK,
  opened,
  TAKES_THEM,
} from "../support/h2-endpoint-websocket.ts";
import * as wire from "../support/h2-frames.ts";
import { CONNECT } from "../support/h2-websocket.ts";
import { SimH2Client } from "../support/sim-h2-client.ts";
import type { SimH2Connection } from "../support/sim-h2-origin.ts";
import { SWITCHED, UPGRADE } from "../support/sim-messages.ts";
import { answersOf, GET } from "../support/sim-proxy.ts";

const { DATA, END_STREAM, frame, headers, WINDOW_UPDATE, word } = wire;
const MIB = 1024 * 1024;

const ended = (connection: SimH2Connection, id: number) =>
  connection.log.of(`DATA ${id} END`).length;

h2("the handshake is an extended CONNECT without a key", {}, async (proxy, origin) => {
  const client = await proxy.clientWith(
    UPGRADE.replace("\r\n\r\n", "\r\nSec-WebSocket-Protocol: chat\r\nX-Own: 1\r\n\r\n"),
  );

  const [line = ""] = origin.last.log.of("HEADERS 1");
  assert.match(line, /^HEADERS 1 :method=CONNECT :protocol=websocket :scheme=http /);
  assert.match(line, / :authority=a\.test :path=\/ .*sec-websocket-version=13/);
  assert.match(line, / sec-websocket-protocol=chat .*x-own=1 /);
  assert.doesNotMatch(line, /sec-websocket-key|connection|upgrade/);
  assert.equal(client.text.slice(0, 12), "HTTP/1.1 101");
  for (const field of SWITCHED.split("\r\n").slice(1, 4)) {
    assert.ok(client.text.toLowerCase().includes(field.toLowerCase()), field);
  }
});

h2("bytes go both ways, and each side's end reaches the other", {}, async (proxy, origin) => {
  const client = await opened(proxy);
  const endpoint = origin.last;

  client.send("from the client");
  endpoint.send(frame(DATA, 0, 1, "from the endpoint"));
  await proxy.advance(20);
  client.finish();
  await proxy.advance(20);
  const isHalfOpen = ended(endpoint, 1) === 1 && !client.isClosed;
  endpoint.send(frame(DATA, END_STREAM, 1, ", still"));
  await proxy.advance(20);

  assert.equal(endpoint.log.data(1), "from the client");
  assert.equal(client.text, "from the endpoint, still");
  assert.ok(isHalfOpen);
  assert.ok(client.hasFinished);
  assert.deepEqual(endpoint.log.of("RST_STREAM"), []);
  assert.deepEqual(proxy.ends, ["served"]);
  assert.deepEqual([proxy.lastOver.requestBytes, proxy.lastOver.responseBytes], [15, 24]);
});

h2(
  "a client of HTTP/2 gets its WebSocket, too, over the same words",
  {},
  async (proxy, origin) => {
    const client = await SimH2Client.greet(proxy);

    client.send(headers(1, CONNECT, 0), frame(DATA, 0, 1, "early"));
    await proxy.advance(20);
    origin.last.send(frame(DATA, END_STREAM, 1, "hello"));
    client.send(frame(DATA, END_STREAM, 1, " and late"));
    await proxy.advance(20);

    assert.deepEqual(client.answers, ["1 200"]);
    assert.doesNotMatch(client.log.of("HEADERS 1")[0]!, /sec-websocket-accept/);
    assert.equal(origin.last.log.data(1), "early and late");
    assert.equal(client.log.data(1), "hello");
    assert.deepEqual([...client.resets, ...origin.last.log.of("RST_STREAM")], []);
    assert.deepEqual(proxy.ends, ["served"]);
  },
  { protocols: ["h1", "h2c"] },
);

h2(
  "it waits for the endpoint's SETTINGS, which say whether it may",
  { isSilent: true },
  async (proxy, origin) => {
    const client = await proxy.clientWith(UPGRADE);
    await proxy.advance(500);
    const before = origin.last.log.of("HEADERS");

    origin.last.send(wire.settings(TAKES_THEM), frame(wire.SETTINGS, wire.ACK, 0));
    await proxy.advance(50);

    assert.deepEqual(before, []);
    assert.deepEqual(answersOf(client), ["101"]);
  },
);

h2("an endpoint that never says is no endpoint", { isSilent: true }, async (proxy, origin) => {
  const client = await proxy.clientWith(UPGRADE);

  await proxy.advance(60_000);

  assert.match(answersOf(client)[0] ?? "", /^502 upstream_going_away$/);
  assert.deepEqual(origin.last.log.of("HEADERS"), []);
});

h2(
  "a client that leaves while it waits leaves nothing behind",
  { isSilent: true },
  async (proxy, origin) => {
    const client = await proxy.clientWith(UPGRADE);

    client.reset();
    await proxy.advance(50);
    origin.last.send(wire.settings(TAKES_THEM), frame(wire.SETTINGS, wire.ACK, 0));
    await proxy.advance(50);

    assert.deepEqual(origin.last.log.of("HEADERS"), []);
    assert.deepEqual(proxy.ends, ["client_gone"]);
  },
);

for (const [name, settings] of [
  ["does not offer it", []],
  ["says that it does not", [[ENABLE_CONNECT_PROTOCOL, 0]]],
] as const) {
  h2(`an endpoint that ${name} is not asked`, { settings }, async (proxy, origin) => {
    const client = await proxy.clientWith(UPGRADE);
    const second = await proxy.clientWith(UPGRADE); // on a connection that is known by now

    assert.deepEqual(
      [...answersOf(client), ...answersOf(second)],
      ["502 upstream_no_upgrade", "502 upstream_no_upgrade"],
    );
    assert.deepEqual(origin.last.log.of("HEADERS"), []);
  });
}

h2(
  "an offer that is none ends the connection",
  { settings: [[ENABLE_CONNECT_PROTOCOL, 2]] },
  async (proxy, origin) => {
    const client = await proxy.clientWith(UPGRADE);

    assert.match(answersOf(client)[0] ?? "", /^502 /);
    assert.deepEqual(origin.connections[0]?.log.of("GOAWAY"), ["GOAWAY 0 PROTOCOL_ERROR"]);
  },
);

h2(
  "a refusal is an answer like any other, and the endpoint is told that nothing follows",
  {
    answer: (connection, id) =>
      connection.send(headers(id, [[":status", "403"]], 0), frame(DATA, END_STREAM, id, "no")),
  },
  async (proxy, origin) => {
    const client = await proxy.clientWith(`${UPGRADE}GET /smuggled HTTP/1.1\r\n\r\n`);

    assert.equal(answersOf(client)[0], "403");
    assert.match(client.text, /\r\n\r\n2\r\nno\r\n/);
    assert.equal(ended(origin.last, 1), 1);
    assert.deepEqual(origin.last.log.of("RST_STREAM"), []);
    assert.equal(origin.last.log.data(1), "");
  },
);

// biome-ignore format: a table
const BAD: readonly (readonly [name: string, answer: (id: number) => Buffer, want: string])[] = [
  ["data before the head",       (id) => frame(DATA, 0, id, "early"), "502 response_malformed"],
  ["a 101, which HTTP/2 has not", (id) => headers(id, [[":status", "101"]], 0), "502 response_malformed"],
  ["Upgrade in the head",        (id) => headers(id, [...OK, ["upgrade", "websocket"]], 0), "502 response_malformed"],
  ["a reset",                    (id) => frame(wire.RST_STREAM, 0, id, word(2)), "502 upstream_stream_reset"],
  ["nothing",                    () => Buffer.alloc(0), "504 response_timeout"],
];

for (const [name, answer, want] of BAD) {
  h2(
    `the endpoint answers with ${name}`,
    { answer: (connection, id) => connection.send(answer(id)) },
    async (proxy, origin) => {
      const client = await proxy.clientWith(UPGRADE);
      await proxy.advance(5_000);
      origin.options = { settings: TAKES_THEM, answer: accept };
      const next = await proxy.clientWith(UPGRADE);

      assert.deepEqual(answersOf(client), [want]);
      assert.deepEqual(answersOf(next), ["101"]);
    },
    { timeouts: { responseHead: 3_000 } },
  );
}

h2(
  "an answer that is the end at once is a tunnel that is half closed",
  { answer: (connection, id) => connection.send(headers(id, OK, END_STREAM)) },
  async (proxy, origin) => {
    const client = await proxy.clientWith(UPGRADE);
    client.send("still");
    client.finish();
    await proxy.advance(50);

    assert.deepEqual(answersOf(client), ["101"]);
    assert.equal(origin.last.log.data(1), "still");
    assert.ok(client.hasFinished);
    assert.deepEqual(proxy.ends, ["served"]);
  },
);

h2(
  "a Content-Length of the answer bounds nothing",
  {
    answer: (connection, id) => connection.send(headers(id, [...OK, ["content-length", "2"]], 0)),
  },
  async (proxy, origin) => {
    const client = await opened(proxy);

    origin.last.send(frame(DATA, END_STREAM, 1, "more than two"));
    client.finish();
    await proxy.advance(50);

    assert.equal(client.text, "more than two");
  },
);

h2("the endpoint's reset in the midst is one for the client", {}, async (proxy, origin) => {
  const client = await opened(proxy);
  origin.last.send(frame(DATA, 0, 1, "the last"));
  await proxy.advance(20);

  origin.last.reset(1, 8);
  await proxy.advance(20);

  assert.equal(client.text, "the last");
  assert.ok(client.isClosed || client.hasFinished);
  assert.equal(origin.last.peer.isClosed, false);
});

h2(
  "the client's reset is one for the endpoint, on that stream alone",
  {},
  async (proxy, origin) => {
    const client = await opened(proxy);
    const other = await opened(proxy);

    client.reset();
    await proxy.advance(20);
    other.send("here");
    await proxy.advance(20);

    assert.equal(origin.connections.length, 1);
    assert.deepEqual(origin.last.log.of("RST_STREAM"), ["RST_STREAM 1 CANCEL"]);
    assert.equal(origin.last.log.data(3), "here");
    assert.deepEqual(proxy.ends, ["client_gone"]);
  },
);

h2("trailers are no part of a tunnel", {}, async (proxy, origin) => {
  const client = await opened(proxy);

  origin.last.send(headers(1, [["x", "y"]]));
  await proxy.advance(20);

  assert.deepEqual(origin.last.log.of("RST_STREAM"), ["RST_STREAM 1 PROTOCOL_ERROR"]);
  assert.ok(client.isClosed || client.hasFinished);
});

h2("the connection breaks: every tunnel on it does", {}, async (proxy, origin) => {
  const [first, second] = [await opened(proxy), await opened(proxy)];

  origin.last.peer.reset();
  await proxy.advance(20);

  for (const client of [first, second]) assert.ok(client.isClosed || client.hasFinished);
  assert.equal(proxy.ends.length, 2);
});

h2("an endpoint that goes away keeps what it has", {}, async (proxy, origin) => {
  const client = await opened(proxy);
  const before = origin.last;

  before.goAway(1);
  await proxy.advance(20);
  client.send("still");
  before.send(frame(DATA, 0, 1, "here"));
  const next = await opened(proxy);
  await proxy.advance(50);

  assert.deepEqual([before.log.data(1), client.text], ["still", "here"]);
  assert.equal(origin.connections.length, 2);
  client.finish();
  next.finish();
  before.send(frame(DATA, END_STREAM, 1));
  origin.last.send(frame(DATA, END_STREAM, 1));
  await proxy.advance(50);
  assert.ok(before.peer.hasFinished || before.peer.isClosed);
});

h2(
  "it ends when nothing moves for timeouts.tunnelIdle, and not while something does",
  {},
  async (proxy, origin) => {
    const client = await opened(proxy);

    for (let count = 0; count < 4; count++) {
      await proxy.advance(8_000);
      origin.last.send(frame(DATA, 0, 1, "x"));
    }
    await proxy.advance(8_000);
    const before = proxy.ends.length;
    await proxy.advance(3_000);

    assert.equal(before, 0);
    assert.deepEqual(proxy.ends, ["tunnel_idle"]);
    assert.deepEqual(origin.last.log.of("RST_STREAM"), ["RST_STREAM 1 CANCEL"]);
    assert.ok(client.isClosed || client.hasFinished);
  },
  { timeouts: { tunnelIdle: 10_000, responseBody: 1_000, responseHead: 1_000 } },
);

h2(
  "a flood into an endpoint that opens no window is held back",
  {},
  async (proxy, origin) => {
    const client = await opened(proxy);
    const piece = "y".repeat(64 * 1024);

    for (let count = 0; count < 200; count++) {
      client.send(piece);
      await proxy.advance(5);
    }
    const held = proxy.pendingBytes;
    const got = origin.last.log.data(1).length;
    const other = await proxy.clientWith(GET);
    origin.last.send(
      frame(WINDOW_UPDATE, 0, 0, word(20 * MIB)),
      frame(WINDOW_UPDATE, 0, 1, word(20 * MIB)),
    );
    await proxy.advance(5_000);

    assert.equal(got, 65_535);
    assert.ok(held < MIB, `${held} bytes`);
    assert.deepEqual(answersOf(other), ["200"]); // heads need no window
    assert.equal(origin.last.log.data(1).length, 200 * piece.length);
  },
  { network: { splits: false }, timeouts: { tunnelIdle: 1e9 } },
);

h2(
  "a flood into a client that reads nothing stops at the stream's window",
  {},
  async (proxy, origin) => {
    const client = await opened(proxy);
    const head = client.byteCount;
    client.pause();
    const endpoint = origin.last;
    const credit = () =>
      endpoint.log
        .of("WINDOW_UPDATE 1 ")
        .reduce((sum, line) => sum + Number(line.split(" ")[2]), 65_535);
    const piece = Buffer.alloc(16_384, "z");

    let sent = 0;
    for (let count = 0; count < 2_000; count++) {
      while (credit() - sent >= piece.length) {
        sent += piece.length;
        endpoint.send(frame(DATA, 0, 1, piece));
      }
      await proxy.advance(5);
    }
    const [held, before] = [sent, client.byteCount];
    client.resume();
    await proxy.advance(5_000);

    assert.ok(held < 2 * MIB, `${held} bytes`);
    assert.equal(client.byteCount, head + held);
    assert.ok(before < held);
  },
  { network: { splits: false }, timeouts: { tunnelIdle: 1e9 } },
);
