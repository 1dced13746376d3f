/** Requests that wait: for a place on an endpoint that is full, and for an endpoint at all. */
import assert from "node:assert/strict";
import type { SimOriginConnection } from "../support/sim-origin.ts";
import type { SimPeer } from "../support/sim-peer.ts";
import { answersOf, GET, OK, type SimProxy, simulation } from "../support/sim-proxy.ts";

const silent = () => {};
const queue = { max: 3, timeoutMs: 5_000, perSecond: Number.POSITIVE_INFINITY };
const oneAtATime = { endpoint: { maxRequests: 1 }, upstream: { lines: { queue } } };
const LOOK_MS = 200; // one round of the line, and the coarse wheel

const namedGet = (name: string) => `GET /${name} HTTP/1.1\r\nHost: a.test\r\n\r\n`;

async function clients(proxy: SimProxy, ...names: string[]): Promise<SimPeer[]> {
  if (proxy.origin.answer === silent) hold(proxy);
  const all: SimPeer[] = [];
  for (const name of names) all.push(await proxy.clientWith(namedGet(name)));
  return all;
}

/** The targets that the origins were asked for, in order. */
function asked(proxy: SimProxy): string {
  const requests = proxy.origins.flatMap((origin) => origin.requests);
  return requests.map(({ startLine }) => / \/(\w*) /.exec(startLine)?.[1]).join("");
}

/** Requests that have arrived and have no answer yet. */
const held = new WeakMap<SimProxy, SimOriginConnection[]>();

function hold(proxy: SimProxy): void {
  const all: SimOriginConnection[] = [];
  held.set(proxy, all);
  for (const origin of proxy.origins) origin.answer = (connection) => all.push(connection);
}

async function answerNext(proxy: SimProxy): Promise<void> {
  const connection = held.get(proxy)!.shift();
  assert.ok(connection !== undefined, "a request to answer");
  connection.send(OK);
  await proxy.advance(5);
}

simulation(
  "queue: who comes first is served first, and one at a time",
  { origins: [silent], ...oneAtATime },
  async (proxy) => {
    const [a, b, c] = await clients(proxy, "a", "b", "c");
    assert.equal(asked(proxy), "a");
    assert.deepEqual(proxy.upstream.waiting, { queued: 2, parked: 0 });

    await answerNext(proxy);
    assert.equal(asked(proxy), "ab", "at once, not at the next look");
    assert.deepEqual(answersOf(a!), ["200"]);
    await answerNext(proxy);
    await answerNext(proxy);

    assert.equal(asked(proxy), "abc");
    for (const client of [a, b, c]) assert.deepEqual(answersOf(client!), ["200"]);
    assert.deepEqual(proxy.upstream.waiting, { queued: 0, parked: 0 });
  },
);

simulation(
  "queue: whom it has no room for is told at once",
  { origins: [silent], ...oneAtATime },
  async (proxy) => {
    const all = await clients(proxy, "a", "b", "c", "d", "e");

    assert.deepEqual(answersOf(all[4]!), ["503 queue_full"]);
    assert.deepEqual(proxy.upstream.waiting, { queued: 3, parked: 0 });
  },
);

simulation(
  "queue: without one a full upstream says so at once",
  { origins: [silent], endpoint: { maxRequests: 1 } },
  async (proxy) => {
    const [, b] = await clients(proxy, "a", "b");

    assert.deepEqual(answersOf(b!), ["503 queue_full"]);
  },
);

simulation(
  "queue: whose time is up is told so, not before and hardly after",
  { origins: [silent], ...oneAtATime },
  async (proxy) => {
    const [, b] = await clients(proxy, "a", "b");

    await proxy.advance(queue.timeoutMs - 50);
    assert.deepEqual(answersOf(b!), []);
    await proxy.advance(50 + LOOK_MS);

    assert.deepEqual(answersOf(b!), ["503 queue_timeout"]);
    assert.deepEqual(proxy.ends, ["queue_timeout"]);
  },
);

simulation(
  "queue: a client that leaves gives its place to the next",
  { origins: [silent], ...oneAtATime },
  async (proxy) => {
    const [, b, c] = await clients(proxy, "a", "b", "c");

    b!.reset();
    await proxy.advance(5);
    assert.deepEqual(proxy.upstream.waiting, { queued: 1, parked: 0 });
    await answerNext(proxy);

    assert.equal(asked(proxy), "ac");
    await answerNext(proxy);
    assert.deepEqual(answersOf(c!), ["200"]);
  },
);

simulation(
  "queue: a client that leaves while it is served frees the endpoint",
  { origins: [silent], ...oneAtATime },
  async (proxy) => {
    const [a] = await clients(proxy, "a", "b");

    a!.reset();
    await proxy.advance(5);

    assert.equal(asked(proxy), "ab");
  },
);

simulation(
  "queue: places that another worker gives back are found within a look",
  { origins: [silent], ...oneAtATime },
  async (proxy) => {
    const { state } = proxy.upstream.endpoints[0]!;
    state.enter(); // by another worker
    const [a] = await clients(proxy, "a");
    assert.equal(asked(proxy), "");

    state.leave();
    await proxy.advance(LOOK_MS);

    assert.equal(asked(proxy), "a");
    await answerNext(proxy);
    assert.deepEqual(answersOf(a!), ["200"]);
  },
);

simulation(
  "queue: nobody overtakes those who wait",
  { origins: [silent], ...oneAtATime },
  async (proxy) => {
    const { state } = proxy.upstream.endpoints[0]!;
    state.enter();
    await clients(proxy, "a");
    state.leave();

    await clients(proxy, "b");
    await proxy.advance(LOOK_MS);

    assert.equal(asked(proxy), "a");
    await answerNext(proxy);
    assert.equal(asked(proxy), "ab");
  },
);

