import assert from "node:assert/strict";
import { test } from "node:test";
import { ClientPrefix } from "./client-prefix.ts";

// biome-ignore format: a table
const rows: [address: string, ipv4: number, ipv6: number, want: string][] = [
  ["203.0.113.7",              32, 64,  "203.0.113.7"],
  ["203.0.113.7",              24, 64,  "203.0.113.0/24"],
  ["203.0.113.7",              16, 64,  "203.0.0.0/16"],
  ["::ffff:203.0.113.7",       32, 64,  "203.0.113.7"],
  ["::ffff:203.0.113.7",       24, 64,  "203.0.113.0/24"],
  ["2001:db8:1:2:3:4:5:6",     32, 64,  "2001:db8:1:2::/64"],
  ["2001:db8:1:2:ffff:4:5:6",  32, 64,  "2001:db8:1:2::/64"],
  ["2001:db8:1:2:3:4:5:6",     32, 128, "2001:db8:1:2:3:4:5:6"],
  ["2001:db8:1:2:3:4:5:6",     32, 48,  "2001:db8:1::/48"],
  ["2001:db8:1:2:3:4:5:6",     32, 60,  "2001:db8:1::/60"],
  ["unix",                     32, 64,  "unix"],
];

for (const [address, ipv4, ipv6, want] of rows) {
  test(`ClientPrefix: ${address} by /${ipv4} and /${ipv6} is ${want}`, () => {
    const prefix = new ClientPrefix({ ipv4, ipv6 });

    assert.equal(prefix.of(address), want);
    assert.equal(prefix.of(address), prefix.of(address), "asked again");
  });
}

test("ClientPrefix: who comes between does not change what is remembered", () => {
  const prefix = new ClientPrefix({ ipv4: 24, ipv6: 64 });

  assert.equal(prefix.of("10.0.0.1"), "10.0.0.0/24");
  assert.equal(prefix.of("10.0.1.1"), "10.0.1.0/24");
  assert.equal(prefix.of("10.0.0.2"), "10.0.0.0/24");
});
