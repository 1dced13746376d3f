import assert from "node:assert/strict";
import { test } from "node:test";
import { parseHead } from "../../test/support/parse.ts";
import { readRequest } from "../protocol/h1/request-facts.ts";
import { TARGET_POLICY } from "../protocol/http/target.ts";
import { type Arrival, Arrivals, canonicalIp } from "./arrival.ts";
import type { Client } from "./exchange.ts";
import { LIMITS, RATES, TIMEOUTS } from "./limits.ts";
import type { Forwarding, ListenerPlan, Site } from "./runtime.ts";

const errors = { reply: () => ({ status: 500 }) };
const routes = { find: () => undefined, explain: () => undefined, captures: () => undefined };
const site: Site = { name: "a.test", paths: TARGET_POLICY, routes, errors };

const plan: ListenerPlan = {
  key: "0.0.0.0:80",
  address: { host: "0.0.0.0", port: 80 },
  protocols: ["h1"],
  limits: LIMITS,
  timeouts: TIMEOUTS,
  rates: RATES,
  tls: undefined,
  sites: {
    find: (host) => (host === "a.test" ? site : undefined),
    explain: () => undefined,
  },
  errors,
};

const forwarding: Forwarding = {
  isTrusted: (address) => address.startsWith("10."),
  pseudonym: "p",
  emitForwarded: false,
};

function arriving(startLine: string, fields: readonly string[], from = "203.0.113.9"): Arrival {
  const text = `${startLine}\r\n${fields.map((each) => `${each}\r\n`).join("")}\r\n`;
  const { parser, text: head } = parseHead(text, [text.length]);
  const facts = readRequest(parser, head);
  assert.ok(!("refused" in facts), JSON.stringify(facts));
  const peer: Client = {
    wireAddress: from,
    wirePort: 5,
    localPort: 80,
    isTrusted: forwarding.isTrusted(from),
    scheme: "http",
    address: from,
    isHttp2: false,
    tls: undefined,
  };
  return new Arrivals(peer).arrive(facts, plan, forwarding);
}

// biome-ignore format: a table
const accepted: [name: string, startLine: string, fields: string[], want: string][] = [
  ["the origin form",                    "GET /a?b HTTP/1.1",              ["Host: a.test"],      "a.test 0 /a b"],
  ["Host in another case",               "GET / HTTP/1.1",                 ["Host: A.Test"],      "a.test 0 / "],
  ["the default port",                   "GET / HTTP/1.1",                 ["Host: a.test:80"],   "a.test 0 / "],
  ["another port",                       "GET / HTTP/1.1",                 ["Host: a.test:8080"], "a.test 8080 / "],
  ["the absolute form",                  "GET http://a.test/x HTTP/1.1",   ["Host: a.test"],      "a.test 0 /x "],
  ["the absolute form, port said once",  "GET http://a.test:80/x HTTP/1.1", ["Host: a.test"],     "a.test 0 /x "],
  ["the absolute form without Host, 1.0", "GET http://a.test/x HTTP/1.0",  [],                    "a.test 0 /x "],
  ["the asterisk form",                  "OPTIONS * HTTP/1.1",             ["Host: a.test"],      "a.test 0 * "],
  ["no Host, 1.0",                       "GET / HTTP/1.0",                 [],                    " 0 / "],
];

for (const [name, startLine, fields, want] of accepted) {
  test(`arrive: ${name}`, () => {
    const { request, fault } = arriving(startLine, fields);

    assert.equal(fault, undefined);
    assert.equal(`${request.host} ${request.port} ${request.path} ${request.query}`, want);
    assert.deepEqual([request.upstreamPath, request.upstreamQuery], [request.path, request.query]);
  });
}