simulation(
  "queue: an upload waits with its client, and comes through whole",
  { origins: [silent], ...oneAtATime },
  async (proxy) => {
    await clients(proxy, "a");
    const body = "0123456789".repeat(20_000);
    const upload = proxy.client();
    upload.send(
      `POST /b HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await proxy.advance(1_000);
    assert.equal(asked(proxy), "a");

    await answerNext(proxy);
    await proxy.advance(1_000);
    await answerNext(proxy);

    assert.deepEqual(answersOf(upload), ["200"]);
    assert.equal(proxy.origin.requests[1]!.body.length, body.length);
  },
);

simulation(
  "queue: requests on one endpoint never exceed its maxRequests, whoever comes and goes",
  {
    origins: [silent, silent],
    endpoint: { maxRequests: 2 },
    upstream: { lines: { queue: { ...queue, max: 50 } } },
  },
  async (proxy) => {
    const all = await clients(proxy, ..."abcdefghijklmnopqrstuvwxyz");
    for (let round = 0; round < 200; round++) {
      for (const { state } of proxy.upstream.endpoints) assert.ok(state.active <= 2);
      if (round % 7 === 3) all[round % all.length]!.reset();
      if (held.get(proxy)!.length > 0) await answerNext(proxy);
    }
    assert.deepEqual(proxy.upstream.waiting, { queued: 0, parked: 0 });
  },
);

const parking = { max: 100, timeoutMs: 5_000, perSecond: 20 };
const parks = { upstream: { lines: { parking } } };

function goDown(proxy: SimProxy, health: "up" | "down"): void {
  for (const { state } of proxy.upstream.endpoints) state.health = health;
}

simulation("parking: without it nobody waits for an endpoint", {}, async (proxy) => {
  goDown(proxy, "down");
  const client = await proxy.clientWith(GET);

  assert.deepEqual(answersOf(client), ["503 no_endpoint"]);
});

simulation(
  "parking: requests are held while all endpoints are away, then let go at the ramp",
  { ...parks },
  async (proxy) => {
    goDown(proxy, "down");
    const all = await clients(proxy, ..."abcdefghijklmnopqrst");
    await proxy.advance(2_000);
    assert.deepEqual(proxy.upstream.waiting, { queued: 0, parked: 20 });
    assert.deepEqual(proxy.ends, []);

    goDown(proxy, "up");
    await proxy.advance(500);
    const soon = proxy.origin.requests.length;
    await proxy.advance(1_500);

    assert.ok(soon >= 8 && soon <= 12, `${soon} in half a second`);
    for (const client of all) assert.deepEqual(answersOf(client), ["200"]);
    const claimedMs = proxy.worker.begun.map(({ times }) => times.claimedMs);
    assert.deepEqual(
      claimedMs,
      claimedMs.toSorted((a, b) => a - b),
      "first come, first served",
    );
  },
);

simulation(
  "parking: those who come afterwards do not wait behind those who are let go",
  { ...parks },
  async (proxy) => {
    goDown(proxy, "down");
    await clients(proxy, ..."abcdefghijklmnopqrst");

    goDown(proxy, "up");
    const late = await proxy.clientWith(GET);

    assert.deepEqual(answersOf(late), ["200"]);
  },
);

simulation(
  "parking: whose time is up is told that nobody is there",
  { ...parks },
  async (proxy) => {
    goDown(proxy, "down");
    const client = await proxy.clientWith(GET);

    await proxy.advance(parking.timeoutMs - 50);
    assert.deepEqual(answersOf(client), []);
    await proxy.advance(50 + LOOK_MS);

    assert.deepEqual(answersOf(client), ["503 no_endpoint"]);
  },
);

simulation(
  "parking: has a limit",
  { upstream: { lines: { parking: { ...parking, max: 2 } } } },
  async (proxy) => {
    goDown(proxy, "down");
    const [, , c] = await clients(proxy, "a", "b", "c");

    assert.deepEqual(answersOf(c!), ["503 no_endpoint"]);
  },
);

simulation("parking: a client that leaves is forgotten", { ...parks }, async (proxy) => {
  goDown(proxy, "down");
  const [a, b] = await clients(proxy, "a", "b");

  a!.reset();
  await proxy.advance(5);
  assert.deepEqual(proxy.upstream.waiting, { queued: 0, parked: 1 });
  goDown(proxy, "up");
  await proxy.advance(LOOK_MS);

  assert.equal(asked(proxy), "b");
  assert.deepEqual(answersOf(b!), ["200"]);
});

simulation(
  "parking: who was served badly is told, and does not wait for more of it",
  { origins: ["HTTP/9.9 what\r\n\r\n"], ...parks },
  async (proxy) => {
    const client = await proxy.clientWith(GET);
    await proxy.advance(300);

    assert.deepEqual(answersOf(client), ["502 response_malformed"]);
  },
);

for (const awayMs of [3_000, 6_000]) {
  simulation(
    `parking: who finds out that all are away goes on asking; they are away for ${awayMs} ms`,
    { ...parks, origins: [OK, OK] },
    async (proxy) => {
      for (const origin of proxy.origins) await origin.refuse();
      const [a, gone] = await clients(proxy, "a", "gone");
      await proxy.advance(1_000);
      gone!.reset();
      await proxy.advance(awayMs - 1_000);

      for (const origin of proxy.origins) await origin.open();
      await proxy.advance(1_000);

      const isInTime = awayMs < parking.timeoutMs;
      assert.deepEqual(answersOf(a!), [isInTime ? "200" : "502 connect_refused"]);
      assert.equal(asked(proxy), isInTime ? "a" : "");
    },
  );
}
