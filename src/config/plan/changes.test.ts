import assert from "node:assert/strict";
import { test } from "node:test";
import { vocabulary } from "../../features/index.ts";
import { check } from "../check.ts";
import { loadText, loadValue } from "../load.ts";
import { type Change, changesBetween, type PlanSide } from "./changes.ts";

const ENV = { TOKEN: "0123456789abcdef", OTHER: "fedcba9876543210" };

function side(text: string, env: Readonly<Record<string, string>> = ENV): PlanSide {
  const loaded = loadText(text, "sluice.yaml", { env });
  const { config, problems } = check(loaded, vocabulary);
  assert.ok(config !== undefined, JSON.stringify(problems));
  return { loaded, config };
}

function told({ kind, what, name, of, key, before, after }: Change): string {
  const subject = [kind, what, name, of === undefined ? "" : `(${of})`].filter(
    (word) => word !== "",
  );
  return key === undefined
    ? subject.join(" ")
    : `${subject.join(" ")} ${key}: ${before} → ${after}`;
}

const ROUTE = "{ forward: web }";
const BASE = config();

interface Pieces {
  readonly top?: string;
  readonly upstreams?: string;
  readonly site?: string;
  readonly routes?: string;
  readonly more?: string;
}

function config({ top, upstreams, site, routes, more }: Pieces = {}): string {
  return [
    top ?? "log: { level: info }",
    `upstreams: { ${upstreams ?? "web: [10.0.0.1:80, 10.0.0.2:80]"} }`,
    "sites:",
    `  - { hosts: [a.test], ${site ?? ""} routes: [${routes ?? ROUTE}] }`,
    more ?? "",
  ].join("\n");
}

const NAMED =
  "{ name: api, match: { path: /api/* }, timeouts: { responseHead: 30s }, forward: web }";
const OLD = "{ match: { path: /old/* }, respond: 410 }";

type Row = [name: string, before: string, after: string, want: string[]];

