/** Which upstream gets an exchange where a route has several: shares, stickiness, failover. */
import assert from "node:assert/strict";
import type { ForwardTarget } from "../../src/features/forward/target.ts";
import {
  answersOf,
  GET,
  type SimProxy,
  type SimProxyOptions,
  simulation,
  type TargetOf,
} from "../support/sim-proxy.ts";

const answerOf = (name: string) => `HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${name}`;
const silent = () => {};

/** "app" is a, v2 is b, dr is c. */
function threeOf(
  weights: { readonly app: number; readonly v2: number },
  more: { readonly spills?: boolean; readonly failover?: boolean } = {},
): SimProxyOptions {
  const { spills = true, failover = false } = more;
  return {
    origins: [answerOf("a"), answerOf("b"), answerOf("c")],
    others: ["v2", "dr"],
    choice: (targetOf: TargetOf) => ({
      sides: (["app", "v2"] as const).map((name) => {
        return { target: targetOf(name), weight: weights[name] };
      }),
      failover: failover ? [targetOf("dr")] : ([] as ForwardTarget[]),
      spills,
    }),
  };
}

async function shares(proxy: SimProxy, count: number): Promise<Record<string, number>> {
  const got: Record<string, number> = {};
  const client = proxy.client();
  for (let sent = 0; sent < count; sent++) {
    client.text = "";
    client.send(GET);
    await proxy.advance(5);
    const by = client.text.at(-1) ?? "";
    got[by] = (got[by] ?? 0) + 1;
  }
  return got;
}

const setHealth = (proxy: SimProxy, upstream: string, health: "up" | "down") => {
  for (const { state } of proxy.upstreams.get(upstream)!.endpoints) state.health = health;
};

simulation("split: requests go by the weights", threeOf({ app: 80, v2: 20 }), async (proxy) => {
  const got = await shares(proxy, 400);

  assert.ok(Math.abs(got["b"]! - 80) < 25, JSON.stringify(got));
  assert.equal(got["a"]! + got["b"]!, 400);
  assert.equal(
    proxy.lastOver.upstream,
    proxy.lastOver.endpoint === proxy.upstream.endpoints[0] ? "app" : "v2",
  );
});

simulation(
  "split: a side of weight 0 gets nothing, also when the other is away",
  threeOf({ app: 1, v2: 0 }),
  async (proxy) => {
    assert.deepEqual(await shares(proxy, 20), { a: 20 });

    setHealth(proxy, "app", "down");
    const client = await proxy.clientWith(GET);

    assert.deepEqual(answersOf(client), ["503 no_endpoint"]);
  },
);

simulation(
  "split: a side that has nobody hands over to the other",
  threeOf({ app: 50, v2: 50 }),
  async (proxy) => {
    setHealth(proxy, "v2", "down");

    assert.deepEqual(await shares(proxy, 20), { a: 20 });
  },
);

simulation(
  "split: without spill a side that has nobody fails",
  threeOf({ app: 0, v2: 1 }, { spills: false }),
  async (proxy) => {
    setHealth(proxy, "v2", "down");
    const client = await proxy.clientWith(GET);

    assert.deepEqual(answersOf(client), ["503 no_endpoint"]);
    assert.equal(proxy.lastOver.upstream, "v2");
  },
);

simulation(
  "failover: only when no side has anybody",
  threeOf({ app: 1, v2: 1 }, { failover: true }),
  async (proxy) => {
    setHealth(proxy, "app", "down");
    assert.deepEqual(await shares(proxy, 10), { b: 10 });

    setHealth(proxy, "v2", "down");
    assert.deepEqual(await shares(proxy, 10), { c: 10 });
    assert.equal(proxy.lastOver.upstream, "dr");

    setHealth(proxy, "app", "up");
    assert.deepEqual(await shares(proxy, 10), { a: 10 });
  },
);

simulation(
  "failover: after a fault that may be tried again",
  threeOf({ app: 1, v2: 0 }, { failover: true }),
  async (proxy) => {
    await proxy.origin.refuse();
    const client = await proxy.clientWith(GET);
    await proxy.advance(100);

    assert.deepEqual(answersOf(client), ["200"]);
    assert.equal(client.text.at(-1), "c");
    assert.equal(proxy.lastOver.attempts, 2);
  },
);

simulation(
  "failover: a fault elsewhere too is the one that is told",
  threeOf({ app: 1, v2: 0 }, { failover: true }),
  async (proxy) => {
    await proxy.origins[0]!.refuse();
    await proxy.origins[2]!.refuse();
    const client = await proxy.clientWith(GET);
    await proxy.advance(300);

    assert.deepEqual(answersOf(client), ["502 connect_refused"]);
  },
);

simulation(
  "failover: an upstream that is only full is waited for, not left",
  {
    ...threeOf({ app: 1, v2: 0 }, { failover: true }),
    origins: [silent, answerOf("b"), answerOf("c")],
    endpoint: { maxRequests: 1 },
    upstream: {
      lines: { queue: { max: 5, timeoutMs: 5_000, perSecond: Number.POSITIVE_INFINITY } },
    },
  },
  async (proxy) => {
    await proxy.clientWith(GET);
    const other = await proxy.clientWith(GET);
    assert.deepEqual(answersOf(other), []);

    proxy.origin.last.send(answerOf("a"));
    await proxy.advance(5);
    proxy.origin.last.send(answerOf("a"));
    await proxy.advance(5);

    assert.equal(other.text.at(-1), "a");
  },
);

simulation(
  "parking: where nobody is anywhere the first upstream is waited for",
  {
    ...threeOf({ app: 1, v2: 0 }, { failover: true }),
    upstream: { lines: { parking: { max: 5, timeoutMs: 5_000, perSecond: 100 } } },
  },
  async (proxy) => {
    setHealth(proxy, "app", "down");
    setHealth(proxy, "dr", "down");
    const client = await proxy.clientWith(GET);
    assert.deepEqual(proxy.upstream.waiting, { queued: 0, parked: 1 });

    setHealth(proxy, "app", "up");
    await proxy.advance(300);

    assert.equal(client.text.at(-1), "a");
    assert.equal(proxy.lastOver.upstream, "app");
  },
);
