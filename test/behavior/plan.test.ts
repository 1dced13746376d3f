/** `sluice plan`: what a reload would change, told by the running proxy, which changes nothing. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { firstStatus, GET, type Scenario, scenario } from "../support/scenario.ts";
import { UPGRADE } from "../support/sim-messages.ts";

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function stage(it: Scenario) {
  const folder = await mkdtemp(join(tmpdir(), "sluice-plan-"));
  it.defer(() => rm(folder, { recursive: true }));
  const origin = await it.origin(
    "<raw>HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
  );
  const site = (routes: string) => `
    upstreams: { app: "${origin.url}" }
    sites: [{ hosts: ["*"], routes: [${routes}] }]`;
  const proxy = await it.proxy(
    site(
      "{ name: old, match: { header: { upgrade: websocket } }, forward: app }, { respond: 204 }",
    ),
  );
  const plan = async (text: string, ...more: string[]): Promise<Ran> => {
    await writeFile(join(folder, "sluice.yaml"), text);
    const main = new URL("../../src/main.ts", import.meta.url).pathname;
    const admin = `http://127.0.0.1:${proxy.adminPort}`;
    const args = [main, "plan", "--admin", admin, ...more];
    return new Promise((resolve) => {
      execFile(process.execPath, args, { cwd: folder }, (error, out, err) => {
        resolve({ code: Number(error?.code ?? 0), out, err });
      });
    });
  };
  return { proxy, site, plan };
}

scenario("plan: a removed route is told with the WebSockets on it", async (it) => {
  const { site, plan } = await stage(it);
  const socket = await it.connect();
  socket.send(UPGRADE);
  await socket.readUntil("101 Switching");

  const { code, out } = await plan(site("{ respond: 204 }"), "--exit-code");

  assert.equal(code, 3);
  assert.match(out, /^- route old \(\*\): 1 WebSocket on it will drain$/m);
  assert.match(out, /\n\n1 added, \d+ changed, 2 removed\n$/);
  assert.equal(socket.over, false, "it changes nothing");
  assert.equal(firstStatus(await it.client(GET)), 204);
});

scenario("plan: JSON, and what operators hold by hand", async (it) => {
  const { proxy, site, plan } = await stage(it);
  const url = `http://127.0.0.1:${proxy.adminPort}/api/upstreams/app/endpoints`;
  await fetch(url, { method: "POST", body: '{"url":"10.255.0.1:80"}' });

  const { code, out } = await plan(site("{ name: new, respond: 204 }"), "--json");

  const told = JSON.parse(out) as { changes: { kind: string; name: string }[]; held: unknown };
  assert.equal(code, 0);
  assert.ok(told.changes.some(({ kind, name }) => kind === "added" && name === "new"));
  assert.deepEqual(told.held, [{ upstream: "app", endpoint: "10.255.0.1:80", is: "added" }]);
});

scenario("plan: problems are told where they are, and nobody is asked", async (it) => {
  const { plan } = await stage(it);

  const { code, err } = await plan("sites: []\n");

  assert.equal(code, 1);
  assert.match(err, /^sluice\.yaml:1:\d+: Cannot use sites/);
});

for (const [name, body] of [
  ["no JSON", "{"],
  ["another form", '{"name":1}'],
  ["a config with problems", '{"name":"x","folder":"/","value":{},"expansions":[]}'],
] as const) {
  scenario(`plan: over the API, ${name} is refused`, async (it) => {
    const { proxy } = await stage(it);

    const answer = await fetch(`http://127.0.0.1:${proxy.adminPort}/api/plan`, {
      method: "POST",
      body,
    });

    const { reason } = (await answer.json()) as { reason: string };
    assert.deepEqual([answer.status, reason], [422, "config_has_problems"]);
  });
}
