/** Who may pass, over real sockets: what the upstream sees, what the log keeps, what clients get. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocket } from "ws";
import { digestOf } from "../../src/features/auth/api-key/known-keys.ts";
import { eventually } from "../support/deadline.ts";
import { part, skipWithout } from "../support/parts.ts";
import {
  faultOf,
  firstStatus,
  forwardTo,
  OK,
  type Scenario,
  scenario,
} from "../support/scenario.ts";
import { socketServer } from "../support/websocket.ts";

const KEY = "correct-horse-battery-staple";
const OTHER = "another-horse-battery-staple";
const HEADERS = 'headers: { X-User: "{identity}" }';
const AUTH = `apiKey: { query: api_key, header: X-Api-Key, keys: [{ name: mobile, key: ${KEY} }] }, ${HEADERS}`;

function get(path = "/", ...fields: string[]): string {
  return [`GET ${path} HTTP/1.1`, "host: a.test", ...fields, "", ""].join("\r\n");
}

async function keyFile(it: Scenario, ...lines: string[]) {
  const folder = await mkdtemp(join(tmpdir(), "sluice-auth-"));
  it.defer(() => rm(folder, { recursive: true }));
  const file = join(folder, "keys.txt");
  const write = (...all: string[]) => writeFile(file, all.join("\n"));
  if (lines.length > 0) await write(...lines);
  return { file, write };
}

scenario("auth: a key lets in, goes no further, and is in no log", async (it) => {
  const origin = await it.origin(OK);
  const proxy = await it.proxy(forwardTo(origin.url, { route: `auth: { ${AUTH} }` }));

  const byHeader = await it.client(get("/", `x-api-key: ${KEY}`, "x_user: root"));
  const byQuery = await it.client(get(`/?a=1&api_key=${KEY}`));
  const refused = await it.client(get("/?api_key=wrong"));

  assert.equal(firstStatus(byHeader), 200);
  assert.equal(firstStatus(byQuery), 200);
  assert.match(
    refused,
    /^HTTP\/1\.1 401 .*\r\n(?:.*\r\n)*WWW-Authenticate: ApiKey realm="api"\r\n/i,
  );
  assert.equal(origin.received.length, 2);
  for (const { head } of origin.received) {
    assert.match(head, /\r\nX-User: mobile\r\n/);
    assert.ok(!head.includes(KEY) && !head.includes("root"), head);
  }
  const lines = await proxy.accessLines(3);
  assert.deepEqual(
    lines.map(({ user, fault }) => [user, fault]),
    [
      ["mobile", undefined],
      ["mobile", undefined],
      [undefined, "auth_failed"],
    ],
  );
  assert.ok(!JSON.stringify(lines).includes(KEY));
});

scenario("auth: a refusal comes before the body, and the connection lives on", async (it) => {
  const origin = await it.origin(OK);
  await it.proxy(forwardTo(origin.url, { route: `auth: { ${AUTH} }` }));
  const client = await it.connect();

  client.send(
    "POST / HTTP/1.1\r\nhost: a.test\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n",
  );
  const { status } = await client.readMessage();

  assert.equal(status, 401);
  assert.equal(origin.received.length, 0);
});

scenario("auth: a body that came along is no request", async (it) => {
  const origin = await it.origin(OK);
  await it.proxy(forwardTo(origin.url, { route: `auth: { ${AUTH} }` }));
  const evil = get("/evil", `x-api-key: ${KEY}`);

  const answer = await it.client(
    `POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: ${evil.length}\r\n\r\n${evil}${get("/", `x-api-key: ${KEY}`)}`,
    { responses: 2 },
  );

  assert.deepEqual(answer.match(/^HTTP\/1\.1 \d+/gm), ["HTTP/1.1 401", "HTTP/1.1 200"]);
  assert.equal(origin.received.length, 1);
  assert.match(origin.received[0]!.head, /^GET \/ /);
});

scenario("auth: WebSockets go through it as well", async (it) => {
  const server = await socketServer((socket) => socket.on("message", (data) => socket.send(data)));
  it.defer(() => server.close());
  const proxy = await it.proxy(forwardTo(server.url, { route: `auth: { ${AUTH} }` }));
  const open = (headers: Record<string, string>) => {
    const socket = new WebSocket(`ws://127.0.0.1:${proxy.port}/`, { headers });
    it.defer(() => socket.terminate());
    return socket;
  };

  const [error] = await once(open({}), "error");
  const inside = open({ "x-api-key": KEY });
  await once(inside, "open");
  inside.send("hello");
  const [data] = await once(inside, "message");

  assert.match(String(error), /401/);
  assert.equal(String(data), "hello");
});

scenario("auth: keys of a file are followed; another takes the place of the first", async (it) => {
  const origin = await it.origin(OK);
  const { file, write } = await keyFile(it, `mobile:${digestOf(KEY)}`);
  await it.proxy(
    forwardTo(origin.url, { route: `auth: { apiKey: { file: ${file} }, guard: off }` }),
  );
  const statusOf = async (key: string) =>
    firstStatus(await it.client(get("/", `x-api-key: ${key}`)));
  assert.equal(await statusOf(KEY), 200);

  await write(`mobile:${digestOf(OTHER)}`);
  await eventually(
    async () => ((await statusOf(OTHER)) === 200 ? true : undefined),
    () => "the other key to hold",
    15_000,
  );

  assert.equal(await statusOf(KEY), 401);
});

scenario("auth: a file that is not there closes its route, and no other (A4)", async (it) => {
  const origin = await it.origin(OK);
  const { file, write } = await keyFile(it);
  const config = `{
    upstreams: { app: ${origin.url} },
    sites: [{ hosts: ["*"], routes: [
      { match: { path: /in }, forward: app, auth: { apiKey: { file: ${file} }, optional: true, mode: warn } },
      { forward: app },
    ] }] }`;
  const proxy = await it.proxyHere(config);

  assert.equal(firstStatus(await it.client(get("/in", `x-api-key: ${KEY}`))), 503);
  assert.equal(await faultOf(proxy), "security_unbuilt");
  assert.equal(firstStatus(await it.client(get("/"))), 200);
  await write(`mobile:${digestOf(KEY)}`);
  await proxy.reload(config);

  assert.equal(firstStatus(await it.client(get("/in", `x-api-key: ${KEY}`))), 200);
});

scenario("auth: who guesses waits, whatever worker is asked (A6)", async (it) => {
  const origin = await it.origin(OK);
  const guard = "guard: { perAddress: 5, within: 1h }";
  const proxy = await it.proxy(
    forwardTo(origin.url, { top: "workers: 2", route: `auth: { ${AUTH}, ${guard} }` }),
  );

  const answers: string[] = [];
  for (let count = 0; count < 20; count++) {
    answers.push(await it.client(get("/", `x-api-key: guess-${count}`)));
  }

  const statuses = answers.map(firstStatus);
  assert.deepEqual(statuses, [...Array(4).fill(401), ...Array(16).fill(429)]);
  assert.match(answers.at(-1)!, /\r\nRetry-After: \d+\r\n/i);
  assert.equal(firstStatus(await it.client(get("/", `x-api-key: ${KEY}`))), 200);
  assert.match(await proxy.metrics(), /auth_limited/);
});

const CACHED = (control: string) => `HTTP/1.1 200 OK\r\ncontent-length: 2\r\n${control}\r\n\r\nok`;

for (const [name, control, asked] of [
  ["for everybody only if it says so", "cache-control: max-age=60", 4],
  ["shared if it says so", "cache-control: public, max-age=60", 2],
] as const) {
  scenario(`auth: what the cache has for somebody is ${name}`, async (it) => {
    const origin = await it.origin(CACHED(control));
    await it.proxy(
      forwardTo(origin.url, { route: `cache: on, auth: { ${AUTH}, optional: true }` }),
    );

    // Whom nobody knows is served from what was stored for nobody.
    for (const field of [
      `x-api-key: ${KEY}`,
      `x-api-key: ${KEY}`,
      "a: b",
      "a: b",
      `x-api-key: ${KEY}`,
    ]) {
      assert.equal(firstStatus(await it.client(get("/", field))), 200);
    }

    assert.equal(origin.received.length, asked);
  });
}

const basicField = (name: string, password: string) =>
  `authorization: Basic ${Buffer.from(`${name}:${password}`).toString("base64")}`;

scenario(
  "auth: basic, with a file that htpasswd makes and changes",
  async (it) => {
    const origin = await it.origin(OK);
    const { file } = await keyFile(it, "");
    const htpasswd = (...args: string[]) =>
      execFileSync(part("htpasswd")!, args, { stdio: "pipe" });
    htpasswd("-bBC", "5", file, "alice", "grüße 1:2");
    const proxy = await it.proxy(
      forwardTo(origin.url, {
        top: "workers: 2",
        route: `auth: { basic: { file: ${file} }, guard: off, ${HEADERS} }`,
      }),
    );
    const statusOf = async (name: string, password: string) =>
      firstStatus(await it.client(get("/", basicField(name, password))));

    assert.equal(await statusOf("alice", "grüße 1:2"), 200);
    assert.equal(await statusOf("alice", "wrong"), 401);
    assert.equal(await statusOf("bob", "other"), 401);
    htpasswd("-bBC", "5", file, "bob", "other");
    htpasswd("-D", file, "alice");
    await eventually(
      async () => ((await statusOf("alice", "grüße 1:2")) === 401 ? true : undefined),
      () => "alice to be gone, though her password was remembered",
      15_000,
    );
    await eventually(
      async () => ((await statusOf("bob", "other")) === 200 ? true : undefined),
      () => "bob to be known",
      15_000,
    );

    const { head } = origin.received[0]!;
    assert.match(head, /\r\nX-User: alice\r\n/);
    assert.doesNotMatch(head, /authorization/i);
    const lines = JSON.stringify(await proxy.accessLines(3));
    assert.ok(!lines.includes("grüße") && !lines.includes("Basic"), lines);
  },
  { skip: skipWithout("htpasswd") },
);

scenario(
  "auth: a client that leaves while its password is checked is nobody's trouble",
  async (it) => {
    const origin = await it.origin(OK);
    // Some 100 ms, on the thread.
    const hash = "$2b$10$INXZvhTJKIHInSJP9mnTUuWCeLd2tgRqg15/Yvf4Ntdbck4MNqJTC";
    const proxy = await it.proxyHere(
      forwardTo(origin.url, { route: `auth: { basic: { users: { alice: "${hash}" } } }` }),
    );

    for (let count = 0; count < 5; count++) {
      const client = await it.connect();
      client.send(get("/", basicField("alice", `guess-${count}`)));
      client.reset();
    }
    const answer = await it.client(get("/", basicField("alice", "wrong")));

    assert.equal(firstStatus(answer), 401);
    assert.equal(origin.received.length, 0);
    assert.equal(await proxy.metric("sluice_bugs_total"), 0);
  },
);
