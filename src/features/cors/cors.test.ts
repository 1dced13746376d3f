import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_TOOLS } from "../../../test/support/build-tools.ts";
import { exchangeOf, requestOf } from "../../../test/support/exchange-of.ts";
import type { Reply } from "../../core/filter.ts";
import { dropTable, HeaderList } from "../../protocol/http/header-list.ts";
import { cors } from "./cors.ts";
import { credentialsProblem, OriginSet, originProblem } from "./origin-set.ts";

const A = "https://a.test";
const KEEP_ALL = dropTable([]);

// biome-ignore format: a table
const origins: [name: string, origins: string[], origin: string, want: boolean][] = [
  ["the same",                         [A],                       A,                                 true],
  ["written in capitals with its port", ["HTTPS://A.test:443"],   A,                                 true],
  ["another scheme",                   [A],                       "http://a.test",                   false],
  ["another port",                     [A],                       "https://a.test:8443",             false],
  ["a longer name",                    [A],                       "https://a.test.evil.invalid",     false],
  ["null",                             [A],                       "null",                            false],
  ["a name below",                     ["https://*.a.test"],      "https://x.y.a.test",              true],
  ["the name itself",                  ["https://*.a.test"],      "https://a.test",                  false],
  ["one that only ends so",            ["https://*.a.test"],      "https://evila.test",              false],
  ["an empty label",                   ["https://*.a.test"],      "https://.a.test",                 false],
  ["a path in the place of labels",    ["https://*.a.test"],      "https://evil.invalid/x.a.test",   false],
  ["a user in the place of labels",    ["https://*.a.test"],      "https://evil.invalid@x.a.test",   false],
  ["a port of its own",                ["https://*.a.test:8443"], "https://x.a.test:8443",           true],
  ["an expression",                    ["~https://[a-z]+\\.a\\.test"], "https://x.a.test",           true],
  ["an expression is for all of it",   ["~https://a\\.test"],     "https://a.test.evil.invalid",     false],
  ["an expression with sides",         ["~https://a\\.test|https://b\\.test"], "https://b.test.evil", false],
  ["an expression never takes null",   ["~.*"],                   "null",                            false],
  ["any",                              ["*"],                     "https://whoever.invalid",         true],
];

for (const [name, list, origin, want] of origins) {
  test(`cors: ${name} is ${want ? "allowed" : "not allowed"}`, () => {
    assert.deepEqual(
      list.map(originProblem),
      list.map(() => undefined),
    );
    assert.equal(new OriginSet(list).has(origin), want);
  });
}

test("cors: no origin of anybody's beside credentials", () => {
  const problem = (source: string) => credentialsProblem(source) !== undefined;

  assert.deepEqual(["*", "~.*", "~https://.*", "~https?://[^/]+"].map(problem), [
    true,
    true,
    true,
    true,
  ]);
  assert.deepEqual([A, "https://*.a.test", "~https://[a-z]+\\.a\\.test"].map(problem), [
    false,
    false,
    false,
  ]);
});

function preflight(options: unknown, headers: Record<string, string>): Reply | undefined {
  const filter = cors.build(cors.schema.parse(options), NO_TOOLS);
  const exchange = exchangeOf({ request: requestOf("OPTIONS /x", headers) });
  const reply = filter.admit!(exchange) as Reply | undefined;
  if (exchange.fault !== undefined) assert.equal(exchange.fault.code, "cors_refused");
  return reply;
}

const asked = (more: Record<string, string> = {}) => ({
  origin: A,
  "access-control-request-method": "POST",
  ...more,
});

test("cors: a preflight is answered here", () => {
  const reply = preflight(
    {
      origins: [A],
      methods: ["GET", "POST"],
      credentials: true,
      maxAge: "1h",
      privateNetwork: true,
    },
    asked({
      "access-control-request-headers": "Content-Type,  x-a",
      "access-control-request-private-network": "true",
    }),
  );

  assert.deepEqual(reply, {
    status: 204,
    headers: {
      "access-control-allow-origin": A,
      "access-control-allow-credentials": "true",
      "access-control-allow-methods": "GET, POST",
      "access-control-allow-headers": "content-type, x-a",
      "access-control-allow-private-network": "true",
      "access-control-max-age": "3600",
      vary: "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
    },
  });
});

