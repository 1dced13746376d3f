/**
 * Every timer of core/limits.ts about the client fires with its own fault, and not before: the wheel may
 * be one tick of 100 ms late, a watch of progress half of its time, nothing may be early.
 */
import assert from "node:assert/strict";
import { LONG_POST } from "../support/sim-messages.ts";
import type { SimPeer } from "../support/sim-peer.ts";
import { answersOf, GET, OK, type SimProxy, simulation } from "../support/sim-proxy.ts";
import { within } from "../support/sim-timing.ts";

const POST = "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\n";
const silent = () => {}; // an origin that takes a request and says nothing

simulation(
  "timers: requestHead counts from the first byte, however many follow",
  {},
  async (proxy) => {
    const client = await proxy.clientWith("GET / HTTP/1.1\r\nHost: a.test\r\nX-A: ");
    for (let count = 0; count < 14; count++) {
      await proxy.advance(1_000);
      client.send("a");
    }
    assert.equal(client.isClosed, false);

    await within(proxy, 15_000 - 14_005, () => client.text !== "");

    assert.deepEqual(answersOf(client), ["408 request_head_timeout"]);
    assert.deepEqual(proxy.ends, ["request_head_timeout"]);
  },
);

simulation("timers: requestHead counts anew for the next request", {}, async (proxy) => {
  const client = await proxy.clientWith(GET);
  await proxy.advance(60_000);
  client.send("G");
  await proxy.advance(5);

  await within(proxy, 15_000 - 5, () => client.text.includes("408"));

  assert.deepEqual(answersOf(client), ["200", "408 request_head_timeout"]);
});

simulation("timers: keepAlive closes a connection that has not sent a byte", {}, async (proxy) => {
  const client = await proxy.clientWith("");

  await within(proxy, 75_000 - 5, () => client.hasFinished);

  assert.equal(client.text, "");
  assert.deepEqual(proxy.ends, []);
});

simulation("timers: keepAlive counts from the end of the last response", {}, async (proxy) => {
  const client = await proxy.clientWith(GET);
  await proxy.advance(40_000);
  client.send(GET);
  await proxy.advance(5);

  await within(proxy, 75_000 - 5, () => client.hasFinished);

  assert.deepEqual(proxy.ends, ["served", "served"]);
});

simulation(
  "timers: requestBody cuts an upload in which nothing moves",
  {
    origins: [silent],
    rates: { minBytesPerSecond: 0, graceMs: 0 },
  },
  async (proxy) => {
    const client = await proxy.clientWith(`${POST}12`);

    await within(proxy, 30_000 - 5, () => proxy.ends.length === 1, 15_000);

    assert.deepEqual(answersOf(client), ["408 request_body_timeout"]);
    assert.equal(proxy.origin.last.hasFinished || proxy.origin.last.isClosed, true);
    assert.equal(proxy.origin.requests.length, 0);
    assert.deepEqual(proxy.outcomes, ["abandoned"]);
  },
);

simulation(
  "timers: requestBody lets a slow upload go on that keeps moving",
  {
    rates: { minBytesPerSecond: 0, graceMs: 0 },
  },
  async (proxy) => {
    const client = await proxy.clientWith(POST);
    for (let count = 0; count < 10; count++) {
      await proxy.advance(20_000);
      client.send(String(count));
    }
    await proxy.advance(5);

    assert.deepEqual(answersOf(client), ["200"]);
    assert.equal(proxy.origin.requests[0]!.body, "0123456789");
  },
);

/** Sends this much per second for as long as the client is not cut off. */
async function upload(proxy: SimProxy, client: SimPeer, bytesPerSecond: number, seconds: number) {
  for (let count = 0; count < seconds && !client.hasFinished; count++) {
    client.send("x".repeat(bytesPerSecond));
    await proxy.advance(1_000);
  }
}

