/** Maintenance by the config and by operators, over sockets. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { fieldValue } from "../support/message.ts";
import type { ProxyHere } from "../support/proxy.ts";
import { OK, type Scenario, scenario } from "../support/scenario.ts";

const config = (origin: string, more = "") => `
  workers: 2
  upstreams: { app: "${origin}" }
  sites:
    - hosts: [a.test, www.a.test]
      ${more}
      routes:
        - { match: { path: /api/* }, name: api, forward: app }
        - { name: rest, forward: app }
    - { hosts: [b.test], routes: [{ name: b, forward: app }] }
`;

async function statuses(it: Scenario, path = "/", host = "a.test"): Promise<number[]> {
  const found = new Set<number>();
  // Of connections that both workers accept.
  for (let count = 0; count < 12; count++) {
    const client = await it.connect();
    client.send(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
    found.add((await client.readResponse()).status);
  }
  return [...found];
}

async function say(proxy: ProxyHere, order: unknown): Promise<Response> {
  const url = `http://127.0.0.1:${proxy.adminPort}/api/maintenance`;
  const body = typeof order === "string" ? order : JSON.stringify(order);
  return await fetch(url, { method: "POST", body });
}

scenario(
  "maintenance: an operator's word holds in all workers, at once and over reloads",
  async (it) => {
    const origin = await it.origin(OK);
    const proxy = await it.proxyHere(config(origin.url));
    assert.deepEqual(await statuses(it), [200]);

    const answer = await say(proxy, { site: "WWW.a.test", on: true });
    assert.deepEqual(await answer.json(), { places: [{ site: "a.test" }], on: true });
    assert.deepEqual(await statuses(it), [503]);
    assert.deepEqual(await statuses(it, "/api/x"), [503]);
    assert.deepEqual(await statuses(it, "/", "b.test"), [200], "another site");

    await say(proxy, { site: "a.test", route: "api", on: false });
    assert.deepEqual(await statuses(it, "/api/x"), [200]);
    assert.deepEqual((await proxy.status())["maintenance"], [
      { site: "a.test", on: true, by: "operator" },
      { site: "a.test", route: "api", on: false, by: "operator" },
    ]);

    await proxy.reload(config(origin.url, "maintenance: { on: false, retryAfter: 7m }"));
    assert.deepEqual(await statuses(it), [503]);
    assert.deepEqual(await statuses(it, "/api/x"), [200]);

    await say(proxy, { all: true, on: "config" });
    assert.deepEqual(await statuses(it), [200]);
  },
);

scenario("maintenance: by the config, with a page, and those who may pass", async (it) => {
  const origin = await it.origin(OK);
  const proxy = await it.proxyHere(
    config(
      origin.url,
      'maintenance: { allow: [203.0.113.0/24], retryAfter: 10m, html: "<p>soon" }',
    ).replace("workers: 2", "trust: { proxies: [127.0.0.1] }"),
  );
  const client = await it.connect();
  const ask = async (from: string) => {
    client.send(
      `GET / HTTP/1.1\r\nhost: a.test\r\naccept: text/html\r\nx-forwarded-for: ${from}\r\n\r\n`,
    );
    return await client.readResponse();
  };

  const refused = await ask("198.51.100.1");
  assert.equal(refused.status, 503);
  assert.equal(fieldValue(refused.fields, "retry-after"), "600");
  assert.equal(refused.body, "<p>soon");
  assert.equal((await ask("203.0.113.5")).status, 200);
  const [line] = await proxy.accessLines(1);
  assert.equal(line!["fault"], "maintenance");
  assert.deepEqual((await proxy.status())["maintenance"], [
    { site: "a.test", on: true, by: "config" },
  ]);

  await say(proxy, { site: "a.test", on: false });
  assert.equal((await ask("198.51.100.1")).status, 200);
});

const orders: readonly (readonly [order: unknown, status: number, reason: string])[] = [
  ["", 422, "maintenance_malformed"],
  ["[]", 422, "maintenance_malformed"],
  [{ site: "a.test" }, 422, "maintenance_malformed"],
  [{ site: "a.test", on: "yes" }, 422, "maintenance_malformed"],
  [{ site: 3, on: true }, 422, "maintenance_malformed"],
  [{ site: "a.test", all: true, on: true }, 422, "maintenance_malformed"],
  [{ all: false, on: true }, 422, "maintenance_malformed"],
  [{ site: "a.test", on: true, status: 500 }, 422, "maintenance_malformed"],
  [{ site: "c.test", on: true }, 404, "site_unknown"],
  [{ site: "a.test", route: "none", on: true }, 404, "route_unknown"],
];

scenario(
  "maintenance: what an operator cannot have meant is refused, and changes nothing",
  async (it) => {
    const origin = await it.origin(OK);
    const proxy = await it.proxyHere(config(origin.url));

    for (const [order, status, reason] of orders) {
      const answer = await say(proxy, order);
      const { reason: told } = (await answer.json()) as { reason: string };
      assert.deepEqual([answer.status, told], [status, reason], JSON.stringify(order));
    }
    const foreign = await fetch(`http://127.0.0.1:${proxy.adminPort}/api/maintenance`, {
      method: "POST",
      headers: { origin: "https://evil.test" },
      body: JSON.stringify({ all: true, on: true }),
    });
    assert.equal(foreign.status, 403);
    assert.deepEqual((await proxy.status())["maintenance"], []);
  },
);

scenario(
  "maintenance: from the command line",
  async (it) => {
    const origin = await it.origin(OK);
    const proxy = await it.proxyHere(config(origin.url));
    const main = new URL("../../src/main.ts", import.meta.url).pathname;
    const run = async (...args: string[]) => {
      const admin = ["--admin", `127.0.0.1:${proxy.adminPort}`];
      return (await promisify(execFile)(process.execPath, [main, ...args, ...admin])).stdout;
    };

    const on = await run("maintenance", "on", "a.test", "--route", "api");
    const status = await run("status");
    const reset = await run("maintenance", "reset", "a.test", "--route", "api");

    assert.equal(on, "a.test api: maintenance on\n");
    assert.match(status, /maintenance +is +by\n *a\.test api +on +operator\n/);
    assert.equal(reset, "a.test api: maintenance as the config says\n");
    assert.deepEqual((await proxy.status())["maintenance"], []);
  },
  { timeoutMs: 90_000 }, // three programs that start
);
