/** HTTP/2 to endpoints together with what else there is: failover, hedging, copies, closing. */
import assert from "node:assert/strict";
import { SimH2Origin } from "../support/sim-h2-origin.ts";
import { answersOf, GET, simulation } from "../support/sim-proxy.ts";

const H2C = { endpoint: { scheme: "h2c" } } as const;
const REFUSED = 7;

simulation(
  "H2Upstream: a refused stream goes to another endpoint, where there is one",
  { ...H2C, origins: ["", ""] },
  async (proxy) => {
    const first = new SimH2Origin(proxy, {
      answer: (connection, id) => connection.reset(id, REFUSED),
    });
    const second = new SimH2Origin(
      proxy,
      { answer: (connection, id) => connection.respond(id) },
      1,
    );

    const client = await proxy.clientWith(GET);
    await proxy.advance(1_000);

    assert.deepEqual(answersOf(client), ["200"]);
    assert.deepEqual([first.requests.length, second.requests.length], [1, 1]);
    assert.deepEqual(proxy.outcomes, ["failed", "served"]);
  },
);

simulation(
  "H2Upstream: who waits in line for a connection that is not made goes elsewhere",
  { ...H2C, origins: ["", ""] },
  async (proxy) => {
    await proxy.origins[0]!.refuse();
    const second = new SimH2Origin(
      proxy,
      { answer: (connection, id) => connection.respond(id) },
      1,
    );
    const clients = Array.from({ length: 10 }, () => proxy.client());
    for (const client of clients) client.send(GET);
    await proxy.advance(2_000);

    assert.ok(clients.every((client) => answersOf(client)[0] === "200"));
    assert.equal(second.requests.length, 10);
  },
);

simulation(
  "H2Upstream: a hedge that wins resets the stream of the other, and no connection",
  { ...H2C, origins: ["", ""], hedge: { afterMs: 100 } },
  async (proxy) => {
    const first = new SimH2Origin(proxy);
    new SimH2Origin(proxy, { answer: (connection, id) => connection.respond(id, "second") }, 1);

    const client = await proxy.clientWith(GET);
    await proxy.advance(200);

    assert.match(client.text, /second/);
    assert.deepEqual(first.last.log.of("RST_STREAM"), ["RST_STREAM 1 CANCEL"]);
    assert.equal(first.last.peer.isClosed, false);
    assert.deepEqual(proxy.outcomes, ["abandoned", "served"]);
  },
);

simulation(
  "H2Upstream: a copy is the same request, and its answer is dropped",
  {
    ...H2C,
    origins: ["", ""],
    others: ["shadow"],
    mirror: (targetOf) => ({
      target: targetOf("shadow"),
      percent: 100,
      bodyBytesMax: 2_000,
      concurrentMax: 3,
    }),
  },
  async (proxy) => {
    const answer = (connection: { respond(id: number): void }, id: number) =>
      connection.respond(id);
    const own = new SimH2Origin(proxy, { answer });
    const shadow = new SimH2Origin(proxy, { answer }, 1);

    const client = await proxy.clientWith(
      "POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc",
    );
    await proxy.advance(50);

    assert.deepEqual(answersOf(client), ["200"]);
    assert.deepEqual(shadow.last.log.of("HEADERS 1"), own.last.log.of("HEADERS 1"));
    assert.equal(shadow.last.log.data(1), "abc");
    assert.equal(proxy.upstreams.get("shadow")!.mirrored.answered, 1);
  },
);

simulation(
  "H2Upstream: a pool that closes lets what is in flight end, and says GOAWAY",
  H2C,
  async (proxy) => {
    const origin = new SimH2Origin(proxy);
    const client = await proxy.clientWith(GET);
    for (const pool of proxy.pools.values()) pool[Symbol.dispose]();
    await proxy.advance(100);
    assert.equal(origin.last.log.of("GOAWAY").length, 0);
    origin.last.respond(1);
    await proxy.advance(100);

    assert.deepEqual(answersOf(client), ["200"]);
    assert.deepEqual(origin.last.log.of("GOAWAY"), ["GOAWAY 0 NO_ERROR"]);
    assert.ok(origin.last.peer.hasFinished);
  },
);

simulation(
  "H2Upstream: a client that leaves the line leaves no dial behind",
  { ...H2C, timeouts: { connect: 3_000 } },
  async (proxy) => {
    proxy.world.network.blackhole(proxy.origin.address);
    const client = await proxy.clientWith(GET);
    const [pool] = proxy.pools.values();
    assert.equal(pool!.openCount, 1);
    client.reset();
    await proxy.advance(100);

    assert.equal(pool!.openCount, 0);
    assert.deepEqual(proxy.ends, ["client_gone"]);
  },
);

simulation(
  "H2Upstream: an endpoint that does not answer the dial fails all who wait",
  { ...H2C, timeouts: { connect: 1_000 } },
  async (proxy) => {
    proxy.world.network.blackhole(proxy.origin.address);
    const clients = Array.from({ length: 3 }, () => proxy.client());
    for (const client of clients) client.send(GET);
    await proxy.advance(2_000);

    assert.deepEqual(
      clients.map((client) => answersOf(client)[0]),
      new Array(3).fill("504 connect_timeout"),
    );
  },
);
