/** What Forward notes of an exchange and gives back; test/simulation/retry.test.ts has the retries. */
import assert from "node:assert/strict";
import { answersOf, GET, OK, simulation } from "../../../test/support/sim-proxy.ts";

const silent = () => {};

simulation(
  "forward: the exchange knows its upstream, its endpoint and how many were asked",
  { origins: [silent, OK] },
  async (proxy) => {
    await proxy.origin.refuse();

    const client = await proxy.clientWith(GET);
    await proxy.advance(100);

    assert.deepEqual(answersOf(client), ["200"]);
    const { upstream, endpoint, attempts } = proxy.lastOver;
    assert.equal(upstream, proxy.upstream.name);
    assert.equal(endpoint, proxy.upstream.endpoints[1]);
    assert.equal(attempts, 2);
  },
);

const seen: string[] = [];
simulation(
  "forward: send runs once for each attempt, receive for the one that was answered",
  {
    origins: [silent, OK],
    phases: {
      send: [(_, { number }) => void seen.push(`send ${number}`)],
      receive: [(_, { number }) => void seen.push(`receive ${number}`)],
    },
  },
  async (proxy) => {
    await proxy.origin.refuse();

    await proxy.clientWith(GET);
    await proxy.advance(100);

    assert.deepEqual(seen, ["send 1", "send 2", "receive 2"]);
  },
);

simulation(
  "forward: no usable endpoint is told as such, and nobody is asked",
  { origins: [OK] },
  async (proxy) => {
    proxy.upstream.endpoints[0]!.state.health = "down";

    const client = await proxy.clientWith(GET);
    await proxy.advance(100);

    assert.deepEqual(answersOf(client), ["503 no_endpoint"]);
    assert.equal(proxy.origin.requests.length, 0);
    assert.equal(proxy.lastOver.attempts, 0);
  },
);

simulation(
  "forward: a client that leaves is no mark against the endpoint",
  { origins: [silent] },
  async (proxy) => {
    const client = await proxy.clientWith(GET);
    await proxy.advance(10);

    client.reset();
    await proxy.advance(100);

    assert.deepEqual(proxy.outcomes, ["abandoned"]);
    assert.equal(proxy.upstream.endpoints[0]!.state.active, 0);
  },
);
