/** inFlight over real sockets: all workers count together, and give back what a lost one held. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { eventually } from "../support/deadline.ts";
import { firstStatus, forwardTo, GET, type Scenario, scenario } from "../support/scenario.ts";
import { breakWorker, FAULTY_WORKERS } from "../support/worker-faults.ts";

async function holdingOrigin(it: Scenario) {
  const held: ServerResponse[] = [];
  const server = createServer((_request, response) => void held.push(response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  it.defer(() => server.close().closeAllConnections());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, held };
}

scenario(
  "inFlight: two workers let in exactly max, also after one was lost",
  async (it) => {
    const origin = await holdingOrigin(it);
    const proxy = await it.proxyHere(
      forwardTo(origin.url, {
        top: "workers: 2, watchdog: off",
        route: "inFlight: { max: 7 }",
      }),
      FAULTY_WORKERS,
    );
    const come = async () => {
      const clients = await Promise.all(Array.from({ length: 30 }, () => it.connect()));
      for (const client of clients) client.send(GET);
      return clients;
    };
    const first = await come();
    const refused = () => first.filter(({ text }) => firstStatus(text || "HTTP/1.1 000 ") === 429);
    await eventually(
      () => (refused().length === 23 ? true : undefined),
      () => `${refused().length} of 23`,
    );
    assert.equal(origin.held.length, 7);

    await breakWorker("exit");
    await eventually(
      async () =>
        (await proxy.metric('sluice_worker_restarts_total{reason="exited"}')) === 1
          ? true
          : undefined,
      () => "a worker lost",
      20_000,
    );
    const left = first.filter((client) => !client.over && client.text === "").length;
    const second = await come();
    const served = () => second.filter(({ text }) => text === "").length;
    await eventually(
      () => (served() === 7 - left ? true : undefined),
      () => `${served()} beside ${left}`,
    );

    await eventually(
      () => (origin.held.length === 14 - left ? true : undefined),
      () => `${origin.held.length} at the origin beside ${left}`,
    );
    for (const response of origin.held) response.end("ok");
    const answered = () => second.filter(({ text }) => text.startsWith("HTTP/1.1 200 ")).length;
    await eventually(
      () => (answered() === 7 - left ? true : undefined),
      () => `${answered()} answered`,
    );
  },
  { timeoutMs: 60_000 },
);

scenario(
  "inFlight: keys are told apart by a header, and who has none by its address",
  async (it) => {
    const origin = await holdingOrigin(it);
    await it.proxy(forwardTo(origin.url, { route: 'inFlight: { max: 1, per: "{header.x-key}" }' }));
    const ask = async (key: string) => {
      const client = await it.connect();
      client.send(`GET / HTTP/1.1\r\nhost: a.test\r\n${key === "" ? "" : `x-key: ${key}\r\n`}\r\n`);
      return client;
    };

    for (const key of ["a", "b", ""]) await ask(key);
    await eventually(
      () => (origin.held.length === 3 ? true : undefined),
      () => "three keys, three places",
    );

    for (const key of ["a", "b", ""]) {
      assert.equal((await (await ask(key)).readResponse()).status, 429);
    }
  },
);
