/** What takes a place on an endpoint whose concurrency is limited, and what becomes of who finds none. */
import assert from "node:assert/strict";
import { answersOf, GET, OK, type SimProxyOptions, simulation } from "../support/sim-proxy.ts";

const silent = () => {};
const SOCKET =
  "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: upgrade\r\nUpgrade: websocket\r\n" +
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const SWITCHED =
  "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n" +
  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
const UPLOAD = "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\nab";
const DOWNLOAD = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab";
const queue = { max: 3, timeoutMs: 5_000, perSecond: Number.POSITIVE_INFINITY };
const oneEach = { min: 1, max: 1 };
const one: SimProxyOptions = { upstream: { concurrency: oneEach }, retry: { attempts: 1 } };
const oneAndQueue: SimProxyOptions = { upstream: { concurrency: oneEach, lines: { queue } } };

simulation(
  "concurrency: who finds no place is told so, and when to come back",
  { ...one, origins: [silent] },
  async (proxy) => {
    await proxy.clientWith(GET);

    const client = await proxy.clientWith(GET);

    assert.deepEqual(answersOf(client), ["503 concurrency_limit"]);
    assert.match(client.text, /\r\nretry-after: 1\r\n/i);
    assert.equal(proxy.origin.requests.length, 1);
    assert.equal(proxy.lastOver.attempts, 0);
  },
);

simulation(
  "concurrency: each endpoint has a limit of its own",
  { ...one, origins: [silent, OK] },
  async (proxy) => {
    await proxy.clientWith(GET);

    const client = await proxy.clientWith(GET);

    assert.deepEqual(answersOf(client), ["200"]);
    assert.equal(proxy.lastOver.endpoint, proxy.upstream.endpoints[1]);
  },
);

simulation(
  "concurrency: who waits in the queue goes on as soon as the answer begins",
  { ...oneAndQueue, origins: [silent] },
  async (proxy) => {
    await proxy.clientWith(GET);
    const next = await proxy.clientWith(GET);
    assert.deepEqual(proxy.upstream.waiting, { queued: 1, parked: 0 });

    proxy.origin.answer = OK;
    proxy.origin.last.send(DOWNLOAD);
    await proxy.advance(5);

    assert.deepEqual(answersOf(next), ["200"]);
    proxy.origin.connections[0]!.send("cd");
    await proxy.advance(5);
    assert.deepEqual(proxy.ends, ["served", "served"]);
  },
);

simulation(
  "concurrency: a queue that is full says so",
  { ...oneAndQueue, origins: [silent] },
  async (proxy) => {
    for (let count = 0; count < 4; count++) await proxy.clientWith(GET);

    assert.deepEqual(answersOf(await proxy.clientWith(GET)), ["503 queue_full"]);
  },
);

simulation(
  "concurrency: a WebSocket takes no place once it is open, nor does a download",
  { ...one, origins: [SWITCHED] },
  async (proxy) => {
    await proxy.clientWith(SOCKET);
    proxy.origin.answer = DOWNLOAD;
    await proxy.clientWith(GET);
    assert.equal(proxy.upstream.endpoints[0]!.state.active, 2);
    assert.equal(proxy.upstream.endpoints[0]!.state.unanswered, 0);

    proxy.origin.answer = OK;

    assert.deepEqual(answersOf(await proxy.clientWith(GET)), ["200"]);
  },
);

simulation(
  "concurrency: a body takes no place while it is on its way, and does when it is there",
  { ...one, origins: [silent] },
  async (proxy) => {
    const { state } = proxy.upstream.endpoints[0]!;
    const slow = await proxy.clientWith(UPLOAD);
    await proxy.advance(9_000);
    assert.equal(state.unanswered, 0);

    slow.send("cd");
    await proxy.advance(5);
    assert.equal(state.unanswered, 1);
    assert.deepEqual(answersOf(await proxy.clientWith(GET)), ["503 concurrency_limit"]);
    proxy.origin.connections[0]!.send(OK);
    await proxy.advance(5);

    assert.equal(state.unanswered, 0);
    assert.deepEqual(answersOf(slow), ["200"]);
    // The time was the client's.
    assert.ok(state.concurrency.baseMs < 100);
  },
);

