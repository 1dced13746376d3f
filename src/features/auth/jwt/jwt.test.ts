import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { NO_TOOLS } from "../../../../test/support/build-tools.ts";
import { exchangeOf, requestOf } from "../../../../test/support/exchange-of.ts";
import { SimWorld } from "../../../../test/support/sim-world.ts";
import { signed } from "../../../../test/support/tokens.ts";
import type { Exchange } from "../../../core/exchange.ts";
import type { BuildTools } from "../../../core/feature.ts";
import type { Reply } from "../../../core/filter.ts";
import { auth } from "../auth.ts";

const SECRET = "correct-horse-battery-staple-and-more";
const world = new SimWorld();
const NOW_S = world.clock.wallMs() / 1000;

/** A filter that takes tokens of HS256; `options`: more of `jwt`. */
function filterOf(options: object = {}, around: object = {}) {
  const jwt = { secret: SECRET, issuer: "https://idp.test", audience: "shop", ...options };
  const { keepForAll, machine, place, web, isDry } = NO_TOOLS;
  const tools = { keepForAll, machine, place, web, isDry, world };
  const parsed = auth.schema.parse({ jwt, guard: "off", ...around });
  return auth.build(parsed, tools as unknown as BuildTools); // methods of auth need no more
}

const token = (claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}) =>
  signed(Buffer.from(SECRET), claims, { alg: "HS256", ...header }, NOW_S);

function admitted(
  filter: ReturnType<typeof filterOf>,
  fields: Record<string, string>,
  target = "/",
) {
  const exchange = exchangeOf({ request: requestOf(`GET ${target}`, fields) });
  const reply = filter.admit!(exchange) as Reply | undefined;
  return { exchange, reply };
}

function sentBy({ request }: Exchange): string {
  const lines: string[] = [];
  request.headers.each((name, value) => lines.push(`${name}: ${value}`));
  return lines.join("\n");
}

type Row = [name: string, fields: Record<string, string>, options: object, want: string];

const good = await token();
const old = await token({ exp: NOW_S - 31 });

// biome-ignore format: a table
const rows: Row[] = [
  ["a good token",                     { authorization: `Bearer ${good}` },   {}, "alice"],
  ["a scheme of any case",             { authorization: `bEARER ${good}` },   {}, "alice"],
  ["no token",                         {},                                    {}, "401 auth_required"],
  ["another scheme",                   { authorization: `Basic ${good}` },    {}, "401 auth_required"],
  ["a scheme and nothing",             { authorization: "Bearer" },           {}, "401 auth_required"],
  ["an empty token",                   { authorization: "Bearer " },          {}, "401 auth_failed"],
  ["an old token",                     { authorization: `Bearer ${old}` },    {}, "401 auth_failed"],
  ["an old token and more leeway",     { authorization: `Bearer ${old}` },    { leeway: "1m" }, "alice"],
  ["another header, without a scheme", { "x-token": good },                   { header: "X-Token" }, "alice"],
  ["in Authorization all the same",    { authorization: `Bearer ${good}` },   { header: "X-Token" }, "401 auth_required"],
  ["a cookie",                         { cookie: `a=b; t=${good}` },          { cookie: "t" }, "alice"],
  ["two cookies of that name",         { cookie: `t=${good}; t=${good}` },    { cookie: "t" }, "401 auth_failed"],
  ["another type",                     { authorization: `Bearer ${good}` },   { type: "at+jwt" }, "401 auth_failed"],
  ["a shorter list of algorithms",     { authorization: `Bearer ${good}` },   { algorithms: ["HS512"] }, "401 auth_failed"],
  ["another name",                     { authorization: `Bearer ${good}` },   { name: "iss" }, "https://idp.test"],
  ["a claim that is missing",          { authorization: `Bearer ${good}` },   { require: { claims: { role: "a" } } }, "403 auth_forbidden"],
  ["a scope that is missing",          { authorization: `Bearer ${good}` },   { require: { scope: "a" } }, "403 auth_forbidden"],
  ["a claim that is text and not a number", { authorization: `Bearer ${await token({ level: "3" })}` }, { require: { claims: { level: 3 } } }, "403 auth_forbidden"],
  ["a claim further in",               { authorization: `Bearer ${await token({ org: { paid: true } })}` }, { require: { claims: { "org.paid": true } } }, "alice"],
  ["a claim with a dot in its name",   { authorization: `Bearer ${await token({ "a.b/c": ["x", "y"] })}` }, { require: { claims: { "a.b/c": "y" } } }, "alice"],
  ["a claim of no own",                { authorization: `Bearer ${good}` },   { require: { claims: { "toString.name": "toString" } } }, "403 auth_forbidden"],
];

for (const [name, fields, options, want] of rows) {
  test(`jwt: ${name}`, () => {
    const { exchange, reply } = admitted(filterOf(options), fields);

    assert.equal(
      reply === undefined ? exchange.identity?.name : `${reply.status} ${reply.body}`,
      want,
    );
  });
}

test("jwt: what goes on to the upstream", () => {
  const authorization = `Bearer ${good}`;
  const kept = admitted(filterOf(), { authorization });
  const taken = admitted(filterOf({ passOn: false }), { authorization });
  const query = admitted(filterOf({ query: "access_token" }), {}, `/?a=1&access_token=${good}`);

  assert.equal(sentBy(kept.exchange), `authorization: ${authorization}`);
  assert.equal(sentBy(taken.exchange), "");
  assert.equal(query.exchange.request.upstreamQuery, "a=1");
});

test("jwt: no claim ends a header line, begins another, or is expanded again (P2)", async () => {
  const filter = filterOf(
    {},
    { headers: { "X-A": "{jwt.a}", "X-B": "<{claim.b}>", "X-User": "{identity}" } },
  );
  const value = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("a\r\nX-Evil: 1", "\0", "{identity}", "{header.cookie}", "a\u2028b", "\ud800"),
    fc.array(fc.string({ unit: "binary" }), { maxLength: 3 }),
    fc.dictionary(fc.string(), fc.string(), { maxKeys: 2 }),
  );
  await fc.assert(
    fc.asyncProperty(
      value,
      value,
      fc.string({ unit: "binary", minLength: 1 }),
      async (a, b, sub) => {
        const authorization = `Bearer ${await token({ a, b, sub })}`;
        const { exchange } = admitted(filter, { authorization, cookie: "s=secret" });
        assert.notEqual(exchange.identity, undefined);
        exchange.request.headers.each((_name, text) => {
          // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
          assert.doesNotMatch(text, /[\x00-\x08\x0a-\x1f\x7f\u0100-\uffff]/);
        });
        assert.ok(!(exchange.request.headers.get("x-b") ?? "").includes("secret"));
        assert.ok(exchange.request.headers.all("x-evil").length === 0);
      },
    ),
    { numRuns: 200 },
  );
});

test("jwt: a shared secret and a public key are two kinds of token, and none is taken for the other", () => {
  const problems = auth.schema.safeParse({
    jwt: { secret: SECRET, issuer: "a", audience: "b", algorithms: ["RS256"] },
  });

  assert.match(String(problems.error), /must be for a secret/);
});
