/** Which site a request is for: exactly the one it names, never one by chance (H1). */
import assert from "node:assert/strict";
import { faultOf, firstStatus, OK, type Scenario, scenario } from "../support/scenario.ts";

async function twoSites(it: Scenario) {
  const shop = await it.origin(OK);
  const any = await it.origin(OK);
  const proxy = await it.proxy(`
    upstreams: { shop: "${shop.url}", any: "${any.url}" }
    sites:
      - { hosts: [shop.test, "[::1]", 10.0.0.1], routes: [{ forward: shop }] }
      - { hosts: ["*.wild.test"], routes: [{ forward: any }] }
  `);
  return { shop, any, proxy };
}

// biome-ignore format: a table
const rows: [name: string, host: string, want: "shop" | "any" | "no_site" | "request_host"][] = [
  ["the host itself",            "shop.test",              "shop"],
  ["in upper case",              "SHOP.Test",              "shop"],
  ["with the default port",      "shop.test:80",           "shop"],
  ["with another port",          "shop.test:8080",         "shop"],
  ["with a final dot",           "shop.test.",             "shop"],
  ["an IPv6 address",            "[::1]",                  "shop"],
  ["the same one spelled out",   "[0:0:0:0:0:0:0:1]:99",   "shop"],
  ["an IPv4 address",            "10.0.0.1",               "shop"],
  ["under the wildcard",         "a.wild.test",            "any"],
  ["deep under the wildcard",    "a.b.wild.test",          "any"],
  ["the wildcard's own name",    "wild.test",              "no_site"],
  ["no name of ours",            "other.test",             "no_site"],
  ["a longer name",              "shop.test.evil.test",    "no_site"],
  ["a name that ends the same",  "evilshop.test",          "no_site"],
  ["userinfo",                   "shop.test@evil.test",    "request_host"],
  ["a path",                     "shop.test/admin",        "request_host"],
  ["a query",                    "shop.test?x",            "request_host"],
  ["a fragment",                 "shop.test#x",            "request_host"],
  ["a space",                    "shop.test evil.test",    "request_host"],
  ["a comma",                    "shop.test, evil.test",   "request_host"],
  ["a backslash",                "shop.test\\evil.test",   "request_host"],
  ["an escape",                  "shop%2etest",            "request_host"],
  ["an empty port",              "shop.test:",             "request_host"],
  ["a port of zero",             "shop.test:0",            "request_host"],
  ["a port too high",            "shop.test:65536",        "request_host"],
  ["a port of letters",          "shop.test:http",         "request_host"],
  ["two ports",                  "shop.test:80:80",        "request_host"],
  ["an empty label",             "shop..test",             "request_host"],
  ["a dot ahead",                ".shop.test",             "request_host"],
  ["obs-text",                   "sh\xf6p.test",           "request_host"],
  ["IPv6 without brackets",      "::1",                    "request_host"],
  ["IPv6 with a zone",           "[fe80::1%eth0]",         "request_host"],
  ["brackets around nothing",    "[]",                     "request_host"],
  ["a name of 300 letters",      `${"a".repeat(300)}.test`, "request_host"],
];

for (const [name, host, want] of rows) {
  scenario(`host: ${name}: ${want}`, async (it) => {
    const { shop, any, proxy } = await twoSites(it);

    const answer = await it.client(`GET / HTTP/1.1\r\nhost: ${host}\r\n\r\n`);

    assert.equal(shop.received.length, want === "shop" ? 1 : 0);
    assert.equal(any.received.length, want === "any" ? 1 : 0);
    if (want === "shop" || want === "any") {
      assert.equal(firstStatus(answer), 200);
    } else {
      assert.equal(firstStatus(answer), want === "no_site" ? 421 : 400);
      assert.equal(await faultOf(proxy), want);
    }
  });
}

scenario("host: it reaches the origin as the client named it", async (it) => {
  const { shop } = await twoSites(it);

  await it.client("GET / HTTP/1.1\r\nhost: shop.test:8080\r\n\r\n");

  assert.match(shop.received[0]!.head, /\r\nhost: shop\.test:8080\r\n/i);
});

scenario("host: HTTP/1.0 without Host is nobody's, unless there is a site for all", async (it) => {
  const { proxy } = await twoSites(it);

  const answer = await it.client("GET / HTTP/1.0\r\n\r\n");

  assert.equal(firstStatus(answer), 421);
  assert.equal(await faultOf(proxy), "no_site");
});