// biome-ignore format: a table
const rows: Row[] = [
  ["the same",                     BASE, BASE, []],
  ["comments and order of keys",   BASE, `# new\n${config({ top: "log: { level: info } # as it was" })}`, []],
  ["a setting",                    BASE, config({ top: "log: { level: debug }" }), ["changed setting log.level: info → debug"]],
  ["a setting that is gone",       BASE, config({ top: "" }), ["changed setting log.level: info → unset"]],
  ["a list",                       config({ top: "trust: { proxies: [10.0.0.0/8] }" }), config({ top: "trust: { proxies: [10.0.0.0/8, unix] }" }),
    ["changed setting trust.proxies: [10.0.0.0/8] → [10.0.0.0/8, unix]"]],
  ["an endpoint more",             BASE, config({ upstreams: "web: [10.0.0.1:80, 10.0.0.2:80, 10.0.0.3:80]" }), ["added endpoint 10.0.0.3:80 (web)"]],
  ["an endpoint less",             BASE, config({ upstreams: "web: 10.0.0.1:80" }), ["removed endpoint 10.0.0.2:80 (web)"]],
  ["the long form of the same",    BASE, config({ upstreams: "web: { endpoints: [{ url: http://10.0.0.1 }, { url: 10.0.0.2:80, weight: 1 }] }" }), []],
  ["a weight",                     BASE, config({ upstreams: "web: [{ url: 10.0.0.1:80, weight: 5 }, 10.0.0.2:80]" }), ["changed endpoint 10.0.0.1:80 (web) weight: 1 → 5"]],
  ["a setting of an upstream",     BASE, config({ upstreams: "web: { endpoints: [10.0.0.1:80, 10.0.0.2:80], balance: first }" }), ["changed upstream web balance: unset → first"]],
  ["a map of an upstream",         BASE, config({ upstreams: "web: { endpoints: [10.0.0.1:80, 10.0.0.2:80], concurrency: { max: 50 } }" }), ["changed upstream web concurrency.max: unset → 50"]],
  ["an upstream more",             BASE, config({ upstreams: "web: [10.0.0.1:80, 10.0.0.2:80], api: 10.0.0.9:80" }), ["added upstream api"]],
  ["a route's timeout",            config({ routes: NAMED }), config({ routes: NAMED.replace("30s", "60s") }), ["changed route api (a.test) timeouts.responseHead: 30s → 60s"]],
  ["a route more, before others",  BASE, config({ routes: `${OLD}, ${ROUTE}` }), ["added route a.test#1 (a.test)"]],
  ["a route less",                 config({ routes: `${OLD}, ${ROUTE}` }), BASE, ["removed route a.test#1 (a.test)"]],
  ["routes in another order",      config({ routes: `${NAMED}, ${OLD}, ${ROUTE}` }), config({ routes: `${OLD}, ${NAMED}, ${ROUTE}` }),
    ["changed site a.test order of routes: api, a.test#2, a.test#3 → a.test#1, api, a.test#3"]],
  ["where a route leads",          config({ routes: "{ respond: 404 }", upstreams: "" }), config({ routes: "{ respond: 410 }", upstreams: "" }), ["changed route a.test#1 (a.test) respond: 404 → 410"]],
  ["a site and its listener",      BASE, config({ more: '  - { hosts: [b.test], listen: ":8080", routes: [{ respond: 404 }] }' }), ["added listener 0.0.0.0:8080", "added site b.test"]],
  ["a listener moves",             config({ site: 'listen: ":80",' }), config({ site: 'listen: ":81",' }),
    ["removed listener 0.0.0.0:80", "added listener 0.0.0.0:81", "changed site a.test listen: :80 → :81"]],
  ["defaults",                     BASE, config({ top: "log: { level: info }\ndefaults: { retry: { attempts: 2 } }" }), ["changed setting defaults.retry.attempts: unset → 2"]],
  ["a secret by its key",          config({ top: "admin: { token: 0123456789abcdef }" }), config({ top: "admin: { token: fedcba9876543210 }" }), ["changed setting admin.token: *** → *** (of another value)"]],
  ["a secret in a URL",            config({ top: "state: 'redis://ann:hunter2@10.0.0.5'" }), config({ top: "state: 'redis://ann:hunter3@10.0.0.5/1'" }), ["changed setting state: redis://ann:***@10.0.0.5 → redis://ann:***@10.0.0.5/1"]],
  ["another secret in a URL",      config({ top: "state: 'redis://ann:hunter2@10.0.0.5'" }), config({ top: "state: 'redis://ann:hunter3@10.0.0.5'" }), ["changed setting state: redis://ann:***@10.0.0.5 → redis://ann:***@10.0.0.5 (of another value)"]],
  ["a secret from elsewhere",      config({ top: "admin: { token: '${TOKEN}' }" }), config({ top: "admin: { token: '${OTHER}' }" }), ["changed setting admin.token: ${TOKEN} → ${OTHER}"]],
];

for (const [name, before, after, want] of rows) {
  test(`changesBetween: ${name}`, () => {
    const changes = changesBetween(side(before), side(after));

    assert.deepEqual(changes.map(told), want);
  });
}

test("changesBetween: a secret of the same name and another value is told without either", () => {
  const text = config({ top: "admin: { token: '${TOKEN}' }" });

  const changes = changesBetween(side(text), side(text, { TOKEN: ENV.OTHER }));

  assert.deepEqual(changes.map(told), [
    "changed setting admin.token: ${TOKEN} → ${TOKEN} (of another value)",
  ]);
  assert.ok(!JSON.stringify(changes).includes(ENV.TOKEN));
});

test("changesBetween: two sites of one name are told apart", () => {
  const text = (status: number) =>
    config({ more: `  - { hosts: [a.test], listen: ":81", routes: [{ respond: ${status} }] }` });

  const changes = changesBetween(side(text(404)), side(text(410)));

  assert.deepEqual(changes.map(told), ["changed route a.test#1 (a.test (2)) respond: 404 → 410"]);
});

test("changesBetween: a config that is data is compared like one that is text", () => {
  const value = {
    log: { level: "info" },
    upstreams: { web: ["10.0.0.1:80", "10.0.0.2:80"] },
    sites: [{ hosts: ["a.test"], routes: [{ forward: "web" }] }],
  };
  const loaded = loadValue(value, "sluice.config.ts");
  const { config: checked } = check(loaded, vocabulary);

  assert.deepEqual(changesBetween(side(BASE), { loaded, config: checked! }), []);
});
