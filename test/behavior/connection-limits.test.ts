/** One client cannot have all connections, and who does nothing goes before who comes is refused (D6). */
import assert from "node:assert/strict";
import type { Client } from "../support/client.ts";
import { eventually } from "../support/deadline.ts";
import type { ProxyHere } from "../support/proxy.ts";
import { firstStatus, forwardTo, GET, OK, type Scenario, scenario } from "../support/scenario.ts";
import { certificateFor } from "../support/tls-stage.ts";
import { breakWorker, FAULTY_WORKERS } from "../support/worker-faults.ts";

const POST = "POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 5\r\n\r\n";
const RESPOND = 'sites: [{ hosts: ["*"], routes: [{ respond: { status: 200, body: hi } }] }]';

/** A connection that has a request at work for as long as its body does not come. */
async function busy(it: Scenario, from?: string): Promise<Client> {
  const client = await it.connect(undefined, undefined, from);
  client.send(POST);
  return client;
}

async function openConnections(proxy: ProxyHere, count: number): Promise<void> {
  await eventually(
    async () => {
      const { listeners } = (await proxy.status()) as { listeners: { connections: number }[] };
      return listeners[0]!.connections === count ? true : undefined;
    },
    () => `${count} connections`,
  );
}

const refusedFor = (proxy: ProxyHere, code: string) =>
  proxy.metric(`sluice_requests_refused_total{listener="127.0.0.1:0",code="${code}"}`);

scenario("connectionsPerClient: one more is told so, other addresses are served", async (it) => {
  const origin = await it.origin(OK);
  const top = "limits: { connectionsPerClient: 2 }";
  const proxy = await it.proxyHere(forwardTo(origin.url, { top }));
  const first = await busy(it);
  await busy(it);
  await openConnections(proxy, 2);

  const third = await it.connect();
  await third.readToEnd();
  const other = await it.connect(undefined, undefined, "127.0.0.2");
  other.send(GET);

  assert.match(
    third.text,
    /^HTTP\/1\.1 429 Too Many Requests\r\n[\s\S]*retry-after: 1\r\n[\s\S]*: connections_limited\n$/,
  );
  assert.equal((await other.readResponse()).status, 200);
  assert.equal(await refusedFor(proxy, "connections_limited"), 1);
  first.close();
  await openConnections(proxy, 2);
  assert.equal(firstStatus(await it.client(GET)), 200);
});

scenario("connectionsPerClient: a trusted proxy is not counted", async (it) => {
  const top = "limits: { connectionsPerClient: 1 }, trust: { proxies: [127.0.0.2] }";
  await it.proxy(`{ ${top}, ${RESPOND} }`);

  for (let number = 0; number < 5; number++) {
    const client = await it.connect(undefined, undefined, "127.0.0.2");
    client.send(GET);
    assert.equal((await client.readResponse()).status, 200);
  }
});

scenario("connectionsPerClient: behind a PROXY header the address is the header's", async (it) => {
  const proxy = await it.proxyHere(`{ limits: { connectionsPerClient: 1 },
    listeners: { "*": { proxyProtocol: { from: [127.0.0.1] } } }, ${RESPOND} }`);
  const come = async (address: string) => {
    const client = await it.connect();
    client.send(`PROXY TCP4 ${address} 198.51.100.1 5432 80\r\n${GET}`);
    return client;
  };

  const first = await come("203.0.113.7");
  assert.equal((await first.readResponse()).status, 200);
  const second = await come("203.0.113.7");
  await second.readToEnd();
  const other = await come("203.0.113.8");

  assert.equal(firstStatus(second.text), 429);
  assert.equal((await other.readResponse()).status, 200);
  first.close();
  await openConnections(proxy, 1);
  assert.equal((await (await come("203.0.113.7")).readResponse()).status, 200);
});

scenario(
  "connectionsPerClient: over TLS the connection is closed before the handshake",
  async (it) => {
    const { cert, key } = await certificateFor(it, ["a.test"]);
    const proxy = await it.proxyHere(`{ limits: { connectionsPerClient: 1 }, sites: [
    { hosts: a.test, tls: { cert: ${cert}, key: ${key} }, routes: [{ respond: { status: 200 } }] }] }`);
    const first = await it.connect(); // and says nothing

    const second = await it.connect();
    await second.readToEnd();

    assert.equal(second.text, "");
    assert.equal(await refusedFor(proxy, "connections_limited"), 1);
    first.close();
    await openConnections(proxy, 0);
    const third = await it.connect();
    third.send("x");
    await openConnections(proxy, 1);
  },
);

