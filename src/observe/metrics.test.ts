import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { endpointOf, exchangeOf, routeOf, siteOf } from "../../test/support/exchange-sample.ts";
import { FAULTS } from "../core/fault.ts";
import type { Upstream } from "../core/upstream.ts";
import { type Format, formatFor } from "./exposition.ts";
import { MetricBank } from "./metric-bank.ts";
import { METRICS, metricsReference } from "./metric-table.ts";
import { Metrics } from "./metrics.ts";
import { ProcessGauges } from "./process-gauges.ts";
import { type MetricFacts, renderMetrics } from "./render-metrics.ts";

const facts: MetricFacts = {
  upstreams: [],
  nowMs: 1,
  logDropped: 3,
  config: { version: 2, lastReloadSucceeded: true, takenWallMs: 1_500 },
  automatic: { missing: 1, orders: [{ issuer: "ca.test", outcome: "obtained", count: 2 }] },
  certificates: [
    {
      id: "file a.pem a.key",
      notAfter: "2030-01-01T00:00:00.000Z",
      ocsp: { nextUpdate: "2029-01-01T00:00:00.000Z" },
      warnings: ["it expired"],
    },
  ],
  ocspAnswers: [{ outcome: "good", count: 3 }],
  workers: { running: 2, restarts: new Map([["hung", 1]]), loopUtilization: [0.5, 0.25] },
  build: { version: "0.1.0" },
};

function render(threads: readonly Metrics[], format: Format = "prometheus", given = facts): string {
  using gauges = new ProcessGauges();
  const banks = threads.map((metrics) => metrics.share());
  return renderMetrics(banks, given, gauges, format);
}

/** Reads an exposition as a scraper does: every line has to fit the grammar. */
function parse(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  const types = new Map<string, string>();
  let family = "";
  for (const line of text.split("\n").slice(0, -1)) {
    const comment = /^# (TYPE|HELP|UNIT) ([a-z_]+) (.+)$/.exec(line);
    if (line === "# EOF") continue;
    if (comment !== null) {
      const [, kind, name, rest] = comment;
      if (kind === "TYPE") {
        assert.ok(!types.has(name!), `${name} comes twice`);
        types.set(name!, rest!);
        family = name!;
      } else assert.equal(name, family);
      continue;
    }
    const sample = /^([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*\})? (\S+)$/.exec(line);
    assert.ok(sample !== null, `not a sample: ${line}`);
    assert.ok(sample[1]!.startsWith(family), `${line} is not of ${family}`);
    const key = `${sample[1]}${sample[2] ?? ""}`;
    assert.ok(!samples.has(key), `${key} comes twice`);
    samples.set(key, Number(sample[3]!.replace("Inf", "Infinity")));
    assert.ok(!Number.isNaN(samples.get(key)), line);
  }
  return samples;
}

const ROUTE = 'site="shop.example.com",route="api"';
const ENDPOINT = 'upstream="api",endpoint="10.0.0.21:8080"';

test("Metrics: calls of gRPC are counted by status, and other exchanges not at all", () => {
  const metrics = new Metrics();
  for (const grpcStatus of [0, 0, 14, 16, -1]) {
    metrics.exchangeStarted();
    metrics.exchangeEnded(Object.assign(exchangeOf(), { grpcStatus }));
  }

  const samples = parse(render([metrics]));

  const calls = [...samples].filter(([series]) => series.startsWith("sluice_grpc_calls_total"));
  assert.deepEqual(calls, [
    [`sluice_grpc_calls_total{${ROUTE},status="OK"}`, 2],
    [`sluice_grpc_calls_total{${ROUTE},status="UNAVAILABLE"}`, 1],
    [`sluice_grpc_calls_total{${ROUTE},status="UNAUTHENTICATED"}`, 1],
  ]);
});

