/** What clients are told, and endpoints are spared, while a breaker is open. */
import assert from "node:assert/strict";
import {
  answersOf,
  GET,
  OK,
  type SimProxy,
  type SimProxyOptions,
  simulation,
} from "../support/sim-proxy.ts";

const BAD = "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n";
const silent = () => {};
const breaking: SimProxyOptions = { breaker: { minRequests: 4 }, retry: { attempts: 1 } };

async function ask(proxy: SimProxy, times: number): Promise<string[]> {
  const answers: string[] = [];
  for (let count = 0; count < times; count++) {
    const client = await proxy.clientWith(GET);
    await proxy.advance(5);
    answers.push(...answersOf(client));
  }
  return answers;
}

simulation(
  "breaker: while it is open the client is told so and when to come back, and nobody is asked",
  { ...breaking, origins: [BAD] },
  async (proxy) => {
    assert.deepEqual(await ask(proxy, 4), ["502", "502", "502", "502"]);

    const client = await proxy.clientWith(GET);

    assert.deepEqual(answersOf(client), ["503 circuit_open"]);
    assert.match(client.text, /\r\nretry-after: 5\r\n/i);
    assert.equal(proxy.origin.requests.length, 4);
    assert.equal(proxy.lastOver.attempts, 0);
  },
);

simulation(
  "breaker: it lets some through after a while, and all when they went well",
  { ...breaking, origins: [BAD] },
  async (proxy) => {
    await ask(proxy, 4);
    proxy.origin.answer = OK;
    await proxy.advance(5_000);

    assert.deepEqual(await ask(proxy, 5), ["200", "200", "200", "200", "200"]);
    assert.equal(proxy.upstream.breaker?.state, "closed");
  },
);

simulation(
  "breaker: it opens again if the first of them fails, and the rest is told at once",
  { ...breaking, origins: [BAD] },
  async (proxy) => {
    await ask(proxy, 4);
    await proxy.advance(5_000);

    assert.deepEqual(await ask(proxy, 3), ["502", "503 circuit_open", "503 circuit_open"]);
  },
);

simulation(
  "breaker: a probe whose client leaves does not count",
  { ...breaking, breaker: { minRequests: 4, probes: 1 }, origins: [BAD] },
  async (proxy) => {
    await ask(proxy, 4);
    proxy.origin.answer = silent;
    await proxy.advance(5_000);
    const probing = await proxy.clientWith(GET);
    assert.deepEqual(await ask(proxy, 1), ["503 circuit_open"]);

    probing.reset();
    await proxy.advance(10);
    proxy.origin.answer = OK;

    assert.deepEqual(await ask(proxy, 2), ["200", "200"]);
  },
);

simulation(
  "breaker: a retry that it refuses leaves the fault that came first",
  { ...breaking, breaker: { minRequests: 1 }, retry: { attempts: 3 }, origins: [silent, OK] },
  async (proxy) => {
    await proxy.origin.refuse();
    const client = await proxy.clientWith(GET);
    await proxy.advance(100);

    assert.deepEqual(answersOf(client), ["502 connect_refused"]);
  },
);
