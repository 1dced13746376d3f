/** A second endpoint is asked when the first is slow: which answer counts, and what it may cost. */
import assert from "node:assert/strict";
import type { RetryCondition } from "../../src/upstream/retry-policy.ts";
import type { SimAnswer } from "../support/sim-origin.ts";
import { answersOf, GET, OK, type SimProxyOptions, simulation } from "../support/sim-proxy.ts";

const SLOW_OK = OK.replace("\r\n\r\nok", "\r\n\r\nno");
const BUSY = "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy";
const POST = "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n";
const PUT = "PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1\r\n\r\nx";
const SOCKET =
  "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: upgrade\r\nUpgrade: websocket\r\n" +
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const silent = () => {};
const hangUp: SimAnswer = (connection) => connection.close();
const after100: SimProxyOptions = { hedge: { afterMs: 100 } };

simulation(
  "hedge: the second answers, and the first is let go",
  { ...after100, origins: [silent, OK] },
  async (proxy) => {
    const client = await proxy.clientWith(GET);
    await proxy.advance(90);
    assert.equal(proxy.origins[1]!.connections.length, 0);
    await proxy.advance(20);

    assert.deepEqual(answersOf(client), ["200"]);
    assert.ok(proxy.origin.last.isClosed || proxy.origin.last.hasFinished);
    assert.deepEqual(proxy.outcomes, ["abandoned", "served"]);
    assert.equal(proxy.lastOver.attempts, 2);
    assert.equal(proxy.lastOver.endpoint, proxy.upstream.endpoints[1]);
  },
);

simulation(
  "hedge: the first answers in time, and nobody else is asked",
  { ...after100, origins: [OK, OK] },
  async (proxy) => {
    const client = await proxy.clientWith(GET);
    await proxy.advance(500);

    assert.deepEqual(answersOf(client), ["200"]);
    assert.equal(proxy.origins[1]!.connections.length, 0);
  },
);

simulation(
  "hedge: the first answers late but first, and the second is let go",
  { ...after100, origins: [silent, silent] },
  async (proxy) => {
    const client = await proxy.clientWith(GET);
    await proxy.advance(110);
    proxy.origin.last.send(OK);
    await proxy.advance(10);
    proxy.origins[1]!.last.send(SLOW_OK);
    await proxy.advance(10);

    assert.deepEqual(answersOf(client), ["200"]);
    assert.ok(client.text.endsWith("ok"));
    assert.deepEqual(proxy.outcomes.sort(), ["abandoned", "served"]);
  },
);

for (let at = 1; at < OK.length; at += 3) {
  simulation(
    `hedge: both answer at once, each cut at ${at}: one whole answer and no byte of the other`,
    { ...after100, origins: [silent, silent] },
    async (proxy) => {
      const client = await proxy.clientWith(GET);
      await proxy.advance(110);
      const [first, second] = proxy.origins.map(({ last }) => last);
      first!.send(OK.slice(0, at));
      second!.send(SLOW_OK.slice(0, at));
      await proxy.advance(5);
      if (!second!.isClosed) second!.send(SLOW_OK.slice(at));
      if (!first!.isClosed) first!.send(OK.slice(at));
      await proxy.advance(20);

      assert.deepEqual(answersOf(client), ["200"]);
      assert.match(client.text, /\r\n\r\n(?:ok|no)$/);
    },
  );
}

simulation(
  "hedge: a first that fails leaves it to the second, and no retry is made",
  { ...after100, origins: [silent, silent, OK], retry: { on: new Set<RetryCondition>(["reset"]) } },
  async (proxy) => {
    const client = await proxy.clientWith(GET);
    await proxy.advance(110);
    proxy.origin.last.close();
    await proxy.advance(200);
    assert.equal(proxy.origins[2]!.requests.length, 0);
    proxy.origins[1]!.last.send(OK);
    await proxy.advance(10);

    assert.deepEqual(answersOf(client), ["200"]);
    assert.deepEqual(proxy.outcomes, ["failed", "served"]);
  },
);

simulation(
  "hedge: where both fail it is retried, for as long as there is someone to ask",
  { ...after100, origins: [silent, silent, OK], retry: { on: new Set<RetryCondition>(["reset"]) } },
  async (proxy) => {
    const client = await proxy.clientWith(GET);
    await proxy.advance(110);
    proxy.origin.last.close();
    await proxy.advance(10);
    proxy.origins[1]!.last.close();
    await proxy.advance(200);

    assert.deepEqual(answersOf(client), ["200"]);
    assert.deepEqual(proxy.outcomes, ["failed", "failed", "served"]);
  },
);

simulation(
  "hedge: a second that fails changes nothing for the first",
  { ...after100, origins: [silent, hangUp] },
  async (proxy) => {
    const client = await proxy.clientWith(GET);
    await proxy.advance(200);
    proxy.origin.last.send(OK);
    await proxy.advance(10);

    assert.deepEqual(answersOf(client), ["200"]);
    assert.deepEqual(proxy.outcomes, ["failed", "served"]);
    assert.equal(proxy.worker.failedAttempts.length, 1);
  },
);

