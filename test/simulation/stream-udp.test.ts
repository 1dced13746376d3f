/** UDP in simulated time: sessions end when they should, and a flood of them is bounded. */
import assert from "node:assert/strict";
import type { DatagramWire } from "../../src/base/world.ts";
import { type SimStream, streaming } from "../support/sim-stream.ts";

const UDP = {
  listener: { protocol: "udp", connectionsMax: 3 },
  timeouts: { idle: 60_000 },
} as const;

interface Peer {
  readonly wire: DatagramWire;
  readonly got: string[];
}

function client(it: SimStream): Peer {
  const got: string[] = [];
  const wire = it.world.network.connectDatagramsFrom(
    "203.0.113.9",
    { host: "10.0.0.1", port: 5432 },
    { received: (bytes) => got.push(Buffer.from(bytes).toString()), failed: () => {} },
  );
  it.closers.push(() => wire.destroy());
  return { wire, got };
}

async function server(it: SimStream, answer: (text: string) => string[]): Promise<string[]> {
  const got: string[] = [];
  const door = await it.world.network.bindDatagrams(it.server.address, {
    received(bytes, from) {
      const text = Buffer.from(bytes).toString();
      got.push(text);
      for (const each of answer(text)) door.send(Buffer.from(each), from);
    },
  });
  it.closers.push(() => door[Symbol.asyncDispose]());
  return got;
}

async function sent(it: SimStream, peer: Peer, text: string): Promise<void> {
  peer.wire.send(Buffer.from(text));
  await it.advance(5);
}

streaming(
  "udp: a session lives as long as something moves, and then ends served",
  UDP,
  async (it) => {
    await server(it, (text) => [`re:${text}`]);
    const peer = client(it);

    for (let count = 0; count < 5; count++) {
      await sent(it, peer, `${count}`);
      await it.advance(59_000);
    }
    const begun = it.worker.sessions.length;
    await it.advance(2_000);

    assert.equal(begun, 1);
    assert.deepEqual(it.ends, ["served"]);
    assert.deepEqual(peer.got, ["re:0", "re:1", "re:2", "re:3", "re:4"]);
    assert.deepEqual(it.outcomes, ["served"]);
  },
);

streaming(
  "udp: responses count for each datagram that came",
  { ...UDP, plan: { responses: 2 } },
  async (it) => {
    await server(it, (text) => (text === "short" ? ["one"] : ["one", "two"]));
    const [peer, other] = [client(it), client(it)];

    await sent(it, peer, "full");
    await sent(it, other, "short");
    const first = [...it.ends];
    await it.advance(61_000);

    assert.deepEqual(first, ["served"]);
    assert.deepEqual(it.ends, ["served", "datagram_unanswered"]);
    assert.deepEqual(it.outcomes, ["served", "failed"]);
  },
);

streaming(
  "udp: with responses: 0 a session is over soon, and its datagrams arrive",
  { ...UDP, plan: { responses: 0 } },
  async (it) => {
    const got = await server(it, () => []);
    const peer = client(it);

    await sent(it, peer, "log line");
    await it.advance(1_200);

    assert.deepEqual(got, ["log line"]);
    assert.deepEqual(it.ends, ["served"]);
  },
);

streaming(
  "udp: a refused port ends the session as a failure, and the next datagram tries anew",
  UDP,
  async (it) => {
    const peer = client(it);

    await sent(it, peer, "a");
    await sent(it, peer, "b");

    assert.deepEqual(it.ends, ["connect_refused", "connect_refused"]);
    assert.deepEqual(it.outcomes, ["failed", "failed"]);
  },
);

streaming(
  "udp: past the limit new sessions are dropped, and there is room when one has ended",
  UDP,
  async (it) => {
    const got = await server(it, (text) => [text]);
    const peers = Array.from({ length: 5 }, () => client(it));

    for (const [index, peer] of peers.entries()) await sent(it, peer, `${index}`);
    await sent(it, peers[0]!, "again");
    const refused = [...it.worker.refusals];
    await it.advance(61_000);
    await sent(it, peers[4]!, "now");

    assert.deepEqual(refused, ["sessions_full", "sessions_full"]);
    assert.deepEqual(got, ["0", "1", "2", "again", "now"]);
  },
);

streaming(
  "udp: a drain begins no session, and cuts what is left at its deadline",
  UDP,
  async (it) => {
    await server(it, (text) => [text]);
    const [peer, other] = [client(it), client(it)];
    await sent(it, peer, "a");

    const drained = it.listener.drain(10_000);
    await sent(it, other, "b");
    await sent(it, peer, "c");
    await it.advance(10_000);

    assert.deepEqual(await drained, { finished: 0, cut: 1 });
    assert.deepEqual(peer.got, ["a", "c"]);
    assert.deepEqual(it.ends, ["shutting_down"]);
    assert.deepEqual(it.worker.refusals, ["shutting_down"]);
  },
);
