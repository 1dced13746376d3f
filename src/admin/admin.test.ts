import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { connect, type NetConnectOpts } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { SimClock } from "../../test/support/sim-clock.ts";
import { type Admin, createAdmin } from "./admin.ts";
import { BanControl } from "./ban-control.ts";
import { EndpointControl } from "./endpoint-control.ts";
import { MaintenanceControl } from "./maintenance-control.ts";
import { PlanControl } from "./plan-control.ts";
import { PurgeControl } from "./purge-control.ts";
import { Readiness } from "./readiness.ts";
import type { ReloadOutcome } from "./running-proxy.ts";

const TOKEN = "0123456789abcdef-the-token";

const log = { info: () => {}, warn: () => {} };

function unreachable(): never {
  throw new Error("no request of these is about the server itself");
}

interface Setup {
  readonly host?: string;
  readonly token?: string | undefined;
  readonly hosts?: readonly string[];
  readonly status?: () => unknown;
  readonly reload?: () => Promise<ReloadOutcome>;
}

async function start(t: TestContext, setup: Setup = {}): Promise<Admin> {
  const admin = await createAdmin({
    address: { host: setup.host ?? "127.0.0.1", port: 0 },
    token: setup.token,
    hosts: setup.hosts ?? [],
    metrics: (accept) => ({ text: `# ${accept}\n`, contentType: "text/plain; version=0.0.4" }),
    status: setup.status ?? (() => ({ version: "0.1.0" })),
    reload: setup.reload ?? (async () => ({ kind: "refused", message: "no file" })),
    endpoints: new EndpointControl(unreachable, { clock: new SimClock(), log }),
    plans: new PlanControl(unreachable, unreachable),
    purges: new PurgeControl(unreachable, log),
    maintenance: new MaintenanceControl(unreachable, log),
    bans: new BanControl(unreachable, log),
    upgrade: unreachable,
    readiness: new Readiness(),
    log,
  });
  t.after(() => admin[Symbol.asyncDispose]());
  return admin;
}

/** Sends bytes as they are and gives back all that comes until the other side closes. */
async function exchange(to: NetConnectOpts, text: string): Promise<string> {
  return await new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(to, () => socket.write(text, "latin1"));
    socket.setTimeout(5_000, () => reject(new Error(`no end in 5 s: ${answer}`)));
    socket.on("data", (bytes) => {
      answer += bytes.toString("latin1");
    });
    socket.on("error", () => {}); // reset after an early answer; "close" follows
    socket.on("close", () => resolve(answer));
  });
}

async function ask(admin: Admin, line: string, headers: readonly string[]): Promise<string> {
  const head = [`${line} HTTP/1.1`, ...headers, "connection: close", "", ""].join("\r\n");
  return await exchange({ host: "127.0.0.1", port: admin.address.port }, head);
}

function statusOf(answer: string): number {
  return Number(answer.split(" ")[1]);
}

function reasonOf(answer: string): string | undefined {
  return (JSON.parse(answer.slice(answer.indexOf("\r\n\r\n"))) as { reason?: string }).reason;
}

const HOST = "host: 127.0.0.1";

type Row = [name: string, line: string, headers: string[], status: number, reason?: string];

// biome-ignore format: a table
const rows: Row[] = [
  ["metrics",                             "GET /metrics",       [HOST],                     200],
  ["status",                              "GET /api/status",    ["host: localhost:9999"],   200],
  ["a query is not part of the path",     "GET /api/status?x",  ["host: [::1]:2080"],       200],
  ["live",                                "GET /health/live",   [HOST],                     200],
  ["an unknown path",                     "GET /api/users",     [HOST],                     404, "not_found"],
  ["a path that is only near",            "GET /metricsx",      [HOST],                     404, "not_found"],
  ["a wrong method",                      "DELETE /metrics",    [HOST],                     405, "method_not_allowed"],
  ["a read of what only acts",            "GET /api/reload",    [HOST],                     405, "method_not_allowed"],
  ["reload",                              "POST /api/reload",   [HOST, "content-length: 0"], 409, "reload_refused"],
  ["a read of what only acts on endpoints", "GET /api/upstreams/a/endpoints/b/drain", [HOST], 405, "method_not_allowed"],
  ["CSRF: of an endpoint",                "DELETE /api/upstreams/a/endpoints/b", [HOST, "origin: http://evil.example"], 403, "cross_origin"],
  ["rebinding: the page's own name",      "GET /api/status",    ["host: evil.example"],     421, "host_not_allowed"],
  ["rebinding: of a health probe",        "GET /health/live",   ["host: evil.example:2080"], 421, "host_not_allowed"],
  ["rebinding: a name that begins right", "GET /metrics",       ["host: localhost.evil.example"], 421, "host_not_allowed"],
  ["rebinding: a name that ends right",   "GET /metrics",       ["host: evil-localhost"],   421, "host_not_allowed"],
  ["rebinding: 127.0.0.1 as a label",     "GET /metrics",       ["host: 127.0.0.1.evil.example"], 421, "host_not_allowed"],
  ["rebinding: user information",         "GET /metrics",       ["host: localhost@evil.example"], 421, "host_not_allowed"],
  ["another address than loopback",       "GET /metrics",       ["host: 203.0.113.9"],      421, "host_not_allowed"],
  ["an empty host",                       "GET /metrics",       ["host:"],                  421, "host_not_allowed"],
  ["two hosts",                           "GET /metrics",       [HOST, "host: evil.example"], 421, "host_not_allowed"],
  ["CSRF: another origin",                "POST /api/reload",   [HOST, "origin: https://evil.example", "content-length: 0"], 403, "cross_origin"],
  ["CSRF: no origin to speak of",         "POST /api/reload",   [HOST, "origin: null", "content-length: 0"], 403, "cross_origin"],
  ["CSRF: another port of this machine",  "POST /api/reload",   [HOST, "origin: http://127.0.0.1:3000", "content-length: 0"], 403, "cross_origin"],
  ["CSRF: cross-site by the browser's word", "POST /api/reload", [HOST, "sec-fetch-site: cross-site", "content-length: 0"], 403, "cross_origin"],
  ["CSRF: same-site is not same-origin",  "POST /api/reload",   [HOST, "sec-fetch-site: same-site", "content-length: 0"], 403, "cross_origin"],
  ["the dashboard's own origin",          "POST /api/reload",   [HOST, "origin: http://127.0.0.1", "sec-fetch-site: same-origin", "content-length: 0"], 409, "reload_refused"],
  ["a body announced too large",          "POST /api/purge",    [HOST, "content-length: 65537"], 413, "body_too_large"],
];

