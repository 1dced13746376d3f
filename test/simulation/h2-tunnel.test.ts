/** What goes through a WebSocket on a stream of HTTP/2, and how it ends. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as wire from "../support/h2-frames.ts";
import { CONNECT, H2, opened } from "../support/h2-websocket.ts";
import { fieldValue } from "../support/message.ts";
import { SimH2Client } from "../support/sim-h2-client.ts";
import { SimProxy, simulation } from "../support/sim-proxy.ts";
import { acceptOf, switched } from "../support/websocket.ts";

const { DATA, END_STREAM, frame, headers, RST_STREAM, WINDOW_UPDATE, word } = wire;
const NO_ANSWER = () => {};

simulation(
  "h2 websocket: bytes go both ways, and each side's end reaches the other",
  H2,
  async (proxy) => {
    const client = await opened(proxy);
    const origin = proxy.origin.last;

    client.send(frame(DATA, 0, 1, "from the client"));
    origin.send("from the origin");
    await proxy.advance(20);
    client.send(frame(DATA, END_STREAM, 1, ", the last"));
    await proxy.advance(20);
    const isHalfOpen = origin.hasFinished && !origin.isClosed;
    origin.send(", still");
    origin.finish();
    await proxy.advance(20);

    assert.equal(origin.text, "from the client, the last");
    assert.equal(client.log.data(1), "from the origin, still");
    assert.ok(isHalfOpen);
    assert.equal(client.log.of("DATA 1 END").length, 1);
    assert.deepEqual(client.resets, []);
    assert.deepEqual(proxy.ends, ["served"]);
    assert.deepEqual([proxy.lastOver.requestBytes, proxy.lastOver.responseBytes], [25, 22]);
  },
);

simulation(
  "h2 websocket: the endpoint's end first leaves the client's half open",
  H2,
  async (proxy) => {
    const client = await opened(proxy);
    const origin = proxy.origin.last;

    origin.finish();
    await proxy.advance(20);
    const ends = client.log.of("DATA 1 END").length;
    client.send(frame(DATA, 0, 1, "more"), frame(DATA, END_STREAM, 1));
    await proxy.advance(20);

    assert.equal(ends, 1);
    assert.equal(origin.text, "more");
    assert.deepEqual(client.resets, []);
    assert.deepEqual(proxy.ends, ["served"]);
  },
);

simulation("h2 websocket: a client's reset cuts the endpoint at once", H2, async (proxy) => {
  const client = await opened(proxy);

  client.send(frame(RST_STREAM, 0, 1, word(8)));
  await proxy.advance(20);

  assert.ok(proxy.origin.last.isClosed || proxy.origin.last.hasFinished);
  assert.deepEqual(proxy.ends, ["client_gone"]);
});

simulation(
  "h2 websocket: an endpoint's reset is one for the client, behind what came before",
  H2,
  async (proxy) => {
    const client = await opened(proxy);
    proxy.origin.last.send("the last");
    await proxy.advance(20);

    proxy.origin.last.reset();
    await proxy.advance(20);

    assert.equal(client.log.data(1), "the last");
    assert.deepEqual(client.resets, ["RST_STREAM 1 CANCEL"]);
    assert.deepEqual(client.log.of("DATA 1 END"), []);
  },
);

simulation("h2 websocket: trailers are no part of a tunnel", H2, async (proxy) => {
  const client = await opened(proxy);

  client.send(headers(1, [["x", "y"]]));
  await proxy.advance(20);

  assert.deepEqual(client.resets, ["RST_STREAM 1 PROTOCOL_ERROR"]);
  assert.deepEqual(proxy.ends, ["client_gone"]);
});

simulation(
  "h2 websocket: it ends when nothing moves for timeouts.tunnelIdle, and not while something does",
  { ...H2, timeouts: { tunnelIdle: 10_000, requestBody: 1_000, keepAlive: 5_000 } },
  async (proxy) => {
    const client = await opened(proxy);

    for (let count = 0; count < 5; count++) {
      await proxy.advance(8_000);
      client.send(frame(DATA, 0, 1, "x"));
    }
    await proxy.advance(8_000);
    const before = proxy.ends.length;
    await proxy.advance(3_000);

    assert.equal(before, 0);
    assert.deepEqual(proxy.ends, ["tunnel_idle"]);
    assert.deepEqual(client.resets.length, 1);
  },
);

const MIB = 1024 * 1024;

simulation(
  "h2 websocket: a flood into an endpoint that reads nothing stops at the window",
  { ...H2, network: { splits: false }, timeouts: { tunnelIdle: 1e9 } },
  async (proxy) => {
    const client = await opened(proxy);
    proxy.origin.last.pause();
    const piece = Buffer.alloc(16_384, "y");
    const credit = () =>
      client.log
        .of("WINDOW_UPDATE 1 ")
        .reduce((sum, line) => sum + Number(line.split(" ")[2]), 65_535);

    let sent = 0;
    for (let count = 0; count < 4_000; count++) {
      while (credit() - sent >= piece.length) {
        sent += piece.length;
        client.send(frame(DATA, 0, 1, piece));
      }
      await proxy.advance(5);
    }
    client.send(headers(3, CONNECT, 0), frame(DATA, 0, 3, "still here"));
    await proxy.advance(20);

    assert.ok(sent < 2 * MIB, `${sent} bytes were taken`);
    assert.equal(proxy.origin.last.text, "still here");
    proxy.origin.connections[0]?.resume();
    await proxy.advance(100);
    assert.ok(proxy.origin.connections[0]!.byteCount > sent); // with the head of the request
  },
);

simulation(
  "h2 websocket: a flood from the endpoint to a client whose window is shut stops, and is all there later",
  { ...H2, network: { splits: false }, timeouts: { tunnelIdle: 1e9 } },
  async (proxy) => {
    const client = await opened(proxy);
    const total = 8 * MIB;
    const origin = proxy.origin.last;
    origin.sendBytes(Buffer.alloc(total, "x"));
    await proxy.advance(60_000);
    const taken = total - origin.wire.writableLength;

    client.send(frame(WINDOW_UPDATE, 0, 0, word(total)), frame(WINDOW_UPDATE, 0, 1, word(total)));
    await proxy.advance(5_000);

    assert.ok(taken < MIB, `${taken} bytes were taken`);
    assert.ok(client.peer.byteCount > total);
    assert.equal(origin.wire.writableLength, 0);
  },
);

simulation(
  "h2 websocket: an endpoint that says its last and closes: all of it arrives, however slowly",
  { ...H2, network: { splits: false } },
  async (proxy) => {
    const client = await opened(proxy);
    const origin = proxy.origin.last;
    origin.sendBytes(Buffer.alloc(100_000, "x"));
    origin.finish();
    await proxy.advance(1_000);
    client.send(frame(DATA, END_STREAM, 1));
    await proxy.advance(1_000);
    const ended = proxy.ends.length;

    client.send(frame(WINDOW_UPDATE, 0, 0, word(MIB)), frame(WINDOW_UPDATE, 0, 1, word(MIB)));
    await proxy.advance(100);

    assert.equal(ended, 1); // to the log it is over; the client may take its time
    assert.equal(client.log.data(1).length, 100_000);
    assert.equal(client.log.of("DATA 1 END").length, 1);
    assert.deepEqual(client.resets, []);
  },
);

simulation(
  "h2 websocket: a drain leaves it be until the deadline for tunnels",
  H2,
  async (proxy) => {
    const client = await opened(proxy);
    proxy.origin.answer = NO_ANSWER;
    client.send(headers(3));
    await proxy.advance(20);

    const drained = proxy.listener.drain(1_000, 5_000);
    await proxy.advance(2_000);
    const ends = [...proxy.ends];
    client.send(frame(DATA, 0, 1, "still here"));
    await proxy.advance(20);
    const text = proxy.origin.connections[0]?.text;
    await proxy.advance(4_000);

    assert.deepEqual(ends, ["shutting_down"]); // what is on the connection beside it
    assert.equal(text, "still here");
    assert.deepEqual(proxy.ends, ["shutting_down", "shutting_down"]);
    assert.deepEqual(await drained, { finished: 0, cut: 1 });
  },
);

test("h2 websocket: a client that goes away at any byte leaves nothing behind", async () => {
  const talk = Buffer.concat([
    wire.PREFACE,
    wire.settings(),
    headers(1, CONNECT, 0),
    frame(DATA, 0, 1, "hello"),
    frame(DATA, END_STREAM, 1, "bye"),
  ]);
  for (let at = 0; at <= talk.length; at += 1) {
    const proxy = await SimProxy.start({ ...H2, seed: at });
    const client = proxy.client();
    client.sendBytes(talk.subarray(0, at));
    await proxy.advance(at % 3 === 0 ? 0 : 10);

    if (at % 2 === 0) client.reset();
    else client.finish();
    await proxy.advance(1_000);

    await proxy.end();
  }
});

test("h2 websocket: the same talk in two pieces, cut anywhere, has the same answer", async () => {
  const talk = Buffer.concat([
    headers(1, CONNECT, 0),
    frame(DATA, 0, 1, "hello"),
    frame(DATA, END_STREAM, 1),
  ]);
  for (let at = 1; at < talk.length; at++) {
    const proxy = await SimProxy.start({ ...H2, seed: at });
    const client = await SimH2Client.greet(proxy);
    client.send(talk.subarray(0, at));
    await proxy.advance(10);
    client.send(talk.subarray(at));
    await proxy.advance(50);

    assert.equal(proxy.origin.last.text, "hello", `cut at ${at}`);
    assert.ok(proxy.origin.last.hasFinished);
    await proxy.end();
  }
});

test("h2 websocket: an endpoint that goes away at any byte of its answer leaves nothing behind", async () => {
  const answer = `${switched({ "sec-websocket-accept": "x".repeat(28) })}hello`;
  for (let at = 0; at <= answer.length; at++) {
    const proxy = await SimProxy.start({
      ...H2,
      seed: at,
      origins: [
        (connection, request) => {
          const key = fieldValue(request.fields, "sec-websocket-key") ?? "";
          const whole = `${switched({ "sec-websocket-accept": acceptOf(key) })}hello`;
          connection.isReading = false;
          connection.send(whole.slice(0, at));
          if (at % 2 === 0) connection.reset();
          else connection.close();
        },
      ],
    });
    const client = await SimH2Client.greet(proxy);
    client.send(headers(1, CONNECT, 0));
    await proxy.advance(50);

    const isSwitched = at >= answer.length - "hello".length;
    const [status] = client.answers;
    // A reset may overtake what came before it, the 101 too.
    if (!isSwitched || status !== "1 200") assert.match(status ?? "", /^1 502 /);
    await proxy.end();
  }
});
