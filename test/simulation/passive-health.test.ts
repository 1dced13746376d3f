/** Endpoints that fail are taken out of use, for how long, and how they come back. */
import assert from "node:assert/strict";
import { conditionOf } from "../../src/core/upstream.ts";
import type { RetryCondition } from "../../src/upstream/retry-policy.ts";
import {
  answersOf,
  GET,
  OK,
  type SimProxy,
  type SimProxyOptions,
  simulation,
} from "../support/sim-proxy.ts";

const BAD = "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n";
const NOT_FOUND = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
const silent = () => {};
const only = (...conditions: RetryCondition[]) => new Set(conditions);

/** `first` is asked as long as it may be. */
const passive: SimProxyOptions = { passive: {}, retry: { attempts: 1 } };

async function ask(proxy: SimProxy, times: number): Promise<string[]> {
  const answers: string[] = [];
  for (let count = 0; count < times; count++) {
    const client = await proxy.clientWith(GET);
    await proxy.advance(5);
    answers.push(...answersOf(client));
    client.close();
  }
  return answers;
}

const conditions = (proxy: SimProxy) =>
  proxy.upstream.endpoints.map(({ state }) => conditionOf(state, proxy.world.clock.nowMs()));

const messages = (proxy: SimProxy) => proxy.world.lines.map(({ message }) => message);

simulation(
  "passive: five failures in a row eject an endpoint, and the other serves",
  { ...passive, origins: [BAD, OK] },
  async (proxy) => {
    assert.deepEqual(await ask(proxy, 4), ["502", "502", "502", "502"]);
    assert.deepEqual(conditions(proxy), ["unknown", "unknown"]);

    assert.deepEqual(await ask(proxy, 3), ["502", "200", "200"]);

    assert.deepEqual(conditions(proxy), ["ejected", "unknown"]);
    const [line] = proxy.world.lines;
    assert.equal(line!.message, "endpoint ejected");
    const endpoint = proxy.upstream.endpoints[0]!.name;
    assert.deepEqual(line!.fields, { upstream: "app", endpoint, why: "status 502", forMs: 10_000 });
  },
);

simulation(
  "passive: a success breaks the row",
  { ...passive, origins: [BAD, OK] },
  async (proxy) => {
    await ask(proxy, 4);
    proxy.origin.answer = OK;
    await ask(proxy, 1);
    proxy.origin.answer = BAD;
    await ask(proxy, 4);

    assert.deepEqual(conditions(proxy), ["unknown", "unknown"]);
  },
);

simulation(
  "passive: failures that lie far apart are no row",
  { ...passive, origins: [BAD, OK] },
  async (proxy) => {
    for (let count = 0; count < 8; count++) {
      await ask(proxy, 1);
      await proxy.advance(3_000);
    }

    assert.deepEqual(conditions(proxy), ["unknown", "unknown"]);
  },
);

simulation(
  "passive: what the client is to blame for is no failure",
  { ...passive, origins: [NOT_FOUND, OK] },
  async (proxy) => {
    await ask(proxy, 10);
    proxy.origin.answer = silent;
    for (let count = 0; count < 10; count++) {
      const client = await proxy.clientWith(GET);
      client.reset();
      await proxy.advance(5);
    }

    assert.deepEqual(conditions(proxy), ["unknown", "unknown"]);
  },
);

