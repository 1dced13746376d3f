/** Streams in simulated time: every timer, half-closes, resets, aborts at every step, backpressure. */
import assert from "node:assert/strict";
import { writeProxyHeader } from "../../src/protocol/proxy-protocol/write-proxy-header.ts";
import { type SimStream, streaming } from "../support/sim-stream.ts";

const MIB = 1024 * 1024;

streaming("idle: a stream is cut when nothing has moved for so long", {}, async (it) => {
  const client = await it.connected();
  client.send("x");
  await it.advance(599_000);
  client.send("y");
  await it.advance(599_000);
  const before = [...it.ends];
  await it.advance(2_000);

  assert.deepEqual(before, []);
  assert.deepEqual(it.ends, ["stream_idle"]);
  assert.equal(it.server.last.text, "xy");
  assert.equal(it.server.last.hasFinished, true);
});

streaming("idle: what the server sends counts as well", {}, async (it) => {
  await it.connected();
  await it.advance(599_000);
  it.server.last.send("x");
  await it.advance(599_000);

  assert.deepEqual(it.ends, []);
});

streaming("idle: a side that has finished does not keep the other for ever", {}, async (it) => {
  const client = await it.connected();
  client.finish();
  await it.advance(601_000);

  assert.deepEqual(it.ends, ["stream_idle"]);
});

streaming(
  "idle: a client that takes nothing is cut, though the server would go on",
  {},
  async (it) => {
    const client = await it.connected();
    client.pause();
    for (let count = 0; count < 8; count++) it.server.last.sendBytes(Buffer.alloc(MIB));
    await it.advance(601_000);

    assert.deepEqual(it.ends, ["stream_idle"]);
  },
);

streaming(
  "connect: a server that does not answer is passed over in time",
  { servers: 2 },
  async (it) => {
    it.world.network.blackhole(it.servers[0]!.address);
    const client = it.client();
    client.send("hello");
    await it.advance(2_900);
    const before = it.servers[1]!.connections.length;
    await it.advance(300);

    assert.equal(before, 0);
    assert.equal(it.servers[1]!.last.text, "hello");
    assert.equal(it.worker.failedAttempts[0]?.fault?.code, "connect_timeout");
    assert.deepEqual(it.outcomes, ["failed"]);
  },
);

streaming("connect: three attempts, and the client is reset", { servers: 4 }, async (it) => {
  for (const { address } of it.servers) it.world.network.blackhole(address);
  const client = it.client();
  await it.advance(9_500);

  assert.deepEqual(it.ends, ["connect_timeout"]);
  assert.equal(client.wasReset, true);
  assert.equal(it.worker.sessionsOver[0]!.attempts, 3);
});

streaming(
  "connect: a client that leaves meanwhile is no mark against the server",
  {},
  async (it) => {
    it.world.network.blackhole(it.server.address);
    const client = it.client();
    await it.advance(5);
    client.reset();
    await it.advance(10);

    assert.deepEqual(it.ends, ["client_gone"]);
    assert.deepEqual(it.outcomes, ["abandoned"]);
  },
);

streaming(
  "connect: a FIN that came before the connection is passed on with the bytes",
  {},
  async (it) => {
    const client = it.client();
    client.send("all");
    client.finish();
    await it.advance(20);

    assert.equal(it.server.last.text, "all");
    assert.equal(it.server.last.hasFinished, true);
    it.server.last.send("answer");
    it.server.last.finish();
    await it.advance(20);
    assert.equal(client.text, "answer");
    assert.deepEqual(it.ends, ["served"]);
    assert.deepEqual(it.outcomes, ["served"]);
  },
);

streaming(
  "connect: a FIN that came alone before the connection is passed on",
  { servers: 2 },
  async (it) => {
    it.world.network.blackhole(it.server.address);
    const client = it.client();
    client.finish();
    await it.advance(3_200);

    assert.equal(it.servers[1]!.last.hasFinished, true);
    assert.deepEqual(it.ends, []);
  },
);

streaming("reset: the client's reaches the server, the server's the client", {}, async (it) => {
  const one = await it.connected();
  one.reset();
  await it.advance(20);
  const other = await it.connected();
  it.server.last.reset();
  await it.advance(20);

  assert.equal(it.server.connections[0]!.wasReset, true);
  assert.equal(other.wasReset, true);
  assert.deepEqual(it.ends, ["client_gone", "stream_reset"]);
  assert.deepEqual(it.outcomes, ["abandoned", "failed"]);
});

streaming(
  "reset: what the server sent before it is given to a slow client first",
  { network: { splits: false } },
  async (it) => {
    const client = await it.connected();
    client.pause();
    it.server.last.sendBytes(Buffer.alloc(150_000, "x"));
    await it.advance(20);
    it.server.last.reset();
    await it.advance(200);
    client.resume();
    await it.advance(500);

    assert.equal(client.byteCount, 150_000);
    assert.equal(client.wasReset, true);
  },
);

streaming(
  "reset: a client that takes nothing more is not waited for",
  { network: { splits: false } },
  async (it) => {
    const client = await it.connected();
    client.pause();
    it.server.last.sendBytes(Buffer.alloc(150_000, "x"));
    await it.advance(20);
    it.server.last.reset();
    await it.advance(3_000);

    assert.deepEqual(it.ends, ["stream_reset"]);
  },
);

