/** Limits that several proxies count together in a real Redis, and what becomes of them when it is away. */
import assert from "node:assert/strict";
import { after } from "node:test";
import { Authority } from "../support/authority.ts";
import { eventually } from "../support/deadline.ts";
import { skipWithout } from "../support/parts.ts";
import { Redis } from "../support/redis.ts";
import { forwardTo, GET, OK, type Scenario, scenario } from "../support/scenario.ts";

const skip = skipWithout("redis-server");
const authority = skip === false ? await Authority.create() : undefined;
after(() => authority?.remove());

interface Counting {
  readonly port: number;
  metric(series: string): Promise<number>;
}

async function redisOf(it: Scenario, ...args: Parameters<typeof Redis.start>): Promise<Redis> {
  const redis = await Redis.start(...args);
  it.defer(() => redis[Symbol.asyncDispose]());
  return redis;
}

/** Asks over connections of their own; the statuses, sorted. */
async function statuses(it: Scenario, proxy: Counting, count: number): Promise<number[]> {
  const answers = await Promise.all(
    Array.from({ length: count }, () => it.client(GET, { port: proxy.port })),
  );
  return answers.map((text) => Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1])).sort();
}

async function connected(proxy: Counting, workers = 1): Promise<void> {
  await eventually(
    async () => ((await proxy.metric("sluice_state_connections")) === workers ? true : undefined),
    () => `${workers} connections to Redis`,
    15_000,
  );
}

const times = (status: number, count: number) => Array.from({ length: count }, () => status);

scenario(
  "redis: two proxies with two workers each count as one",
  async (it) => {
    const redis = await redisOf(it);
    const origin = await it.origin(OK);
    const config = forwardTo(origin.url, {
      top: `workers: 2, state: { url: "${redis.url}", timeout: 5s }`,
      route: "rateLimit: { rate: 30/h, name: both }",
    });
    const one = await it.proxyHere(config);
    const other = await it.proxyHere(config);
    await connected(one, 2);
    await connected(other, 2);

    const first = await statuses(it, one, 20);
    const second = await statuses(it, other, 20);
    const third = await statuses(it, one, 5);

    const asked = 'sluice_state_calls_total{result="answered"}';
    const before = await one.metric(asked);
    for (let index = 0; index < 3; index++) await statuses(it, one, 1);

    assert.deepEqual(first, times(200, 20));
    assert.equal(
      await one.metric(asked),
      before,
      "whom a machine knows to be over is not asked for",
    );
    assert.deepEqual(second, [...times(200, 10), ...times(429, 10)]);
    assert.deepEqual(third, times(429, 5));
    assert.equal(origin.completed.length, 30);
  },
  { skip },
);

scenario(
  "redis: of several limits all are used or none, and a refusal says which and until when",
  async (it) => {
    const redis = await redisOf(it);
    const origin = await it.origin(OK);
    const limits = (wide: string, tight: string) =>
      `rateLimit: [{ rate: ${wide}, name: wide }, { rate: ${tight}, name: tight }]`;
    const top = `state: { url: "${redis.url}", timeout: 5s }`;
    const both = await it.proxyHere(forwardTo(origin.url, { top, route: limits("5/h", "2/h") }));
    const wide = await it.proxyHere(
      forwardTo(origin.url, { top, route: "rateLimit: { rate: 5/h, name: wide }" }),
    );
    await connected(both);
    await connected(wide);

    const got = await statuses(it, both, 10);
    const refused = await it.client(GET, { port: both.port });
    const left = await statuses(it, wide, 10);

    assert.deepEqual(got, [...times(200, 2), ...times(429, 8)]);
    assert.match(refused, /^ratelimit: "tight";r=0;t=1[78]\d\d\r$/im);
    assert.match(refused, /^retry-after: 1[78]\d\d\r$/im);
    assert.deepEqual(left, [...times(200, 3), ...times(429, 7)]);
  },
  { skip },
);

scenario(
  "redis: warn passes what is over together, and says so",
  async (it) => {
    const redis = await redisOf(it);
    const origin = await it.origin(OK);
    const config = forwardTo(origin.url, {
      top: `state: { url: "${redis.url}", timeout: 5s }`,
      route: "rateLimit: [{ rate: 3/h, name: w, mode: warn }, { rate: 100/h, name: e }]",
    });
    const one = await it.proxyHere(config);
    const other = await it.proxyHere(config);
    await connected(one);
    await connected(other);
    await statuses(it, one, 3);

    const got = await statuses(it, other, 4);

    assert.deepEqual(got, times(200, 4));
    const lines = await other.accessLines(4);
    assert.deepEqual(
      lines.map(({ warned }) => warned),
      times(0, 4).map(() => ["rate_limited"]),
    );
  },
  { skip },
);

