import assert from "node:assert/strict";
import { test } from "node:test";
import { exchangeOf, requestOf } from "../../test/support/exchange-of.ts";
import { trafficKey, trafficKeyField } from "./traffic-key.ts";

// biome-ignore format: a table
const keys: [name: string, per: string, headers: Record<string, string>, clientIp: string, want: string][] = [
  ["an address",                     "clientIp",                {},               "192.0.2.7",       "192.0.2.7"],
  ["an IPv6 address: its network",   "clientIp",                {},               "2001:db8:1:2::9", "20010db8:10002"],
  ["all of a route",                 "all",                     {},               "192.0.2.7",       ""],
  ["a header",                       "{header.x-key}",          { "x-key": "k" }, "192.0.2.7",       "=k"],
  ["a header that looks like an address", "{header.x-key}",     { "x-key": "192.0.2.7" }, "192.0.2.7", "=192.0.2.7"],
  ["no such header: the client",     "{header.x-key}",          {},               "192.0.2.7",       "192.0.2.7"],
  ["several, all missing",           "{header.x}/{header.y}",   {},               "192.0.2.7",       "192.0.2.7"],
  ["several, one missing",           "{header.x}/{header.y}",   { x: "1" },       "192.0.2.7",       "=1/"],
  ["a value is not expanded (P2)",   "{header.x}",              { x: "{host}" },  "192.0.2.7",       "={host}"],
];

for (const [name, per, headers, clientIp, want] of keys) {
  test(`trafficKey: ${name}`, () => {
    const exchange = exchangeOf({ request: requestOf("GET /", headers), clientIp });

    assert.equal(trafficKey(trafficKeyField.parse(per))(exchange), want);
  });
}

for (const per of ["", "clientip", "x-key", "{header}", "{nothing.x}", 3]) {
  test(`trafficKeyField: ${JSON.stringify(per)} is refused`, () => {
    assert.equal(trafficKeyField.safeParse(per).success, false);
  });
}
