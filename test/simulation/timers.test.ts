/**
 * Every timer of core/limits.ts fires with its own fault, and not before: the wheel may be one tick
 * of 100 ms late, a watch of progress half of its time, nothing may be early.
 */
import assert from "node:assert/strict";
import type { SimPeer } from "../support/sim-peer.ts";
import { answersOf, DOOR, GET, OK, type SimProxy, simulation } from "../support/sim-proxy.ts";

const TICK_MS = 110; // and what the network takes
const POST = "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\n";
const UPGRADE =
  "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const SWITCHED =
  "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/** Nothing happens before `ms`; by `ms` and a tick it has. */
async function within(
  proxy: SimProxy,
  ms: number,
  has: () => boolean,
  lateMs = TICK_MS,
): Promise<void> {
  await proxy.advance(ms - 10);
  assert.equal(has(), false, `not before ${ms} ms`);
  await proxy.advance(lateMs + 10);
  assert.equal(has(), true, `within ${ms} ms and ${lateMs} ms`);
}

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

const LONG_POST = "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000\r\n\r\n";

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

async function switched(proxy: SimProxy): Promise<SimPeer> {
  proxy.origin.answer = (connection) => {
    connection.isReading = false;
    connection.send(SWITCHED);
  };
  const client = await proxy.clientWith(UPGRADE);
  assert.deepEqual(answersOf(client), ["101"]);
  return client;
}

simulation("timers: tunnelIdle ends a tunnel in which nothing moves", {}, async (proxy) => {
  const client = await switched(proxy);

  await within(proxy, 600_000 - 5, () => proxy.ends.length === 1);

  assert.deepEqual(proxy.ends, ["tunnel_idle"]);
  assert.equal(client.hasFinished || client.isClosed, true);
  assert.equal(proxy.openWires, 0);
});

for (const side of ["client", "endpoint"] as const) {
  simulation(`timers: tunnelIdle counts from the last byte of the ${side}`, {}, async (proxy) => {
    const client = await switched(proxy);
    const talker = side === "client" ? client : proxy.origin.last;
    await proxy.advance(500_000);
    talker.send("x");
    await proxy.advance(500_000);

    assert.deepEqual(proxy.ends, []);
    assert.equal(client.hasFinished, false);
  });
}

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

simulation("timers: after a refusal the connection lingers for 2 s", {}, async (proxy) => {
  const client = await proxy.clientWith("GET / HTTP/9.9\r\n\r\n");
  assert.deepEqual(answersOf(client), ["505 request_version"]);
  assert.equal(client.hasFinished, true);

  await within(proxy, 2_000 - 5, () => proxy.openWires === 0);
});

simulation(
  "timers: a client that never takes a last response does not keep its connection",
  {
    origins: [`HTTP/1.1 200 OK\r\nContent-Length: 40000\r\n\r\n${"x".repeat(40_000)}`],
    network: { kernelBytes: 1_000 },
  },
  async (proxy) => {
    const client = proxy.client();
    client.pause();
    client.send(GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));

    await proxy.advance(100_000);

    assert.equal(proxy.listener.connectionCount, 0);
  },
);

simulation(
  "timers: a slow client gets the whole of a last response",
  {
    origins: [`HTTP/1.1 200 OK\r\nContent-Length: 40000\r\n\r\n${"x".repeat(40_000)}`],
    network: { kernelBytes: 4_000 },
  },
  async (proxy) => {
    const client = proxy.client();
    client.pause();
    client.send(GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));

    await proxy.advance(4_000);
    client.resume();
    await proxy.advance(1_000);

    assert.match(client.text, /x{40000}$/);
    assert.equal(client.hasFinished, true);
  },
);

simulation(
  "timers: a slow client that half-closed gets the whole of its response",
  {
    origins: [`HTTP/1.1 200 OK\r\nContent-Length: 40000\r\n\r\n${"x".repeat(40_000)}`],
    network: { kernelBytes: 4_000 },
  },
  async (proxy) => {
    const client = proxy.client();
    client.pause();
    client.send(GET);
    client.finish();

    await proxy.advance(4_000);
    client.resume();
    await proxy.advance(1_000);

    assert.match(client.text, /x{40000}$/);
  },
);

simulation(
  "timers: nothing is due on a wall clock that jumps",
  { origins: [silent] },
  async (proxy) => {
    const client = await proxy.clientWith(GET);

    proxy.world.clock.jumpWall(86_400_000);
    await proxy.advance(1_000);
    proxy.world.clock.jumpWall(-2 * 86_400_000);
    await proxy.advance(1_000);

    assert.deepEqual(proxy.ends, []);
    proxy.origin.last.send(OK);
    await proxy.advance(5);
    assert.deepEqual(answersOf(client), ["200"]);
  },
);

simulation(
  "drain: an idle connection closes at once, a busy one after its answer",
  {
    origins: [silent],
  },
  async (proxy) => {
    const idle = await proxy.clientWith("");
    const busy = await proxy.clientWith(GET);

    const draining = proxy.listener.drain(30_000);
    await proxy.advance(5);
    assert.equal(idle.hasFinished, true);
    assert.equal(busy.hasFinished, false);
    proxy.origin.last.send(OK);
    await proxy.advance(5);

    assert.match(busy.text, /^HTTP\/1\.1 200 OK\r\n[\s\S]*Connection: close\r\n/);
    assert.deepEqual(await draining, { finished: 2, cut: 0 });
    assert.deepEqual(proxy.ends, ["served"]);
  },
);

simulation(
  "drain: what is not over by the deadline is cut, and not before",
  {
    origins: [silent],
  },
  async (proxy) => {
    await proxy.clientWith(GET);
    let drained: unknown;
    void proxy.listener.drain(30_000).then((result) => {
      drained = result;
    });

    await proxy.advance(29_990);
    assert.deepEqual(proxy.ends, []);
    await proxy.advance(20);

    assert.deepEqual(drained, { finished: 0, cut: 1 });
    assert.deepEqual(proxy.ends, ["shutting_down"]);
    assert.deepEqual(proxy.outcomes, ["abandoned"]);
  },
);

simulation("drain: a tunnel is cut by the deadline", {}, async (proxy) => {
  const client = await switched(proxy);

  const draining = proxy.listener.drain(1_000);
  await proxy.advance(1_010);

  assert.deepEqual(await draining, { finished: 0, cut: 1 });
  assert.deepEqual(proxy.ends, ["shutting_down"]);
  await proxy.advance(5);
  assert.equal(client.hasFinished || client.isClosed, true);
});

simulation(
  "drain: a pipelined request is answered, a connection made since is refused",
  {
    origins: [silent],
  },
  async (proxy) => {
    const client = await proxy.clientWith(GET + GET);

    const draining = proxy.listener.drain(30_000);
    const late = proxy.client();
    await proxy.advance(5);
    assert.equal(late.errorCode, "ECONNREFUSED");
    proxy.origin.last.send(OK);
    await proxy.advance(5);

    // The first answer says that it is the last one, so the second request is not ours to serve.
    assert.deepEqual(answersOf(client), ["200"]);
    await proxy.advance(3_000);
    assert.deepEqual(await draining, { finished: 1, cut: 0 });
  },
);

simulation("the door is where the plan says", {}, async (proxy) => {
  assert.deepEqual(proxy.listener.door?.address, DOOR);
});