scenario(
  "redis: killed while requests are with it, none is lost, and each machine goes on alone",
  async (it) => {
    const redis = await redisOf(it);
    const origin = await it.origin(OK);
    const config = forwardTo(origin.url, {
      top: `state: { url: "${redis.url}", timeout: 2s }`,
      route: "rateLimit: { rate: 60/h, name: k }",
    });
    const proxy = await it.proxyHere(config);
    await connected(proxy);
    await statuses(it, proxy, 10);

    redis.stall(); // so that requests are with it for certain
    const asking = statuses(it, proxy, 20);
    await eventually(
      async () => ((await proxy.metric("sluice_requests_active")) >= 20 ? true : undefined),
      () => "twenty requests that wait",
    );
    await redis.kill();
    const whileKilled = await asking;
    const alone = await statuses(it, proxy, 40);

    assert.deepEqual(whileKilled, times(200, 20));
    assert.deepEqual(alone, [...times(200, 30), ...times(429, 10)]);
    assert.equal(await proxy.metric("sluice_state_connections"), 0);
    assert.equal(await proxy.metric('sluice_state_calls_total{result="failed"}'), 20);
    assert.ok((await proxy.metric('sluice_state_calls_total{result="skipped"}')) >= 30);
  },
  { skip },
);

scenario(
  "redis: back after it was killed, with nothing in it, it is asked again and knows what came since",
  async (it) => {
    const redis = await redisOf(it);
    const origin = await it.origin(OK);
    const config = forwardTo(origin.url, {
      top: `state: { url: "${redis.url}", timeout: 5s }`,
      route: "rateLimit: { rate: 10/h, name: b }",
    });
    const one = await it.proxyHere(config);
    const other = await it.proxyHere(config);
    await connected(one);
    await connected(other);
    await statuses(it, one, 10);

    await redis.kill();
    await redis.again();
    await connected(one);
    await connected(other);

    // What one has counted itself it still knows; the other one has Redis's word alone.
    assert.deepEqual(await statuses(it, one, 3), times(429, 3));
    assert.deepEqual(await statuses(it, other, 12), [...times(200, 10), ...times(429, 2)]);
  },
  { skip },
);

scenario(
  "redis: stalled, it holds up the requests that are with it for the timeout, and none after them",
  async (it) => {
    const redis = await redisOf(it);
    const origin = await it.origin(OK);
    const proxy = await it.proxyHere(
      forwardTo(origin.url, {
        top: `state: { url: "${redis.url}", timeout: 100ms }`,
        route: "rateLimit: { rate: 100/h, name: s }",
      }),
    );
    await connected(proxy);

    redis.stall();
    const first = await statuses(it, proxy, 10);
    const failedFirst = await proxy.metric('sluice_state_calls_total{result="failed"}');
    const second = await statuses(it, proxy, 10);
    redis.goOn();
    await connected(proxy);
    const third = await statuses(it, proxy, 1);

    assert.deepEqual([...first, ...second, ...third], times(200, 21));
    assert.ok(failedFirst >= 1);
    // The second ten met no connection: nobody waited.
    assert.equal(await proxy.metric('sluice_state_calls_total{result="failed"}'), failedFirst);
    assert.ok((await proxy.metric('sluice_state_calls_total{result="answered"}')) >= 1);
  },
  { skip },
);

scenario(
  "redis: over TLS with a password, by name; a wrong authority is not believed",
  async (it) => {
    const leaf = await authority!.issue("DNS:localhost");
    const tls = { cert: leaf.certFile, key: leaf.keyFile };
    const redis = await redisOf(it, ["--requirepass", "p@ss w/rd"], tls);
    const origin = await it.origin(OK);
    const url = `rediss://:p%40ss%20w%2Frd@localhost:${redis.tlsPort}/1`;
    const configOf = (ca: string) =>
      forwardTo(origin.url, {
        top: `state: { url: "${url}", timeout: 5s${ca} }`,
        route: "rateLimit: { rate: 2/h, name: t }",
      });
    const proxy = await it.proxyHere(configOf(`, ca: "${authority!.caFile}"`));
    const other = await it.proxyHere(configOf(""));
    await connected(proxy);

    const trusted = await statuses(it, proxy, 3);
    const untrusted = await statuses(it, other, 1);

    assert.deepEqual(trusted, [200, 200, 429]);
    assert.deepEqual(untrusted, [200], "counted here");
    assert.equal(await other.metric("sluice_state_connections"), 0);
  },
  { skip },
);

scenario(
  "redis: over a unix socket; a reload to memory lets go of it",
  async (it) => {
    const redis = await redisOf(it);
    const origin = await it.origin(OK);
    const route = "rateLimit: { rate: 2/h, name: u }";
    const proxy = await it.proxyHere(
      forwardTo(origin.url, { top: `state: { url: "unix:${redis.socket}", timeout: 5s }`, route }),
    );
    await connected(proxy);
    const before = await statuses(it, proxy, 1);

    await proxy.reload(forwardTo(origin.url, { route }));
    await connected(proxy, 0);
    const alone = await statuses(it, proxy, 2);

    assert.deepEqual(before, [200]);
    assert.deepEqual(alone, [200, 429], "what was counted here is known");
  },
  { skip },
);
