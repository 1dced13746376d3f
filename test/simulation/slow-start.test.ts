/** An endpoint that comes back has its whole share only after a while. */
import assert from "node:assert/strict";
import { BALANCERS, type BalancerName } from "../../src/upstream/balancers/named.ts";
import { GET, OK, type SimProxy, simulation } from "../support/sim-proxy.ts";

const RAMP_MS = 30_000;
const REQUESTS = 400;

/** Its share of so many requests, now: the clock stands still but for the requests themselves. */
async function shareOfFirst(proxy: SimProxy): Promise<number> {
  const before = proxy.origin.requests.length;
  const client = proxy.client();
  for (let sent = 0; sent < REQUESTS; sent++) {
    client.send(GET);
    await proxy.advance(3);
  }
  client.close();
  return (proxy.origin.requests.length - before) / REQUESTS;
}

for (const balance of [
  "leastRequest",
  "roundRobin",
  "random",
  "leastTime",
] satisfies BalancerName[]) {
  simulation(
    `slow start, ${balance}: the share grows from a tenth to all of it`,
    {
      origins: [OK, OK],
      upstream: { balance: BALANCERS[balance], slowStartMs: RAMP_MS },
    },
    async (proxy) => {
      const [{ state }] = proxy.upstream.endpoints as [(typeof proxy.upstream.endpoints)[number]];
      const even = await shareOfFirst(proxy);
      state.readySinceMs = proxy.world.clock.nowMs();

      const early = await shareOfFirst(proxy);
      await proxy.advance(RAMP_MS / 2);
      const midway = await shareOfFirst(proxy);
      await proxy.advance(RAMP_MS / 2);
      const late = await shareOfFirst(proxy);

      assert.ok(Math.abs(even - 0.5) < 0.1, `even ${even}`);
      assert.ok(early > 0.01 && early < 0.12, `early ${early}`);
      assert.ok(midway > 0.18 && midway < 0.42, `midway ${midway}`);
      assert.ok(Math.abs(late - 0.5) < 0.1, `late ${late}`);
    },
  );
}

simulation(
  "slow start: who is alone gets everything at once",
  { origins: [OK], upstream: { slowStartMs: RAMP_MS } },
  async (proxy) => {
    proxy.upstream.endpoints[0]!.state.readySinceMs = proxy.world.clock.nowMs();

    assert.equal(await shareOfFirst(proxy), 1);
  },
);

simulation(
  "slow start: all that come back together share as ever",
  { origins: [OK, OK], upstream: { balance: BALANCERS.random, slowStartMs: RAMP_MS } },
  async (proxy) => {
    for (const { state } of proxy.upstream.endpoints) {
      state.readySinceMs = proxy.world.clock.nowMs();
    }

    assert.ok(Math.abs((await shareOfFirst(proxy)) - 0.5) < 0.1);
  },
);
