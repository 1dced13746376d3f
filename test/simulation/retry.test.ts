/** When a request is tried again, how soon, how often, and what that costs. */
import assert from "node:assert/strict";
import type { RetryCondition } from "../../src/upstream/retry-policy.ts";
import { answersOf, GET, OK, type SimProxy, simulation } from "../support/sim-proxy.ts";

const POST = "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello";
const PUT = POST.replace("POST", "PUT");
const ALL: ReadonlySet<RetryCondition> = new Set<RetryCondition>([
  "connect",
  "reused",
  "reset",
  "timeout",
]);
const BACKOFF_MOST_MS = 50; // before the second retry; 25 before the first

const silent = () => {};

const attemptsOf = (proxy: SimProxy) => proxy.worker.begun.map(({ attempts }) => attempts);

simulation(
  "retry: a refused connection is tried on another endpoint",
  {
    origins: [silent, OK],
  },
  async (proxy) => {
    await proxy.origin.refuse();
    const client = await proxy.clientWith(POST);
    await proxy.advance(BACKOFF_MOST_MS);

    assert.deepEqual(answersOf(client), ["200"]);
    assert.equal(proxy.origins[1]!.requests[0]!.body, "hello");
    assert.deepEqual(attemptsOf(proxy), [2]);
    assert.deepEqual(proxy.outcomes, ["failed", "served"]);
    assert.deepEqual(proxy.ends, ["served"]);
  },
);

