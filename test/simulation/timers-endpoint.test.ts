/**
 * Every timer of core/limits.ts about the endpoint fires with its own fault, and not before: the wheel may
 * be one tick of 100 ms late, a watch of progress half of its time, nothing may be early.
 */
import assert from "node:assert/strict";
import { LONG_POST } from "../support/sim-messages.ts";
import { answersOf, GET, OK, type SimProxy, simulation } from "../support/sim-proxy.ts";
import { within } from "../support/sim-timing.ts";

const POST = "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\n";
const silent = () => {}; // an origin that takes a request and says nothing
const LARGE = `HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n${"x".repeat(3_000_000)}`;

simulation(
  "timers: connect gives up on an endpoint that does not answer",
  {
    retry: { attempts: 1 },
  },
  async (proxy) => {
    proxy.world.network.blackhole(proxy.origin.address);
    const client = await proxy.clientWith(GET);

    await within(proxy, 3_000 - 5, () => proxy.ends.length === 1);

    assert.deepEqual(answersOf(client), ["504 connect_timeout"]);
    assert.deepEqual(proxy.outcomes, ["failed"]);
  },
);

simulation(
  "timers: send gives up on an endpoint that does not take the request",
  {},
  async (proxy) => {
    proxy.origin.onConnection = (connection) => connection.pause();
    const client = await proxy.clientWith(LONG_POST);
    client.send("x".repeat(900_000));
    await proxy.advance(5);

    await within(proxy, 30_000 - 5, () => proxy.ends.length === 1, 15_000);

    assert.deepEqual(answersOf(client), ["504 upstream_send_timeout"]);
  },
);

simulation(
  "timers: responseHead counts from the end of the request",
  { origins: [silent] },
  async (proxy) => {
    const client = await proxy.clientWith(POST);
    await proxy.advance(20_000);
    client.send("0123456789");
    await proxy.advance(5);

    await within(proxy, 60_000 - 5, () => proxy.ends.length === 1);

    assert.deepEqual(answersOf(client), ["504 response_timeout"]);
    assert.deepEqual(proxy.outcomes, ["failed"]);
  },
);

