/** Names of endpoints are followed: what they stand for, and what comes of them when they change. */
import assert from "node:assert/strict";
import { eventually } from "../support/deadline.ts";
import { DnsServer } from "../support/dns-server.ts";
import type { StartedProxy } from "../support/proxy.ts";
import { firstStatus, GET, OK, type Scenario, scenario } from "../support/scenario.ts";
import { SteadyLoad } from "../support/steady-load.ts";

async function nameServer(it: Scenario): Promise<DnsServer> {
  const server = await DnsServer.open();
  it.defer(() => server.close());
  return server;
}

function config(server: DnsServer, endpoints: string, more = ""): string {
  return `
    dns: { servers: ["${server.address}"], timeout: 200ms, attempts: 1, minTtl: 20ms, maxTtl: 40ms ${more} }
    upstreams: { app: { endpoints: [${endpoints}], balance: roundRobin } }
    sites: [{ hosts: ["*"], routes: [{ forward: app }] }]`;
}

interface Shown {
  readonly name: string;
  readonly health: string;
  readonly weight: number;
  readonly priority: number;
}

async function endpointsOf(proxy: StartedProxy): Promise<readonly Shown[]> {
  const answer = await fetch(`http://127.0.0.1:${proxy.adminPort}/api/status`);
  const status = (await answer.json()) as { upstreams: { endpoints: Shown[] }[] };
  return status.upstreams[0]!.endpoints;
}

scenario("discovery: a name is one endpoint, and follows its address", async (it) => {
  const server = await nameServer(it);
  const before = await it.origin(OK);
  const after = await it.origin(OK, "127.0.0.2", before.port);
  server.zones.set("app.test", { ttl: 0, a: ["127.0.0.1"] });
  const proxy = await it.proxy(config(server, `"app.test:${before.port}"`));
  await it.client(GET);

  server.zones.set("app.test", { ttl: 0, a: ["127.0.0.2"] });
  await eventually(
    async () => {
      await it.client(GET);
      return after.received.length > 0 ? true : undefined;
    },
    () => "a request to the new address",
  );

  assert.equal(before.received.length > 0, true);
  assert.deepEqual(
    (await endpointsOf(proxy)).map(({ name }) => name),
    [`app.test:${before.port}`],
  );
});

scenario(
  "discovery: resolve all makes an endpoint of each address, as they come and go",
  async (it) => {
    const server = await nameServer(it);
    const one = await it.origin(OK);
    const two = await it.origin(OK, "127.0.0.2", one.port);
    server.zones.set("app.test", { ttl: 0, a: ["127.0.0.1"] });
    const endpoint = `{ url: "http://app.test:${one.port}", resolve: all, weight: 3 }`;
    const proxy = await it.proxy(config(server, endpoint));
    const listed = async () => (await endpointsOf(proxy)).map(({ name }) => name).join();
    const becomes = (want: string) =>
      eventually(
        async () => ((await listed()) === want ? true : undefined),
        () => want,
      );
    await becomes(`127.0.0.1:${one.port}`);

    server.zones.set("app.test", { ttl: 0, a: ["127.0.0.2", "127.0.0.1"] });
    await becomes(`127.0.0.1:${one.port},127.0.0.2:${one.port}`);
    for (let number = 0; number < 4; number++) await it.client(GET);
    assert.deepEqual([one.received.length, two.received.length], [2, 2]);
    assert.deepEqual(
      (await endpointsOf(proxy)).map(({ weight }) => weight),
      [3, 3],
    );

    server.zones.set("app.test", { ttl: 0, a: ["127.0.0.2"] });
    await becomes(`127.0.0.2:${one.port}`);
    await one.connections[0]!.gone; // what was idle to it is closed
    for (let number = 0; number < 4; number++) await it.client(GET);
    assert.equal(two.received.length, 6);
  },
);

