/** A cache over real sockets: workers, reloads, purges, what is logged and counted. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { forwardTo, GET, type Scenario, scenario } from "../support/scenario.ts";

const FRESH =
  "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncache-control: max-age=60\r\ncache-tag: news\r\n\r\nhello";
const CACHE = "cache: on";

function get(path: string): string {
  return GET.replace("/", path);
}

/** Over a connection of its own each, so that every worker has some. */
async function all(it: Scenario, count: number, text = GET): Promise<string[]> {
  return await Promise.all(Array.from({ length: count }, () => it.client(text)));
}

scenario("cache: a hit asks nobody, is logged and counted", async (it) => {
  const origin = await it.origin(FRESH);
  const proxy = await it.proxyHere(forwardTo(origin.url, { route: CACHE }));

  await it.client(GET);
  const answer = await it.client(GET);

  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
  assert.match(
    answer,
    /\r\nAge: 0\r\nCache-Status: Sluice; hit; ttl=5\d\r\nContent-Length: 5\r\n\r\nhello$/,
  );
  assert.equal(origin.received.length, 1);
  const lines = await proxy.accessLines(2);
  assert.deepEqual(
    lines.map(({ cache }) => cache),
    ["miss", "hit"],
  );
  assert.deepEqual(
    lines.map(({ upstream }) => upstream),
    ["app", undefined],
  );
  const series = (result: string) =>
    `sluice_cache_requests_total{site="*",route="*#1",result="${result}"}`;
  assert.equal(await proxy.metric(series("hit")), 1);
  assert.equal(await proxy.metric(series("miss")), 1);
  assert.equal(
    await proxy.metric('sluice_cache_response_body_bytes_total{site="*",route="*#1"}'),
    5,
  );
  assert.equal(await proxy.metric("sluice_cache_stored_objects"), 1);
});

scenario("cache: many at once, in one request, and pipelined hits in order", async (it) => {
  const origin = await it.origin(`<wait 200ms>${FRESH}`);
  const proxy = await it.proxy(forwardTo(origin.url, { route: CACHE }));

  const cold = await all(it, 30);
  const warm = await it.client(GET.repeat(20), { responses: 20 });

  assert.ok(cold.every((answer) => answer.endsWith("hello")));
  assert.equal(warm.match(/hello/g)?.length, 20);
  assert.equal(origin.received.length, 1);
  assert.equal(
    (await proxy.accessLines(50)).filter(({ cache }) => cache === "coalesced").length,
    29,
  );
});

scenario("cache: a large body is whole, from the origin and from the store", async (it) => {
  const body = "0123456789abcdef".repeat(200_000);
  const origin = await it.origin(
    `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\ncache-control: max-age=60\r\n\r\n${body}`,
  );
  await it.proxy(forwardTo(origin.url, { route: CACHE }));

  for (const answer of [...(await all(it, 5)), ...(await all(it, 5))]) {
    assert.ok(answer.endsWith(`\r\n\r\n${body}`), `${answer.length}`);
  }
  assert.equal(origin.received.length, 1);
});

scenario("cache: what is stored outlives a reload, and so does a request under way", async (it) => {
  const origin = await it.origin(`<wait 300ms>${FRESH}`);
  const config = (route: string) => forwardTo(origin.url, { route });
  const proxy = await it.proxyHere(config(CACHE));
  const first = it.client(GET);
  await new Promise((resolve) => setTimeout(resolve, 100));

  await proxy.reload(config("cache: { staleIfError: 1h }"));
  const second = it.client(GET);
  await Promise.all([first, second]);
  await proxy.reload(config("cache: 10s"));
  await it.client(GET);

  assert.equal(origin.received.length, 1);
});

const purges: readonly (readonly [how: string, order: object])[] = [
  ["URL", { url: "http://A.test/" }],
  ["prefix", { prefix: "http://a.test/" }],
  ["tag", { tag: "news" }],
  ["all", { all: true }],
];
for (const [how, order] of purges) {
  scenario(`cache: purged by ${how}, in all workers at once`, async (it) => {
    const origin = await it.origin(FRESH);
    const proxy = await it.proxyHere(forwardTo(origin.url, { route: CACHE, top: "workers: 2" }));
    await all(it, 30);
    const before = origin.received.length;
    assert.ok(before <= 2, `${before}: once for each worker at most`);

    const url = `http://127.0.0.1:${proxy.adminPort}/api/purge`;
    const answer = await fetch(url, { method: "POST", body: JSON.stringify(order) });
    await all(it, 30);

    assert.deepEqual(await answer.json(), { purged: before });
    const again = origin.received.length - before;
    assert.ok(again >= 1 && again <= 2, `${again} asked again`);
  });
}