// biome-ignore format: a table
const bodiless: [name: string, head: string][] = [
  ["no framing",       GET],
  ["a length of zero", "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n"],
  ["an empty chunked", "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
];

for (const [name, head] of bodiless) {
  simulation(
    `timers: responseHead, of a request with ${name}`,
    { origins: [silent] },
    async (proxy) => {
      const client = await proxy.clientWith(head);

      await within(proxy, 60_000 - 5, () => proxy.ends.length === 1);

      assert.deepEqual(answersOf(client), ["504 response_timeout"]);
    },
  );
}

simulation(
  "timers: responseHead is not put off by a head that comes byte by byte",
  {
    origins: [silent],
  },
  async (proxy) => {
    const client = await proxy.clientWith(GET);
    proxy.origin.last.send("HTTP/1.1 200 OK\r\nX-A: ");
    for (let count = 0; count < 59; count++) {
      await proxy.advance(1_000);
      proxy.origin.last.send("a");
    }
    assert.deepEqual(proxy.ends, []);

    await proxy.advance(1_500);

    assert.deepEqual(answersOf(client), ["504 response_timeout"]);
  },
);

simulation(
  "timers: responseBody cuts a response in which nothing moves",
  {
    origins: ["HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"],
  },
  async (proxy) => {
    const client = await proxy.clientWith(GET);

    await within(proxy, 60_000 - 5, () => proxy.ends.length === 1);

    assert.deepEqual(proxy.ends, ["response_body_timeout"]);
    assert.equal(client.hasFinished || client.isClosed, true);
  },
);

simulation(
  "timers: responseBody counts from the last bytes",
  {
    origins: ["HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"],
  },
  async (proxy) => {
    const client = await proxy.clientWith(GET);
    await proxy.advance(50_000);
    proxy.origin.last.send("67");
    await proxy.advance(50_000);
    assert.deepEqual(proxy.ends, []);
    proxy.origin.last.send("890");
    await proxy.advance(5);

    assert.match(client.text, /1234567890$/);
    assert.deepEqual(proxy.ends, ["served"]);
  },
);

simulation(
  "timers: responseBody does not blame the endpoint for a slow client",
  {
    origins: [LARGE],
    timeouts: { write: 1_000_000 },
    rates: { minBytesPerSecond: 0, graceMs: 0 },
  },
  async (proxy) => {
    const client = proxy.client();
    client.pause();
    client.send(GET);

    await proxy.advance(300_000);
    assert.deepEqual(proxy.ends, []);
    client.resume();
    await proxy.advance(1_000);

    assert.deepEqual(proxy.ends, ["served"]);
    assert.equal(client.byteCount > 3_000_000, true);
  },
);

const EXPECTING =
  "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n";

simulation("timers: expectContinue says 100 in the endpoint's place", {}, async (proxy) => {
  const client = await proxy.clientWith(EXPECTING);

  await within(proxy, 1_000 - 5, () => client.text !== "");
  assert.equal(client.text, "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("hi");
  await proxy.advance(5);

  assert.deepEqual(answersOf(client), ["100", "200"]);
  assert.equal(proxy.origin.requests[0]!.body, "hi");
});

simulation("timers: an endpoint whose 100 comes late does not say it twice", {}, async (proxy) => {
  const client = await proxy.clientWith(EXPECTING);
  await proxy.advance(2_000);

  proxy.origin.last.send("HTTP/1.1 100 Continue\r\n\r\n");
  await proxy.advance(5);
  client.send("hi");
  await proxy.advance(5);

  assert.deepEqual(answersOf(client), ["100", "200"]);
});

simulation(
  "timers: a client that never sends what it announced is not waited for",
  {
    origins: [silent],
  },
  async (proxy) => {
    const client = await proxy.clientWith(EXPECTING);

    await proxy.advance(50_000);

    assert.deepEqual(answersOf(client), ["100", "408 request_body_timeout"]);
  },
);

simulation(
  "timers: a client that was told 100 is not told again when its request is tried again",
  {
    origins: [silent, OK],
    retry: { on: new Set(["reset"]) },
  },
  async (proxy) => {
    const client = await proxy.clientWith(
      "PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n",
    );
    await proxy.advance(1_200);
    proxy.origin.last.reset();
    await proxy.advance(100);
    client.send("hi");
    await proxy.advance(5);

    assert.deepEqual(answersOf(client), ["100", "200"]);
    assert.equal(proxy.origins[1]!.requests[0]!.body, "hi");
  },
);

const onlyPool = (proxy: SimProxy) => [...proxy.pools.values()][0]!;

// biome-ignore format: a table
const kept: [name: string, field: string, afterMs: number][] = [
  ["timeouts.upstreamKeepAlive",                    "",                                     30_000],
  ["Keep-Alive of the endpoint, minus a second",    "Keep-Alive: timeout=5\r\n",            4_000],
  ["Keep-Alive with more than a timeout in it",     "Keep-Alive: timeout=10, max=100\r\n",  9_000],
  ["our own, where Keep-Alive says more",           "Keep-Alive: timeout=3600\r\n",         30_000],
];

for (const [name, field, afterMs] of kept) {
  simulation(
    `timers: an idle upstream connection is kept for ${name}`,
    {
      origins: [`HTTP/1.1 200 OK\r\n${field}Content-Length: 2\r\n\r\nok`],
    },
    async (proxy) => {
      await proxy.clientWith(GET);
      assert.equal(onlyPool(proxy).idleCount, 1);

      await within(proxy, afterMs - 5, () => onlyPool(proxy).openCount === 0);

      assert.equal(proxy.origin.last.hasFinished, true);
    },
  );
}

simulation(
  "timers: Keep-Alive of a second is too short to be kept at all",
  {
    origins: ["HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok"],
  },
  async (proxy) => {
    await proxy.clientWith(GET);

    assert.equal(onlyPool(proxy).openCount, 0);
  },
);
