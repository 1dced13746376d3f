import assert from "node:assert/strict";
import { test } from "node:test";
import { endpointSample } from "../../test/support/endpoint.ts";
import { answersOf, GET, simulation } from "../../test/support/sim-proxy.ts";
import { SimWorker } from "../../test/support/sim-worker.ts";
import { SimWorld } from "../../test/support/sim-world.ts";
import { LIMITS, TIMEOUTS } from "../core/limits.ts";
import { EndpointPools, FoundPools } from "./endpoint-pools.ts";
import { Pool } from "./pool.ts";
import { poolShape } from "./pool-to.ts";

const SHAPE = poolShape({ ...TIMEOUTS, upstreamKeepAlive: 60_000 }, LIMITS, { maxIdle: 10 });

function stage() {
  const worker = new SimWorker(new SimWorld());
  const make = (endpoint: ReturnType<typeof endpointSample>) =>
    new Pool(worker, endpoint, worker.endpointMeter("app", endpoint.name), SHAPE);
  const named = endpointSample("named");
  const own = make(named);
  const pools = new EndpointPools(new Map([[named.name, own]]), new FoundPools(make));
  return { pools, named, own };
}

test("EndpointPools: what the config names has its own pool, and what is found the same each time", () => {
  const { pools, named, own } = stage();
  const found = endpointSample("found");

  assert.equal(pools.get(named), own);
  assert.equal(pools.get(found), pools.get(endpointSample("found")));
  assert.notEqual(pools.get(found), own);
});

test("EndpointPools: one that left and came back has a pool anew, which works", () => {
  const { pools } = stage();
  const found = endpointSample("found");
  const before = pools.get(found);

  pools.retain([]);
  const after = pools.get(found);
  pools.retain([found]);

  assert.notEqual(after, before);
  assert.equal(pools.get(found), after);
});

simulation(
  "EndpointPools: closing what is idle costs the next request nothing",
  {},
  async (proxy) => {
    const client = await proxy.clientWith(GET);
    const [pool] = [...proxy.pools.values()];

    pool!.closeIdle();
    client.send(GET);
    await proxy.advance(100);

    assert.deepEqual(answersOf(client), ["200", "200"]);
    assert.equal(proxy.origin.connections.length, 2);
  },
);
