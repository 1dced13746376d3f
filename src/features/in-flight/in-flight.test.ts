import assert from "node:assert/strict";
import { test } from "node:test";
import { toolsOf } from "../../../test/support/build-tools.ts";
import { exchangeOf, requestOf } from "../../../test/support/exchange-of.ts";
import { SimWorker } from "../../../test/support/sim-worker.ts";
import { SimWorld } from "../../../test/support/sim-world.ts";
import type { Reply } from "../../core/filter.ts";
import { inFlight } from "./in-flight.ts";

function stage(options: object) {
  const world = new SimWorld();
  const filter = inFlight.build(inFlight.schema.parse(options), toolsOf(new SimWorker(world)));
  const begin = (clientIp: string) =>
    Object.assign(exchangeOf({ request: requestOf("GET /"), clientIp }), {
      times: { endedMs: 0 },
      placeRow: -1,
    });
  return { world, filter, begin };
}

// biome-ignore format: a table
const rows: [name: string, options: object, clients: string[], want: number[]][] = [
  ["each address has its own",      { max: 1 },                 ["192.0.2.1", "192.0.2.2", "192.0.2.1"], [0, 0, 429]],
  ["one IPv6 network is one",       { max: 1 },                 ["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"], [0, 429, 0]],
  ["all of a route together",       { max: 2, per: "all" },   ["192.0.2.1", "192.0.2.2", "192.0.2.3"], [0, 0, 429]],
  ["none is refused in mode warn",  { max: 1, mode: "warn" },   ["192.0.2.1", "192.0.2.1", "192.0.2.1"], [0, 0, 0]],
];

for (const [name, options, clients, want] of rows) {
  test(`inFlight: ${name}`, () => {
    const { filter, begin } = stage(options);

    const answers = clients.map(
      (clientIp) => filter.identified!(begin(clientIp)) as Reply | undefined,
    );

    assert.deepEqual(
      answers.map((answer) => answer?.status ?? 0),
      want,
    );
  });
}

test("inFlight: a place is given back once, however often an exchange is over", () => {
  const { filter, begin } = stage({ max: 1 });
  const exchange = begin("192.0.2.1");
  filter.identified!(exchange);
  filter.finish!(exchange);
  filter.finish!(exchange);
  const next = begin("192.0.2.1");

  assert.equal(filter.identified!(next), undefined);
  assert.equal((filter.identified!(begin("192.0.2.1")) as Reply).status, 429);
});

test("inFlight: who waits is let in as a place comes free, in order", async () => {
  const { filter, begin } = stage({ max: 1, queue: { max: 2 } });
  const [first, second, third, fourth] = Array.from({ length: 4 }, () => begin("192.0.2.1"));
  assert.equal(filter.identified!(first!), undefined);
  const order: string[] = [];
  const waits = [second!, third!].map(async (exchange, at) => {
    assert.equal(await filter.identified!(exchange), undefined);
    order.push(["second", "third"][at]!);
    filter.finish!(exchange);
  });
  assert.equal((filter.identified!(fourth!) as Reply).status, 429);

  filter.finish!(first!);
  await Promise.all(waits);

  assert.deepEqual(order, ["second", "third"]);
});
