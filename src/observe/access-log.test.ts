import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import {
  endpointOf,
  exchangeOf,
  HEADERS,
  headersOf,
  knownLinesOf,
  knownOf,
  routeOf,
  type Sample,
  siteOf,
} from "../../test/support/exchange-sample.ts";
import { SystemClock } from "../base/system-clock.ts";
import type { Exchange } from "../core/exchange.ts";
import { FAULTS, type FaultCode } from "../core/fault.ts";
import { AccessLog } from "./access-log.ts";
import { LogSink } from "./log-sink.ts";

const realClock = new SystemClock();

const folder = mkdtempSync(join(tmpdir(), "sluice-access-log-"));
after(() => rmSync(folder, { recursive: true }));
const WALL_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const clock = { after: realClock.after, wallMs: () => WALL_MS, nowMs: () => 1014 }; // when samples end
let fileCount = 0;

/** What the log has after these exchanges, as bytes and as lines. */
async function logged(exchanges: readonly Exchange[], again = 1) {
  const path = join(folder, String(fileCount++));
  const sink = await LogSink.open({ destination: path, clock, log: undefined });
  const log = new AccessLog(clock, sink);
  for (let round = 0; round < again; round++) for (const each of exchanges) log.exchangeEnded(each);
  await sink.close();
  const bytes = readFileSync(path);
  const lines = bytes.toString("latin1").split("\n").slice(0, -1);
  return { bytes, lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

async function lineOf(exchange: Exchange) {
  return (await logged([exchange])).lines[0]!;
}

test("AccessLog: every field, in the order of the reference", async () => {
  const { bytes } = await logged([exchangeOf({ client: { address: "198.51.100.4" } })]);

  assert.equal(
    bytes.toString(),
    `{"time":"2026-01-02T03:04:05.678Z","id":"01J9ZK3V5Q8W2M4X6Y7Z8A9B0C","client":"198.51.100.4",` +
      `"wire":"203.0.113.7","method":"GET","scheme":"https","host":"shop.example.com",` +
      `"path":"/api/products/42","query":"page=2&sort=price","protocol":"HTTP/1.1","status":200,` +
      `"site":"shop.example.com","route":"api","upstream":"api","endpoint":"10.0.0.21:8080",` +
      `"attempts":1,"reused":true,"bytes_in":0,"bytes_out":18734,"head_ms":0.250,"wait_ms":0.125,` +
      `"connect_ms":0.125,"upstream_ms":12.346,"total_ms":13.500,"user_agent":"Mozilla/5.0 (X11; ` +
      `Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",` +
      `"referer":"https://shop.example.com/catalogue/lamps?page=2"}\n`,
  );
});

const TLS = {
  ...{ version: "TLSv1.3", cipher: "TLS_AES_128_GCM_SHA256", serverName: "shop.example.com" },
  ...{ alpn: "h2", isResumed: false, certificate: undefined, policy: "" },
};

test("AccessLog: what was agreed on with the client, and the name it asked for if that is another", async () => {
  const [own, other, none] = (
    await logged([
      exchangeOf({ client: { tls: TLS } }),
      exchangeOf({ client: { tls: { ...TLS, serverName: "a.test", alpn: "", isResumed: true } } }),
      exchangeOf({ client: { tls: { ...TLS, version: "TLSv1.2", serverName: "" } } }),
    ])
  ).lines;

  const shown = ({ tls, cipher, alpn, resumed, sni }: Record<string, unknown> = {}) =>
    [tls, cipher, alpn, resumed, sni].map(String).join();
  const suite = "TLS_AES_128_GCM_SHA256";
  assert.equal(shown(own), `TLSv1.3,${suite},h2,false,undefined`);
  assert.equal(shown(other), `TLSv1.3,${suite},undefined,true,a.test`);
  assert.equal(shown(none), `TLSv1.2,${suite},h2,false,undefined`);
  assert.deepEqual(Object.keys(own!).slice(0, 9), [
    ...["time", "id", "client", "tls", "cipher", "alpn", "resumed", "method", "scheme"],
  ]);
});

test("AccessLog: a call of gRPC has its status, also where that is 0", async () => {
  const lines = await Promise.all(
    [0, 14].map((grpcStatus) => lineOf(Object.assign(exchangeOf(), { grpcStatus }))),
  );

  assert.deepEqual(
    lines.map((line) => [line["status"], line["grpc_status"]]),
    [
      [200, 0],
      [200, 14],
    ],
  );
});

test("AccessLog: an exchange that got no further than its head says only that", async () => {
  const exchange = exchangeOf({
    ...{ headers: {}, status: 0, endpoint: undefined, site: undefined, route: undefined },
    request: { query: "", scheme: "http", minorVersion: 0 },
    times: { claimedMs: 0, connectedMs: 0, responseMs: 0 },
  });
  exchange.fault = { code: "client_gone", detail: 'said "bye"\n' };

  const line = await lineOf(exchange);

  assert.deepEqual(Object.keys(line), [
    ...["time", "id", "client", "method", "scheme", "host", "path", "protocol", "status", "fault"],
    ...["fault_detail", "bytes_in", "bytes_out", "head_ms", "total_ms"],
  ]);
  assert.equal(line["status"], 499);
  assert.equal(line["protocol"], "HTTP/1.0");
  assert.equal(line["fault"], "client_gone");
  assert.equal(line["fault_detail"], 'said "bye"\n');
});

test("AccessLog: a second attempt, HTTP/2, a body received", async () => {
  const exchange = exchangeOf({ client: { isHttp2: true }, status: 502 });
  Object.assign(exchange, { attempts: 2, connectionReused: false, requestBytes: 70_000 });

  const line = await lineOf(exchange);

  assert.equal(line["protocol"], "HTTP/2");
  assert.equal(line["status"], 502);
  assert.equal(line["attempts"], 2);
  assert.equal(line["reused"], false);
  assert.equal(line["bytes_in"], 70_000);
  assert.equal(line["bytes_out"], 18_734);
});

test("AccessLog: routes and endpoints of one name are told apart by where they belong", async () => {
  const [route, endpoint] = [routeOf("r"), endpointOf("10.0.0.1:1")];
  const first = exchangeOf({ site: siteOf("a"), route, endpoint });
  const other = exchangeOf({ site: siteOf("b"), route, endpoint });
  other.upstream = "other";

  const { lines } = await logged([first, other, first], 3);

  assert.deepEqual(
    lines.slice(-3).map((line) => `${line["site"]} ${line["upstream"]}`),
    ["a api", "b other", "a api"],
  );
});

// biome-ignore format: a table
const hostile: [name: string, value: string][] = [
  ["a quote",                    'x" , "status":200,"y":"'],
  ["a backslash at the end",     "x\\"],
  ["line ends",                  "x\r\n{\"time\":\"forged\"}\n"],
  ["a terminal's escape",        "\x1b]0;owned\x07\x9b31m"],
  ["every control byte",         String.fromCharCode(...Array(32).keys(), 0x7f)],
  ["every byte from 0x80",       String.fromCharCode(...Array.from({ length: 128 }, (_, i) => 128 + i))],
  ["half of a UTF-8 sequence",   "\xc3"],
  ["a UTF-8 sequence as bytes",  "\xc3\xa9"],
  ["an overlong slash",          "\xc0\xaf"],
];

for (const [name, value] of hostile) {
  test(`AccessLog: ${name} comes back byte for byte, wherever it stands`, async () => {
    const headers = { "user-agent": value, referer: value };
    const request = { host: value, path: value, query: value, method: value };
    const client = { address: value, wireAddress: `${value}!` };
    const sample = { headers, request, client };
    const exchange = exchangeOf({ ...sample, site: siteOf(value), route: routeOf(value) });
    exchange.id = value;
    exchange.fault = { code: "bug", detail: value };

    const { bytes, lines } = await logged([exchange], 20); // from the caches, too

    assert.ok(bytes.every((byte) => byte === 0x0a || (byte >= 0x20 && byte < 0x7f)));
    assert.equal(lines.length, 20);
    for (const line of lines) {
      for (const key of ["host", "path", "method", "client", "id", "site", "route"]) {
        assert.equal(line[key], value, key);
      }
      for (const key of ["user_agent", "referer", "fault_detail"]) assert.equal(line[key], value);
      if (!value.includes("=")) assert.equal(line["query"], value);
    }
  });
}

test("AccessLog: a name of the config beyond latin1 is itself", async () => {
  const line = await lineOf(exchangeOf({ route: routeOf("магазин 🛒\ud800") }));

  assert.equal(line["route"], "магазин 🛒\ud800");
});

test("AccessLog: any latin1 text gives one line of JSON, its secrets left out", async () => {
  const latin1 = fc.string({
    unit: fc.integer({ min: 0, max: 255 }).map((b) => String.fromCharCode(b)),
  });
  const samples = fc.sample(fc.tuple(latin1, latin1, latin1), { numRuns: 300, seed: 7 });
  const exchanges = samples.map(([agent, query, referer]) => {
    const secret = `${query}&access_token=SECRET${agent.replaceAll("&", "")}&x=1`;
    const headers = {
      "user-agent": agent,
      referer: `https://h/?${referer.replaceAll("#", "")}&sig=SECRET`,
    };
    return exchangeOf({ headers, request: { query: secret } });
  });

  const { bytes, lines } = await logged(exchanges);

  assert.equal(bytes.toString("latin1").includes("SECRET"), false);
  for (const [index, [agent]] of samples.entries()) {
    assert.equal(lines[index]!["user_agent"] ?? "", agent);
    assert.match(String(lines[index]!["query"]), /&access_token=REDACTED&x=1$/);
  }
});

test("AccessLog: a value of any length makes a bounded line", async () => {
  const long = "\xff".repeat(30_000);
  const request = { path: `/${long}`, query: `token=${long}`, host: long, method: long };
  const exchange = exchangeOf({ headers: { "user-agent": long, referer: long }, request });
  exchange.id = long;
  exchange.fault = { code: "bug", detail: long };

  const { bytes, lines } = await logged([exchange, exchangeOf()], 3);

  assert.equal(lines.length, 6);
  assert.ok(bytes.length < 6 * 8 * 2048 * 6);
  assert.equal(lines[0]!["user_agent"], `${"\xff".repeat(2048)}…`);
  assert.equal(lines[0]!["query"], "token=REDACTED…");
  assert.equal(lines[1]!["status"], 200);
});

test("AccessLog: cookies and credentials are not in it", async () => {
  const headers = { cookie: "CANARY", authorization: "CANARY", "proxy-authorization": "CANARY" };
  const { bytes } = await logged([exchangeOf({ headers })]);

  assert.equal(bytes.includes("CANARY"), false);
  assert.equal(headersOf(headers).get("cookie"), "CANARY"); // it was there to be leaked
});

test("AccessLog: the time is that of the end, and follows a jump of the wall clock", async () => {
  const ends = [1014, 1015.9, 1016, 2500];

  const { lines } = await logged(ends.map((endedMs) => exchangeOf({ times: { endedMs } })));

  const times = lines.map((line) => Date.parse(String(line["time"])) - WALL_MS);
  assert.deepEqual(times, [0, 1, 2, 1486]);

  let aheadMs = 0;
  const jumping = { ...clock, wallMs: () => WALL_MS + aheadMs };
  const path = join(folder, "jump");
  const sink = await LogSink.open({ destination: path, clock, log: undefined });
  const log = new AccessLog(jumping, sink);
  log.exchangeEnded(exchangeOf());
  aheadMs = 60_000;
  log.exchangeEnded(exchangeOf({ times: { endedMs: 2014 } }));
  await sink.close();
  const jumped = readFileSync(path, "utf8").split("\n").slice(0, 2);
  const after = jumped.map((line) => Date.parse(JSON.parse(line).time) - WALL_MS);
  assert.deepEqual(after, [0, 61_000]);
});

test("AccessLog: lines that came before change nothing in what is logged", async () => {
  const plain = exchangeOf();
  const { client } = plain;
  const others: readonly Partial<Sample>[] = [
    {},
    { request: { path: '/other"', query: "token=secret" } },
    { request: { method: "POST" } },
    { request: { scheme: "http" } },
    { request: { host: "other.example.com" } },
    { client: { wireAddress: "203.0.113.8", address: "203.0.113.8" } },
    { status: 404 },
    { status: 0 },
    { endpoint: endpointOf("10.0.0.22:8080") },
    { endpoint: undefined },
    { route: routeOf("other") },
    { site: siteOf("other.example.com") },
    { request: { minorVersion: 0 } },
    { times: { claimedMs: 1000, connectedMs: 1000, headMs: 1000, startedMs: 1000 } },
    { times: { claimedMs: 0 } },
  ];
  const exchanges = others.map((other) => {
    const exchange = exchangeOf(other);
    return other.client === undefined ? Object.assign(exchange, { client }) : exchange;
  });
  const more = [
    Object.assign(exchangeOf(), { client, attempts: 2 }),
    Object.assign(exchangeOf(), { client, connectionReused: false }),
    Object.assign(exchangeOf(), { client, requestBytes: 7 }),
    Object.assign(exchangeOf(), { client, fault: { code: "client_gone", detail: "" } as const }),
  ];
  const all = [...exchanges, ...more].flatMap((each) => [plain, each, each, plain]);
  const known = knownLinesOf(HEADERS);

  const want = await logged(all);
  const got = await logged(
    all.map((each) => knownOf(each, known)),
    3,
  );

  assert.equal(got.bytes.toString(), want.bytes.toString().repeat(3));
});

test("AccessLog: a field that was changed on the way is not logged as it came", async () => {
  const known = knownLinesOf(HEADERS);
  const first = knownOf(exchangeOf(), known);
  const changed = knownOf(exchangeOf(), known);
  changed.request.headers.set("user-agent", "changed");
  const { client } = first;

  const { lines } = await logged([first, Object.assign(changed, { client }), first]);

  const agents = lines.map(({ user_agent }) => user_agent);
  assert.deepEqual(agents, [HEADERS["user-agent"], "changed", HEADERS["user-agent"]]);
});

test("AccessLog: what happened at one moment took no time", async () => {
  const moment = { startedMs: 1000, headMs: 1000, claimedMs: 1000, connectedMs: 1000 };

  const { bytes } = await logged([exchangeOf({ times: moment })]);

  const times = '"head_ms":0.000,"wait_ms":0.000,"connect_ms":0.000,"upstream_ms":';
  assert.match(bytes.toString(), new RegExp(`${times}[0-9.]+,"total_ms":[0-9.]+,"user_agent"`));
});

test("AccessLog: who sent it, and what filters in mode warn would have refused it for", async () => {
  const exchange = exchangeOf({});
  exchange.identity = { method: "basic", name: 'anna"\n', claims: {} };
  exchange.warned = ["request_target", "overloaded"];
  const { user, warned, user_agent } = await lineOf(exchange);

  assert.equal(user, 'anna"\n');
  assert.deepEqual(warned, ["request_target", "overloaded"]);
  assert.match(String(user_agent), /^Mozilla/);
});

test("AccessLog: a line with every reason code there is, and a name of any length, is whole", async () => {
  const exchange = exchangeOf({});
  exchange.identity = { method: "basic", name: "\u0001".repeat(5000), claims: {} };
  exchange.warned = Object.keys(FAULTS) as FaultCode[];
  const { user, warned } = await lineOf(exchange);

  assert.equal(String(user).length, 2049);
  assert.deepEqual(warned, Object.keys(FAULTS));
});