simulation(
  "hedge: a second that cannot be connected to in time takes over when it can",
  { ...after100, origins: [silent, OK], retry: { attempts: 1 } },
  async (proxy) => {
    proxy.world.network.blackhole(proxy.origins[1]!.address);
    const client = await proxy.clientWith(GET);
    await proxy.advance(110);
    proxy.origin.last.close();
    await proxy.advance(4_000);

    assert.deepEqual(answersOf(client), ["504 connect_timeout"]);
    assert.deepEqual(proxy.outcomes, ["failed", "failed"]);
  },
);

simulation(
  "hedge: a status that is retried does not win, and its connection is kept",
  { ...after100, origins: [silent, BUSY], retry: { statuses: new Set([503]) } },
  async (proxy) => {
    const client = await proxy.clientWith(GET);
    await proxy.advance(120);
    assert.equal(client.text, "");
    proxy.origin.last.send(OK);
    await proxy.advance(10);

    assert.deepEqual(answersOf(client), ["200"]);
    assert.equal(proxy.pools.get(proxy.upstream.endpoints[1]!)!.idleCount, 1);
  },
);

simulation(
  "hedge: a first that answers with such a status leaves it to the second",
  { ...after100, origins: [silent, silent], retry: { statuses: new Set([503]) } },
  async (proxy) => {
    const client = await proxy.clientWith(GET);
    await proxy.advance(110);
    proxy.origin.last.send(BUSY);
    await proxy.advance(50);
    assert.equal(client.text, "");
    proxy.origins[1]!.last.send(OK);
    await proxy.advance(10);

    assert.deepEqual(answersOf(client), ["200"]);
  },
);

simulation(
  "hedge: a first that takes too long for perTry leaves it to the second, which has its own time",
  {
    ...after100,
    origins: [silent, silent],
    retry: { on: new Set<RetryCondition>(["timeout"]), perTryMs: 300 },
  },
  async (proxy) => {
    const client = await proxy.clientWith(GET);
    await proxy.advance(500);
    assert.ok(proxy.origin.last.isClosed || proxy.origin.last.hasFinished);
    proxy.origins[1]!.last.send(OK);
    await proxy.advance(10);

    assert.deepEqual(answersOf(client), ["200"]);
  },
);

for (const ms of [50, 105, 150]) {
  simulation(
    `hedge: a client that leaves after ${ms} ms takes both with it`,
    { ...after100, origins: [silent, silent] },
    async (proxy) => {
      const client = await proxy.clientWith(GET);
      await proxy.advance(ms - 5);
      client.reset();
      await proxy.advance(500);

      assert.deepEqual(proxy.ends, ["client_gone"]);
      assert.equal(proxy.openWires, 0);
      assert.ok(proxy.outcomes.every((outcome) => outcome === "abandoned"));
    },
  );
}

for (const [name, text] of [
  ["a POST", POST],
  ["what has a body", PUT],
  ["a WebSocket", SOCKET],
]) {
  simulation(
    `hedge: ${name} is asked for once`,
    { ...after100, origins: [silent, OK] },
    async (proxy) => {
      await proxy.clientWith(text!);
      await proxy.advance(500);

      assert.equal(proxy.origins[1]!.connections.length, 0);
    },
  );
}

simulation(
  "hedge: without another endpoint there is none",
  { ...after100, origins: [silent] },
  async (proxy) => {
    await proxy.clientWith(GET);
    await proxy.advance(500);

    assert.equal(proxy.origin.connections.length, 1);
    assert.equal(proxy.worker.begun[0]!.attempts, 1);
  },
);

simulation(
  "hedge: the retry budget bounds how many there are",
  { ...after100, origins: [silent, silent], retryBudget: { percent: 0, minConcurrent: 2 } },
  async (proxy) => {
    for (let count = 0; count < 10; count++) proxy.client().send(GET);
    await proxy.advance(500);

    assert.equal(proxy.origins[1]!.requests.length, 2);
  },
);

simulation(
  "hedge: after a percentile, once enough is known of it",
  { hedge: { percentile: 90 }, origins: [silent, OK] },
  async (proxy) => {
    proxy.origin.answer = (connection) =>
      void proxy.world.clock.after(20, () => connection.send(OK));
    for (let count = 0; count < 120; count++) {
      const client = await proxy.clientWith(GET);
      await proxy.advance(50);
      client.close();
    }
    assert.equal(proxy.origins[1]!.requests.length, 0, "nobody was slower than usual");

    proxy.origin.answer = silent;
    const client = await proxy.clientWith(GET);
    await proxy.advance(60);

    assert.deepEqual(answersOf(client), ["200"]);
    assert.equal(proxy.origins[1]!.requests.length, 1);
  },
);
