import assert from "node:assert/strict";
import { test } from "node:test";
import { parseNetworks } from "./network-list.ts";

test("parseNetworks: a line each, with comments of every kind", () => {
  const set = parseNetworks(
    "# drop list\r\n\r\n10.0.0.0/8\r\n192.0.2.7 ; SBL1\n  2001:db8::/32 # v6\n::ffff:198.51.100.0/120\n",
  );

  for (const address of ["10.1.2.3", "192.0.2.7", "2001:db8::1", "198.51.100.9"]) {
    assert.equal(set.has(address), true, address);
  }
  for (const address of ["11.0.0.1", "192.0.2.8", "2001:db9::1", "198.51.101.1", "unix"]) {
    assert.equal(set.has(address), false, address);
  }
  assert.equal(set.count, 4);
});

// biome-ignore format: a table
const broken: [line: string, want: RegExp][] = [
  ["10.0.0.1/8",       /line 2: "10\.0\.0\.1\/8" has bits set beyond its prefix/],
  ["10.0.0.0/33",      /line 2: .* has a prefix longer than 32 bits/],
  ["10.0.0",           /line 2: .* is not an address or a network/],
  ["256.0.0.1",        /line 2: .* is not an address or a network/],
  ["010.0.0.1",        /line 2: .* is not an address or a network/],
  ["example.com",      /line 2: .* is not an address or a network/],
  ["<html>",           /line 2: .* is not an address or a network/],
  ["x".repeat(5_000),  /line 2: "x{60}" is not/],
];

for (const [line, want] of broken) {
  test(`parseNetworks: refuses ${line.slice(0, 20)}`, () => {
    assert.throws(() => parseNetworks(`10.0.0.0/8\n${line}`), want);
  });
}
