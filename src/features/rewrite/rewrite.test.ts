import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { NO_TOOLS } from "../../../test/support/build-tools.ts";
import { exchangeOf, requestOf, routeNamed } from "../../../test/support/exchange-of.ts";
import type { Reply } from "../../core/filter.ts";
import type { TargetPolicy } from "../../protocol/http/target.ts";
import { canonicalTarget } from "../../protocol/http/target.ts";
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
  ["a part by an expression",        { options: { replace: [{ find: "~^/v1/(.*)$", with: "/v2/{match.1}" }] }, line: "GET /v1/a%2Fb?q" }, "/v2/a%2Fb?q"],
  ["every part that is found",       { options: { replace: [{ find: "_", with: "-" }] }, line: "GET /a_b/c_d" }, "/a-b/c-d?"],
  ["an expression that is not found", { options: { replace: [{ find: "~^/v1/", with: "/" }] }, line: "GET /v3/v1/" }, "/v3/v1/?"],
  ["by name, with a value",          { options: { replace: [{ find: "~^/(?<lang>de|en)/", with: "/{header.x}/{match.lang}/" }] }, line: "GET /de/a", headers: { x: "a/b" } }, "/a%2Fb/de/a?"],
  ["one off, a part, another before", { options: { stripPrefix: "/api", replace: [{ find: "/x", with: "/y" }], addPrefix: "/v2" }, line: "GET /api/x" }, "/v2/y?"],
  ["a replacement is not looked at again (P2)", { options: { replace: [{ find: "~^/(.*)$", with: "/{query.q}/{match.1}" }] }, line: "GET /{path}?q={path}" }, "/%7Bpath%7D/%7Bpath%7D?q={path}"],
  ["parameters that are kept",       { options: { query: { keep: ["id", "p*"] } }, line: "GET /?utm=1&id=2&page=3&i%64=4" }, "/?id=2&page=3&i%64=4"],
  ["none is kept",                   { options: { query: { keep: [] } }, line: "GET /?a=1" },            "/?"],
  ["parameters that go",             { options: { query: { remove: ["utm_*", "a"] } }, line: "GET /?utm_source=x&b=1&a&%61=2&b=2" }, "/?b=1&b=2"],
  ["a parameter that is set",        { options: { query: { set: { id: "{path.id}" } } }, path: "/:id", line: "GET /a%26b?id=1&x=%7e&ID=2" }, "/a%26b?x=%7e&ID=2&id=a%26b"],
  ["one set to nothing",             { options: { query: { set: { id: "{header.x}" } } }, line: "GET /?id=1" }, "/?"],
  ["a parameter that is added",      { options: { query: { add: { id: "{query.q}" } } }, line: "GET /?id=1&q=%26x%3D1" }, "/?id=1&q=%26x%3D1&id=%26x%3D1"],
  ["a parameter with another name",  { options: { query: { rename: { q: "query text" } } }, line: "GET /?q=1&qq=2&q" }, "/?query%20text=1&qq=2&query%20text"],
  ["what is no form encoding stays", { options: { query: { remove: ["x"] } }, line: "GET /?a%&&b==c&x=" }, "/?a%&&b==c"],
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
  ["a group that climbs (P1)",       { options: { replace: [{ find: "~^/a(.*)b", with: "/{match.1}" }] }, line: "GET /a..b/x" }],
  ["half an escape",                 { options: { replace: [{ find: "~^/(..)", with: "/{match.1}-" }] }, line: "GET /%2Fa" }],
  ["nothing left",                   { options: { replace: [{ find: "~.*", with: "" }] }, line: "GET /a" }],
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
  { path: "/x", replace: [{ find: "a", with: "b" }] },
  { path: "/x?y" },
  { replace: [] },
  { replace: [{ find: "~(", with: "" }] },
  { replace: [{ find: "~(a)", with: "{match.2}" }] },
  { replace: [{ find: "a", with: "?b" }] },
  { query: {} },
  { query: { keep: ["a"], remove: ["b"] } },
  { query: { set: { a: "{nothing}" } } },
  { query: { drop: ["a"] } },
  { method: "HEAD" },
  { method: "CONNECT" },
  { method: "post" },
  { query: 3 },
  { strip: "/api" },
];

