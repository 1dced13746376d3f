/** A worker that breaks takes with it what it had in flight, and nothing else. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Client } from "../support/client.ts";
import { eventually } from "../support/deadline.ts";
import type { ProxyHere } from "../support/proxy.ts";
import { forwardTo, GET, OK, type Scenario, scenario } from "../support/scenario.ts";
import { breakWorker, FAULTY_WORKERS, type WorkerFault } from "../support/worker-faults.ts";

const CLIENTS = 24; // over two workers: one with none of them is a matter of 1 in 8 million
const TOP = "workers: 2, watchdog: 2s";

/** An origin that answers when it is told to. */
async function holdingOrigin(it: Scenario) {
  const held: ServerResponse[] = [];
  const server = createServer((_request, response) => void held.push(response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  it.defer(() => server.close().closeAllConnections());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, held };
}

async function lostAndReplaced(proxy: ProxyHere, reason: string): Promise<void> {
  await eventually(
    async () => {
      const restarts = await proxy.metric(`sluice_worker_restarts_total{reason="${reason}"}`);
      return restarts === 1 && (await proxy.metric("sluice_workers")) === 2 ? true : undefined;
    },
    () => `a worker lost (${reason}) and replaced`,
    20_000,
  );
}

function openOf(clients: readonly Client[]): Client[] {
  return clients.filter((client) => !client.over);
}

// biome-ignore format: a table
const losses: readonly [WorkerFault["kind"], string][] = [
  ["throw",         "crashed"],
  ["reject",        "crashed"],
  ["exit",          "exited"],
  ["hang",          "hung"],
  ["fill the heap", "out_of_memory"],
];

for (const [fault, reason] of losses) {
  scenario(
    `worker lost (${fault}): its exchanges end, those of the other go on, every count is right`,
    async (it) => {
      const origin = await holdingOrigin(it);
      const proxy = await it.proxyHere(forwardTo(origin.url, { top: TOP }), FAULTY_WORKERS);
      const clients = await Promise.all(Array.from({ length: CLIENTS }, () => it.connect()));
      for (const client of clients) client.send(GET);
      await eventually(
        () => (origin.held.length === CLIENTS ? true : undefined),
        () => `${CLIENTS} requests at the origin, not ${origin.held.length}`,
      );

      await breakWorker(fault);
      await lostAndReplaced(proxy, reason);

      const left = openOf(clients);
      assert.ok(left.length > 0 && left.length < CLIENTS, `${left.length} clients are left`);
      assert.equal(await proxy.metric("sluice_requests_active"), left.length);
      const active = `sluice_upstream_requests_active{upstream="app",endpoint="${new URL(origin.url).host}"}`;
      assert.equal(await proxy.metric(active), left.length);
      const { listeners } = await proxy.status();
      assert.deepEqual(listeners, [{ key: "127.0.0.1:0", connections: left.length }]);
      for (const response of origin.held) response.end("ok");
      for (const client of left) assert.equal((await client.readResponse()).status, 200);
      origin.held.length = 0;
    },
    { timeoutMs: 60_000 },
  );
}

scenario("worker lost: what it had counted stays counted", async (it) => {
  const origin = await it.origin(OK);
  const proxy = await it.proxyHere(forwardTo(origin.url, { top: TOP }), FAULTY_WORKERS);
  for (let count = 0; count < 20; count++) await it.client(GET);

  await breakWorker("throw", 0);
  await lostAndReplaced(proxy, "crashed");
  for (let count = 0; count < 20; count++) await it.client(GET);

  let page = "";
  await eventually(
    async () => {
      page = await proxy.metrics(); // a client may have its answer before it is counted
      const [, count] = /^sluice_requests_total\{[^}]*class="2xx"\} (\d+)$/m.exec(page) ?? [];
      return Number(count) === 40 || undefined;
    },
    () => `40 requests in ${page}`,
  );
  assert.match(page, /^sluice_connections_total\{[^}]*\} 40$/m);
});

scenario("worker lost: who comes after it was noticed is served, every one", async (it) => {
  const origin = await it.origin(OK);
  const proxy = await it.proxyHere(forwardTo(origin.url, { top: TOP }), FAULTY_WORKERS);
  await breakWorker("exit", 1);
  await eventually(
    async () =>
      (await proxy.metric('sluice_worker_restarts_total{reason="exited"}')) === 1 || undefined,
    () => "the loss",
  );

  const answers: string[] = [];
  for (let count = 0; count < 100; count++) answers.push(await it.client(GET));

  assert.equal(answers.filter((each) => each.startsWith("HTTP/1.1 200 ")).length, 100);
});

scenario(
  "worker lost while a config is prepared: nobody takes it, and the next one is taken",
  async (it) => {
    const origin = await it.origin(OK);
    const config = (status: number) =>
      `{ ${TOP}, upstreams: { app: "${origin.url}" }, sites: [{ hosts: ["*"], routes: [{ respond: { status: ${status} } }] }] }`;
    const proxy = await it.proxyHere(config(201), FAULTY_WORKERS);
    await breakWorker("throw in prepare", 1);

    await assert.rejects(proxy.reload(config(202)), /worker 1 ended \(crashed\)/);
    const after = await Promise.all(Array.from({ length: 10 }, () => it.client(GET)));
    await lostAndReplaced(proxy, "crashed");
    await proxy.reload(config(203));
    const then = await Promise.all(Array.from({ length: 10 }, () => it.client(GET)));

    assert.deepEqual(new Set(after.map((each) => each.slice(9, 12))), new Set(["201"]));
    assert.deepEqual(new Set(then.map((each) => each.slice(9, 12))), new Set(["203"]));
  },
);

scenario(
  "worker lost after all had prepared: the others take the config, and so does the next",
  async (it) => {
    const origin = await it.origin(OK);
    const config = (status: number) =>
      `{ ${TOP}, upstreams: { app: "${origin.url}" }, sites: [{ hosts: ["*"], routes: [{ respond: { status: ${status} } }] }] }`;
    const proxy = await it.proxyHere(config(201), FAULTY_WORKERS);
    await breakWorker("throw in commit", 0);
    await it.client(GET);

    await proxy.reload(config(202));
    await lostAndReplaced(proxy, "crashed");
    const after = await Promise.all(Array.from({ length: 20 }, () => it.client(GET)));

    assert.deepEqual(new Set(after.map((each) => each.slice(9, 12))), new Set(["202"]));
  },
);
