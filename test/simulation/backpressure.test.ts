/** Whoever does not read holds back whoever sends: what the engine keeps in between is bounded. */
import assert from "node:assert/strict";
import { SWITCHED, UPGRADE } from "../support/sim-messages.ts";
import type { SimPeer } from "../support/sim-peer.ts";
import { answersOf, GET, OK, type SimProxy, simulation } from "../support/sim-proxy.ts";

const MIB = 1024 * 1024;
const TOTAL_BYTES = 100 * MIB;
const PIECE = Buffer.alloc(MIB, "x");
// Per direction: what a socket takes before it says stop, one read, and a head.
const PENDING_MOST_BYTES = 320 * 1024;
const PATIENT = {
  timeouts: { write: 1e9, send: 1e9, requestBody: 1e9, responseBody: 1e9, responseHead: 1e9 },
  rates: { minBytesPerSecond: 0, graceMs: 0 },
} as const;

/** Sends all of it as fast as the other side takes it. */
function pour(peer: SimPeer, encode: (piece: Buffer) => Buffer, end: string): void {
  let sentBytes = 0;
  const more = () => {
    while (sentBytes < TOTAL_BYTES) {
      sentBytes += PIECE.length;
      const mayGoOn = peer.sendBytes(encode(PIECE));
      if (sentBytes >= TOTAL_BYTES && end !== "") peer.send(end);
      if (!mayGoOn) return;
    }
  };
  peer.wire.on("drain", more);
  more();
}

const asIs = (piece: Buffer) => piece;
const asChunk = (piece: Buffer) =>
  Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n")]);

async function largestPending(proxy: SimProxy, isDone: () => boolean): Promise<number> {
  let most = 0;
  for (let count = 0; count < 20_000 && !isDone(); count++) {
    await proxy.advance(1);
    most = Math.max(most, proxy.pendingBytes);
  }
  assert.ok(isDone(), "it gets through");
  return most;
}

// biome-ignore format: a table
const framings: [name: string, field: string, encode: (piece: Buffer) => Buffer, end: string][] = [
  ["a length", `Content-Length: ${TOTAL_BYTES}\r\n`,  asIs,    ""],
  ["chunked",  "Transfer-Encoding: chunked\r\n",      asChunk, "0\r\n\r\n"],
];

for (const [name, field, encode, end] of framings) {
  simulation(
    `backpressure: 100 MiB to a client that pauses (${name})`,
    {
      ...PATIENT,
      network: { splits: false },
      origins: [
        (connection) => {
          connection.send(`HTTP/1.1 200 OK\r\n${field}\r\n`);
          pour(connection, encode, end);
        },
      ],
    },
    async (proxy) => {
      const client = proxy.client();
      client.pause();
      client.send(GET);

      await proxy.advance(60_000);
      assert.ok(proxy.pendingBytes <= PENDING_MOST_BYTES, `${proxy.pendingBytes} bytes held`);
      assert.equal(proxy.ends.length, 0);
      client.resume();
      const most = await largestPending(proxy, () => proxy.ends.length === 1);
      await proxy.advance(5);

      assert.ok(most <= PENDING_MOST_BYTES, `${most} bytes held`);
      assert.deepEqual(proxy.ends, ["served"]);
      assert.ok(client.byteCount > TOTAL_BYTES);
      assert.equal(proxy.lastOver.responseBytes, TOTAL_BYTES);
    },
  );

  simulation(
    `backpressure: 100 MiB to an origin that pauses (${name})`,
    {
      ...PATIENT,
      network: { splits: false },
    },
    async (proxy) => {
      proxy.origin.onConnection = (connection) => {
        connection.isReading = false;
        connection.pause();
      };
      const client = proxy.client();
      client.send(`POST / HTTP/1.1\r\nHost: a.test\r\n${field}\r\n`);
      pour(client, encode, end);

      await proxy.advance(60_000);
      assert.ok(proxy.pendingBytes <= PENDING_MOST_BYTES, `${proxy.pendingBytes} bytes held`);
      const origin = proxy.origin.last;
      origin.resume();
      const most = await largestPending(proxy, () => origin.byteCount > TOTAL_BYTES);
      await proxy.advance(5);
      origin.send(OK);
      await proxy.advance(5);

      assert.ok(most <= PENDING_MOST_BYTES, `${most} bytes held`);
      assert.deepEqual(answersOf(client), ["200"]);
      assert.equal(proxy.lastOver.requestBytes, TOTAL_BYTES);
    },
  );
}

for (const slow of ["client", "origin"] as const) {
  simulation(
    `backpressure: a tunnel to a ${slow} that pauses`,
    {
      ...PATIENT,
      network: { splits: false },
      origins: [
        (connection) => {
          connection.isReading = false;
          connection.send(SWITCHED);
        },
      ],
    },
    async (proxy) => {
      const client = await proxy.clientWith(UPGRADE);
      const origin = proxy.origin.last;
      const [from, to] = slow === "client" ? [origin, client] : [client, origin];
      const beforeBytes = to.byteCount;
      to.pause();
      pour(from, asIs, "");

      await proxy.advance(60_000);
      assert.ok(proxy.pendingBytes <= PENDING_MOST_BYTES, `${proxy.pendingBytes} bytes held`);
      to.resume();
      const most = await largestPending(proxy, () => to.byteCount - beforeBytes === TOTAL_BYTES);

      assert.ok(most <= PENDING_MOST_BYTES, `${most} bytes held`);
    },
  );
}

const REQUEST_COUNT = 5_000;