for (const [name, line, headers, status, reason] of rows) {
  test(`admin on loopback: ${name}`, async (t) => {
    const admin = await start(t);

    const answer = await ask(admin, line, headers);

    assert.equal(statusOf(answer), status, answer);
    if (reason !== undefined) assert.equal(reasonOf(answer), reason);
    assert.match(answer, /\r\ncache-control: no-store\r\n/i);
  });
}

// biome-ignore format: a table
const tokenRows: Row[] = [
  ["no token",                      "GET /metrics",      [],                                     401, "token_required"],
  ["an unknown path, no token",     "GET /nothing",      [],                                     401, "token_required"],
  ["a wrong token",                 "GET /api/status",   [`authorization: Bearer ${TOKEN}x`],    401, "token_required"],
  ["the beginning of the token",    "GET /api/status",   [`authorization: Bearer ${TOKEN.slice(0, -1)}`], 401, "token_required"],
  ["an empty token",                "GET /api/status",   ["authorization: Bearer "],             401, "token_required"],
  ["another scheme",                "GET /api/status",   [`authorization: Basic ${TOKEN}`],      401, "token_required"],
  ["the token in the query",        `GET /metrics?token=${TOKEN}`, [],                           401, "token_required"],
  ["the token",                     "GET /metrics",      [`authorization: Bearer ${TOKEN}`],     200],
  ["the token, the scheme in capitals", "GET /metrics",  [`authorization: BEARER ${TOKEN}`],     200],
  ["a probe, no token",             "GET /health/live",  [],                                     200],
];

for (const [name, line, headers, status, reason] of tokenRows) {
  test(`admin on every address: ${name}`, async (t) => {
    const admin = await start(t, { host: "0.0.0.0", token: TOKEN });

    const answer = await ask(admin, line, ["host: 203.0.113.9:2080", ...headers]);

    assert.equal(statusOf(answer), status, answer);
    if (reason !== undefined) assert.equal(reasonOf(answer), reason);
    if (status === 401) assert.match(answer, /\r\nwww-authenticate: Bearer/i);
  });
}

test("admin on every address: a name has to be a known one, token or not", async (t) => {
  const admin = await start(t, { host: "0.0.0.0", token: TOKEN, hosts: ["Admin.example"] });
  const bearer = `authorization: Bearer ${TOKEN}`;

  assert.equal(statusOf(await ask(admin, "GET /metrics", ["host: evil.example", bearer])), 421);
  assert.equal(statusOf(await ask(admin, "GET /metrics", ["host: admin.example", bearer])), 200);
});

test("admin: a loopback listener that has a token asks for it", async (t) => {
  const admin = await start(t, { token: TOKEN });

  assert.equal(statusOf(await ask(admin, "GET /metrics", [HOST])), 401);
});

// biome-ignore format: a table
const openToAll: [name: string, setup: Setup, wanted: RegExp][] = [
  ["every address without a token", { host: "0.0.0.0" },              /must be on loopback without a token, got 0\.0\.0\.0/],
  ["every IPv6 address",            { host: "::" },                   /must be on loopback/],
  ["a name",                        { host: "admin.example" },        /must be on loopback/],
  ["a short token",                 { token: "secret" },              /must have 16 characters or more, got 6/],
];

for (const [name, setup, wanted] of openToAll) {
  test(`createAdmin: refuses ${name}`, async (t) => {
    await assert.rejects(start(t, setup), wanted);
  });
}

