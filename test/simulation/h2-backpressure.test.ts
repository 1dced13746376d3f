/** HTTP/2: whoever does not take holds back whoever sends, and nobody else. */
import assert from "node:assert/strict";
import * as wire from "../support/h2-frames.ts";
import { POST } from "../support/h2-frames.ts";
import { SimH2Client } from "../support/sim-h2-client.ts";
import { OK, type SimProxy, simulation } from "../support/sim-proxy.ts";

const MIB = 1024 * 1024;
const TOTAL_BYTES = 20 * MIB;
const FRAME_BYTES = 16_384;
// A read, a queue that asks to hold on, and what the network holds of its own.
const TAKEN_MOST_BYTES = 512 * 1024;
const PATIENT = {
  protocols: ["h2c"],
  network: { splits: false },
  timeouts: { write: 1e9, send: 1e9, requestBody: 1e9, responseBody: 1e9, responseHead: 1e9 },
  rates: { minBytesPerSecond: 0, graceMs: 0 },
} as const;
const { DATA, END_STREAM, frame, headers, WINDOW_UPDATE, word } = wire;

simulation(
  "h2 backpressure: 20 MiB to a client whose window is shut, and another stream goes on",
  {
    ...PATIENT,
    origins: [
      (connection, { startLine }) => {
        if (startLine.includes("/small")) connection.send(OK);
        else {
          connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${TOTAL_BYTES}\r\n\r\n`);
          connection.sendBytes(Buffer.alloc(TOTAL_BYTES, "x"));
        }
      },
    ],
  },
  async (proxy) => {
    const client = await SimH2Client.greet(proxy);
    client.send(frame(WINDOW_UPDATE, 0, 0, word(TOTAL_BYTES)), headers(1));
    await proxy.advance(60_000);
    const taken = TOTAL_BYTES - proxy.origin.last.wire.writableLength;
    const got = client.log.data(1).length;
    client.send(headers(3, [...wire.GET.slice(0, 2), [":path", "/small"], [":authority", "a"]]));
    await proxy.advance(50);
    const small = client.log.data(3);

    client.send(frame(WINDOW_UPDATE, 0, 1, word(TOTAL_BYTES)));
    await proxy.advanceUntil(() => proxy.ends.length === 2);

    assert.equal(got, 65_535);
    assert.ok(taken < TAKEN_MOST_BYTES, `${taken} bytes taken from the origin`);
    assert.equal(small, "ok");
    assert.equal(proxy.lastOver.responseBytes, TOTAL_BYTES);
    assert.deepEqual(proxy.ends, ["served", "served"]);
  },
);

simulation(
  "h2 backpressure: 20 MiB to a client that pauses",
  {
    ...PATIENT,
    origins: [
      (connection) => {
        connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${TOTAL_BYTES}\r\n\r\n`);
        connection.sendBytes(Buffer.alloc(TOTAL_BYTES, "x"));
      },
    ],
  },
  async (proxy) => {
    const client = await SimH2Client.greet(proxy, [[4, 0x7fffffff]]);
    client.send(frame(WINDOW_UPDATE, 0, 0, word(TOTAL_BYTES)));
    client.peer.pause();
    client.send(headers(1));
    await proxy.advance(60_000);
    const taken = TOTAL_BYTES - proxy.origin.last.wire.writableLength;

    client.peer.resume();
    await proxy.advanceUntil(() => proxy.ends.length === 1);
    await proxy.advance(100);

    assert.ok(taken < TAKEN_MOST_BYTES, `${taken} bytes taken from the origin`);
    assert.ok(client.peer.byteCount > TOTAL_BYTES);
    assert.deepEqual(proxy.ends, ["served"]);
  },
);

/** Sends a body as the windows allow, until it is all sent or `byMs` have passed. */
async function upload(proxy: SimProxy, client: SimH2Client, sent: number, byMs: number) {
  const piece = Buffer.alloc(FRAME_BYTES, "y");
  const window = (id: number, first: number) =>
    client.log
      .of(`WINDOW_UPDATE ${id} `)
      .reduce((sum, line) => sum + Number(line.split(" ")[2]), first);
  let count = sent;
  for (let passed = 0; passed < byMs && count < TOTAL_BYTES; passed += 5) {
    const room = Math.min(window(1, 65_535), window(0, MIB)) - count;
    for (let left = room; left >= FRAME_BYTES && count < TOTAL_BYTES; left -= FRAME_BYTES) {
      count += FRAME_BYTES;
      client.send(frame(DATA, count === TOTAL_BYTES ? END_STREAM : 0, 1, piece));
    }
    await proxy.advance(5);
  }
  return count;
}

simulation("h2 backpressure: 20 MiB to an origin that pauses", PATIENT, async (proxy) => {
  proxy.origin.onConnection = (connection) => {
    connection.isReading = false;
    connection.pause();
  };
  const client = await SimH2Client.greet(proxy);
  client.send(headers(1, [...POST, ["content-length", `${TOTAL_BYTES}`]], 0));

  const first = await upload(proxy, client, 0, 10_000);
  const origin = proxy.origin.last;
  origin.resume();
  const all = await upload(proxy, client, first, 600_000);
  await proxy.advance(50);
  origin.send(OK);
  await proxy.advance(50);

  // The network takes some, and a stream's window has grown to half a MiB at most.
  assert.ok(first < 2 * TAKEN_MOST_BYTES, `${first} bytes taken from the client`);
  assert.equal(all, TOTAL_BYTES);
  assert.deepEqual(client.answers, ["1 200"]);
  assert.equal(proxy.lastOver.requestBytes, TOTAL_BYTES);
  assert.ok(client.log.of("WINDOW_UPDATE 1 ").length < 200, "windows grow");
});

simulation(
  "h2 backpressure: a body that nobody has asked for is held up to its window, and credited when it is dropped",
  PATIENT,
  async (proxy) => {
    proxy.world.network.blackhole(proxy.origin.address);
    const client = await SimH2Client.greet(proxy);
    client.send(headers(1, POST, 0));
    await upload(proxy, client, 0, 500);
    const before = client.log.of("WINDOW_UPDATE");

    await proxy.advanceUntil(() => proxy.ends.length === 1);
    for (let id = 3; id < 30; id += 2) {
      client.send(headers(id, POST, 0), frame(DATA, 0, id, Buffer.alloc(FRAME_BYTES)));
    }
    await proxy.advanceUntil(() => proxy.ends.length === 15);

    assert.deepEqual(before, []);
    assert.equal(client.goAways.length, 0);
  },
);