simulation(
  "retry: a refused upload comes through whole on the other endpoint",
  {
    origins: [silent, OK],
  },
  async (proxy) => {
    await proxy.origin.refuse();
    const body = "0123456789".repeat(50_000);
    const client = proxy.client();
    client.send(`POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    proxy.origins[1]!.onConnection = (connection) => {
      connection.isReading = false;
    };
    await proxy.advance(1_000);

    const { last } = proxy.origins[1]!;
    assert.ok(last.byteCount > body.length, `${last.byteCount} bytes`);
    last.send(OK);
    await proxy.advance(5);
    assert.deepEqual(answersOf(client), ["200"]);
  },
);

simulation(
  "retry: a connect that takes too long is tried on another endpoint",
  {
    origins: [silent, OK],
  },
  async (proxy) => {
    proxy.world.network.blackhole(proxy.origin.address);
    const client = await proxy.clientWith(GET);

    await proxy.advance(2_900);
    assert.deepEqual(answersOf(client), []);
    await proxy.advance(300);

    assert.deepEqual(answersOf(client), ["200"]);
  },
);

simulation(
  "retry: nobody left to ask tells the last fault",
  {
    origins: [silent, silent],
    retry: { attempts: 5 },
  },
  async (proxy) => {
    for (const origin of proxy.origins) await origin.refuse();
    const client = await proxy.clientWith(GET);
    await proxy.advance(300);

    assert.deepEqual(answersOf(client), ["502 connect_refused"]);
    assert.deepEqual(attemptsOf(proxy), [2]);
    assert.deepEqual(proxy.outcomes, ["failed", "failed"]);
  },
);

simulation(
  "retry: attempts are bound",
  {
    origins: [silent, silent, silent, silent, OK],
    retry: { attempts: 3 },
  },
  async (proxy) => {
    for (const origin of proxy.origins.slice(0, 4)) await origin.refuse();
    const client = await proxy.clientWith(GET);
    await proxy.advance(1_000);

    assert.deepEqual(answersOf(client), ["502 connect_refused"]);
    assert.deepEqual(attemptsOf(proxy), [3]);
    assert.equal(proxy.worker.failedAttempts.length, 3);
  },
);

for (let seed = 1; seed <= 8; seed++) {
  simulation(
    `retry: the wait is at most 25 ms before the first retry (seed ${seed})`,
    {
      seed,
      origins: [silent, OK],
    },
    async (proxy) => {
      await proxy.origin.refuse();
      const startMs = proxy.world.clock.nowMs();
      const client = proxy.client();
      client.send(GET);

      await proxy.advanceUntil(() => client.text !== "", 60, 1);

      assert.ok(proxy.world.clock.nowMs() - startMs <= 25 + 5);
    },
  );
}

/** Makes a kept connection, and has its endpoint close it when the next request comes. */
async function closeOnReuse(proxy: SimProxy): Promise<void> {
  await proxy.clientWith(GET);
  proxy.origin.answer = (connection) => {
    if (connection === proxy.origin.connections[0]) connection.close();
    else connection.send(OK);
  };
}

simulation(
  "retry: a kept connection that died is replaced at once, on the same endpoint",
  {
    origins: [OK, OK],
  },
  async (proxy) => {
    await closeOnReuse(proxy);
    const client = proxy.client();
    client.send(GET);
    await proxy.advance(2); // no backoff could be waited for

    assert.deepEqual(answersOf(client), ["200"]);
    assert.equal(proxy.origin.connections.length, 2);
    assert.equal(proxy.origins[1]!.connections.length, 0);
    // Nobody has failed: it was closed while it was idle.
    assert.deepEqual(proxy.outcomes, ["served", "abandoned", "served"]);
  },
);

simulation(
  "retry: a kept connection that its endpoint has closed is not used at all",
  {},
  async (proxy) => {
    await proxy.clientWith(GET);
    proxy.origin.last.finish();
    await proxy.advance(5);

    const client = await proxy.clientWith(POST);

    assert.deepEqual(answersOf(client), ["200"]);
    assert.deepEqual(attemptsOf(proxy), [1, 1]);
  },
);

simulation(
  "retry: after one dead connection no other kept one is trusted",
  {
    origins: [silent],
  },
  async (proxy) => {
    const clients = await Promise.all([proxy.clientWith(GET), proxy.clientWith(GET)]);
    for (const connection of proxy.origin.connections) connection.send(OK);
    await proxy.advance(5);
    assert.equal([...proxy.pools.values()][0]!.idleCount, 2);
    const old = [...proxy.origin.connections];
    proxy.origin.answer = (connection) => {
      if (old.includes(connection)) connection.reset();
      else connection.send(OK);
    };

    clients[0]!.send(GET);
    await proxy.advance(5);

    assert.deepEqual(answersOf(clients[0]!), ["200", "200"]);
    assert.equal(proxy.origin.connections.length, 3);
  },
);

// biome-ignore format: a table
const notAgain: [name: string, request: string, replays: boolean, conditions: ReadonlySet<RetryCondition>][] = [
  ["a POST, once its head has gone",             POST, false, ALL],
  ["a POST, even if its body is kept",           POST, true,  ALL],
  ["a PATCH",                                    POST.replace("POST", "PATCH"), true, ALL],
  ["a method nobody knows",                      POST.replace("POST", "FROB"), true, ALL],
  ["a PUT whose body is not kept",               PUT,  false, ALL],
  ["a GET, where the route says only connect",   GET,  false, new Set<RetryCondition>(["connect"])],
];

for (const [name, request, replaysBody, on] of notAgain) {
  simulation(
    `retry: not ${name}`,
    {
      origins: [(connection) => connection.close(), OK],
      retry: { on },
      replaysBody,
    },
    async (proxy) => {
      const client = await proxy.clientWith(request);
      await proxy.advance(300);

      assert.deepEqual(answersOf(client), ["502 reset_before_head"]);
      assert.equal(proxy.origins[1]!.connections.length, 0);
    },
  );
}

// biome-ignore format: a table
const again: [name: string, request: string, replays: boolean][] = [
  ["a GET",                     GET, false],
  ["a DELETE",                  GET.replace("GET", "DELETE"), false],
  ["a PUT whose body is kept",  PUT, true],
  ["a chunked PUT that is kept", "PUT / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", true],
];

for (const [name, request, replaysBody] of again) {
  simulation(
    `retry: ${name} that was not answered goes elsewhere`,
    {
      origins: [(connection) => connection.reset(), OK],
      retry: { on: ALL },
      replaysBody,
    },
    async (proxy) => {
      const client = await proxy.clientWith(request);
      await proxy.advance(300);

      assert.deepEqual(answersOf(client), ["200"]);
      const [first, second] = [proxy.origin.requests[0]!, proxy.origins[1]!.requests[0]!];
      assert.equal(second.body, first.body);
      assert.equal(second.startLine, first.startLine);
    },
  );
}

simulation(
  "retry: a body that is kept is replayed while the rest still comes",
  {
    origins: [silent, OK],
    retry: { on: ALL },
    replaysBody: true,
  },
  async (proxy) => {
    const client = await proxy.clientWith(`${PUT.slice(0, -5)}he`);
    proxy.origin.last.reset();
    await proxy.advance(100);
    client.send("llo");
    await proxy.advance(5);

    assert.deepEqual(answersOf(client), ["200"]);
    assert.equal(proxy.origins[1]!.requests[0]!.body, "hello");
  },
);

simulation(
  "retry: a body larger than what is kept makes a request that is not tried again",
  {
    origins: [silent, OK],
    retry: { on: ALL },
    replaysBody: true,
    limits: { replayBytes: 4 },
  },
  async (proxy) => {
    const client = await proxy.clientWith(PUT);
    proxy.origin.last.reset();
    await proxy.advance(300);

    assert.deepEqual(answersOf(client), ["502 reset_before_head"]);
  },
);

simulation(
  "retry: a head that was cut short is none",
  {
    origins: [(connection) => connection.send("H"), OK],
    retry: { on: ALL },
  },
  async (proxy) => {
    const client = await proxy.clientWith(GET);
    proxy.origin.last.close();
    await proxy.advance(300);

    assert.deepEqual(answersOf(client), ["200"]);
  },
);

simulation(
  "retry: a malformed response is not asked for twice unless the route says so",
  {
    origins: ["HTTP/2.0 200 OK\r\n\r\n", OK],
    retry: { on: ALL },
  },
  async (proxy) => {
    const client = await proxy.clientWith(GET);
    await proxy.advance(300);

    assert.deepEqual(answersOf(client), ["502 response_malformed"]);
    assert.equal(proxy.origins[1]!.connections.length, 0);
  },
);

simulation(
  "retry: a client that leaves while we wait ends it",
  {
    origins: [silent, OK],
    seed: 3, // one whose first wait is long enough to leave in
  },
  async (proxy) => {
    await proxy.origin.refuse();
    const client = proxy.client();
    client.send(GET);
    await proxy.advanceUntil(() => proxy.worker.failedAttempts.length === 1, 10, 0.1);
    assert.deepEqual(proxy.ends, []);

    client.reset();
    await proxy.advance(1_000);

    assert.deepEqual(proxy.ends, ["client_gone"]);
    assert.equal(proxy.origins[1]!.connections.length, 0);
  },
);

for (const how of ["close", "reset"] as const) {
  simulation(`retry: a client that leaves while we connect ends it (${how})`, {}, async (proxy) => {
    proxy.world.network.blackhole(proxy.origin.address);
    const client = await proxy.clientWith(GET);

    client[how]();
    await proxy.advance(1_000);

    assert.deepEqual(proxy.ends, ["client_gone"]);
    assert.deepEqual(proxy.outcomes, ["abandoned"]);
    assert.equal(proxy.openWires, 0);
  });
}
