import assert from "node:assert/strict";
import { test } from "node:test";
import { vocabulary } from "../features/index.ts";
import { check } from "./check.ts";
import { settledLevels } from "./config.ts";
import { loadText } from "./load.ts";
import { settledNumbers } from "./number-levels.ts";

const TEXT = `
timeouts: { responseHead: 1s, connect: 1s, send: 1s, write: 1s, drain: 1s, keepAlive: 1s, upstreamKeepAlive: 1s }
rates: { grace: 1s }
listeners: { ":80": { timeouts: { responseHead: 2s, connect: 2s, send: 2s, write: 2s, drain: 2s, keepAlive: 2s } } }
upstreams: { app: { endpoints: [a:80], timeouts: { connect: 5s, upstreamKeepAlive: 5s } } }
sites:
  - hosts: a.test
    timeouts: { responseHead: 3s, connect: 3s, send: 3s, keepAlive: 3s, upstreamKeepAlive: 3s }
    routes: [{ forward: app, limits: { bodyBytes: off }, timeouts: { responseHead: 4s, connect: 4s } }]
`;
const { config } = check(loadText(TEXT, "sluice.yaml"), vocabulary);
const { listeners, sites, upstreams } = config!;
const site = sites[0]!;
const places = { config: config!, listener: listeners[0]!, site, route: site.routes[0]! };
const numbers = settledNumbers({ ...places, upstream: upstreams.get("app") });

// biome-ignore format: a table
const timeouts: [name: keyof typeof numbers.timeouts, value: number, from: string][] = [
  ["responseBody",      60_000, "default"],
  ["write",             2_000,  "listener"],
  ["send",              3_000,  "site"],
  ["responseHead",      4_000,  "route"],
  ["connect",           5_000,  "upstream"],
  ["drain",             1_000,  "top"],      // too late on a listener
  ["keepAlive",         2_000,  "listener"], // too late on a site
  ["upstreamKeepAlive", 5_000,  "upstream"],
];

for (const [name, value, from] of timeouts) {
  test(`settledNumbers: timeouts.${name} is of the ${from} level`, () => {
    assert.deepEqual(numbers.timeouts[name], { value, from });
  });
}

test("settledNumbers: what is off has a level too", () => {
  assert.deepEqual(numbers.limits.bodyBytes, { value: Number.POSITIVE_INFINITY, from: "route" });
});

test("settledNumbers: a number of the upstream is not in effect before there is one", () => {
  const { connect, upstreamKeepAlive } = settledNumbers(places).timeouts;

  assert.deepEqual(connect, { value: 4_000, from: "route" });
  assert.deepEqual(upstreamKeepAlive, { value: 1_000, from: "top" });
});

test("settledNumbers: rates and limits are those that the compile lays over each other", () => {
  const { rates, limits } = settledLevels(config!, places.listener, site, places.route);
  const values = (settled: object) =>
    Object.fromEntries(
      Object.entries(settled).map(([name, { value }]: [string, { value: number }]) => [
        name,
        value,
      ]),
    );

  assert.deepEqual(values(numbers.rates), { ...rates });
  assert.deepEqual(values(numbers.limits), { ...limits });
  assert.equal(numbers.rates.graceMs.from, "top");
});