for (const [name, from, to] of [
  ["to a client", (it: SimStream) => it.server.last, 0],
  ["to a server", undefined, 1],
] as const) {
  streaming(
    `backpressure: 50 MiB ${name} that pauses are bounded in between`,
    { network: { splits: false }, timeouts: { idle: 1e9 } },
    async (it) => {
      const client = await it.connected();
      const sender = from?.(it) ?? client;
      const receiver = to === 0 ? client : it.server.last;
      receiver.pause();
      let sent = 0;
      const more = () => {
        while (sent < 50 * MIB) {
          sent += MIB;
          if (!sender.sendBytes(Buffer.alloc(MIB, "x"))) return;
        }
      };
      sender.wire.on("drain", more);
      more();
      await it.advance(100);
      const held = it.pendingBytes;
      receiver.resume();
      let most = 0;
      for (let count = 0; count < 5_000 && receiver.byteCount < 50 * MIB; count++) {
        await it.advance(1);
        most = Math.max(most, it.pendingBytes);
      }

      assert.equal(receiver.byteCount, 50 * MIB);
      assert.ok(held <= 256 * 1024 && most <= 256 * 1024, `held ${held}, then ${most}`);
    },
  );
}

for (let seed = 1; seed <= 40; seed++) {
  streaming(
    `bytes: what goes in comes out, both ways at once (seed ${seed})`,
    // Kernels that take little, so that writes wait and show what became of their bytes meanwhile.
    { seed, network: { kernelBytes: 4_000 * seed } },
    async (it) => {
      const client = await it.connected();
      const { random } = it.world;
      let [up, down] = ["", ""];
      for (let count = 0; count < 30; count++) {
        const piece = String.fromCharCode(97 + random.below(26)).repeat(1 + random.below(40_000));
        if (random.below(2) === 0) {
          up += piece;
          client.send(piece);
        } else {
          down += piece;
          it.server.last.send(piece);
        }
        await it.advance(random.below(3));
      }
      client.finish();
      it.server.last.finish();
      await it.advance(1_000);

      // A peer keeps a bounded part of what came, and counts it all.
      assert.equal(it.server.last.byteCount, up.length);
      assert.equal(client.byteCount, down.length);
      assert.ok(up.startsWith(it.server.last.text) && down.startsWith(client.text));
      assert.deepEqual(it.ends, ["served"]);
    },
  );
}

// Large reads lie in a buffer of the flow's own, small ones in one that all share.
for (const pieceBytes of [25_000, 3_000]) {
  for (const direction of ["to a client", "to a server"]) {
    streaming(
      `bytes: pieces of ${pieceBytes} ${direction} that reads by fits and starts are what was sent`,
      { network: { splits: false, kernelBytes: 40_000 } },
      async (it) => {
        const client = await it.connected();
        const server = it.server.last;
        const [from, to] = direction === "to a client" ? [server, client] : [client, server];
        to.pause();
        let sent = "";
        for (let count = 0; sent.length < 200_000; count++) {
          const piece = String.fromCharCode(97 + (count % 26)).repeat(pieceBytes);
          sent += piece;
          from.send(piece);
          await it.advance(0.3);
        }
        for (let count = 0; count < 400 && to.text.length < sent.length; count++) {
          if (count % 3 === 0) to.resume();
          else to.pause();
          await it.advance(0.3);
        }

        assert.equal(to.text.length, sent.length);
        assert.ok(to.text === sent, "the bytes are not those that were sent");
      },
    );
  }
}

const HEADER = writeProxyHeader(
  2,
  { source: { host: "192.0.2.1", port: 1 }, destination: { host: "192.0.2.2", port: 2 } },
  { authority: "", alpn: "", uniqueId: "", isTls: false },
);
const PROXIED = { listener: { sendsProxyHeader: () => true } };

for (let at = 0; at <= HEADER.length; at++) {
  streaming(`opening: the client leaves ${at} bytes into its header`, PROXIED, async (it) => {
    const client = it.client();
    client.sendBytes(HEADER.subarray(0, at));
    await it.advance(5);
    if (at % 2 === 0) client.finish();
    else client.reset();
    await it.advance(20);

    assert.equal(it.server.connections.length, at === HEADER.length ? 1 : 0);
    const isTold = at > 0 && at < HEADER.length;
    assert.deepEqual(it.worker.refusals, isTold ? ["client_gone"] : []);
  });
}

streaming(
  "opening: a header in single bytes has timeouts.requestHead in all",
  PROXIED,
  async (it) => {
    const client = it.client();
    await it.advance(5);
    for (let at = 0; at < HEADER.length - 1 && !client.isClosed; at++) {
      client.sendBytes(HEADER.subarray(at, at + 1));
      await it.advance(1_000);
    }

    assert.deepEqual(it.worker.refusals, ["opening_timeout"]);
    assert.equal(it.server.connections.length, 0);
  },
);

streaming("opening: the bytes behind a header are the stream's first", PROXIED, async (it) => {
  const client = it.client();
  client.sendBytes(Buffer.concat([HEADER, Buffer.from("first")]));
  client.send(" second");
  await it.advance(20);

  assert.equal(it.server.last.text, "first second");
  assert.equal(it.worker.sessions[0]!.client.address, "192.0.2.1");
});

streaming(
  "drain: who has sent no header is closed, sessions have until the deadline",
  PROXIED,
  async (it) => {
    const silent = it.client();
    const patient = it.client();
    patient.sendBytes(HEADER);
    await it.advance(20);
    const drained = it.listener.drain(10_000);
    await it.advance(5);
    const [isClosed, isOpen] = [silent.hasFinished, !patient.hasFinished];
    await it.advance(10_000);

    assert.deepEqual([isClosed, isOpen], [true, true]);
    assert.deepEqual(await drained, { finished: 0, cut: 1 });
    await it.advance(5);
    assert.deepEqual(it.ends, ["shutting_down"]);
  },
);