simulation(
  "rates: an upload below the minimum is cut once the grace is over",
  {
    origins: [silent],
  },
  async (proxy) => {
    const client = await proxy.clientWith(LONG_POST);

    await upload(proxy, client, 400, 19);
    assert.deepEqual(proxy.ends, []);
    await upload(proxy, client, 400, 12);

    assert.deepEqual(proxy.ends, ["request_body_timeout"]);
    assert.deepEqual(answersOf(client), ["408 request_body_timeout"]);
  },
);

simulation(
  "rates: an upload just above the minimum is not cut",
  { origins: [silent] },
  async (proxy) => {
    const client = await proxy.clientWith(LONG_POST);

    await upload(proxy, client, 600, 120);

    assert.deepEqual(proxy.ends, []);
    assert.equal(client.hasFinished, false);
  },
);

simulation(
  "rates: an upload that we hold back ourselves is not the client's fault",
  {
    timeouts: { send: 200_000, responseHead: 200_000 },
  },
  async (proxy) => {
    proxy.origin.onConnection = (connection) => connection.pause();
    const client = await proxy.clientWith(LONG_POST);
    client.send("x".repeat(1_000_000));

    await proxy.advance(100_000);
    assert.deepEqual(proxy.ends, []);
    proxy.origin.last.isReading = false;
    proxy.origin.last.resume();
    await proxy.advance(1_000);

    assert.ok(proxy.origin.last.byteCount > 1_000_000);
    proxy.origin.last.send(OK);
    await proxy.advance(5);
    assert.deepEqual(answersOf(client), ["200"]);
  },
);

const LARGE = `HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n${"x".repeat(3_000_000)}`;

simulation(
  "timers: write gives up on a client that takes nothing",
  {
    origins: [LARGE],
    rates: { minBytesPerSecond: 0, graceMs: 0 },
  },
  async (proxy) => {
    const client = proxy.client();
    client.pause();
    client.send(GET);
    await proxy.advance(5);

    await within(proxy, 30_000 - 5, () => proxy.ends.length === 1, 15_000);

    assert.deepEqual(proxy.ends, ["response_write_timeout"]);
    assert.deepEqual(proxy.outcomes, ["abandoned"]);
  },
);

simulation(
  "rates: a client that reads below the minimum is cut once the grace is over",
  {
    origins: [LARGE],
    network: { kernelBytes: 16 * 1024 },
  },
  async (proxy) => {
    const client = proxy.client();
    client.pause();
    client.send(GET);

    await proxy.advance(19_000);
    assert.deepEqual(proxy.ends, []);
    await proxy.advance(11_000);

    assert.deepEqual(proxy.ends, ["response_write_timeout"]);
  },
);

simulation(
  "timers: write does not blame the client for an origin that pauses",
  {
    origins: [(connection) => connection.send(LARGE.slice(0, 100_000))],
  },
  async (proxy) => {
    const client = await proxy.clientWith(GET);

    await proxy.advance(55_000);

    assert.deepEqual(proxy.ends, []);
    assert.ok(client.byteCount > 90_000);
  },
);

simulation(
  "timers: halfClose bounds what is left of an exchange",
  { origins: [silent] },
  async (proxy) => {
    const client = await proxy.clientWith(GET);
    client.finish();
    await proxy.advance(1);

    await within(proxy, 500 - 1, () => proxy.ends.length === 1);

    assert.deepEqual(proxy.ends, ["client_gone"]);
    assert.deepEqual(proxy.outcomes, ["abandoned"]);
  },
);

simulation(
  "timers: an answer ahead of its request lingers for the rest, and not longer",
  {
    origins: [silent],
  },
  async (proxy) => {
    const client = await proxy.clientWith(LONG_POST);
    proxy.origin.last.send("HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n");
    await proxy.advance(5);
    assert.deepEqual(answersOf(client), ["413"]);
    assert.equal(client.hasFinished, false);

    await within(proxy, 2_000 - 5, () => client.hasFinished || client.isClosed);

    assert.deepEqual(proxy.ends, ["served"]);
  },
);
