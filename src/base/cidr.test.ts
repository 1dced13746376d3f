import assert from "node:assert/strict";
import { BlockList } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { CidrSet, parseCidr } from "./cidr.ts";

// biome-ignore format: a table
const members: [name: string, cidrs: string[], address: string, want: boolean][] = [
  ["a single address",                 ["10.0.0.1"],                    "10.0.0.1",          true],
  ["its neighbour",                    ["10.0.0.1"],                    "10.0.0.2",          false],
  ["the first of a network",           ["10.0.0.0/8"],                  "10.0.0.0",          true],
  ["the last of a network",            ["10.0.0.0/8"],                  "10.255.255.255",    true],
  ["just past a network",              ["10.0.0.0/8"],                  "11.0.0.0",          false],
  ["the upper half of the space",      ["192.168.0.0/16"],              "192.168.1.1",       true],
  ["all of IPv4",                      ["0.0.0.0/0"],                   "255.255.255.255",   true],
  ["all of IPv4 is not IPv6",          ["0.0.0.0/0"],                   "::1",               false],
  ["all of IPv6 is not IPv4",          ["::/0"],                        "1.2.3.4",           false],
  ["IPv6",                             ["2001:db8::/32"],               "2001:db8:ffff::1",  true],
  ["IPv6, outside",                    ["2001:db8::/32"],               "2001:db9::",        false],
  ["a mapped address is IPv4",         ["10.0.0.0/8"],                  "::ffff:10.1.2.3",   true],
  ["mapped, in hexadecimal",           ["10.0.0.0/8"],                  "::ffff:a01:203",    true],
  ["a mapped network is IPv4",         ["::ffff:10.0.0.0/104"],         "10.1.2.3",          true],
  ["a network within another",         ["10.0.0.0/8", "10.1.0.0/16"],   "10.200.0.1",        true],
  ["between two networks",             ["10.0.0.0/24", "10.0.2.0/24"],  "10.0.1.1",          false],
  ["a unix socket",                    ["0.0.0.0/0", "::/0"],           "unix",              false],
  ["an octal-looking address",         ["8.0.0.0/5"],                   "010.0.0.1",         false],
  ["a zone",                           ["fe80::/10"],                   "fe80::1%eth0",      false],
  ["nothing",                          ["0.0.0.0/0"],                   "",                  false],
];

for (const [name, cidrs, address, want] of members) {
  test(`CidrSet: ${name}`, () => {
    const set = new CidrSet(cidrs);

    assert.equal(set.has(address), want);
    assert.equal(set.has(address), want, "asked again");
  });
}

test("CidrSet: the remembered answer is that of the address asked for", () => {
  const set = new CidrSet(["10.0.0.0/8"]);

  const answers = ["10.0.0.1", "11.0.0.1", "10.0.0.1", "x", "10.0.0.1"].map((each) =>
    set.has(each),
  );

  assert.deepEqual(answers, [true, false, true, false, true]);
});

// biome-ignore format: a table
const refused: [text: string, why: RegExp][] = [
  ["",               /not an address/],
  ["10.0.0",         /not an address/],
  ["10.0.0.256",     /not an address/],
  ["1:2:3:4:5:6:7",  /not an address/],
  ["1::2::3",        /not an address/],
  ["1:2:3:4:5:6:7:8:9", /not an address/],
  ["1:2:3:4:5:6:7:",  /not an address/],
  [":1",              /not an address/],
  ["1:2:3:4:5:6:7:1.2.3.4", /not an address/],
  ["::12345",         /not an address/],
  ["10.0.0.0/33",    /longer than 32/],
  ["::/129",         /longer than 128/],
  ["10.0.0.0/",      /not a number/],
  ["10.0.0.0/08",    /not a number/],
  ["10.1.2.3/8",     /the network is 10\.0\.0\.0\/8/],
  ["2001:db8::1/32", /the network is 2001:db8::\/32/],
];

for (const [text, why] of refused) {
  test(`parseCidr: refuses "${text}"`, () => {
    assert.match(String(parseCidr(text)), why);
    assert.throws(() => new CidrSet([text]), why);
  });
}

test("CidrSet: agrees with net.BlockList on random networks and addresses", () => {
  const v4 = fc.ipV4();
  const v6 = fc.ipV6();
  fc.assert(
    fc.property(
      fc.array(fc.tuple(v4, fc.integer({ min: 0, max: 32 })), { maxLength: 8 }),
      fc.array(fc.tuple(v6, fc.integer({ min: 97, max: 128 })), { maxLength: 8 }),
      fc.array(fc.oneof(v4, v6), { maxLength: 20 }),
      (nets4, nets6, addresses) => {
        const oracle = new BlockList();
        const texts: string[] = [];
        for (const [net, bits] of [...nets4, ...nets6]) {
          const family = net.includes(":") ? "ipv6" : "ipv4";
          oracle.addSubnet(net, bits, family);
          texts.push(networkOf(net, bits));
        }
        const set = new CidrSet(texts);
        const near = [...nets4, ...nets6].map(([net]) => net);
        for (const address of [...addresses, ...near]) {
          const family = address.includes(":") ? "ipv6" : "ipv4";
          assert.equal(set.has(address), oracle.check(address, family), `${address} in ${texts}`);
        }
      },
    ),
    { numRuns: 300 },
  );
});

/** Clears the host bits the way the problem's message tells us to. */
function networkOf(net: string, bits: number): string {
  const parsed = parseCidr(`${net}/${bits}`);
  if (typeof parsed !== "string") return `${net}/${bits}`;
  return parsed.slice(parsed.indexOf("network is ") + "network is ".length);
}
