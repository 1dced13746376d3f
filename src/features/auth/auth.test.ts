import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { NO_TOOLS } from "../../../test/support/build-tools.ts";
import { exchangeOf, requestOf, routeNamed } from "../../../test/support/exchange-of.ts";
import { Seeded } from "../../../test/support/seeded.ts";
import { SimClock } from "../../../test/support/sim-clock.ts";
import type { Exchange } from "../../core/exchange.ts";
import type { BuildTools } from "../../core/feature.ts";
import type { Reply } from "../../core/filter.ts";
import { HeaderList } from "../../protocol/http/header-list.ts";
import { auth } from "./auth.ts";

const RED = "red-correct-horse-battery";
const BLUE = "blue-correct-horse-battery";

const red = {
  apiKey: { header: "X-Red", keys: [{ name: "rose", key: RED, claims: { role: "a" } }] },
};
const blue = { apiKey: { header: "X-Blue", keys: [{ name: "bella", key: BLUE }] } };

type Warning = readonly [message: string, fields: unknown];

function toolsOf(warnings: Warning[] = []): BuildTools {
  const log = {
    info: () => {},
    warn: (message: string, fields: unknown) => void warnings.push([message, fields]),
  };
  const kept = new Map<string, unknown>();
  const { machine, place } = NO_TOOLS;
  const tools = {
    machine,
    place,
    world: { clock: new SimClock(), random: new Seeded(1), log },
    keepForAll: <T>(key: string, make: () => T): T => {
      if (!kept.has(key)) kept.set(key, make());
      return kept.get(key) as T;
    },
  };
  return tools as unknown as BuildTools; // methods of auth need no more
}

function filterOf(options: unknown, tools = toolsOf()) {
  return auth.build(auth.schema.parse(options), tools);
}

type Fields = Readonly<Record<string, string>>;

interface Outcome {
  readonly exchange: Exchange;
  readonly reply: Reply | undefined;
  readonly sent: string; // what goes upstream
}

function run(filter: ReturnType<typeof filterOf>, fields: Fields = {}, target = "/"): Outcome {
  const exchange = exchangeOf({
    request: requestOf(`GET ${target}`, fields),
    route: routeNamed("r"),
  });
  Object.assign(exchange.route!, { errors: exchange.listener.errors });
  const reply = filter.admit!(exchange) as Reply | undefined;
  let sent = "";
  exchange.request.headers.each((name, value) => {
    sent += `${name}: ${value}\n`;
  });
  return { exchange, reply, sent };
}

function told({ exchange, reply }: Outcome): string {
  if (reply !== undefined) return `${reply.status} ${String(reply.body)}`;
  return exchange.identity === undefined ? "nobody" : exchange.identity.name;
}

const both = { "x-red": RED, "x-blue": BLUE };
const wrong = { "x-red": "wrong" };

// biome-ignore format: a table
const cases: [name: string, options: unknown, fields: Fields, want: string][] = [
  ["a key that holds",                 red,                                     { "x-red": RED },  "rose"],
  ["no key",                           red,                                     {},                "401 auth_required"],
  ["a wrong key",                      red,                                     wrong,             "401 auth_failed"],
  ["an empty key",                     red,                                     { "x-red": "" },   "401 auth_failed"],
  ["a key of somebody else's",         red,                                     { "x-red": BLUE }, "401 auth_failed"],
  ["any: the first",                   { any: [red, blue] },                    { "x-red": RED },  "rose"],
  ["any: the second",                  { any: [red, blue] },                    { "x-blue": BLUE }, "bella"],
  ["any: the second, the first wrong", { any: [red, blue] },                    { ...wrong, "x-blue": BLUE }, "bella"],
  ["any: none",                        { any: [red, blue] },                    {},                "401 auth_required"],
  ["any: one wrong",                   { any: [red, blue] },                    wrong,             "401 auth_failed"],
  ["all: both; the first says who",    { all: [red, blue] },                    both,              "rose"],
  ["all: the other way round",         { all: [blue, red] },                    both,              "bella"],
  ["all: one is missing",              { all: [red, blue] },                    { "x-red": RED },  "401 auth_required"],
  ["all: one is wrong",                { all: [blue, red] },                    { ...both, ...wrong }, "401 auth_failed"],
  ["all within any, half of it",       { any: [{ all: [red, blue] }, blue] },   { "x-blue": BLUE }, "bella"],
  ["any within all",                   { all: [{ any: [red, blue] }, blue] },   { "x-blue": BLUE }, "bella"],
  ["optional: nothing",                { ...red, optional: true },              {},                "nobody"],
  ["optional: right",                  { ...red, optional: true },              { "x-red": RED },  "rose"],
  ["optional: wrong",                  { ...red, optional: true },              wrong,             "401 auth_failed"],
  ["optional: half of all",            { all: [red, blue], optional: true },    { "x-red": RED },  "401 auth_required"],
  ["warn: nothing",                    { ...red, mode: "warn" },                {},                "nobody"],
  ["warn: wrong",                      { ...red, mode: "warn" },                wrong,             "nobody"],
  ["warn: right",                      { ...red, mode: "warn" },                { "x-red": RED },  "rose"],
];

