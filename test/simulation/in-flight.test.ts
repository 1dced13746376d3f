/** inFlight: places are given back exactly once, whatever becomes of a request. */
import assert from "node:assert/strict";
import { KeyCounts } from "../../src/base/key-counts.ts";
import type { Filter } from "../../src/core/filter.ts";
import { inFlight } from "../../src/features/in-flight/in-flight.ts";
import { toolsOf } from "../support/build-tools.ts";
import { GET, OK, type SimProxy, type SimProxyOptions, simulation } from "../support/sim-proxy.ts";
import type { SimWorker } from "../support/sim-worker.ts";

const KEY = "203.0.113.9"; // where simulated clients come from

/** The options of a proxy with the filter, and how many places are taken. */
function limited(options: object, more: SimProxyOptions = {}) {
  let counts: KeyCounts | undefined;
  const filters = (worker: SimWorker): Filter[] => {
    const tools = toolsOf(worker, (kept) => {
      if (kept instanceof KeyCounts) counts = kept;
    });
    return [inFlight.build(inFlight.schema.parse(options), tools)];
  };
  const proxy: SimProxyOptions = { filters, ...more };
  return { proxy, counts: () => counts!, taken: () => counts!.count(KEY) };
}

const statuses = (clients: readonly { readonly text: string }[]) =>
  clients.map(({ text }) => (text === "" ? "-" : text.slice(9, 12))).join(" ");

async function comeAll(proxy: SimProxy, count: number) {
  const clients = [];
  for (let number = 0; number < count; number++) clients.push(await proxy.clientWith(GET));
  return clients;
}

const plain = limited({ max: 2 }, { origins: [OK] });
simulation("inFlight: as many as come one after the other", plain.proxy, async (proxy) => {
  for (let number = 0; number < 5; number++) {
    const client = await proxy.clientWith(GET);
    await proxy.advance(50);
    assert.match(client.text, /^HTTP\/1\.1 200 /);
  }
  assert.equal(plain.taken(), 0);
});

const held = limited({ max: 2 }, { origins: [""] });
simulation(
  "inFlight: one more than max gets 429 at once, and takes no place",
  held.proxy,
  async (proxy) => {
    const clients = await comeAll(proxy, 4);
    await proxy.advance(50);

    assert.equal(statuses(clients), "- - 429 429");
    assert.match(clients[2]!.text, /\r\nretry-after: 1\r\n[\s\S]*in_flight_limited/i);
    assert.equal(held.taken(), 2);
    clients[0]!.reset();
    await proxy.advance(50);
    assert.equal(held.taken(), 1);
  },
);

const warned = limited({ max: 1, mode: "warn", queue: {} }, { origins: [""] });
simulation("inFlight: mode warn lets all pass, and says so", warned.proxy, async (proxy) => {
  await comeAll(proxy, 3);
  await proxy.advance(50);

  assert.deepEqual(
    proxy.worker.begun.map((exchange) => exchange.warned),
    [undefined, ["in_flight_limited"], ["in_flight_limited"]],
  );
  assert.equal(proxy.origin.connections.length, 3);
});

const queued = limited({ max: 1, queue: { max: 2, timeout: "2s" } }, { origins: [""] });
simulation(
  "inFlight: who waits is served in order, or told after its time",
  queued.proxy,
  async (proxy) => {
    const clients = await comeAll(proxy, 4);
    assert.equal(statuses(clients), "- - - 429");

    clients[0]!.reset();
    await proxy.advance(20);
    assert.equal(proxy.origin.connections.length, 2, "the second was let in at once");
    await proxy.advance(2_100);

    assert.equal(statuses(clients), "- - 429 429");
    assert.equal(queued.taken(), 1);
  },
);

const elsewhere = limited({ max: 1, queue: { timeout: "5s" } }, { origins: [OK] });
simulation(
  "inFlight: a place that another worker gives back is found",
  elsewhere.proxy,
  async (proxy) => {
    const counts = elsewhere.counts();
    const row = counts.claim(KEY, 1);
    const client = await proxy.clientWith(GET);
    await proxy.advance(300);
    assert.equal(client.text, "");

    counts.release(row);
    await proxy.advance(150);

    assert.match(client.text, /^HTTP\/1\.1 200 /);
  },
);

const KEYS_LEFT = "inFlight: a client that leaves at any moment leaves no place taken";
for (const queue of [undefined, { max: 10, timeout: "50ms" }]) {
  for (let atMs = 0; atMs <= 130; atMs += 5) {
    const stage = limited({ max: 1, ...(queue && { queue }) }, { origins: [OK] });
    simulation(
      `${KEYS_LEFT}: ${atMs} ms, ${queue ? "queue" : "no queue"}`,
      stage.proxy,
      async (proxy) => {
        const clients = [proxy.client(), proxy.client(), proxy.client()];
        for (const client of clients) client.send(GET + GET);
        await proxy.advance(atMs);
        for (const [index, client] of clients.entries()) {
          if (index === 1) client.reset();
          else client.close();
        }
        await proxy.advance(500);

        assert.equal(stage.taken(), 0);
      },
    );
  }
}
