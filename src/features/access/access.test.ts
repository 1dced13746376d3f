import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_TOOLS } from "../../../test/support/build-tools.ts";
import { exchangeOf, requestOf, routeNamed } from "../../../test/support/exchange-of.ts";
import type { BuildTools } from "../../core/feature.ts";
import type { Reply } from "../../core/filter.ts";
import type { Geo } from "../../core/geo.ts";
import { allow, deny } from "./access.ts";

const GEO: Geo = {
  hasCountries: true,
  hasSystems: true,
  country: (address) => ({ "192.0.2.1": "DE", "192.0.2.2": "US" })[address] ?? "",
  asn: (address) => ({ "192.0.2.1": 64_512 })[address] ?? 0,
  reports: () => [],
};

const warnings: unknown[] = [];

function toolsOf(geo: Geo | undefined, time: string): BuildTools {
  const log = { info: () => {}, warn: (...told: unknown[]) => void warnings.push(told) };
  const { machine, place } = NO_TOOLS;
  const clock = { wallMs: () => Date.parse(time), nowMs: () => 0 };
  const keepForAll = <T>(_key: string, make: () => T): T => make();
  return { machine, place, geo, world: { clock, log }, keepForAll } as unknown as BuildTools;
}

interface Asked {
  readonly deny?: unknown;
  readonly allow?: unknown;
  readonly ip?: string;
  readonly line?: string;
  readonly geo?: Geo | undefined;
  readonly time?: string;
}

function filtersOf(asked: Asked) {
  const tools = toolsOf("geo" in asked ? asked.geo : GEO, asked.time ?? "2026-11-23T12:00:00Z");
  return [deny, allow].flatMap((feature) => {
    const options = asked[feature.name as "allow" | "deny"];
    return options === undefined ? [] : [feature.build(feature.schema.parse(options), tools)];
  });
}

function run(asked: Asked) {
  const { ip = "192.0.2.1", line = "GET /" } = asked;
  const exchange = exchangeOf({ request: requestOf(line), clientIp: ip, route: routeNamed("r") });
  Object.assign(exchange.route!, { errors: exchange.listener.errors });
  for (const filter of filtersOf(asked)) {
    const reply = filter.admit!(exchange) as Reply | undefined;
    if (reply !== undefined) return { exchange, told: `${reply.status} ${String(reply.body)}` };
  }
  return { exchange, told: "passes" };
}

const DENIED = "403 access_denied";
const NOT_ALLOWED = "403 access_not_allowed";
const NET = "192.0.2.0/24";
const OFFICE = { days: "mon-fri", hours: "08:00-18:00" };

// biome-ignore format: a table
const cases: [name: string, asked: Asked, want: string][] = [
  ["allow: a network",                     { allow: NET },                                                 "passes"],
  ["allow: another one",                   { allow: "10.0.0.0/8" },                                        NOT_ALLOWED],
  ["allow: one of several",                { allow: ["10.0.0.0/8", "192.0.2.1"] },                         "passes"],
  ["allow: no address at all",             { allow: NET, ip: "unix" },                                     NOT_ALLOWED],
  ["allow: IPv6",                          { allow: "2001:db8::/32", ip: "2001:db8::1" },                  "passes"],
  ["allow: IPv4 written as IPv6",          { allow: NET, ip: "::ffff:192.0.2.9" },                         "passes"],
  ["deny: a network",                      { deny: NET },                                                  DENIED],
  ["deny: another one",                    { deny: "10.0.0.0/8" },                                         "passes"],
  ["deny: all",                            { deny: "all" },                                                DENIED],
  ["deny goes before allow",               { allow: "192.0.2.1", deny: NET },                              DENIED],
  ["deny but for one",                     { deny: { networks: NET, match: { not: { clientIp: "192.0.2.1" } } } }, "passes"],
  ["deny but for one, another",            { deny: { networks: NET, match: { not: { clientIp: "192.0.2.2" } } } }, DENIED],
  ["allow: a country",                     { allow: { country: "DE" } },                                   "passes"],
  ["allow: another country",               { allow: { country: ["FR", "US"] } },                           NOT_ALLOWED],
  ["allow: a country nobody knows",        { allow: { country: "DE" }, ip: "192.0.2.9" },                  NOT_ALLOWED],
  ["deny: a country",                      { deny: [{ country: ["US", "DE"] }] },                          DENIED],
  ["deny: unknown",                        { deny: { country: "unknown" }, ip: "192.0.2.9" },              DENIED],
  ["deny: unknown, but known",             { deny: { country: "unknown" } },                               "passes"],
  ["deny: a system",                       { deny: { asn: 64_512 } },                                      DENIED],
  ["deny: another system",                 { deny: { asn: [1, 2] } },                                      "passes"],
  ["allow: a time",                        { allow: { time: OFFICE } },                                    "passes"],
  ["allow: another time",                  { allow: { time: OFFICE }, time: "2026-11-22T12:00:00Z" },      NOT_ALLOWED],
  ["deny: a path from everywhere else",    { deny: { match: { path: "/admin/*", not: { clientIp: NET } } }, line: "GET /admin/x", ip: "10.0.0.1" }, DENIED],
  ["deny: that path from there",           { deny: { match: { path: "/admin/*", not: { clientIp: NET } } }, line: "GET /admin/x" }, "passes"],
  ["deny: a match by country",             { deny: { match: { country: "DE", method: "POST" } }, line: "POST /" }, DENIED],
  ["all of a rule must hold",              { deny: { country: "DE", asn: 7 } },                            "passes"],
  ["all of a rule holds",                  { deny: { country: "DE", asn: 64_512, networks: [NET], time: OFFICE } }, DENIED],
  ["several rules",                        { allow: { rules: ["10.0.0.0/8", { country: "DE" }] } },        "passes"],
  ["warn",                                 { allow: { rules: ["10.0.0.0/8"], mode: "warn" } },             "passes"],
  ["warn, one rule",                       { deny: { country: "DE", mode: "warn" } },                      "passes"],
];

for (const [name, asked, want] of cases) {
  test(`access: ${name}`, () => {
    assert.equal(run(asked).told, want);
  });
}

test("access: in mode warn the log has what would be refused", () => {
  const { exchange } = run({
    deny: { networks: NET, mode: "warn" },
    allow: { networks: "10.0.0.0/8", mode: "warn" },
  });

  assert.deepEqual(exchange.warned, ["access_denied", "access_not_allowed"]);
});

// A4: whatever cannot be built closes the route.
// biome-ignore format: a table
const closed: [name: string, asked: Asked][] = [
  ["allow with a file that is not there",    { allow: { file: "/nowhere/networks" } }],
  ["deny with a file that is not there",     { deny: [NET, { file: "/nowhere/networks" }], ip: "10.0.0.1" }],
  ["deny of a country without a database",   { deny: { country: "DE" }, geo: undefined }],
  ["in mode warn as well",                   { deny: { asn: 1, mode: "warn" }, geo: undefined }],
];

for (const [name, asked] of closed) {
  test(`access: ${name} closes the route (A4)`, () => {
    assert.equal(run(asked).told, "503 security_unbuilt");
  });
}

test("access: explain says what the rules are, and what the request is", () => {
  const asked: Asked = { deny: ["10.0.0.0/8", "172.16.0.0/12", { country: "DE", time: OFFICE }] };
  const { exchange } = run({ ...asked, deny: "10.0.0.0/8" });
  const [filter] = filtersOf(asked);

  assert.deepEqual(filter!.explain!(exchange), [
    "refuses 10.0.0.0/8, 172.16.0.0/12 or from DE and at such a time",
    "the request is from DE and at such a time",
  ]);
});
