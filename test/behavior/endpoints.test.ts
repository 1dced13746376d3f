/** Endpoints in an operator's hands: drained, undrained, added, removed, while requests go on. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { eventually } from "../support/deadline.ts";
import type { StartedProxy } from "../support/proxy.ts";
import { firstStatus, GET, OK, type Scenario, scenario } from "../support/scenario.ts";
import { SteadyLoad } from "../support/steady-load.ts";

interface Told {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

async function ask(proxy: StartedProxy, method: string, path: string, body = ""): Promise<Told> {
  const url = `http://127.0.0.1:${proxy.adminPort}/api/upstreams/${path}`;
  const answer = await fetch(url, { method, ...(body === "" ? {} : { body }) });
  return { status: answer.status, body: (await answer.json()) as Told["body"] };
}

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function sluice(proxy: StartedProxy, ...args: string[]): Promise<Ran> {
  const main = new URL("../../src/main.ts", import.meta.url).pathname;
  const admin = `http://127.0.0.1:${proxy.adminPort}`;
  return new Promise((resolve) => {
    const all = [main, ...args, "--admin", admin];
    execFile(process.execPath, all, { encoding: "utf8" }, (error, out, err) => {
      resolve({ code: Number(error?.code ?? 0), out, err });
    });
  });
}

async function pair(it: Scenario) {
  const one = await it.origin(OK);
  const two = await it.origin(OK);
  const proxy = await it.proxy(`
    upstreams: { app: { endpoints: [${one.url}, ${two.url}], balance: roundRobin } }
    sites: [{ hosts: ["*"], routes: [{ forward: app }] }]`);
  const send = async (count: number) => {
    for (let number = 0; number < count; number++) {
      assert.equal(firstStatus(await it.client(GET)), 200);
    }
  };
  return { one, two, proxy, send, name: `127.0.0.1:${one.port}` };
}

scenario("endpoints: a drained one gets nothing new until it is undrained", async (it) => {
  const { one, two, proxy, send, name } = await pair(it);

  const drained = await ask(proxy, "POST", `app/endpoints/${name}/drain`);
  await send(4);
  const during = [one.received.length, two.received.length];
  const back = await ask(proxy, "POST", `app/endpoints/${name}/undrain`);
  await send(4);

  assert.deepEqual(drained, {
    status: 200,
    body: { upstream: "app", name, health: "draining", active: 0 },
  });
  assert.deepEqual(during, [0, 4]);
  assert.deepEqual([back.status, back.body["health"]], [200, "unknown"]);
  assert.deepEqual([one.received.length, two.received.length], [2, 6]);
});

scenario("endpoints: one that is added serves, and one that is removed does not", async (it) => {
  const { one, two, proxy, send, name } = await pair(it);
  const three = await it.origin(OK);

  const added = await ask(proxy, "POST", "app/endpoints", JSON.stringify({ url: three.url }));
  await send(6);
  const shared = [one.received.length, two.received.length, three.received.length];
  const removed = await ask(proxy, "DELETE", `app/endpoints/${encodeURIComponent(name)}`);
  await one.connections[0]!.gone;
  await send(4);
  const again = await ask(proxy, "POST", "app/endpoints", JSON.stringify({ url: name }));
  await send(6);

  assert.deepEqual([added.status, removed.status, again.status], [201, 200, 201]);
  assert.deepEqual(shared, [2, 2, 2]);
  assert.deepEqual([one.received.length, two.received.length], [4, 6]);
});

type Refusal = [
  name: string,
  method: string,
  path: string,
  body: string,
  status: number,
  reason: string,
  about: RegExp,
];

// biome-ignore format: a table
const refusals: Refusal[] = [
  ["no such upstream",       "POST",   "web/endpoints/10.0.0.1:80/drain",  "",  404, "upstream_unknown",   /web, but app/],
  ["no such endpoint",       "POST",   "app/endpoints/10.0.0.1:80/drain",  "",  404, "endpoint_unknown",   /in app, but 127\.0\.0\.1:/],
  ["bytes that are no text", "POST",   "app/endpoints/%ff/drain",          "",  404, "upstream_unknown",   /./],
  ["no such one to remove",  "DELETE", "app/endpoints/x",                  "",  404, "endpoint_unknown",   /./],
  ["no such one to add to",  "POST",   "web/endpoints",                    "{}", 404, "upstream_unknown",  /./],
  ["no body",                "POST",   "app/endpoints",                    "",  422, "endpoint_malformed", /must be JSON/],
  ["no JSON",                "POST",   "app/endpoints",                    "{", 422, "endpoint_malformed", /must be JSON/],
  ["a list",                 "POST",   "app/endpoints",                    "[]", 422, "endpoint_malformed", /must be a map/],
  ["no url",                 "POST",   "app/endpoints",                    "{}", 422, "endpoint_malformed", /url: must be an endpoint/],
  ["a weight that is none",  "POST",   "app/endpoints",                    '{"url":"10.0.0.1:80","weight":-1}', 422, "endpoint_malformed", /weight: must be a whole number/],
  ["an unknown key",         "POST",   "app/endpoints",                    '{"url":"10.0.0.1:80","wieght":1}', 422, "endpoint_malformed", /did you mean weight/],
];

for (const [name, method, path, body, status, reason, about] of refusals) {
  scenario(`endpoints: ${name} is refused`, async (it) => {
    const { proxy, send } = await pair(it);

    const answer = await ask(proxy, method, path, body);
    await send(2);

    assert.deepEqual([answer.status, answer.body["reason"]], [status, reason]);
    assert.match(String(answer.body["about"]), about);
  });
}

scenario("endpoints: one that is there already is not added twice", async (it) => {
  const { proxy, name } = await pair(it);

  const answer = await ask(proxy, "POST", "app/endpoints", JSON.stringify({ url: name }));

  assert.deepEqual([answer.status, answer.body["reason"]], [409, "endpoint_exists"]);
});

scenario("endpoints: the commands do the same, and status shows it", async (it) => {
  const { proxy, name } = await pair(it);

  const drained = await sluice(proxy, "drain", "app", `http://${name}`, "--wait", "5s");
  const added = await sluice(proxy, "add", "app", "10.255.0.1:80", "--weight", "3", "--backup");
  const shown = await sluice(proxy, "status");
  const json = await sluice(proxy, "status", "--json");
  const removed = await sluice(proxy, "remove", "app", "10.255.0.1:80");
  const back = await sluice(proxy, "undrain", "app", name);
  const unknown = await sluice(proxy, "drain", "app", "x");
  const wrong = await sluice(proxy, "drain", "app");
  const top = await sluice(proxy, "top", "--looks", "1");

  assert.deepEqual(
    [drained.code, drained.out],
    [0, `app ${name}: draining, 0 requests in flight\n`],
  );
  assert.equal(added.code, 0, added.err);
  assert.match(shown.out, new RegExp(`${name} +draining +1 +0`));
  assert.match(shown.out, /10\.255\.0\.1:80 \(added\) +unknown +3 backup +0/);
  assert.equal((JSON.parse(json.out) as { readiness: string }).readiness, "ready");
  assert.deepEqual([removed.code, back.code, back.out], [0, 0, `app ${name}: unknown\n`]);
  assert.equal(unknown.code, 1);
  assert.match(unknown.err, /endpoint_unknown/);
  assert.equal(wrong.code, 2);
  assert.match(top.out, /upstream app/);
});

scenario("endpoints: where nobody answers the command says so", async (it) => {
  const { proxy } = await pair(it);
  await proxy.stop();

  const { code, err } = await sluice(proxy, "status");

  assert.equal(code, 1);
  assert.match(err, /nobody answers: is sluice running there/);
});

scenario(
  "endpoints: drain and restart under load fails nothing, three times",
  async (it) => {
    const one = await it.origin(`<wait 5ms>${OK}`);
    let two = await it.origin(`<wait 5ms>${OK}`);
    const proxy = await it.process(`
    upstreams: { app: { endpoints: [${one.url}, ${two.url}] } }
    sites: [{ hosts: ["*"], routes: [{ forward: app }] }]`);
    const load = new SteadyLoad({ port: proxy.port, keepAlive: 8, fresh: 4, everyMs: 5 });
    await load.untilServed(100);

    for (let round = 0; round < 3; round++) {
      const path = `app/endpoints/127.0.0.1:${two.port}`;
      await ask(proxy, "POST", `${path}/drain`);
      await eventually(
        async () => {
          const { body } = await ask(proxy, "POST", `${path}/drain`);
          return body["active"] === 0 ? true : undefined;
        },
        () => "what is in flight to end",
      );
      await two.close();
      await load.untilServed(100);
      const before = two.port;
      two = await it.origin(`<wait 5ms>${OK}`, "127.0.0.1", before);
      await ask(proxy, "POST", `${path}/undrain`);
      await load.untilServed(200);
      assert.ok(two.received.length > 0, "the restarted one serves");
    }
    await load.stop();

    assert.deepEqual(load.failures, []);
  },
  { timeoutMs: 60_000 },
);

scenario(
  "endpoints: what an operator does holds in every worker, and in one that is new",
  async (it) => {
    const one = await it.origin(OK);
    const two = await it.origin(OK);
    const proxy = await it.process(`
      workers: 2
      upstreams: { app: { endpoints: [${one.url}], balance: roundRobin } }
      sites: [{ hosts: ["*"], routes: [{ forward: app }] }]`);
    const name = `127.0.0.1:${one.port}`;
    const load = new SteadyLoad({ port: proxy.port, keepAlive: 0, fresh: 4, everyMs: 1 });
    await eventually(
      () => proxy.metrics().catch(() => undefined),
      () => "an answer of the admin listener",
    );

    await ask(proxy, "POST", "app/endpoints", JSON.stringify({ url: two.url }));
    await eventually(
      () => (two.received.length > 20 ? true : undefined),
      () => "requests to the added one",
    );
    await ask(proxy, "POST", `app/endpoints/${name}/drain`);
    await load.untilServed(20);
    const before = one.received.length;
    await load.untilServed(100);
    const drained = one.received.length - before;
    await ask(proxy, "DELETE", `app/endpoints/${name}`);
    await load.untilServed(100);
    await load.stop();

    assert.deepEqual([drained, one.received.length - before, load.failures], [0, 0, []]);
  },
  { timeoutMs: 60_000 },
);