test("admin: readiness answers 503 until ready, and 503 from draining on", async (t) => {
  const admin = await start(t);
  const statuses: number[] = [];
  for (const state of [undefined, "ready", "draining", "ready"] as const) {
    if (state !== undefined) admin.readiness.set(state);
    statuses.push(statusOf(await ask(admin, "GET /health/ready", [HOST])));
  }

  assert.deepEqual(statuses, [503, 200, 503, 503]);
});

test("admin: a body that grows too large unannounced is cut off", async (t) => {
  const admin = await start(t);
  const head = `POST /api/purge HTTP/1.1\r\n${HOST}\r\ntransfer-encoding: chunked\r\n\r\n`;
  const chunk = `8000\r\n${"x".repeat(0x8000)}\r\n`;

  const answer = await exchange(
    { host: "127.0.0.1", port: admin.address.port },
    head + chunk.repeat(4),
  );

  assert.equal(statusOf(answer), 413);
  assert.match(answer, /\r\nconnection: close\r\n/i);
});

test("admin: HEAD has the fields of GET and no body", async (t) => {
  const answer = await ask(await start(t), "HEAD /api/status", [HOST]);

  assert.match(answer, /^HTTP\/1\.1 200 /);
  assert.match(answer, /\r\ncontent-length: [1-9][0-9]*\r\n/i);
  assert.match(answer, /\r\n\r\n$/);
});

test("admin: the scraper's Accept reaches the metrics", async (t) => {
  const answer = await ask(await start(t), "GET /metrics", [
    HOST,
    "accept: application/openmetrics-text",
  ]);

  assert.match(answer, /\r\n\r\n# application\/openmetrics-text\n$/);
});

test("admin: a source that throws is a 500 with no detail, and the next request is served", async (t) => {
  let callCount = 0;
  const status = () => {
    callCount++;
    if (callCount === 1) throw new Error("a detail");
    return {};
  };
  const admin = await start(t, { status });

  const broken = await ask(admin, "GET /api/status", [HOST]);
  const next = await ask(admin, "GET /api/status", [HOST]);

  assert.equal(statusOf(broken), 500);
  assert.equal(reasonOf(broken), "bug");
  assert.equal(broken.includes("a detail"), false);
  assert.equal(statusOf(next), 200);
});

test("admin: a unix socket is for its owner alone; one left by a dead process is replaced, no other", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-admin-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "admin.sock");
  const dies = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  spawnSync(process.execPath, ["-e", dies], { timeout: 5_000 });
  assert.ok(statSync(path).isSocket());
  await start(t, { host: path });

  const answer = await exchange(
    { path },
    `GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`,
  );

  assert.equal(statusOf(answer), 200);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  await assert.rejects(start(t, { host: path }), { code: "EADDRINUSE" });
});

const problem = {
  file: "sluice.yaml",
  line: 3,
  column: 7,
  at: ["workers"],
  message: "Cannot use workers: must be 1, got 0",
};
const leaving = { exchanges: 1, tunnels: 3 };

// biome-ignore format: a table
const reloads: readonly [string, ReloadOutcome, number, RegExp][] = [
  ["taken",                 { kind: "taken", version: 7, leaving, warnings: ["w"] }, 200, /"version": 7,\n {2}"leaving": \{\n {4}"exchanges": 1,\n {4}"tunnels": 3\n[^"]+"warnings": \[\n {4}"w"/],
  ["refused by the system", { kind: "refused", message: "port 80 is taken" },       409, /"reason": "reload_refused",\n {2}"about": "port 80 is taken"/],
  ["with problems",         { kind: "problems", problems: [problem, problem] },     422, /"reason": "config_has_problems"[\s\S]*(?:"text": "sluice\.yaml:3:7: Cannot use workers[\s\S]*){2}/],
];
for (const [name, outcome, status, wanted] of reloads) {
  test(`admin: a reload that is ${name} answers ${status}`, async (t) => {
    const admin = await start(t, { reload: async () => outcome });
    admin.readiness.set("ready");

    const answer = await ask(admin, "POST /api/reload", [HOST, "content-length: 0"]);

    assert.equal(statusOf(answer), status);
    assert.match(answer, wanted);
  });
}

test("admin: a reload while it drains is refused, and nothing is asked", async (t) => {
  const admin = await start(t, { reload: () => assert.fail("asked") });
  admin.readiness.set("draining");

  const answer = await ask(admin, "POST /api/reload", [HOST, "content-length: 0"]);

  assert.equal(statusOf(answer), 503);
  assert.match(answer, /"reason": "draining"/);
});

test("admin: another token holds from the next request on", async (t) => {
  const admin = await start(t, { token: TOKEN });
  const asked = () => ask(admin, "GET /api/status", [HOST, `authorization: Bearer ${TOKEN}`]);
  assert.equal(statusOf(await asked()), 200);

  admin.use("another-token-0123456789");

  assert.equal(statusOf(await asked()), 401);
});