scenario(
  "discovery: SRV records are endpoints with their ports, weights and priorities",
  async (it) => {
    const server = await nameServer(it);
    const one = await it.origin(OK);
    const two = await it.origin(OK);
    server.zones.set("_http._tcp.app.test", {
      ttl: 0,
      srv: [
        { host: "one.test", port: one.port, priority: 10, weight: 0 },
        { host: "two.test", port: two.port, priority: 20, weight: 7 },
      ],
    });
    server.zones.set("one.test", { ttl: 0, a: ["127.0.0.1"] });
    server.zones.set("two.test", { ttl: 0, a: ["127.0.0.1"] });

    const proxy = await it.proxy(config(server, "{ srv: _http._tcp.app.test }"));
    await it.client(GET);

    assert.equal(one.received.length, 1);
    assert.deepEqual(
      (await endpointsOf(proxy)).map(({ name, weight, priority }) => [name, weight, priority]),
      [
        [`one.test:${one.port}`, 1, 0],
        [`two.test:${two.port}`, 7, 1],
      ],
    );
    server.zones.set("_http._tcp.app.test", {
      ttl: 0,
      srv: [{ host: "two.test", port: two.port, priority: 20, weight: 7 }],
    });
    await eventually(
      async () => {
        await it.client(GET);
        return two.received.length > 0 ? true : undefined;
      },
      () => "a request to the other service",
    );
  },
);

for (const zone of ["NXDOMAIN", "SERVFAIL", "silence", "garbage"] as const) {
  scenario(`discovery: ${zone} at the start is no failure to start, and heals`, async (it) => {
    const server = await nameServer(it);
    const origin = await it.origin(OK);
    server.zones.set("app.test", zone);

    const proxy = await it.proxy(config(server, `"app.test:${origin.port}"`));
    const refused = await it.client(GET);
    const { health } = (await endpointsOf(proxy))[0]!;
    server.zones.set("app.test", { ttl: 0, a: ["127.0.0.1"] });
    await eventually(
      async () => (firstStatus(await it.client(GET)) === 200 ? true : undefined),
      () => "a request that is served",
    );

    assert.deepEqual([firstStatus(refused), health], [503, "unresolved"]);
  });

  scenario(`discovery: ${zone} later loses nothing`, async (it) => {
    const server = await nameServer(it);
    const origin = await it.origin(OK);
    server.zones.set("app.test", { ttl: 0, a: ["127.0.0.1"] });
    await it.proxy(config(server, `"app.test:${origin.port}"`));

    server.zones.set("app.test", zone);
    const askedBefore = server.asked.length;
    await eventually(
      () => (server.asked.length > askedBefore + 4 ? true : undefined),
      () => "more questions",
    );

    assert.equal(firstStatus(await it.client(GET)), 200);
  });
}

scenario("discovery: of two addresses the one that answers is used", async (it) => {
  const server = await nameServer(it);
  const origin = await it.origin(OK);
  server.zones.set("app.test", { ttl: 60, a: ["::1", "127.0.0.9", "127.0.0.1"] });
  await it.proxy(config(server, `"app.test:${origin.port}"`));

  assert.equal(firstStatus(await it.client(GET)), 200);
});

scenario("discovery: a name that does not resolve does not hold up the others", async (it) => {
  const server = await nameServer(it);
  const origin = await it.origin(OK);
  server.zones.set("gone.test", "silence");

  await it.proxy(config(server, `"gone.test:80", "${origin.url}"`));
  for (let number = 0; number < 4; number++) {
    assert.equal(firstStatus(await it.client(GET)), 200);
  }

  assert.equal(origin.received.length, 4);
});

scenario("discovery: every worker follows, for each address an endpoint", async (it) => {
  const server = await nameServer(it);
  const one = await it.origin(OK);
  const two = await it.origin(OK, "127.0.0.2", one.port);
  server.zones.set("app.test", { ttl: 0, a: ["127.0.0.1"] });
  const endpoint = `{ url: "http://app.test:${one.port}", resolve: all }`;
  const proxy = await it.process(`
    workers: 2${config(server, endpoint)}`);
  const load = new SteadyLoad({ port: proxy.port, keepAlive: 0, fresh: 4, everyMs: 1 });
  await load.untilServed(100);

  server.zones.set("app.test", { ttl: 0, a: ["127.0.0.2"] });
  await eventually(
    () => (two.received.length > 0 ? true : undefined),
    () => "a request to the new address",
  );
  await load.untilServed(50);
  const before = one.received.length;
  await load.untilServed(200);
  await load.stop();

  assert.deepEqual([one.received.length - before, load.failures], [0, []]);
});
