/** A filter with a bug, or one that takes its time: the exchange ends all the same, once. */
import assert from "node:assert/strict";
import { fail } from "../../src/core/pipeline.ts";
import { answersOf, GET, OK, simulation } from "../support/sim-proxy.ts";

const silent = () => {};

simulation(
  "a filter that throws on the second attempt leaves nothing behind",
  {
    origins: [silent, OK],
    bugsExpected: true,
    phases: {
      send: [
        (_exchange, attempt) => {
          if (attempt.number === 2) throw new Error("a filter with a bug");
          return undefined;
        },
      ],
    },
  },
  async (proxy) => {
    await proxy.origin.refuse();
    const client = await proxy.clientWith(GET);
    await proxy.advance(100);

    assert.deepEqual(answersOf(client), ["500 bug"]);
    assert.equal(proxy.worker.bugs.length, 1);
  },
);

simulation(
  "a filter that throws on the first attempt leaves nothing behind",
  {
    bugsExpected: true,
    phases: {
      send: [
        () => {
          throw new Error("a filter with a bug");
        },
      ],
    },
  },
  async (proxy) => {
    const client = await proxy.clientWith(GET);

    assert.equal(client.hasFinished || client.isClosed, true);
    assert.deepEqual(proxy.ends, ["bug"]);
  },
);

simulation(
  "a filter that throws on the response answers 500",
  {
    bugsExpected: true,
    phases: {
      receive: [
        () => {
          throw new Error("a filter with a bug");
        },
      ],
    },
  },
  async (proxy) => {
    const client = await proxy.clientWith(GET);

    assert.deepEqual(answersOf(client), ["500 bug"]);
    assert.equal(proxy.worker.bugs.length, 1);
  },
);

simulation(
  "a step that rejects ends the exchange",
  {
    bugsExpected: true,
    phases: { before: [() => Promise.reject(new Error("a filter with a bug"))] },
  },
  async (proxy) => {
    await proxy.clientWith(GET);

    assert.deepEqual(proxy.ends, ["bug"]);
  },
);

simulation(
  "a client that leaves while a step waits is noticed, and the step's answer is lost",
  {
    phases: {
      before: [
        async (exchange) => {
          await new Promise<void>((resolve) => {
            exchangeWaits.resolve = resolve;
          });
          fail(exchange, { code: "overloaded", detail: "" });
          return undefined;
        },
      ],
    },
  },
  async (proxy) => {
    const client = await proxy.clientWith(GET);
    client.reset();
    await proxy.advance(10);
    assert.deepEqual(proxy.ends, ["client_gone"]);

    exchangeWaits.resolve();
    await proxy.advance(10);
  },
);

const exchangeWaits: { resolve: () => void } = { resolve: () => {} };
