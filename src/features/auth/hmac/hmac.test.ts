import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { NO_TOOLS } from "../../../../test/support/build-tools.ts";
import { exchangeOf, requestOf, routeNamed } from "../../../../test/support/exchange-of.ts";
import { SimClock } from "../../../../test/support/sim-clock.ts";
import type { Reply } from "../../../core/filter.ts";
import { CHUNKED, NONE } from "../../../protocol/h1/framing.ts";
import { auth } from "../auth.ts";
import { macOf } from "./secret-keys.ts";
import { signQuery } from "./signed-url.ts";

const SECRET = "correct-horse-battery-staple";
const OLD = "an-older-horse-battery-staple";
const KEYS = [
  { id: "k2", secret: SECRET, name: "partner" },
  { id: "k1", secret: OLD, name: "partner" },
];
const NOW = Date.UTC(2030, 0, 1) / 1_000; // of the simulated clock

function filterOf(hmac: object, more: object = {}) {
  const clock = new SimClock();
  const things = new Map<string, unknown>();
  const tools = {
    machine: NO_TOOLS.machine,
    place: NO_TOOLS.place,
    world: { clock, log: { info: () => {}, warn: () => {} } },
    keepForAll: <T>(key: string, make: () => T): T => {
      if (!things.has(key)) things.set(key, make());
      return things.get(key) as T;
    },
  };
  const options = auth.schema.parse({ hmac: { keys: KEYS, ...hmac }, ...more });
  return { clock, filter: auth.build(options, tools as unknown as typeof NO_TOOLS) };
}

type Filter = ReturnType<typeof filterOf>["filter"];
type Fields = Readonly<Record<string, string>>;

function run(filter: Filter, line: string, fields: Fields = {}, hasBody = false) {
  const exchange = exchangeOf({ request: requestOf(line, fields), route: routeNamed("r") });
  Object.assign(exchange.route!, { errors: exchange.listener.errors });
  Object.assign(exchange, { downstream: { requestFraming: hasBody ? CHUNKED : NONE } });
  const reply = filter.admit!(exchange) as Reply | undefined;
  const told =
    reply === undefined ? String(exchange.identity?.name) : `${reply.status} ${String(reply.body)}`;
  return { exchange, told, detail: exchange.fault?.detail ?? "" };
}

// --- URLs ----------------------------------------------------------------------------------------

interface Signing {
  readonly query?: string;
  readonly host?: string;
  readonly expires?: number;
  readonly prefix?: string;
  readonly keyId?: string;
  readonly secret?: string;
}

function signed(path: string, given: Signing = {}): string {
  const {
    query = "",
    host = "a.test",
    expires = NOW + 60,
    prefix,
    keyId = "k2",
    secret = SECRET,
  } = given;
  return `${path}?${signQuery({ host, path, query }, { keyId, expires, prefix }, secret)}`;
}

const spoilt = (url: string, from: string | RegExp, to: string) => {
  const changed = url.replace(from, to);
  assert.notEqual(changed, url);
  return changed;
};