for (const [name, options, fields, want] of cases) {
  test(`auth: ${name}`, () => {
    assert.equal(told(run(filterOf(options), fields)), want);
  });
}

test("auth: in mode warn the log has what it would refuse", () => {
  const { exchange } = run(filterOf({ ...red, mode: "warn" }), wrong);

  assert.deepEqual(exchange.warned, ["auth_failed"]);
});

test("auth: a challenge with 401, one for each kind", () => {
  const { reply } = run(filterOf({ any: [red, blue] }));

  assert.equal(reply?.headers?.["www-authenticate"], 'ApiKey realm="api"');
});

test("auth: of several that hold, all are known", () => {
  const { exchange } = run(filterOf({ all: [red, blue] }), both);

  assert.deepEqual(
    exchange.identity?.others?.map(({ name }) => name),
    ["bella"],
  );
});

test("auth: the upstream is told who it is, and gets no key", () => {
  const headers = { "X-User": "{identity}", "X-Role": "{claim.role}", "X-None": "{claim.none}" };

  const { sent } = run(filterOf({ ...red, headers }), { "x-red": RED, accept: "*/*" });

  assert.equal(sent, "accept: */*\nX-User: rose\nX-Role: a\n");
});

// H4, H5: what the client says of itself under any name that somebody reads as ours.
const claims = {
  "x-user": "root",
  X_User: "root",
  "x.user": "root",
  X_uSER: "root",
  "x-users": "fine",
};
// biome-ignore format: a table
const spoofs: [name: string, options: unknown, fields: Fields, want: string][] = [
  ["who is known",             {},                  { "x-red": RED }, "x-users: fine\nX-User: rose\n"],
  ["nobody, where optional",   { optional: true },  {},               "x-users: fine\n"],
  ["who is wrong, in warn",    { mode: "warn" },    wrong,            "x-users: fine\n"],
];

for (const [name, options, fields, want] of spoofs) {
  test(`auth: a client's own identity fields are removed: ${name} (H4, H5)`, () => {
    const filter = filterOf({
      ...red,
      headers: { "X-User": "{identity}" },
      ...(options as object),
    });

    assert.equal(run(filter, { ...claims, ...fields }).sent, want);
  });
}

test("auth: a claim cannot end its line (P2)", () => {
  const evil = { name: "a", key: RED, claims: { role: "x\r\ny: z\0" } };
  const filter = filterOf({
    apiKey: { header: "X-Red", keys: [evil] },
    headers: { "X-Role": "{claim.role}" },
  });

  const value = run(filter, { "x-red": RED }).exchange.request.headers.get("x-role")!;

  assert.doesNotMatch(value, /[\r\n\0]/);
});

test("auth: whatever a claim is, the fields that tell it are whole lines, and one each (P2)", () => {
  const text = fc.string({ unit: "binary", maxLength: 40 });
  fc.assert(
    fc.property(text, fc.oneof(text, fc.integer(), fc.boolean(), fc.array(text)), (name, role) => {
      const key = { name: "a", key: RED, claims: { [name]: role, role } };
      const headers = { "X-Role": "{claim.role}", "X-Both": "a {identity} {claim.role} b" };
      const filter = filterOf({ apiKey: { header: "X-Red", keys: [key] }, headers });

      const { sent } = run(filter, { "x-red": RED });

      for (const line of sent.split("\n").slice(0, -1))
        assert.match(line, /^X-(Role|Both): [\t -~\x80-\xff]*$/);
      assert.ok(sent.split("\n").length <= 3, sent);
    }),
    { numRuns: 300 },
  );
});

test("auth: who fails too often waits, with Retry-After; a key that holds passes all the same", () => {
  const filter = filterOf({ ...red, guard: { perAddress: 2, within: "60s" } });

  const first = run(filter, wrong);
  const second = run(filter, wrong);

  assert.equal(told(first), "401 auth_failed");
  assert.equal(told(second), "429 auth_limited");
  const seconds = Number(second.reply?.headers?.["retry-after"]);
  assert.ok(seconds > 0 && seconds <= 31, `${seconds}`);
  assert.equal(told(run(filter, { "x-red": RED })), "rose");
});