scenario("cache: purged from the command line", async (it) => {
  const origin = await it.origin(FRESH);
  const proxy = await it.proxyHere(forwardTo(origin.url, { route: CACHE }));
  const main = new URL("../../src/main.ts", import.meta.url).pathname;
  const run = async (...args: string[]) => {
    const admin = ["--admin", `127.0.0.1:${proxy.adminPort}`];
    return await promisify(execFile)(process.execPath, [main, "purge", ...args, ...admin]);
  };

  await it.client(GET);
  const soft = await run("--tag", "news", "--soft");
  const hard = await run("http://a.test/");
  await it.client(GET);

  assert.deepEqual(
    [soft.stdout, hard.stdout],
    ["1 response stale from now on\n", "1 response purged\n"],
  );
  assert.equal(origin.received.length, 2);
});

scenario("cache: a POST through one worker makes the others forget", async (it) => {
  const origin = await it.origin(FRESH);
  await it.proxyHere(forwardTo(origin.url, { route: CACHE, top: "workers: 2" }));
  await all(it, 30, get("/x"));
  const before = origin.received.length;

  await it.client("POST /x HTTP/1.1\r\nhost: a.test\r\ncontent-length: 0\r\n\r\n");
  await new Promise((resolve) => setTimeout(resolve, 200));
  await all(it, 30, get("/x"));

  const again = origin.received.length - before - 1;
  assert.ok(again >= before, `${before} before, ${again} again`);
});

// biome-ignore format: a table
const refused: readonly [body: string, reason: RegExp][] = [
  ["",                                        /purge_malformed/],
  ["[]",                                      /purge_malformed/],
  ['{"url": "/x"}',                           /must begin with http/],
  ['{"url": "http://a.test/", "tag": "x"}',   /purge_malformed/],
  ['{"tag": "two words"}',                    /purge_malformed/],
  ['{"tag": "x", "soft": 1}',                 /purge_malformed/],
  ['{"all": false}',                          /purge_malformed/],
  ['{"purge": "x"}',                          /purge_malformed/],
];
scenario("cache: a purge that says nothing sound is refused with 422", async (it) => {
  const origin = await it.origin(FRESH);
  const proxy = await it.proxyHere(forwardTo(origin.url, { route: CACHE }));

  for (const [body, reason] of refused) {
    const answer = await fetch(`http://127.0.0.1:${proxy.adminPort}/api/purge`, {
      method: "POST",
      body,
    });

    assert.equal(answer.status, 422, body);
    assert.match(await answer.text(), reason, body);
  }
});

scenario(
  "cache: what is stored is compressed for who takes it, and stays what it is",
  async (it) => {
    const bodies = ["a", "b", "c", "d"].map((letter) => `${letter}0123456789`.repeat(900));
    const origin = await it.origin(({ target }) => {
      const body = bodies["abcd".indexOf(target.slice(1))]!;
      const head = `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\ncontent-type: text/plain`;
      return `${head}\r\ncache-control: max-age=60\r\netag: "${body[0]}"\r\n\r\n${body}`;
    });
    const proxy = await it.proxy(forwardTo(origin.url, { route: "cache: on, compress: true" }));

    const ask = async (path: string, coding: string) => {
      const answer = await fetch(`http://127.0.0.1:${proxy.port}/${path}`, {
        headers: { "accept-encoding": coding },
      });
      return [answer.headers.get("content-encoding"), await answer.text()];
    };
    for (let round = 0; round < 10; round++) {
      const answers = await Promise.all(
        [..."abcd"].flatMap((path) => [ask(path, "gzip"), ask(path, "identity"), ask(path, "br")]),
      );
      const want = bodies.flatMap((body) => [
        ["gzip", body],
        [null, body],
        ["br", body],
      ]);
      assert.deepEqual(answers, want);
    }
    assert.equal(origin.received.length, 4);
  },
);
