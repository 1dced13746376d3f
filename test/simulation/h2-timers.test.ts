/** A client of HTTP/2 that is too slow, or says nothing more. */
import assert from "node:assert/strict";
import * as wire from "../support/h2-frames.ts";
import { GET, POST } from "../support/h2-frames.ts";
import { SimH2Client } from "../support/sim-h2-client.ts";
import { simulation } from "../support/sim-proxy.ts";
import { within } from "../support/sim-timing.ts";

const H2 = { protocols: ["h1", "h2c"] } as const;
const PATIENT = { rates: { minBytesPerSecond: 0, graceMs: 0 } } as const;
const { CONTINUATION, DATA, frame, HEADERS, headers, WINDOW_UPDATE, word } = wire;
const silent = () => {}; // an origin that takes a request and says nothing

simulation(
  "h2: a frame that does not come to its end, however many bytes follow",
  H2,
  async (proxy) => {
    const client = await SimH2Client.greet(proxy);
    client.send(headers(1).subarray(0, 12));
    await proxy.advance(5);
    for (let count = 0; count < 14; count++) {
      await proxy.advance(1_000);
      client.send(Buffer.of(0));
    }
    assert.deepEqual(client.goAways, []);

    await within(proxy, 15_000 - 14_005, () => client.peer.hasFinished);

    assert.equal(client.goAways.length, 1);
  },
);

simulation("h2: CONTINUATION that does not come counts as one head", H2, async (proxy) => {
  const client = await SimH2Client.greet(proxy);
  client.send(frame(HEADERS, 0, 1, wire.block(GET)));
  await proxy.advance(10_005);
  client.send(frame(CONTINUATION, 0, 1, ""));

  await within(proxy, 5_000 - 5, () => client.peer.hasFinished);

  assert.deepEqual(proxy.ends, []);
});

simulation("h2: keepAlive closes an idle connection with GOAWAY", H2, async (proxy) => {
  const client = await SimH2Client.greet(proxy);
  client.send(headers(1));
  await proxy.advance(40_000);
  client.send(headers(3));
  await proxy.advance(5);

  await within(proxy, 75_000 - 5, () => client.peer.hasFinished);

  assert.deepEqual(client.goAways, ["GOAWAY 3 NO_ERROR"]);
});

simulation("h2: SETTINGS that are never acknowledged end the connection", H2, async (proxy) => {
  const client = new SimH2Client(proxy.client());
  client.send(wire.PREFACE, wire.settings());
  await proxy.advance(5);

  await within(proxy, 10_000 - 5, () => client.goAways.length > 0);

  assert.deepEqual(client.goAways, ["GOAWAY 0 SETTINGS_TIMEOUT"]);
});

simulation("h2: nothing but a preface is no connection for long", H2, async (proxy) => {
  const client = new SimH2Client(proxy.client());
  client.send(Buffer.from("PRI"));
  await proxy.advance(5);

  await within(proxy, 15_000 - 5, () => client.peer.hasFinished);
});

simulation(
  "h2: a body that stalls is told so, and the next request is served",
  {
    ...H2,
    ...PATIENT,
    origins: [silent],
  },
  async (proxy) => {
    const client = await SimH2Client.greet(proxy);
    client.send(headers(1, POST, 0), frame(DATA, 0, 1, "x"));
    await proxy.advance(5);

    await within(proxy, 30_000 - 5, () => client.answers.length > 0, 15_200);

    assert.deepEqual(client.answers, ["1 408 request_body_timeout"]);
    assert.deepEqual(client.resets, ["RST_STREAM 1 NO_ERROR"]);
  },
);

simulation(
  "h2: streams whose windows stay shut are reaped (D4)",
  {
    ...H2,
    ...PATIENT,
    origins: [`HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n${"x".repeat(100)}`],
  },
  async (proxy) => {
    const client = await SimH2Client.greet(proxy, [[4, 0]]);
    for (let id = 1; id < 200; id += 2) client.send(headers(id));
    await proxy.advance(50);

    await within(proxy, 30_000 - 50, () => client.resets.length > 0, 15_200);
    await proxy.advance(15_000);

    assert.equal(client.resets.length, 100);
    assert.deepEqual(new Set(proxy.ends), new Set(["response_write_timeout"]));
  },
);

simulation(
  "h2: a client that reads nothing at all is cut",
  {
    ...H2,
    origins: [`HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n${"x".repeat(60_000)}`],
  },
  async (proxy) => {
    const client = await SimH2Client.greet(proxy, [[4, 0x7fffffff]]);
    client.send(frame(WINDOW_UPDATE, 0, 0, word(0x7fff0000 - 65_535)));
    client.peer.pause();
    for (let id = 1; id < 60; id += 2) client.send(headers(id));

    await proxy.advance(80_000);

    assert.equal(proxy.openWires, 0);
    assert.ok(proxy.ends.includes("response_write_timeout"), proxy.ends.join());
  },
);