scenario("connectionsPerClient: a stream closes what is too many", async (it) => {
  const origin = await it.origin(OK);
  await it.proxy(`{ limits: { connectionsPerClient: 1 }, upstreams: { db: "${origin.url.slice(7)}" },
    streams: [{ listen: ":0", forward: db }] }`);
  const first = await it.connect();
  first.send(GET);
  assert.equal((await first.readResponse()).status, 200);

  const second = await it.connect();
  await second.readToEnd();

  assert.equal(second.text, "");
  first.send(GET);
  assert.equal((await first.readResponse()).status, 200);
  first.close();
  await eventually(
    async () => {
      const next = await it.connect();
      next.send(GET);
      return (await next.readResponse().catch(() => undefined))?.status === 200 ? true : undefined;
    },
    () => "a place for another connection",
  );
});

scenario(
  "connectionsPerClient: counted over all workers, and a lost worker's are given back",
  async (it) => {
    const origin = await it.origin(OK);
    const top = "workers: 2, watchdog: off, limits: { connectionsPerClient: 12 }";
    const proxy = await it.proxyHere(forwardTo(origin.url, { top }), FAULTY_WORKERS);
    const all = await Promise.all(Array.from({ length: 20 }, () => busy(it)));
    const over = () => all.filter((client) => client.over);
    await eventually(
      () => (over().length === 8 ? true : undefined),
      () => `${over().length} of 8`,
    );
    await breakWorker("exit");
    await eventually(
      async () =>
        (await proxy.metric('sluice_worker_restarts_total{reason="exited"}')) === 1 &&
        over().length > 8
          ? true
          : undefined,
      () => "the worker replaced",
      20_000,
    );
    const left = all.filter((client) => !client.over).length;

    const next = await Promise.all(Array.from({ length: 20 }, () => busy(it)));
    await eventually(
      () => (next.filter((client) => client.over).length === 20 - (12 - left) ? true : undefined),
      () => `${next.filter((client) => client.over).length} refused beside ${left}`,
    );
  },
  { timeoutMs: 60_000 },
);

scenario(
  "connectionsPerClient: a reload takes another number, and counts who is there",
  async (it) => {
    const config = (max: string) => `{ limits: { connectionsPerClient: ${max} }, ${RESPOND} }`;
    const proxy = await it.proxyHere(config("3"));
    const clients = [await it.connect(), await it.connect()];
    for (const client of clients) {
      client.send(GET);
      await client.readResponse();
    }

    await proxy.reload(config("2"));
    const third = await it.connect();
    await third.readToEnd();
    await proxy.reload(config("off"));

    assert.equal(firstStatus(third.text), 429);
    assert.equal(firstStatus(await it.client(GET)), 200);
  },
);

scenario("connectionsMax: the connection that is idle longest goes for a newcomer", async (it) => {
  const proxy = await it.proxyHere(`{ limits: { connectionsMax: 3 }, ${RESPOND} }`);
  const clients = [await it.connect(), await it.connect(), await it.connect()];
  for (const client of clients) {
    client.send(GET);
    await client.readResponse();
  }

  assert.equal(firstStatus(await it.client(GET)), 200);

  await eventually(
    () => (clients[0]!.over ? true : undefined),
    () => "the first to be closed",
  );
  for (const client of clients.slice(1)) {
    client.send(GET);
    assert.equal((await client.readResponse()).status, 200);
  }
  assert.equal(await proxy.metric('sluice_connections_shed_total{listener="127.0.0.1:0"}'), 1);
});

scenario("connectionsMax: who is turned away and stays is cut, whatever it sends", async (it) => {
  const proxy = await it.proxyHere(`{ limits: { connectionsMax: 1 }, ${RESPOND} }`);
  const first = await it.connect();
  first.send("POST / HTTP/1.1\r\nhost: a.test\r\ncontent-le");
  await openConnections(proxy, 1);

  const flood = await Promise.all(Array.from({ length: 20 }, () => it.connect()));
  for (const client of flood) client.send("x".repeat(100_000));
  await Promise.all(flood.map((client) => client.readToEnd()));

  for (const client of flood) assert.ok(client.wasReset || firstStatus(client.text) === 503);
  for (const client of flood) client.close();
  first.close();
  await openConnections(proxy, 0);
  assert.equal(firstStatus(await it.client(GET)), 200);
  assert.equal(await proxy.metric("sluice_bugs_total"), 0);
});