simulation(
  "backpressure: pipelined requests by the thousand to a client that pauses",
  PATIENT,
  async (proxy) => {
    const answer = `HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n${"x".repeat(1_000)}`;
    proxy.origin.answer = answer;
    const client = proxy.client();
    client.pause();
    client.send(GET.repeat(REQUEST_COUNT));

    await proxy.advance(10_000);
    assert.ok(proxy.pendingBytes <= PENDING_MOST_BYTES, `${proxy.pendingBytes} bytes held`);
    const { length: begun } = proxy.worker.begun;
    assert.ok(begun < 1_000, `${begun} requests begun for a client that takes no answer`);
    client.resume();
    await proxy.advanceUntil(() => proxy.ends.length === REQUEST_COUNT, 60_000);
    await proxy.advance(5);

    assert.equal(client.byteCount, REQUEST_COUNT * answer.length);
    assert.ok(
      proxy.origin.connections.length <= 2,
      `${proxy.origin.connections.length} connections`,
    );
  },
);

simulation(
  "backpressure: pipelined requests behind one that takes long are not read on and on",
  {
    timeouts: { responseHead: 1e9 },
    retry: { attempts: 1 },
    origins: [() => {}],
  },
  async (proxy) => {
    const client = proxy.client();
    for (let count = 0; count < 1_000; count++) client.send(GET.repeat(100));

    await proxy.advance(10_000);

    // 3.5 MB were sent: what neither we nor the network took is still with the client.
    assert.ok(client.wire.writableLength > 2 * MIB, `${client.wire.writableLength} bytes waiting`);
    assert.equal(proxy.worker.begun.length, 1);
    proxy.origin.answer = (connection) => connection.reset();
    client.reset();
    proxy.origin.last.reset();
    await proxy.advanceUntil(() => proxy.openWires === 0, 60_000);
  },
);

simulation(
  "backpressure: a body that nobody has asked for is not read on and on",
  PATIENT,
  async (proxy) => {
    proxy.world.network.blackhole(proxy.origin.address);
    const client = proxy.client();
    client.send(`POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${TOTAL_BYTES}\r\n\r\n`);
    for (let count = 0; count < 64; count++) client.sendBytes(Buffer.alloc(64 * 1024));

    await proxy.advance(2_000);

    // 4 MiB were sent; the networks' buffers and ours have taken this much less.
    assert.ok(
      client.wire.writableLength > 3.5 * MIB,
      `${client.wire.writableLength} bytes waiting`,
    );
  },
);

simulation(
  "backpressure: two slow readers on one origin do not hold each other back",
  {
    ...PATIENT,
    network: { splits: false },
  },
  async (proxy) => {
    const body = "x".repeat(3 * MIB);
    proxy.origin.answer = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const slow = proxy.client();
    slow.pause();
    slow.send(GET);
    await proxy.advance(100);

    const quick = await proxy.clientWith(GET);
    await proxy.advance(100);

    assert.ok(quick.byteCount > body.length);
    assert.deepEqual(proxy.ends, ["served"]);
    slow.resume();
    await proxy.advance(100);
    assert.equal(slow.byteCount, quick.byteCount);
  },
);

// What the kernel holds decides which buffers are read into: with the second the large ones, too.
for (const kernelBytes of [5_000, 600_000]) {
  simulation(
    `a body arrives as it was sent, whatever buffers it went through (${kernelBytes} in the kernel)`,
    {
      ...PATIENT,
      network: { kernelBytes },
      seed: 9,
    },
    async (proxy) => {
      // Each place has its own bytes, so that a buffer that is read into too early shows.
      const body = Array.from({ length: 60_000 }, (_, place) => `${place},`).join("");
      const field = `Content-Length: ${body.length}\r\n`;
      proxy.origin.answer = (connection, request) => {
        assert.equal(request.body === body.slice(0, 200_000), true);
        connection.send(`HTTP/1.1 200 OK\r\n${field}\r\n${body}`);
      };
      const clients = Array.from({ length: 3 }, () => proxy.client());
      const post = `POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 200000\r\n\r\n${body.slice(0, 200_000)}`;
      for (const client of clients) client.send(post);
      for (let count = 0; count < 400; count++) {
        await proxy.advance(1);
        const client = clients[count % 3]!;
        if (count % 2 === 0) client.pause();
        else client.resume();
      }
      for (const client of clients) client.resume();
      await proxy.advance(1_000);

      for (const client of clients) {
        const { text } = client;
        assert.ok(text.length >= 256 * 1024);
        assert.ok(body.startsWith(text.slice(text.indexOf("\r\n\r\n") + 4)));
      }
      assert.deepEqual(proxy.ends, ["served", "served", "served"]);
    },
  );
}

// Head and body are put together in one place for all clients: what one of them has not taken must
// not be written over by the next.
simulation(
  "backpressure: clients that take nothing each get their own answer in the end",
  {
    ...PATIENT,
    network: { splits: false, kernelBytes: 100 },
    origins: [
      (connection, request) => {
        const name = request.startLine.split(" ", 2)[1]!.slice(1);
        connection.send(`HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n${name.repeat(1_000)}`);
      },
    ],
  },
  async (proxy) => {
    const clients = ["a", "b", "c", "d"].map((name) => ({ name, peer: proxy.client() }));
    for (const { name, peer } of clients) {
      peer.pause();
      // Our head is longer than the origin's, so what one read brings does not fit into one write.
      peer.send(`GET /${name} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n`);
      await proxy.advance(1_000);
    }

    for (const { peer } of clients) peer.resume();
    await proxy.advance(60_000);

    for (const { name, peer } of clients) {
      const [head = "", body = ""] = peer.text.split("\r\n\r\n");
      assert.match(head, /^HTTP\/1\.1 200 OK\r\n/);
      assert.equal(body.replaceAll(name, ""), "", `all that ${name} got is its own`);
      assert.equal(body.length, 1_000);
    }
  },
);
