/** Who abuses the proxy is kept out by all workers, for a while, and operators can see and lift that. */
import assert from "node:assert/strict";
import { bans as bansCommand } from "../../src/cli/bans.ts";
import { eventually } from "../support/deadline.ts";
import type { StartedProxy } from "../support/proxy.ts";
import { firstStatus, forwardTo, GET, OK, type Scenario, scenario } from "../support/scenario.ts";

const NOT_FOUND = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";

const from = (address: string) =>
  GET.replace("\r\n\r\n", `\r\nx-forwarded-for: ${address}\r\n\r\n`);

/** Behind a proxy that we trust, so that a test can come from anywhere; no test is too slow for its scores. */
function config(url: string, bans: string, more = ""): string {
  return forwardTo(url, {
    top: `trust: { proxies: [127.0.0.1] }, bans: { decay: 30d, ${bans} }${more}`,
  });
}

async function statusesFrom(it: Scenario, address: string, count: number): Promise<number[]> {
  const statuses: number[] = [];
  for (let index = 0; index < count; index++) {
    statuses.push(firstStatus(await it.client(from(address))));
  }
  return statuses;
}

async function ask(proxy: StartedProxy, method: string, path: string, body?: unknown) {
  const answer = await fetch(`http://127.0.0.1:${proxy.adminPort}/api/bans${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

async function command(proxy: StartedProxy, ...args: string[]) {
  let said = "";
  const out = { write: (text: string) => (said += text) };
  const io = { stdout: out, stderr: out, cwd: "/", env: {} } as never;
  const admin = ["--admin", `http://127.0.0.1:${proxy.adminPort}`];
  return { code: await bansCommand([...args, ...admin], io), said };
}

for (const workers of [1, 3]) {
  scenario(
    `bans with ${workers} workers: a storm of 404 is stopped, other clients are not`,
    async (it) => {
      const origin = await it.origin(NOT_FOUND);
      const proxy = await it.proxyHere(
        config(origin.url, "threshold: 20, scores: { 404: 2 }", `, workers: ${workers}`),
      );

      const storm = await statusesFrom(it, "203.0.113.7", 15);
      const other = await statusesFrom(it, "203.0.113.8", 1);

      // A request counts once it is over, which its client may know before another worker does.
      const served = storm.lastIndexOf(404) + 1;
      assert.ok(served >= 10 && served < 10 + workers, `${storm}`);
      assert.deepEqual(storm, [...Array(served).fill(404), ...Array(15 - served).fill(403)]);
      assert.deepEqual(other, [404]);
      const refused = await it.client(from("203.0.113.7"));
      assert.match(refused, /^retry-after: (59\d|600)\r$/im);
      const lines = await proxy.accessLines(17);
      assert.equal(lines.filter(({ fault }) => fault === "banned").length, 16 - served);
      assert.equal(await proxy.metric('sluice_bans_total{reason="status"}'), 1);
      assert.equal(await proxy.metric("sluice_banned_clients"), 1);
    },
  );
}

scenario(
  "bans: heads that no client sends keep the client out, before it has an exchange",
  async (it) => {
    const origin = await it.origin(OK);
    const proxy = await it.proxyHere(
      forwardTo(origin.url, {
        top: "bans: { decay: 30d, exempt: [], threshold: 400, scores: { request_malformed: 200 } }",
      }),
    );
    const bad = await it.client("GET / HTTP/1.1\r\nhost: a.test\r\nx : y\r\n\r\n");
    await it.client("GET / HTTP/1.1\r\nhost: a.test\r\nx : y\r\n\r\n");

    await eventually(
      async () => ((await proxy.metric("sluice_banned_clients")) === 1 ? true : undefined),
      () => "a ban",
    );
    const kept = await it.connect();
    await eventually(
      () => (kept.over ? true : undefined),
      () => "the connection to be refused",
    );

    assert.equal(firstStatus(bad), 400);
    assert.equal(kept.text, "");
    const series = /sluice_requests_refused_total\{listener="[^"]*",code="banned"\} 1/;
    assert.match(await proxy.metrics(), series);
  },
);

scenario(
  "bans: with refuses: requests a connection stands, and what is asked on it is refused",
  async (it) => {
    const origin = await it.origin(OK);
    await it.proxyHere(
      forwardTo(origin.url, {
        top: "bans: { decay: 30d, exempt: [], threshold: 2, scores: { rate_limited: 1 }, refuses: requests }",
        route: "rateLimit: { rate: 1/h }",
      }),
    );

    const text = await it.client(GET.repeat(5), { responses: 5 });

    const statuses = [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
    assert.deepEqual(statuses, ["200", "429", "429", "403", "403"]);
  },
);

scenario("bans: a trusted proxy is never banned for what its clients do", async (it) => {
  const origin = await it.origin(NOT_FOUND);
  await it.proxyHere(config(origin.url, "exempt: [], threshold: 2, scores: { 404: 1 }"));

  const own = await it.client(GET.repeat(5), { responses: 5 });
  const clients = await statusesFrom(it, "203.0.113.7", 4);
  const others = await statusesFrom(it, "203.0.113.9", 1);

  assert.equal([...own.matchAll(/HTTP\/1\.1 404/g)].length, 5);
  assert.deepEqual(clients, [404, 404, 403, 403]);
  assert.deepEqual(others, [404]);
});

scenario("bans: a reload keeps who is banned, and may let go of the rules", async (it) => {
  const origin = await it.origin(NOT_FOUND);
  const proxy = await it.proxyHere(config(origin.url, "threshold: 2, scores: { 404: 1 }"));
  await statusesFrom(it, "203.0.113.7", 2);

  await proxy.reload(config(origin.url, "threshold: 50"));
  const kept = await statusesFrom(it, "203.0.113.7", 1);
  await proxy.reload(
    config(origin.url, "threshold: 50").replace(
      "bans: { decay: 30d, threshold: 50 }",
      "watch: false",
    ),
  );
  const free = await statusesFrom(it, "203.0.113.7", 1);

  assert.deepEqual([kept, free], [[403], [404]]);
});

scenario("bans: warn serves all, and log and metrics tell whom it would ban", async (it) => {
  const origin = await it.origin(NOT_FOUND);
  const proxy = await it.proxyHere(
    config(origin.url, "threshold: 2, scores: { 404: 1 }, mode: warn"),
  );

  assert.deepEqual(await statusesFrom(it, "203.0.113.7", 4), Array(4).fill(404));
  assert.equal(await proxy.metric('sluice_bans_total{reason="status"}'), 2);
  assert.equal(await proxy.metric("sluice_banned_clients"), 0);
});

scenario("bans: operators list, add and lift, over the API and by command", async (it) => {
  const origin = await it.origin(OK);
  const proxy = await it.proxyHere(config(origin.url, "", ", workers: 2"));

  assert.deepEqual(await ask(proxy, "GET", ""), { status: 200, body: { bans: [] } });
  const added = await ask(proxy, "POST", "", { client: "203.0.113.7", for: "1h" });
  assert.deepEqual(added, { status: 200, body: { client: "203.0.113.7", forSeconds: 3600 } });
  assert.deepEqual(await statusesFrom(it, "203.0.113.7", 4), Array(4).fill(403));
  const listed = await command(proxy);
  assert.match(listed.said, /^203\.0\.113\.7 {2}3(600|59\d)s left, operator\n$/);
  const lifted = await command(proxy, "lift", "203.0.113.7");
  assert.deepEqual(lifted, { code: 0, said: "203.0.113.7 may come again\n" });
  assert.deepEqual(await statusesFrom(it, "203.0.113.7", 4), Array(4).fill(200));

  const network = await command(proxy, "add", "2001:db8::1", "--for", "7d");
  assert.deepEqual(network, { code: 0, said: "2001:db8::1 is banned for 7d\n" });
  assert.deepEqual(await statusesFrom(it, "2001:db8::99", 1), [403]);
  assert.equal((await command(proxy, "lift", "2001:db8::/64")).code, 0);
  assert.deepEqual(await statusesFrom(it, "2001:db8::99", 1), [200]);
});

// biome-ignore format: a table
const refusals: [name: string, method: string, path: string, body: unknown, status: number, reason: string][] = [
  ["no time",             "POST",   "",             { client: "203.0.113.7" },                      422, "ban_malformed"],
  ["no address",          "POST",   "",             { client: "example.com", for: "1h" },           422, "ban_malformed"],
  ["a time that is none", "POST",   "",             { client: "203.0.113.7", for: "soon" },         422, "ban_malformed"],
  ["longer than a year",  "POST",   "",             { client: "203.0.113.7", for: "366d" },         422, "ban_malformed"],
  ["another key",         "POST",   "",             { client: "203.0.113.7", for: "1h", why: "x" }, 422, "ban_malformed"],
  ["who is exempt",       "POST",   "",             { client: "127.0.0.1", for: "1h" },             409, "ban_exempt"],
  ["nobody",              "DELETE", "/203.0.113.9", undefined,                                      404, "not_banned"],
  ["a name",              "DELETE", "/example.com", undefined,                                      422, "ban_malformed"],
];

scenario("bans: the API refuses what it cannot do, by a reason", async (it) => {
  const origin = await it.origin(OK);
  const proxy = await it.proxyHere(config(origin.url, ""));

  for (const [name, method, path, body, status, reason] of refusals) {
    const answer = await ask(proxy, method, path, body);
    assert.deepEqual([answer.status, answer.body["reason"]], [status, reason], name);
  }
  await proxy.reload(forwardTo(origin.url));
  const off = await ask(proxy, "GET", "");
  assert.deepEqual([off.status, off.body["reason"]], [409, "bans_off"]);
});

scenario(
  "bans: who hands on the connections of others is not banned for what is wrong with them",
  async (it) => {
    const origin = await it.origin(OK);
    const proxy = await it.proxyHere(
      forwardTo(origin.url, {
        top:
          'listeners: { "*": { proxyProtocol: { from: [127.0.0.1] } } }, ' +
          "bans: { decay: 30d, exempt: [], threshold: 100, scores: { proxy_header_malformed: 100, rate_limited: 100 } }",
        route: "rateLimit: { rate: 1/h }",
      }),
    );
    const header = "PROXY TCP4 203.0.113.7 198.51.100.1 54321 443\r\n";
    for (let index = 0; index < 3; index++) await it.client("no header at all\r\n\r\n");

    const text = await it.client(header + GET.repeat(3), { responses: 3 });
    const other = await it.client(header.replace(".7", ".8") + GET);

    const statuses = [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
    assert.deepEqual(statuses, ["200", "429", "403"]);
    assert.equal(firstStatus(other), 200);
    assert.equal(await proxy.metric("sluice_banned_clients"), 1);
  },
);

scenario("bans: a stream is as closed to who is banned as a site", async (it) => {
  const origin = await it.origin(OK);
  const proxy = await it.proxyHere(`{ upstreams: { db: "${origin.url.replace("http://", "")}" },
    streams: [{ forward: db }], bans: { exempt: [] } }`);
  const before = await it.client(GET);

  await ask(proxy, "POST", "", { client: "127.0.0.1", for: "1h" });
  const kept = await it.connect();
  await eventually(
    () => (kept.over ? true : undefined),
    () => "the connection to be refused",
  );
  await ask(proxy, "DELETE", "/127.0.0.1");
  const after = await it.client(GET);

  assert.deepEqual([firstStatus(before), kept.text, firstStatus(after)], [200, "", 200]);
});