test("Metrics: an exchange is counted by route, method, status, time, bytes and endpoint", () => {
  const metrics = new Metrics();
  metrics.exchangeStarted();
  metrics.exchangeStarted();
  const exchange = exchangeOf(); // 13.5 ms, of which 12.3456 upstream
  Object.assign(exchange, { requestBytes: 7, attempts: 3 });
  metrics.exchangeEnded(exchange);

  const samples = parse(render([metrics]));

  const wanted: [series: string, value: number][] = [
    [`sluice_requests_total{${ROUTE},method="GET",status_class="2xx"}`, 1],
    [`sluice_request_duration_seconds_bucket{${ROUTE},le="0.01"}`, 0],
    [`sluice_request_duration_seconds_bucket{${ROUTE},le="0.025"}`, 1],
    [`sluice_request_duration_seconds_bucket{${ROUTE},le="1.0"}`, 1],
    [`sluice_request_duration_seconds_bucket{${ROUTE},le="+Inf"}`, 1],
    [`sluice_request_duration_seconds_count{${ROUTE}}`, 1],
    [`sluice_request_duration_seconds_sum{${ROUTE}}`, 0.0135],
    [`sluice_request_body_bytes_total{${ROUTE}}`, 7],
    [`sluice_response_body_bytes_total{${ROUTE}}`, 18_734],
    [`sluice_upstream_requests_total{${ENDPOINT},status_class="2xx"}`, 1],
    [`sluice_upstream_response_seconds_count{${ENDPOINT}}`, 1],
    ['sluice_upstream_retries_total{upstream="api"}', 2],
    ["sluice_requests_active", 1],
  ];
  for (const [series, value] of wanted) assert.equal(samples.get(series), value, series);
});

// biome-ignore format: a table
const buckets: [name: string, ms: number, first: string][] = [
  ["on a bound",          1,      "0.001"],
  ["just past a bound",   1.0001, "0.0025"],
  ["no time at all",      0,      "0.0005"],
  ["a clock gone wrong",  -5,     "0.0005"],
  ["past the last bound", 60_001, "+Inf"],
];

for (const [name, ms, first] of buckets) {
  test(`Metrics: a duration ${name} is counted in the bucket of ${first} first`, () => {
    const metrics = new Metrics();
    metrics.exchangeEnded(exchangeOf({ times: { startedMs: 5, endedMs: 5 + ms } }));

    const counts = [...parse(render([metrics]))].filter(([series]) =>
      series.startsWith("sluice_request_duration_seconds_bucket"),
    );

    const found = counts.find(([, count]) => count === 1)?.[0];
    assert.ok(found?.includes(`le="${first}"`), String(found));
  });
}

test("Metrics: a tunnel is counted, its duration is not", () => {
  const metrics = new Metrics();
  metrics.exchangeEnded(exchangeOf({ status: 101 }));

  const text = render([metrics]);

  assert.match(text, /sluice_requests_total\{.*status_class="1xx"\} 1/);
  assert.doesNotMatch(text, /sluice_request_duration_seconds/);
});

test("Metrics: every fault has its series, on routes, attempts and listeners", () => {
  const metrics = new Metrics();
  const codes = Object.keys(FAULTS) as (keyof typeof FAULTS)[];
  for (const code of codes) {
    const exchange = exchangeOf({ status: 502 });
    exchange.fault = { code, detail: "" };
    metrics.exchangeEnded(exchange);
    const endpoint = endpointOf("10.0.0.21:8080");
    metrics.attemptFailed("api", {
      number: 1,
      endpoint,
      connectionReused: false,
      fault: exchange.fault,
    });
    metrics.refused(":80", code);
  }

  const samples = parse(render([metrics]));

  for (const code of codes) {
    const { side } = FAULTS[code];
    assert.equal(samples.get(`sluice_faults_total{${ROUTE},side="${side}",code="${code}"}`), 1);
    assert.equal(samples.get(`sluice_upstream_faults_total{${ENDPOINT},code="${code}"}`), 1);
    assert.equal(samples.get(`sluice_requests_refused_total{listener=":80",code="${code}"}`), 1);
  }
});

test("Metrics: connections opened, open and idle", () => {
  const metrics = new Metrics();
  const [clients, pool] = [
    metrics.listenerConnections(":80"),
    metrics.endpointConnections("u", "e"),
  ];
  for (const each of [clients, pool]) {
    each.opened();
    each.opened();
    each.opened();
    each.idle();
    each.idle();
    each.busy();
    each.closed();
  }

  const samples = parse(render([metrics]));

  const groups = [
    ["", 'listener=":80"'],
    ["upstream_", 'upstream="u",endpoint="e"'],
  ] as const;
  for (const [group, labels] of groups) {
    assert.equal(samples.get(`sluice_${group}connections_total{${labels}}`), 3);
    assert.equal(samples.get(`sluice_${group}connections_open{${labels}}`), 2);
    assert.equal(samples.get(`sluice_${group}connections_idle{${labels}}`), 1);
  }
});