// biome-ignore format: a table
const urls: [name: string, line: string, want: string, why?: RegExp][] = [
  ["a signed URL",               `GET ${signed("/a/b")}`,                                "partner"],
  ["by HEAD",                    `HEAD ${signed("/a/b")}`,                               "partner"],
  ["with a query",               `GET ${signed("/a", { query: "x=1&y=%20" })}`,          "partner"],
  ["by the key before",          `GET ${signed("/a", { keyId: "k1", secret: OLD })}`,    "partner"],
  ["its last second",            `GET ${signed("/a", { expires: NOW + 1 })}`,            "partner"],
  ["none at all",                "GET /a?x=1",                                           "401 auth_required"],
  ["one that has expired",       `GET ${signed("/a", { expires: NOW })}`,                "401 auth_failed", /has expired/],
  ["a later expiry than signed", `GET ${spoilt(signed("/a"), String(NOW + 60), String(NOW + 61))}`, "401 auth_failed", /not of this URL/],
  ["another path",               `GET ${spoilt(signed("/a"), "/a?", "/b?")}`,            "401 auth_failed", /not of this URL/],
  ["another host",               `GET ${signed("/a", { host: "b.test" })}`,              "401 auth_failed", /not of this URL/],
  ["more of a query",            `GET ${signed("/a")}&admin=1`,                          "401 auth_failed", /not of this URL/],
  ["less of one",                `GET ${spoilt(signed("/a", { query: "x=1" }), "x=1&", "")}`, "401 auth_failed", /not of this URL/],
  ["another order",              `GET ${spoilt(signed("/a", { query: "x=1&y=2" }), "x=1&y=2", "y=2&x=1")}`, "401 auth_failed", /not of this URL/],
  ["another key's",              `GET ${signed("/a", { keyId: "k1" })}`,                 "401 auth_failed", /not of this URL/],
  ["a key nobody has",           `GET ${signed("/a", { keyId: "k3" })}`,                 "401 auth_failed", /not of this URL/],
  ["a key nobody has, and no secret", `GET ${signed("/a", { keyId: "k3", secret: "" })}`, "401 auth_failed", /not of this URL/],
  ["by POST",                    `POST ${signed("/a")}`,                                 "401 auth_failed", /not for POST/],
  ["a signature cut short",      `GET ${signed("/a").slice(0, -1)}`,                     "401 auth_failed", /malformed/],
  ["no expiry",                  `GET ${spoilt(signed("/a"), /sluice_expires=\d+&/, "")}`, "401 auth_failed", /malformed/],
  ["two signatures",             `GET ${signed("/a")}&sluice_signature=x`,               "401 auth_failed", /malformed/],
  ["two expiries",               `GET ${signed("/a")}&sluice_expires=9999999999`,        "401 auth_failed", /malformed/],
  ["below a prefix",             `GET ${signed("/v/1/x.ts", { prefix: "/v/1/" })}&any=1`, "partner"],
  ["the prefix itself",          `GET ${signed("/v/1/", { prefix: "/v/1/" })}`,          "partner"],
  ["beside a prefix",            `GET ${signed("/v/10/x", { prefix: "/v/1/" })}`,        "401 auth_failed", /is for \/v\/1\//],
  ["a prefix that is no folder", `GET ${signed("/v/10/x", { prefix: "/v/1" })}`,         "401 auth_failed", /is for \/v\/1/],
  ["another prefix than signed", `GET ${spoilt(signed("/v/1/x", { prefix: "/v/1/" }), "%2Fv%2F1%2F", "%2Fv%2F")}`, "401 auth_failed", /not of this URL/],
  ["a prefix added",             `GET ${signed("/a")}&sluice_prefix=%2F`,                "401 auth_failed", /not of this URL/],
];

for (const [name, line, want, why] of urls) {
  test(`hmac: URL: ${name}`, () => {
    const { exchange, told, detail } = run(filterOf({ url: true }).filter, line);

    assert.equal(told, want);
    if (why !== undefined) assert.match(detail, why);
    assert.doesNotMatch(exchange.request.upstreamQuery, /sluice_/);
  });
}

test("hmac: URL: good for longer than maxAge", () => {
  const { filter } = filterOf({ url: { maxAge: "1m" } });

  assert.equal(run(filter, `GET ${signed("/a", { expires: NOW + 60 })}`).told, "partner");
  assert.match(
    run(filter, `GET ${signed("/a", { expires: NOW + 62 })}`).detail,
    /longer than maxAge/,
  );
});

test("hmac: URL: the query that is left goes on as it was", () => {
  const { exchange } = run(
    filterOf({ url: true }).filter,
    `GET ${signed("/a", { query: "x=1&&y=%2F" })}`,
  );

  assert.equal(exchange.request.upstreamQuery, "x=1&&y=%2F");
});

// --- requests ------------------------------------------------------------------------------------

const DIGEST = `sha-256=:${createHash("sha256").update("hello").digest("base64")}:`;
const ALL = '"@method" "@target-uri"';

/** `lines`: of the base, as the client has them. */
function signature(
  components: string,
  lines: string,
  given: { params?: string; secret?: string } = {},
): Fields {
  const { params = `;created=${NOW};keyid="k2"`, secret = SECRET } = given;
  const input = `(${components})${params}`;
  const mac = macOf(secret, `${lines}"@signature-params": ${input}`);
  return { "signature-input": `s=${input}`, signature: `s=:${mac.toString("base64")}:` };
}

const BASE = '"@method": GET\n"@target-uri": http://a.test/a?x=1\n';
const good = (given = {}) => signature(ALL, BASE, given);

// biome-ignore format: a table
const requests: [name: string, line: string, fields: Fields, want: string, why?: RegExp][] = [
  ["a signed request",            "GET /a?x=1", good(), "partner"],
  ["by the key before",           "GET /a?x=1", good({ params: `;created=${NOW};keyid="k1"`, secret: OLD }), "partner"],
  ["with alg and nonce",          "GET /a?x=1", good({ params: `;created=${NOW};keyid="k2";alg="hmac-sha256";nonce="n"` }), "partner"],
  ["in parts",                    "GET /a?x=1", signature('"@method" "@authority" "@path" "@query"', '"@method": GET\n"@authority": a.test\n"@path": /a\n"@query": ?x=1\n'), "partner"],
  ["no query in parts",           "GET /a",     signature('"@method" "@authority" "@path" "@query"', '"@method": GET\n"@authority": a.test\n"@path": /a\n"@query": ?\n'), "partner"],
  ["a port that is not usual",    "GET http://a.test:8080/a", signature('"@method" "@authority" "@request-target"', '"@method": GET\n"@authority": a.test:8080\n"@request-target": /a\n'), "partner"],
  ["a header",                    "GET /a?x=1", { ...signature(`${ALL} "x-a"`, `${BASE}"x-a": 1\n`), "x-a": "1" }, "partner"],
  ["nothing",                     "GET /a?x=1", {}, "401 auth_required"],
  ["another method",              "POST /a?x=1", good(), "401 auth_failed", /not of this request/],
  ["another query",               "GET /a?x=2", good(), "401 auth_failed", /not of this request/],
  ["another header",              "GET /a?x=1", { ...signature(`${ALL} "x-a"`, `${BASE}"x-a": 1\n`), "x-a": "2" }, "401 auth_failed", /not of this request/],
  ["a header that is gone",       "GET /a?x=1", signature(`${ALL} "x-a"`, `${BASE}"x-a": 1\n`), "401 auth_failed", /component is missing/],
  ["a wrong secret",              "GET /a?x=1", good({ secret: OLD }), "401 auth_failed", /not of this request/],
  ["a key nobody has",            "GET /a?x=1", good({ params: `;created=${NOW};keyid="k9"` }), "401 auth_failed", /no signature with a key/],
  ["another algorithm",           "GET /a?x=1", good({ params: `;created=${NOW};keyid="k2";alg="rsa-v1_5-sha256"` }), "401 auth_failed", /another algorithm/],
  ["the method is not signed",    "GET /a?x=1", signature('"@target-uri"', '"@target-uri": http://a.test/a?x=1\n'), "401 auth_failed", /does not cover @method/],
  ["the query is not signed",     "GET /a?x=1", signature('"@method" "@authority" "@path"', '"@method": GET\n"@authority": a.test\n"@path": /a\n'), "401 auth_failed", /does not cover @target-uri/],
  ["nothing is signed",           "GET /a?x=1", signature("", ""), "401 auth_failed", /does not cover/],
  ["no time",                     "GET /a?x=1", good({ params: ';keyid="k2"' }), "401 auth_failed", /when it was created/],
  ["too old",                     "GET /a?x=1", good({ params: `;created=${NOW - 301};keyid="k2"` }), "401 auth_failed", /too old/],
  ["of the future",               "GET /a?x=1", good({ params: `;created=${NOW + 301};keyid="k2"` }), "401 auth_failed", /of the future/],
  ["expired",                     "GET /a?x=1", good({ params: `;created=${NOW};expires=${NOW};keyid="k2"` }), "401 auth_failed", /has expired/],
  ["malformed",                   "GET /a?x=1", { "signature-input": "s=x", signature: "s=:AA==:" }, "401 auth_failed", /malformed/],
  ["no signature beside",         "GET /a?x=1", { "signature-input": good()["signature-input"]! }, "401 auth_failed", /no signature with a key/],
];

for (const [name, line, fields, want, why] of requests) {
  test(`hmac: request: ${name}`, () => {
    const { exchange, told, detail } = run(filterOf({ request: true }).filter, line, fields);

    assert.equal(told, want);
    if (why !== undefined) assert.match(detail, why);
    assert.equal(exchange.request.headers.get("signature"), undefined);
    assert.equal(exchange.request.headers.get("signature-input"), undefined);
  });
}

test("hmac: request: no signature is good twice, within its window or after it", async () => {
  const { filter, clock } = filterOf({ request: { window: "10s" } });

  assert.equal(run(filter, "GET /a?x=1", good()).told, "partner");
  assert.match(run(filter, "GET /a?x=1", good()).detail, /was here before/);
  await clock.advance(9_999);
  assert.match(run(filter, "GET /a?x=1", good()).detail, /was here before/);
  await clock.advance(20_000);
  assert.match(run(filter, "GET /a?x=1", good()).detail, /too old/);
});

test("hmac: request: a body has to be covered, unless any will do", () => {
  const bare = good();

  assert.match(
    run(filterOf({ request: true }).filter, "GET /a?x=1", bare, true).detail,
    /does not cover the body/,
  );
  assert.match(
    run(
      filterOf({ request: true }).filter,
      "GET /a?x=1",
      { ...bare, "content-digest": DIGEST },
      true,
    ).detail,
    /does not cover the body/,
  );
  assert.equal(
    run(filterOf({ request: { body: "any" } }).filter, "GET /a?x=1", bare, true).told,
    "partner",
  );
});
