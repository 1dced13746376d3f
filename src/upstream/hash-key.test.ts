import assert from "node:assert/strict";
import { test } from "node:test";
import { exchangeOf, requestOf } from "../../test/support/exchange-of.ts";
import { type HashKeySource, hashKeyReader, networkOf } from "./hash-key.ts";

const exchange = exchangeOf({
  request: requestOf("GET http://Shop.test/a/./b?user=J%20D&x", {
    "X-User": "jo",
    Cookie: "a=1; sid=s1; sid=s2",
  }),
  clientIp: "192.0.2.7",
});

// biome-ignore format: a table
const cases: [source: HashKeySource, want: string | undefined][] = [
  [{ of: "clientIp" },                    "192.0.2.7"],
  [{ of: "host" },                        "shop.test"],
  [{ of: "path" },                        "/a/b"],
  [{ of: "url" },                         "shop.test/a/b?user=J%20D&x"],
  [{ of: "header", name: "x-user" },      "jo"],
  [{ of: "header", name: "x-none" },      undefined],
  [{ of: "cookie", name: "sid" },         "s1"],
  [{ of: "cookie", name: "none" },        undefined],
  [{ of: "query", name: "user" },         "J D"],
  [{ of: "query", name: "x" },            ""],
  [{ of: "query", name: "none" },         undefined],
];

for (const [source, want] of cases) {
  test(`hashKeyReader: ${JSON.stringify(source)}`, () => {
    assert.equal(hashKeyReader(source)(exchange), want);
  });
}

// biome-ignore format: a table
const networks: [address: string, other: string, isSame: boolean][] = [
  ["192.0.2.7",             "192.0.2.8",                false],
  ["2001:db8:1:2::1",       "2001:db8:1:2:ffff::9",     true],
  ["2001:db8:1:2::1",       "2001:db8:1:3::1",          false],
  ["2001:db8:1:2::1",       "2001:0db8:0001:0002::1",   true],
  ["unix",                  "unix",                     true],
];

for (const [address, other, isSame] of networks) {
  test(`networkOf: ${address} and ${other} are ${isSame ? "one client" : "two"}`, () => {
    assert.equal(networkOf(address) === networkOf(other), isSame);
  });
}