test("Metrics: no request can make a series", () => {
  const metrics = new Metrics();
  const site = siteOf("s");
  metrics.exchangeEnded(exchangeOf({ site, request: { method: "OTHER" } }));
  const before = parse(render([metrics]));
  for (let index = 0; index < 5_000; index++) {
    const text = `x${index}`;
    const request = { method: text, host: text, path: `/${text}`, query: text };
    const exchange = exchangeOf({ site, request, headers: { "user-agent": text } });
    exchange.id = text;
    metrics.exchangeEnded(exchange);
  }

  const afterwards = parse(render([metrics]));

  assert.deepEqual([...afterwards.keys()], [...before.keys()]);
  const other = 'sluice_requests_total{site="s",route="api",method="OTHER",status_class="2xx"}';
  assert.equal(afterwards.get(other), 5_001);
});

test("Metrics: past the bound of the bank new routes are counted together", () => {
  const metrics = new Metrics(new MetricBank(10));
  for (let index = 0; index < 50; index++) {
    const route = routeOf(`r${index}`);
    metrics.exchangeEnded(exchangeOf({ route, endpoint: undefined }));
  }

  const samples = [...parse(render([metrics]))].filter(([name]) =>
    name.startsWith("sluice_requests_total"),
  );

  const total = samples.reduce((sum, [, count]) => sum + count, 0);
  assert.equal(total, 50);
  assert.ok(samples.length <= 10);
  assert.ok(samples.some(([name, count]) => name.includes('route="(other)"') && count > 30));
});

test("Metrics: a reload keeps old counts, while cells grow under an exchange in flight", () => {
  const metrics = new Metrics();
  const connections = metrics.listenerConnections(":80");
  connections.opened();
  metrics.exchangeEnded(exchangeOf());
  const routes = Array.from({ length: 500 }, (_, index) => `new${index}`);

  metrics.declare({
    sites: [{ name: "shop.example.com", routes: ["api", ...routes] }],
    upstreams: [{ name: "api", endpoints: ["10.0.0.21:8080", "10.0.0.22:8080"] }],
    listeners: [":80", ":443"],
  });
  metrics.exchangeEnded(
    exchangeOf({ route: routeOf("api"), endpoint: endpointOf("10.0.0.21:8080") }),
  );
  connections.opened();

  const samples = parse(render([metrics]));
  assert.equal(samples.get(`sluice_requests_total{${ROUTE},method="GET",status_class="2xx"}`), 2);
  assert.equal(samples.get(`sluice_upstream_requests_total{${ENDPOINT},status_class="2xx"}`), 2);
  assert.equal(samples.get('sluice_connections_total{listener=":80"}'), 2);
  assert.equal(samples.get('sluice_connections_total{listener=":443"}'), 0);
});

test("Metrics: threads with different layouts are added up by their labels", () => {
  const [first, other] = [new Metrics(), new Metrics()];
  first.declare({ sites: [{ name: "old", routes: ["gone"] }], upstreams: [], listeners: [] });
  first.exchangeEnded(exchangeOf());
  other.exchangeEnded(exchangeOf());
  other.exchangeEnded(exchangeOf({ route: undefined }));
  other.bug();

  const samples = parse(render([first, other]));

  assert.equal(samples.get(`sluice_requests_total{${ROUTE},method="GET",status_class="2xx"}`), 2);
  assert.equal(samples.get(`sluice_request_duration_seconds_sum{${ROUTE}}`), 0.027);
  const routeless = 'site="shop.example.com",route=""';
  assert.equal(
    samples.get(`sluice_requests_total{${routeless},method="GET",status_class="2xx"}`),
    1,
  );
  assert.equal(samples.get("sluice_bugs_total"), 1);
});

