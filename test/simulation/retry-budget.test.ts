/** What bounds retries when much fails at once, and what need not be bounded. */
import assert from "node:assert/strict";
import type { RetryCondition } from "../../src/upstream/retry-policy.ts";
import type { SimAnswer } from "../support/sim-origin.ts";
import { answersOf, GET, OK, type SimProxy, simulation } from "../support/sim-proxy.ts";

const ALL = new Set<RetryCondition>(["connect", "reused", "reset", "timeout"]);
const silent = () => {};
const attemptsOf = (proxy: SimProxy) => proxy.worker.begun.map(({ attempts }) => attempts);

const hangUp: SimAnswer = (connection) => connection.close();

simulation(
  "retry: the budget bounds how many are tried again at once",
  {
    origins: [hangUp, silent],
    retryBudget: { percent: 0, minConcurrent: 2 },
    retry: { on: ALL },
  },
  async (proxy) => {
    const clients = Array.from({ length: 5 }, () => proxy.client());
    for (const client of clients) client.send(GET);
    await proxy.advance(100);

    const answers = clients.flatMap(answersOf);
    assert.deepEqual(answers, Array(3).fill("502 reset_before_head"));
    assert.equal(proxy.origins[1]!.requests.length, 2);
  },
);

simulation(
  "retry: connections that cannot be made are no work for anybody, and no matter of the budget",
  {
    origins: [silent, OK],
    retryBudget: { percent: 0, minConcurrent: 0 },
  },
  async (proxy) => {
    await proxy.origin.refuse();
    const clients = Array.from({ length: 5 }, () => proxy.client());
    for (const client of clients) client.send(GET);
    await proxy.advance(100);

    assert.deepEqual(clients.flatMap(answersOf), Array(5).fill("200"));
  },
);

simulation(
  "retry: an endpoint that dies with connections kept to it takes no attempt for them",
  {
    origins: [OK, OK],
    retryBudget: { percent: 0, minConcurrent: 0 },
    retry: { attempts: 2 },
  },
  async (proxy) => {
    await proxy.clientWith(GET);
    await proxy.origin.refuse();
    proxy.origin.answer = hangUp;

    const client = await proxy.clientWith(GET);
    await proxy.advance(100);

    assert.deepEqual(answersOf(client), ["200"]);
    assert.deepEqual(attemptsOf(proxy), [1, 3]);
  },
);

simulation(
  "retry: what the budget gave comes back, so that later ones are tried",
  {
    origins: [hangUp, OK],
    retryBudget: { percent: 0, minConcurrent: 1 },
    retry: { on: ALL },
  },
  async (proxy) => {
    for (let count = 0; count < 5; count++) {
      const client = await proxy.clientWith(GET);
      await proxy.advance(100);
      assert.deepEqual(answersOf(client), ["200"]);
    }
  },
);