// biome-ignore format: a table
const preflights: [name: string, options: unknown, headers: Record<string, string>, want: number | undefined][] = [
  ["one for all",                   "*",                                asked(),                                   204],
  ["a stranger's",                  A,                                  asked({ origin: "https://evil.invalid" }), 403],
  ["of a sandbox",                  [A, "~.*"],                         asked({ origin: "null" }),                 403],
  ["for another method",            A,                                  asked({ "access-control-request-method": "DELETE" }), 403],
  ["for a header that may be",      { origins: A, headers: ["X-A"] },   asked({ "access-control-request-headers": "x-a" }), 204],
  ["for one that may not",          { origins: A, headers: ["x-a"] },   asked({ "access-control-request-headers": "x-a,x-b" }), 403],
  ["for what is no name",           A,                                  asked({ "access-control-request-headers": "x a" }), 403],
  ["for too many",                  A,                                  asked({ "access-control-request-headers": "a,".repeat(101) }), 403],
  ["no preflight: no method",       A,                                  { origin: A },                             undefined],
  ["no preflight: no origin",       A,                                  { "access-control-request-method": "GET" }, undefined],
];

for (const [name, options, headers, want] of preflights) {
  test(`cors: a preflight ${name}`, () => {
    const reply = preflight(options, headers);

    assert.equal(reply?.status, want);
    if (want === 403) assert.equal(reply?.headers?.["access-control-allow-origin"], undefined);
    if (want !== undefined) assert.match(String(reply?.headers?.["vary"]), /^Origin/);
  });
}

function responseTo(
  options: unknown,
  origin: string | undefined,
  upstream: Record<string, string>,
): string[] {
  const filter = cors.build(cors.schema.parse(options), NO_TOOLS);
  const exchange = exchangeOf({
    request: requestOf("GET /x", origin === undefined ? {} : { origin }),
  });
  exchange.response = { status: 200, headers: HeaderList.of(upstream) };
  filter.respond!(exchange);
  return exchange.response.headers.lines(KEEP_ALL).toLowerCase().split("\r\n").slice(0, -1);
}

const CREDENTIALS = { origins: [A], credentials: true, exposeHeaders: ["X-Total"] };

// biome-ignore format: a table
const responses: [name: string, options: unknown, origin: string | undefined, upstream: Record<string, string>, want: string[]][] = [
  ["for all: the same, whoever asks", "*",         undefined, {},                       ["access-control-allow-origin: *"]],
  ["for one, who asks",               A,           A,         {},                       ["vary: origin", `access-control-allow-origin: ${A}`]],
  ["for one, and nobody asks",        A,           undefined, {},                       ["vary: origin"]],
  ["for one, and a stranger asks",    A,           "https://evil.invalid", {},          ["vary: origin"]],
  ["a sandbox asks",                  CREDENTIALS, "null",    {},                       ["vary: origin"]],
  ["with all there is to say",        CREDENTIALS, A,         {},                       ["vary: origin", `access-control-allow-origin: ${A}`, "access-control-allow-credentials: true", "access-control-expose-headers: x-total"]],
  ["Vary has more",                   A,           undefined, { vary: "accept" },       ["vary: accept, origin"]],
  ["an upstream that reflects anybody", CREDENTIALS, "https://evil.invalid", { "Access-Control-Allow-Origin": "https://evil.invalid", "access-control-allow-credentials": "true" }, ["vary: origin"]],
  ["an upstream that answers too: once", A,        A,         { "access-control-allow-origin": "*" }, ["vary: origin", `access-control-allow-origin: ${A}`]],
];

for (const [name, options, origin, upstream, want] of responses) {
  test(`cors: a response ${name}`, () => {
    assert.deepEqual(responseTo(options, origin, upstream), want);
  });
}

const refused: [options: unknown, why: RegExp][] = [
  ["null", /sandbox/],
  ["a.test", /must be/],
  ["https://a.test/", /must be/],
  ["https://a.*.test", /must be/],
  ["~(", /not closed/],
  [[], /at least one/],
  [{}, /origins/],
  [{ origins: "*", credentials: true }, /act as its user/],
  [{ origins: ["~https://.*"], credentials: true }, /act as its user/],
  [{ origins: A, methods: ["get"] }, /capitals/],
  [{ origins: A, headers: "x" }, /any, or a list/],
  [{ origins: A, maxAge: 5 }, /duration/],
  [{ origin: A }, /origin/],
  [true, /origins/],
];

for (const [options, why] of refused) {
  test(`cors: the config ${JSON.stringify(options)} is refused`, () => {
    assert.match(JSON.stringify(cors.schema.safeParse(options).error?.issues), why);
  });
}