test("renderMetrics: facts of endpoints, logs, config and build; labels escaped", () => {
  const endpoint = endpointOf('unix:/a"b\\c\nd');
  for (let count = 0; count < 4; count++) endpoint.state.enter();
  endpoint.state.health = "down";
  endpoint.state.countUnanswered(1);
  const upstream: Upstream = {
    ...{ name: "api", endpoints: [endpoint], timeouts: {}, limits: {} },
    ...{
      breaker: undefined,
      concurrency: { min: 2, max: 7 },
      claim: () => undefined,
      describe: () => [],
    },
    refusal: () => ({ code: "no_endpoint", detail: "" }),
    wait: () => ({ code: "no_endpoint", detail: "" }) as const,
    ...{ hashKeyOf: undefined, sticky: undefined, isPanicking: true },
    parkingMs: 0,
    waiting: { queued: 2, parked: 3 },
    mirrored: { answered: 5, failed: 0, dropped: 1, add() {} },
    retryBudget: { take: () => false, giveBack() {} },
    retryBudgetOf: () => ({ take: () => false, giveBack() {} }),
  };

  const samples = parse(render([new Metrics()], "prometheus", { ...facts, upstreams: [upstream] }));

  const labels = 'upstream="api",endpoint="unix:/a\\"b\\\\c\\nd"';
  assert.equal(samples.get(`sluice_upstream_requests_active{${labels}}`), 4);
  assert.equal(samples.get(`sluice_endpoint_health{${labels},state="down"}`), 1);
  assert.equal(samples.get(`sluice_endpoint_health{${labels},state="up"}`), 0);
  assert.equal(samples.get('sluice_upstream_requests_waiting{upstream="api",for="place"}'), 2);
  assert.equal(samples.get('sluice_upstream_requests_waiting{upstream="api",for="endpoint"}'), 3);
  assert.equal(samples.get(`sluice_concurrency_limit{${labels}}`), 7);
  assert.equal(samples.get(`sluice_concurrency_unanswered{${labels}}`), 1);
  assert.equal(samples.get(`sluice_concurrency_base_seconds{${labels}}`), 0);
  assert.equal(samples.get('sluice_upstream_panic{upstream="api"}'), 1);
  assert.equal(samples.get('sluice_mirrored_requests_total{upstream="api",result="answered"}'), 5);
  assert.equal(
    samples.has('sluice_mirrored_requests_total{upstream="api",result="failed"}'),
    false,
  );
  assert.equal(samples.get("sluice_log_dropped_total"), 3);
  assert.equal(samples.get("sluice_config_version"), 2);
  assert.equal(samples.get("sluice_config_last_reload_success_timestamp_seconds"), 1.5);
  assert.equal(samples.get(`sluice_build_info{version="0.1.0",node="${process.version}"}`), 1);
  assert.ok(samples.get("sluice_process_resident_bytes")! > 1e6);
});

test("renderMetrics: the two formats have the same series and differ in their headers", () => {
  const metrics = new Metrics();
  metrics.exchangeEnded(exchangeOf());
  const [plain, open] = [render([metrics]), render([metrics], "openmetrics")];

  assert.deepEqual([...parse(plain).keys()], [...parse(open).keys()]);
  assert.match(plain, /^# TYPE sluice_requests_total counter\n# HELP sluice_requests_total /);
  assert.match(open, /^# TYPE sluice_requests counter\n# HELP sluice_requests /);
  assert.match(open, /\n# UNIT sluice_request_duration_seconds seconds\n/);
  assert.match(open, /\n# EOF\n$/);
  assert.doesNotMatch(plain, /# EOF|# UNIT/);
});

test("METRICS: every name ends in its unit, as OpenMetrics demands", () => {
  for (const { name, unit } of Object.values(METRICS)) assert.ok(name.endsWith(unit), name);
});

test("docs/metrics.md is what the table says", () => {
  const path = new URL("../../docs/metrics.md", import.meta.url);
  assert.equal(readFileSync(path, "utf8"), metricsReference());
});

// biome-ignore format: a table
const accepts: [accept: string | undefined, wanted: Format][] = [
  [undefined, "prometheus"],
  ["*/*", "prometheus"],
  ["text/plain", "prometheus"],
  ["application/openmetrics-text; version=1.0.0; charset=utf-8;q=0.9, */*;q=0.1", "openmetrics"],
  ["text/plain, Application/OpenMetrics-Text;q=0.5", "openmetrics"],
  ["application/openmetrics-text;q=0", "prometheus"],
  ["application/openmetrics-text;q=0.0, text/plain", "prometheus"],
];

for (const [accept, wanted] of accepts) {
  test(`formatFor: ${accept}`, () => assert.equal(formatFor(accept), wanted));
}