// biome-ignore format: a table
const failures: [name: string, options: SimProxyOptions][] = [
  ["a reset",               { origins: [(connection) => connection.reset(), OK] }],
  ["a connection closed",   { origins: [(connection) => connection.close(), OK] }],
  ["garbage",               { origins: ["garbage\r\n\r\n", OK] }],
  ["no answer in time",     { origins: [silent, OK], timeouts: { responseHead: 100 } }],
  ["a body that stalls",    { origins: [(connection) => connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"), OK], timeouts: { responseBody: 100 } }],
];

for (const [name, options] of failures) {
  simulation(`passive: ${name} is a failure`, { ...passive, ...options }, async (proxy) => {
    for (let count = 0; count < 5; count++) {
      await ask(proxy, 1);
      await proxy.advance(400);
    }

    assert.deepEqual(conditions(proxy), ["ejected", "unknown"]);
  });
}

simulation(
  "passive: a dead endpoint costs no request, where it may be retried",
  { passive: {}, origins: [OK, OK, OK] },
  async (proxy) => {
    await proxy.origin.refuse();
    const answers = [];
    for (let count = 0; count < 30; count++) {
      answers.push(...(await ask(proxy, 1)));
      await proxy.advance(40);
    }

    assert.equal(conditions(proxy)[0], "ejected");
    assert.deepEqual(new Set(proxy.ends), new Set(["served"]));
    assert.equal(proxy.worker.failedAttempts.length, 5);
  },
);

simulation(
  "passive: closed idle connections are nobody's failure",
  { passive: { failures: 1 }, origins: [OK, OK] },
  async (proxy) => {
    for (let count = 0; count < 5; count++) {
      proxy.origin.answer = OK;
      await proxy.clientWith(GET);
      const kept = proxy.origin.last;
      proxy.origin.answer = (connection) => {
        if (connection === kept) connection.close();
        else connection.send(OK);
      };
      await ask(proxy, 1);
    }

    assert.deepEqual(conditions(proxy), ["unknown", "unknown"]);
    assert.deepEqual(new Set(proxy.ends), new Set(["served"]));
  },
);

simulation(
  "passive: an ejection ends by itself, on probation: one failure is enough for the next, longer one",
  { ...passive, origins: [BAD, OK] },
  async (proxy) => {
    await ask(proxy, 5);
    await proxy.advance(9_800);
    assert.equal(conditions(proxy)[0], "ejected");
    await proxy.advance(200);
    assert.equal(conditions(proxy)[0], "unknown");

    assert.deepEqual(await ask(proxy, 2), ["502", "200"]);

    await proxy.advance(19_800);
    assert.equal(conditions(proxy)[0], "ejected");
    await proxy.advance(300);
    assert.equal(conditions(proxy)[0], "unknown");
    assert.deepEqual(
      proxy.world.lines.map(({ fields }) => fields["forMs"]),
      [10_000, 20_000],
    );
    assert.equal(proxy.upstream.endpoints[0]!.state.failures.ejectionsEver, 2);
  },
);

simulation(
  "passive: one that serves again is told to be back, and has all its failures before it",
  { ...passive, origins: [BAD, OK] },
  async (proxy) => {
    await ask(proxy, 5);
    const { state } = proxy.upstream.endpoints[0]!;
    const untilMs = state.ejectedUntilMs;
    await proxy.advance(10_000);
    proxy.origin.answer = OK;
    await ask(proxy, 2);

    assert.deepEqual(messages(proxy), ["endpoint ejected", "endpoint is back"]);
    assert.equal(state.readySinceMs, untilMs);
    proxy.origin.answer = BAD;
    await ask(proxy, 4);
    assert.equal(conditions(proxy)[0], "unknown");
  },
);

simulation(
  "passive: what was under way when it was ejected does not lengthen the ejection",
  { ...passive, origins: [silent, OK], passive: { failures: 2 } },
  async (proxy) => {
    for (let count = 0; count < 6; count++) await proxy.clientWith(GET);
    const { state } = proxy.upstream.endpoints[0]!;
    for (const [index, connection] of proxy.origin.connections.entries()) {
      await proxy.advance(index * 100);
      connection.close();
    }
    await proxy.advance(5);

    assert.equal(state.failures.ejectionsEver, 1);
  },
);

simulation(
  "passive: ejections never grow beyond their most, and good time makes them short again",
  { ...passive, origins: [BAD, OK], passive: { ejectMostMs: 30_000 } },
  async (proxy) => {
    const { state } = proxy.upstream.endpoints[0]!;
    await ask(proxy, 5);
    for (let count = 0; count < 5; count++) {
      await proxy.advance(Math.max(0, state.ejectedUntilMs - proxy.world.clock.nowMs()));
      await ask(proxy, 1);
    }
    const spans = () => proxy.world.lines.map(({ fields }) => fields["forMs"]);
    assert.deepEqual(spans(), [10_000, 20_000, 30_000, 30_000, 30_000, 30_000]);

    await proxy.advance(30_000);
    proxy.origin.answer = OK;
    await ask(proxy, 1);
    await proxy.advance(60_000);
    proxy.origin.answer = BAD;
    await ask(proxy, 5);

    assert.deepEqual(spans().at(-1), 10_000);
  },
);

simulation(
  "passive: the last one standing is kept",
  { ...passive, origins: [BAD, BAD] },
  async (proxy) => {
    assert.deepEqual(new Set(await ask(proxy, 30)), new Set(["502"]));

    assert.deepEqual(conditions(proxy), ["ejected", "unknown"]);
  },
);

simulation(
  "passive: one that the active checks hold for down does not stand",
  { ...passive, origins: [BAD, OK] },
  async (proxy) => {
    proxy.upstream.endpoints[1]!.state.health = "down";
    await ask(proxy, 20);

    assert.deepEqual(conditions(proxy), ["unknown", "down"]);
  },
);

simulation(
  "passive: no more than half of the pool",
  { ...passive, origins: [BAD, BAD, BAD, BAD, BAD] },
  async (proxy) => {
    await ask(proxy, 60);

    assert.equal(conditions(proxy).filter((each) => each === "ejected").length, 2);
  },
);

simulation(
  "passive: endpoints that flap do not flood the log",
  {
    origins: Array.from({ length: 60 }, () => BAD),
    retry: { attempts: 1, on: only() },
    passive: { failures: 1, ejectPercent: 100, ejectForMs: 2_000 },
  },
  async (proxy) => {
    await ask(proxy, 58); // within a second
    assert.equal(messages(proxy).length, 20);

    await proxy.advance(10_000);
    await ask(proxy, 1);

    assert.equal(proxy.world.lines.at(-1)!.fields["unsaid"], 38);
  },
);