for (const options of refused) {
  test(`rewrite: the config ${JSON.stringify(options)} is refused`, () => {
    assert.equal(rewrite.schema.safeParse(options).success, false);
  });
}

test("rewrite: the method is another, but for HEAD and handshakes", () => {
  const methodOf = (line: string, websocketKey?: string) => {
    const filter = rewrite.build(rewrite.schema.parse({ method: "POST" }), NO_TOOLS);
    const exchange = exchangeOf({ request: requestOf(line) });
    Object.assign(exchange.downstream, { websocketKey });
    filter.rewrite!(exchange);
    const { method, upstreamMethod } = exchange.request;
    return `${method} ${upstreamMethod}`;
  };

  assert.equal(methodOf("GET /a"), "GET POST");
  assert.equal(methodOf("HEAD /a"), "HEAD ");
  assert.equal(methodOf("GET /a", "dGhlIHNhbXBsZSBub25jZQ=="), "GET ");
});

test("rewrite: no target comes out that would be read in another way (P1)", () => {
  const piece = fc.constantFrom(
    ...["/", "//", "..", ".", "%2F", "%2e", "%2E%2E", "%5C", "%00", "%", "%c0%ae", ";", "..;"],
    ...["a", "b", "api", "é", "?", "#", " ", "%25", "%7E", "~", "{path}", "[", "|"],
  );
  const text = fc.array(piece, { maxLength: 8 }).map((all) => all.join(""));
  const options = fc.constantFrom<unknown>(
    { stripPrefix: "/api" },
    { stripPrefix: "/a", addPrefix: "/b" },
    { path: "/x/{header.x}{path}" },
    { path: "{path}/{query.q}" },
    { path: "/{path.*}/{cookie.c}" },
    { replace: [{ find: "~/(.)(.*)$", with: "{match.2}/{match.1}" }] },
    {
      replace: [
        { find: "a", with: "" },
        { find: "b", with: "{header.x}" },
      ],
    },
    { replace: [{ find: "~^/.", with: "/" }], addPrefix: "/p" },
    { query: { add: { a: "{path}", b: "{header.x}" }, rename: { q: "p" } } },
    { query: "{query}&{header.x}" },
  );
  const policy = fc.constantFrom<TargetPolicy>(KEEP, {
    slashes: "merge",
    encodedSlashes: "reject",
  });
  let rewritten = 0;

  fc.assert(
    fc.property(options, policy, text, text, text, (options, paths, path, query, header) => {
      const raw = `/${path}?${query}`;
      const latin1 = header.replace(/[^\x20-\xff]/g, "");
      if (canonicalTarget(raw, "GET", paths).kind === "refused") return;
      const asked = {
        options,
        line: `GET ${raw}`,
        headers: { x: latin1, cookie: `c=${latin1}` },
        paths,
      };
      if (raw.includes(" ")) return;

      const { exchange, reply } = run(asked);

      if (reply !== undefined) return;
      const { upstreamPath, upstreamQuery } = exchange.request;
      const sent = upstreamQuery === "" ? upstreamPath : `${upstreamPath}?${upstreamQuery}`;
      const again = canonicalTarget(sent, "GET", paths);
      assert.ok(again.kind === "origin", `${sent} is ${JSON.stringify(again)}`);
      assert.deepEqual([again.path, again.query], [upstreamPath, upstreamQuery]);
      assert.ok(!sent.startsWith("//"), sent);
      rewritten++;
    }),
    { numRuns: 5000 },
  );
  assert.ok(rewritten > 300, `${rewritten} rewritten`);
});