test("auth: routes with the same numbers count together; what shows nothing does not count", () => {
  const tools = toolsOf();
  const guard = { perAddress: 2, within: "60s" };
  const one = filterOf({ ...red, guard }, tools);
  const other = filterOf({ ...blue, guard }, tools);

  for (let count = 0; count < 10; count++) run(one);
  run(one, wrong);

  assert.equal(told(run(other, { "x-blue": "wrong" })), "429 auth_limited");
});

test("auth: a file that cannot be read: nobody is served, and the log says why (A4)", () => {
  const warnings: Warning[] = [];
  const filter = filterOf(
    { apiKey: { file: "/nowhere/keys.txt" }, optional: true, mode: "warn" },
    toolsOf(warnings),
  );

  const outcome = run(filter, { "x-api-key": RED });

  assert.equal(told(outcome), "503 security_unbuilt");
  assert.deepEqual(warnings, [
    [
      "a route is not served: its auth cannot be built",
      { place: "a.test#1", error: "/nowhere/keys.txt cannot be read (ENOENT)" },
    ],
  ]);
});

test("auth: a response to who is known is private, unless it says for whom it is", () => {
  const filter = filterOf({ ...red, optional: true });
  const controlOf = (fields: Fields, response: Fields) => {
    const { exchange } = run(filter, fields);
    exchange.response = { status: 200, headers: HeaderList.of(response) };
    filter.respond!(exchange);
    return exchange.response.headers.get("cache-control");
  };

  assert.equal(controlOf({ "x-red": RED }, {}), "private");
  assert.equal(controlOf({ "x-red": RED }, { "cache-control": "public" }), "public");
  assert.equal(controlOf({}, {}), undefined);
});

const places = { query: "api_key", cookie: "key", keys: [{ name: "rose", key: RED }] };
const here = { header: "Authorization", scheme: "Bearer", ...places };

// biome-ignore format: a table
const sources: [name: string, options: object, target: string, fields: Fields, want: string, sent: string][] = [
  ["a header with a scheme",  here,   "/?a=1",                   { authorization: `bearer  ${RED}` }, "rose", ""],
  ["another scheme",          here,   "/",                       { authorization: "Basic eDp5" },     "401 auth_required", "authorization: Basic eDp5\n"],
  ["a parameter",             places, `/?a=1&api_key=${RED}&b`,  {},                                  "rose", ""],
  ["one that is encoded",     places, `/?api%5fkey=${RED}`,      {},                                  "rose", ""],
  ["two parameters",          places, `/?api_key=${RED}&api_key=x`, {},                               "401 auth_failed", ""],
  ["a cookie",                places, "/",                       { cookie: `a=b; key=${RED};c=d` },   "rose", "Cookie: a=b; c=d\n"],
  ["the only cookie",         places, "/",                       { cookie: `key=${RED}` },            "rose", ""],
  ["two cookies",             places, "/",                       { cookie: `key=${RED}; key=x` },     "401 auth_failed", ""],
  ["passed on",               { ...here, passOn: true }, "/",    { authorization: `Bearer ${RED}` },  "rose", `authorization: Bearer ${RED}\n`],
  ["none of the places",      places, "/",                       { "x-api-key": RED },                "401 auth_required", `x-api-key: ${RED}\n`],
  ["too long to be one",      places, "/",                       { cookie: `key=${"x".repeat(5000)}` }, "401 auth_failed", ""],
];

for (const [name, options, target, fields, want, sent] of sources) {
  test(`apiKey: ${name}`, () => {
    const outcome = run(filterOf({ apiKey: options }), fields, target);

    assert.equal(told(outcome), want);
    assert.equal(outcome.sent, sent);
    const { upstreamQuery } = outcome.exchange.request;
    assert.ok(!/api(_|%5f)key/.test(upstreamQuery), upstreamQuery);
  });
}

test("auth: explain says what it wants and who it was, without a secret", () => {
  const filter = filterOf({ any: [{ all: [red, blue] }, blue], optional: true });
  const { exchange } = run(filter, { "x-blue": BLUE });

  const said = filter.explain!(exchange);

  assert.deepEqual(said, [
    "wants (a key in the header X-Red and a key in the header X-Blue) or a key in the header X-Blue, or nothing at all",
    "the request is sent by bella (apiKey)",
  ]);
});