simulation(
  "concurrency: an answer that comes before the body is whole gives nothing back twice",
  { ...one, origins: [silent] },
  async (proxy) => {
    const { state } = proxy.upstream.endpoints[0]!;
    const slow = await proxy.clientWith(UPLOAD);
    proxy.origin.last.send(OK);
    await proxy.advance(5);
    slow.send("cd");
    await proxy.advance(5);

    assert.equal(state.unanswered, 0);
    proxy.origin.answer = OK;
    assert.deepEqual(answersOf(await proxy.clientWith(GET)), ["200"]);
  },
);

for (const [what, leave] of [
  ["leaves", (client: { reset(): void }) => client.reset()],
  ["closes", (client: { close(): void }) => client.close()],
] as const) {
  simulation(
    `concurrency: a client that ${what} before the answer gives its place back`,
    { ...one, origins: [silent] },
    async (proxy) => {
      const client = await proxy.clientWith(GET);

      leave(client);
      await proxy.advance(10_000);

      assert.equal(proxy.upstream.endpoints[0]!.state.unanswered, 0);
    },
  );
}

simulation(
  "concurrency: a failed attempt gives its place back, and the retry takes one elsewhere",
  { upstream: { concurrency: oneEach }, retry: { attempts: 2 }, origins: [OK, OK] },
  async (proxy) => {
    await proxy.origin.refuse();

    const client = await proxy.clientWith(GET);
    await proxy.advance(500);

    assert.deepEqual(answersOf(client), ["200"]);
    const unanswered = proxy.upstream.endpoints.map(({ state }) => state.unanswered);
    assert.deepEqual(unanswered, [0, 0]);
  },
);

simulation(
  "concurrency: a retry that finds no place leaves the fault that came first",
  {
    ...{ upstream: { concurrency: oneEach }, retry: { attempts: 2 } },
    origins: [(connection) => connection.reset(), silent],
  },
  async (proxy) => {
    proxy.upstream.endpoints[1]!.state.countUnanswered(1);
    const client = await proxy.clientWith(GET);
    await proxy.advance(500);

    assert.deepEqual(answersOf(client), ["502 reset_before_head"]);
    proxy.upstream.endpoints[1]!.state.countUnanswered(-1);
  },
);

simulation(
  "concurrency: a hedge that finds no place is not sent",
  {
    ...{ upstream: { concurrency: oneEach }, hedge: { afterMs: 100 } },
    origins: [silent, silent],
  },
  async (proxy) => {
    proxy.upstream.endpoints[1]!.state.countUnanswered(1);
    const client = await proxy.clientWith(GET);
    await proxy.advance(200);
    proxy.origin.last.send(OK);
    await proxy.advance(5);

    assert.deepEqual(answersOf(client), ["200"]);
    assert.equal(proxy.origins[1]!.requests.length, 0);
    proxy.upstream.endpoints[1]!.state.countUnanswered(-1);
  },
);

simulation(
  "concurrency: errors that come quickly do not make the endpoint look quick",
  { ...one, origins: [OK] },
  async (proxy) => {
    const { concurrency } = proxy.upstream.endpoints[0]!.state;
    const ask = async (times: number) => {
      for (let count = 0; count < times; count++) {
        await proxy.clientWith(GET);
        await proxy.advance(60);
      }
    };
    proxy.origin.answer = (connection) => {
      proxy.world.clock.after(50, () => connection.send(OK));
    };
    await ask(150);
    assert.ok(concurrency.baseMs >= 50);

    proxy.origin.answer = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";
    await ask(500);

    assert.ok(concurrency.baseMs >= 50, `${concurrency.baseMs}`);
    proxy.origin.answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    await ask(500);
    assert.ok(concurrency.baseMs < 50, "an answer that is no refusal is work");
  },
);
