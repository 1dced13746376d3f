/** Connections of streams that wait: for a place on an endpoint that is full, and for an endpoint at all. */
import assert from "node:assert/strict";
import { type SimStream, type SimStreamOptions, streaming } from "../support/sim-stream.ts";

const queue = { max: 2, timeoutMs: 5_000, perSecond: Number.POSITIVE_INFINITY };
const parking = { max: 10, timeoutMs: 5_000, perSecond: 100 };
const oneAtATime: SimStreamOptions = {
  endpoint: { maxRequests: 1 },
  upstream: { lines: { queue } },
};
const parked: SimStreamOptions = { servers: 2, upstream: { lines: { parking } } };
const LOOK_MS = 200;

async function clients(it: SimStream, count: number) {
  const all = [];
  for (let left = count; left > 0; left--) {
    const client = await it.connected();
    client.send(`${all.length}`);
    await it.advance(5);
    all.push(client);
  }
  return all;
}

streaming("queue: connections get their places in the order they came", oneAtATime, async (it) => {
  const [first, second, third] = await clients(it, 3);
  assert.equal(it.server.connections.length, 1);
  assert.deepEqual(it.upstream.waiting, { queued: 2, parked: 0 });

  const leave = async (client: { close(): void }) => {
    client.close();
    it.server.last.close();
    await it.advance(10);
  };
  await leave(first!);
  assert.deepEqual(
    it.server.connections.map(({ text }) => text),
    ["0", "1"],
    "at once, and with what it had sent meanwhile",
  );
  await leave(second!);

  assert.equal(it.server.last.text, "2");
  it.server.last.send("served");
  await it.advance(10);
  assert.equal(third!.text, "served");
  assert.deepEqual(it.ends, ["served", "served"]);
});

streaming("queue: whom it has no room for is told at once", oneAtATime, async (it) => {
  const all = await clients(it, 4);

  assert.deepEqual(it.ends, ["queue_full"]);
  assert.ok(all[3]!.isClosed);
  assert.equal(it.server.connections.length, 1);
});

streaming("queue: whose time is up is let go", oneAtATime, async (it) => {
  const [, second] = await clients(it, 2);

  await it.advance(queue.timeoutMs - 50);
  assert.deepEqual(it.ends, []);
  await it.advance(50 + LOOK_MS);

  assert.deepEqual(it.ends, ["queue_timeout"]);
  assert.ok(second!.isClosed);
});

for (const [what, leave] of [
  ["resets", (client: { reset(): void }) => client.reset()],
  ["is cut by a drain", undefined],
] as const) {
  streaming(`queue: one that ${what} gives up its place`, oneAtATime, async (it) => {
    const [, second] = await Promise.all([it.connected(), it.connected()]);
    assert.deepEqual(it.upstream.waiting, { queued: 1, parked: 0 });

    if (leave === undefined) await Promise.all([it.listener.drain(0), it.advance(50)]);
    else leave(second!);
    await it.advance(50);

    assert.deepEqual(it.upstream.waiting, { queued: 0, parked: 0 });
    assert.equal(it.server.connections.length, 1);
  });
}

streaming("parking: a connection waits for an endpoint to come back", parked, async (it) => {
  for (const { state } of it.upstream.endpoints) state.health = "down";
  const [client] = await clients(it, 1);
  assert.deepEqual(it.upstream.waiting, { queued: 0, parked: 1 });
  await it.advance(3_000);

  it.upstream.endpoints[1]!.state.health = "up";
  await it.advance(LOOK_MS);
  it.servers[1]!.last.send("hi");
  await it.advance(10);

  assert.equal(it.servers[1]!.last.text, "0");
  assert.equal(client!.text, "hi");
});

streaming("parking: nobody comes back in time", parked, async (it) => {
  for (const { state } of it.upstream.endpoints) state.health = "down";
  await clients(it, 1);

  await it.advance(parking.timeoutMs + LOOK_MS);

  assert.deepEqual(it.ends, ["no_endpoint"]);
});

streaming(
  "parking: who finds out that nobody can be reached goes on asking for as long",
  parked,
  async (it) => {
    for (const server of it.servers) await server.refuse();
    const [client] = await clients(it, 1);
    await it.advance(2_000);
    assert.deepEqual(it.ends, []);

    await it.servers[0]!.open();
    await it.advance(LOOK_MS);
    it.server.last.send("hi");
    await it.advance(10);

    assert.equal(client!.text, "hi");
    assert.equal(it.server.last.text, "0");
  },
);

streaming("parking: asking ends in time, and with the client", parked, async (it) => {
  for (const server of it.servers) await server.refuse();
  const [client] = await clients(it, 2);
  await it.advance(1_000);
  client!.reset();
  await it.advance(10);
  assert.deepEqual(it.ends, ["client_gone"]);

  await it.advance(parking.timeoutMs);

  assert.deepEqual(it.ends, ["client_gone", "connect_refused"]);
});

streaming("parking: without it nobody waits", { servers: 2 }, async (it) => {
  for (const server of it.servers) await server.refuse();
  await clients(it, 1);

  assert.deepEqual(it.ends, ["connect_refused"]);
});
