/** A client of HTTP/2 that leaves, is told to, or is shown the door. */
import assert from "node:assert/strict";
import * as wire from "../support/h2-frames.ts";
import { GET, POST } from "../support/h2-frames.ts";
import { SimH2Client } from "../support/sim-h2-client.ts";
import { OK, type SimProxy, simulation } from "../support/sim-proxy.ts";

const H2 = { protocols: ["h1", "h2c"] } as const;
const { ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, frame, HEADERS, headers } = wire;
const { PING, RST_STREAM, word } = wire;
const silent = () => {}; // an origin that takes a request and says nothing

simulation(
  "h2: a stream that the client resets ends at the origin, and no other",
  {
    ...H2,
    origins: [silent],
  },
  async (proxy) => {
    const client = await SimH2Client.greet(proxy);
    client.send(headers(1), headers(3));
    await proxy.advance(20);

    client.send(frame(RST_STREAM, 0, 1, word(8)));
    await proxy.advance(20);

    assert.deepEqual(proxy.ends, ["client_gone"]);
    assert.equal(
      proxy.origin.connections.filter((each) => each.isClosed || each.hasFinished).length,
      1,
    );
  },
);

simulation(
  "h2: a connection that breaks takes all its exchanges with it",
  {
    ...H2,
    origins: [silent],
  },
  async (proxy) => {
    const client = await SimH2Client.greet(proxy);
    client.send(headers(1), headers(3, POST, 0));
    await proxy.advance(20);

    client.peer.reset();
    await proxy.advance(20);

    assert.deepEqual(proxy.ends, ["client_gone", "client_gone"]);
  },
);

simulation(
  "h2: a response that the origin cuts short is reset, and not ended (S10)",
  {
    ...H2,
    origins: [
      (connection) => {
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
        connection.finish();
      },
    ],
  },
  async (proxy) => {
    const client = await SimH2Client.greet(proxy);

    client.send(headers(1));
    await proxy.advance(20);

    assert.deepEqual(client.answers, ["1 200"]);
    assert.deepEqual(client.resets, ["RST_STREAM 1 INTERNAL_ERROR"]);
    assert.deepEqual(client.log.of("DATA 1 END"), []);
    assert.deepEqual(proxy.ends, ["response_truncated"]);
  },
);

simulation(
  "h2: drains in two steps: what is in flight is served, what comes later is not",
  {
    ...H2,
    origins: [
      (connection) => {
        void proxyClock!.after(500, () => connection.send(OK));
      },
    ],
  },
  async (proxy) => {
    proxyClock = proxy.world.clock;
    const client = await SimH2Client.greet(proxy);
    client.send(headers(1));
    await proxy.advance(20);

    const drained = proxy.listener.drain(5_000);
    await proxy.advance(5);
    const first = [...client.goAways];
    client.send(headers(3), frame(PING, ACK, 0, "draining"));
    await proxy.advance(5);
    client.send(headers(5));
    await proxy.advance(1_000);

    assert.deepEqual(first, ["GOAWAY 2147483647 NO_ERROR"]);
    assert.deepEqual(client.goAways, [...first, "GOAWAY 3 NO_ERROR"]);
    assert.deepEqual(client.answers, ["1 200", "3 200"]);
    assert.equal(client.peer.hasFinished, true);
    assert.deepEqual(await drained, { finished: 1, cut: 0 });
  },
);

let proxyClock: SimProxy["world"]["clock"] | undefined;

simulation(
  "h2: what is not over at the drain's deadline is cut, each with its line",
  {
    ...H2,
    origins: [silent],
  },
  async (proxy) => {
    const client = await SimH2Client.greet(proxy);
    client.send(headers(1), headers(3));
    await proxy.advance(20);

    const drained = proxy.listener.drain(2_000);
    await proxy.advance(2_100);

    assert.deepEqual(await drained, { finished: 0, cut: 1 });
    assert.deepEqual(proxy.ends, ["shutting_down", "shutting_down"]);
    assert.equal(client.peer.hasFinished, true);
  },
);

// --- at every byte -----------------------------------------------------------------------------

const TALK = Buffer.concat([
  wire.PREFACE,
  wire.settings(),
  frame(wire.SETTINGS, ACK, 0),
  headers(1, [...POST, ["content-length", "5"]], 0),
  frame(DATA, 0, 1, "he"),
  frame(HEADERS, END_STREAM, 3, wire.block(GET).subarray(0, 9)),
  frame(CONTINUATION, END_HEADERS, 3, wire.block(GET).subarray(9)),
  frame(DATA, END_STREAM, 1, "llo"),
]);

simulation("h2: a client that leaves at any byte leaves nothing behind", H2, async (proxy) => {
  for (let at = 0; at <= TALK.length; at++) {
    const client = new SimH2Client(proxy.client());
    client.send(TALK.subarray(0, at));
    await proxy.advance(at % 7);
    if (at % 2 === 0) client.peer.reset();
    else client.peer.finish();
    await proxy.advance(3);
  }
  await proxy.advance(1_000);

  const served = proxy.ends.filter((each) => each === "served").length;
  assert.ok(served > 0);
  assert.equal(proxy.worker.bugs.length, 0);
});

simulation(
  "h2: the same talk in two pieces, cut anywhere, has the same answers",
  H2,
  async (proxy) => {
    for (let at = 0; at <= TALK.length; at++) {
      const client = new SimH2Client(proxy.client());
      client.send(TALK.subarray(0, at));
      await proxy.advance(3);
      client.send(TALK.subarray(at));
      await proxy.advance(10);
      assert.deepEqual(client.answers.toSorted(), ["1 200", "3 200"], `at ${at}`);
      client.peer.close();
    }
  },
);

// --- floods, through the whole engine ------------------------------------------------------------

simulation(
  "h2: rapid reset is cut off, and so is what it had begun (D1)",
  {
    ...H2,
    origins: [silent],
  },
  async (proxy) => {
    const client = await SimH2Client.greet(proxy);

    for (let id = 1; id < 2_000; id += 2)
      client.send(headers(id), frame(RST_STREAM, 0, id, word(8)));
    await proxy.advance(3_000);

    assert.match(client.goAways.join(), /ENHANCE_YOUR_CALM$/);
    assert.ok(proxy.ends.length < 250, `${proxy.ends.length} exchanges`);
    assert.equal(client.peer.isClosed || client.peer.hasFinished, true);
  },
);
