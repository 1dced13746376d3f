import assert from "node:assert/strict";
import { test } from "node:test";
import { networkOf } from "./client-network.ts";

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