// biome-ignore format: a table
const refused: [name: string, startLine: string, fields: string[], want: string][] = [
  ["an empty Host",                       "GET / HTTP/1.1",                ["Host:"],              "request_host"],
  ["user information in Host",            "GET / HTTP/1.1",                ["Host: a@a.test"],     "request_host"],
  ["a path in Host",                      "GET / HTTP/1.1",                ["Host: a.test/x"],     "request_host"],
  ["a list in Host",                      "GET / HTTP/1.1",                ["Host: a.test, b"],    "request_host"],
  ["the absolute form of another host (P3)", "GET http://evil/x HTTP/1.1", ["Host: a.test"],       "request_host"],
  ["the absolute form of another port (P3)", "GET http://a.test:81/x HTTP/1.1", ["Host: a.test"],  "request_host"],
  ["a fragment",                          "GET /a#b HTTP/1.1",             ["Host: a.test"],       "request_target"],
  ["another scheme",                      "GET ftp://a.test/ HTTP/1.1",    ["Host: a.test"],       "request_target"],
  ["the asterisk for GET",                "GET * HTTP/1.1",                ["Host: a.test"],       "request_target"],
];

for (const [name, startLine, fields, want] of refused) {
  test(`arrive: refused: ${name}`, () => {
    const { fault, site: found } = arriving(startLine, fields);

    assert.equal(fault?.code, want);
    assert.equal(found, undefined);
  });
}

test("arrive: the site is that of the authority, and an unknown one is none (H1)", () => {
  assert.equal(arriving("GET / HTTP/1.1", ["Host: A.TEST:8080"]).site, site);
  assert.equal(arriving("GET / HTTP/1.1", ["Host: b.test"]).site, undefined);
  assert.equal(arriving("GET http://a.test/ HTTP/1.0", []).site, site);
});

// biome-ignore format: a table
const clients: [name: string, from: string, hops: string[], want: string][] = [
  ["a stranger is who it is (H3)",                 "203.0.113.9", ["1.2.3.4"], "203.0.113.9"],
  ["a trusted peer's word for its client",         "10.0.0.1", ["1.2.3.4"], "1.2.3.4"],
  ["right to left, the first stranger",            "10.0.0.1", ["6.6.6.6, 1.2.3.4, 10.0.0.2"], "1.2.3.4"],
  ["over several fields",                          "10.0.0.1", ["6.6.6.6", "1.2.3.4", "10.0.0.2"], "1.2.3.4"],
  ["all trusted: the first of them",               "10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"],
  ["no claim",                                     "10.0.0.1", [], "10.0.0.1"],
  ["what is no address ends the walk",             "10.0.0.1", ["1.2.3.4, unknown, 10.0.0.2"], "10.0.0.2"],
  ["an empty member ends the walk",                "10.0.0.1", ["1.2.3.4,,10.0.0.2"], "10.0.0.2"],
  ["an address with a port is no address",         "10.0.0.1", ["1.2.3.4:80"], "10.0.0.1"],
  ["IPv4 that came mapped into IPv6",              "10.0.0.1", ["::ffff:1.2.3.4"], "1.2.3.4"],
  ["IPv6 in one spelling",                         "10.0.0.1", ["2001:DB8:0:0:0:0:0:1"], "2001:db8::1"],
];

for (const [name, from, hops, want] of clients) {
  test(`arrive: client address: ${name}`, () => {
    const fields = ["Host: a.test", ...hops.map((each) => `X-Forwarded-For: ${each}`)];

    const { client } = arriving("GET / HTTP/1.1", fields, from);

    assert.equal(client.address, want);
    assert.equal(client.wireAddress, from);
  });
}

// biome-ignore format: a table
const schemes: [name: string, from: string, proto: string, want: string][] = [
  ["a stranger's word does not count", "203.0.113.9", "https", "http"],
  ["a trusted peer's does",            "10.0.0.1",    "https", "https"],
  ["but not for anything else",        "10.0.0.1",    "gopher", "http"],
];

for (const [name, from, proto, want] of schemes) {
  test(`arrive: scheme: ${name}`, () => {
    const fields = ["Host: a.test", `X-Forwarded-Proto: ${proto}`];

    assert.equal(arriving("GET / HTTP/1.1", fields, from).request.scheme, want);
  });
}

test("canonicalIp: one spelling, or none", () => {
  assert.equal(canonicalIp("::FFFF:102:304"), "1.2.3.4");
  assert.equal(canonicalIp("::1"), "::1");
  for (const text of ["", "1.2.3", "01.2.3.4", "1.2.3.4 ", "[::1]", "localhost", "1.2.3.4:5"]) {
    assert.equal(canonicalIp(text), undefined, text);
  }
});
