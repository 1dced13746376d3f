import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_TOOLS } from "../../../test/support/build-tools.ts";
import { exchangeOf, requestOf, routeNamed } from "../../../test/support/exchange-of.ts";
import type { Reply } from "../../core/filter.ts";
import type { TargetPolicy } from "../../protocol/http/target.ts";
import { compileRoutes } from "../../route/route-table.ts";
import { rewrite } from "./rewrite.ts";

const KEEP: TargetPolicy = { slashes: "keep", encodedSlashes: "keep" };

interface Asked {
  readonly options: unknown;
  readonly line: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly paths?: TargetPolicy;
}

function run({ options, line, path = "/*", headers, paths }: Asked) {
  const filter = rewrite.build(rewrite.schema.parse(options), NO_TOOLS);
  const routes = compileRoutes([
    { match: { path }, route: routeNamed("r") },
    { match: {}, route: { ...routeNamed("rest") } },
  ]);
  const request = requestOf(line, headers, paths);
  const errors = {
    reply: (_: unknown, status: number, code: string): Reply => ({ status, body: code }),
  };
  const exchange = exchangeOf({ request, routes, errors, ...(paths && { paths }) });
  Object.assign(exchange.route!, { errors });
  const reply = filter.rewrite!(exchange) as Reply | undefined;
  return { exchange, reply };
}

// biome-ignore format: a table
const cases: [name: string, asked: Asked, want: string][] = [
  ["a prefix is taken off",          { options: { stripPrefix: "/api" }, line: "GET /api/x?q" },         "/x?q"],
  ["all of the path",                { options: { stripPrefix: "/api" }, line: "GET /api" },             "/?"],
  ["all but a slash",                { options: { stripPrefix: "/api" }, line: "GET /api/" },            "/?"],
  ["only whole segments",            { options: { stripPrefix: "/api" }, line: "GET /apicot/x" },        "/apicot/x?"],
  ["another path is left alone",     { options: { stripPrefix: "/api" }, line: "GET /x/api" },           "/x/api?"],
  ["a prefix is put before",         { options: { addPrefix: "/v2" }, line: "GET /x" },                  "/v2/x?"],
  ["one off, another before",        { options: { stripPrefix: "/api", addPrefix: "/v2" }, line: "GET /api/x" }, "/v2/x?"],
  ["a new path",                     { options: { path: "/n/{path.*}" }, path: "/o/*", line: "GET /o/a%2Fb/c?q" }, "/n/a%2Fb/c?q"],
  ["a path with a header",           { options: { path: "/{header.x}{path}" }, line: "GET /o", headers: { x: "a/b ?#" } }, "/a%2Fb%20%3F%23/o?"],
  ["a new query",                    { options: { query: "id={path.id}&{query}" }, path: "/u/:id", line: "GET /u/7?a=1" }, "/u/7?id=7&a=1"],
  ["no query",                       { options: { query: "" }, line: "GET /u?a=1" },                     "/u?"],
  ["OPTIONS * is left alone",        { options: { addPrefix: "/v2" }, line: "OPTIONS http://a.test" },   "*?"],
  ["kept slashes",                   { options: { stripPrefix: "/api" }, line: "GET /api/a//b", paths: KEEP }, "/a//b?"],
];

for (const [name, asked, want] of cases) {
  test(`rewrite: ${name}`, () => {
    const { exchange, reply } = run(asked);

    assert.equal(reply, undefined);
    assert.equal(`${exchange.request.upstreamPath}?${exchange.request.upstreamQuery}`, want);
    assert.equal(exchange.request.targetReceived, asked.line.split(" ")[1], "what was asked stays");
  });
}

// biome-ignore format: a table
const unsafe: [name: string, asked: Asked][] = [
  ["a value that climbs (P1)",       { options: { path: "/x/{header.x}/y" }, line: "GET /", headers: { x: ".." } }],
  ["a value that hides a climb",     { options: { path: "/x/{header.x}/y" }, line: "GET /", headers: { x: "../.." } }],
  ["a value that is empty",          { options: { path: "/x/{header.x}/y" }, line: "GET /" }],
  ["two slashes at the start",       { options: { stripPrefix: "/api" }, line: "GET /api//evil.test/", paths: KEEP }],
  ["a NUL",                          { options: { path: "/x/{query.q}" }, line: "GET /?q=%00" }],
];

for (const [name, asked] of unsafe) {
  test(`rewrite: refuses ${name}`, () => {
    const { exchange, reply } = run(asked);

    assert.deepEqual(reply, { status: 400, body: "request_target" });
    assert.equal(exchange.fault?.code, "request_target");
  });
}

const refused: unknown[] = [
  {},
  "/api",
  { stripPrefix: "api" },
  { stripPrefix: "/" },
  { stripPrefix: "/api/" },
  { addPrefix: "/a/../b" },
  { addPrefix: "/a b" },
  { path: "x" },
  { path: "{header.x}" },
  { path: "/{nothing}" },
  { path: "/x", stripPrefix: "/a" },
  { query: 3 },
  { strip: "/api" },
];

for (const options of refused) {
  test(`rewrite: the config ${JSON.stringify(options)} is refused`, () => {
    assert.equal(rewrite.schema.safeParse(options).success, false);
  });
}
