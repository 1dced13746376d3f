import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { exchangeOf, requestOf, routeNamed } from "../../test/support/exchange-of.ts";
import { CidrSet } from "../base/cidr.ts";
import type { RequestHead } from "../core/exchange.ts";
import type { RouteRecorder } from "../core/runtime.ts";
import { captureNames } from "./compile-match.ts";
import type { MatchConfig, NamedValues, OneOrMore } from "./match-config.ts";
import { compileRoutes } from "./route-table.ts";

const CLIENT = "192.0.2.7";

function tableOf(...matches: readonly MatchConfig[]) {
  return compileRoutes(matches.map((match, number) => ({ match, route: routeNamed(`${number}`) })));
}

// biome-ignore format: a table
const cases: [name: string, match: MatchConfig, line: string, want: boolean, headers?: Record<string, string>][] = [
  ["nothing asked",               {},                                         "GET /a",          true],
  ["a path",                      { path: "/a" },                             "GET /a",          true],
  ["another path",                { path: "/a" },                             "GET /b",          false],
  ["one of two paths",            { path: ["/a", "/b/*"] },                   "GET /b/c",        true],
  ["a path that was not canonical", { path: "/admin/*" },                     "GET /x/..//%61dmin/%7e", true],
  ["an expression",               { path: "~^/v[0-9]+/" },                    "GET /v1/x",       true],
  ["OPTIONS * has no path",       { path: "/*" },                             "OPTIONS http://a.test", false],
  ["a method",                    { method: "GET" },                          "GET /",           true],
  ["HEAD is not GET",             { method: ["GET", "POST"] },                "HEAD /",          false],
  ["a scheme",                    { scheme: "https" },                        "GET https://a.test/", true],
  ["another scheme",              { scheme: "https" },                        "GET http://a.test/",  false],
  ["a host",                      { host: "a.test" },                         "GET http://A.test:80/", true],
  ["a wildcard host",             { host: ["b.test", "*.test"] },             "GET http://x.y.test/",  true],
  ["a wildcard host, itself",     { host: "*.test" },                         "GET http://test/",    false],
  ["any host",                    { host: "*" },                              "GET http://x/",       true],
  ["a host by expression",        { host: "~^(www|shop)[.]a[.]test$" },       "GET http://shop.a.test/", true],
  ["a client address",            { clientIp: ["10.0.0.0/8", "192.0.2.0/24"] }, "GET /",         true],
  ["another client address",      { clientIp: "10.0.0.0/8" },                 "GET /",           false],
  ["a header",                    { header: { "X-Version": "2" } },           "GET /",           true,  { "x-version": "2" }],
  ["a header with another value", { header: { "x-version": "2" } },           "GET /",           false, { "x-version": "20" }],
  ["no header",                   { header: { "x-version": "2" } },           "GET /",           false],
  ["a present header",            { header: { "x-version": "*" } },           "GET /",           true,  { "x-version": "" }],
  ["no present header",           { header: { "x-version": "*" } },           "GET /",           false],
  ["a header by expression",      { header: { "user-agent": "~(?i)curl" } },  "GET /",           true,  { "User-Agent": "CURL/8" }],
  ["a header, any of a list",     { header: { x: ["1", "~^2"] } },            "GET /",           true,  { x: "22" }],
  ["two headers, one missing",    { header: { x: "1", y: "2" } },             "GET /",           false, { x: "1" }],
  ["a parameter",                 { query: { debug: "on" } },                 "GET /?x=1&debug=on", true],
  ["a parameter, escaped",        { query: { "a b": "ä" } },                  "GET /?a+b=%C3%A4", true],
  ["a present parameter",         { query: { debug: "*" } },                  "GET /?debug",     true],
  ["the second of a parameter",   { query: { a: "2" } },                      "GET /?a=1&a=2",   true],
  ["no parameter",                { query: { debug: "*" } },                  "GET /?bug=1",     false],
  ["a cookie",                    { cookie: { beta: ["1", "2"] } },           "GET /",           true,  { cookie: "a=1; beta=2" }],
  ["no cookie",                   { cookie: { beta: "*" } },                  "GET /",           false, { cookie: "alphabeta=2" }],
  ["not",                         { not: { method: "GET" } },                 "POST /",          true],
  ["not, met",                    { not: { method: "GET" } },                 "GET /",           false],
  ["not all of two",              { not: { method: "GET", path: "/a" } },     "GET /b",          true],
  ["any, the second",             { any: [{ path: "/a" }, { method: "GET" }] }, "GET /b",        true],
  ["any, none",                   { any: [{ path: "/a" }, { method: "PUT" }] }, "GET /b",        false],
  ["not any",                     { not: { any: [{ path: "/a" }, { path: "/b" }] } }, "GET /c",  true],
  ["everything together",         { path: "/a/*", not: { header: { x: "1" } }, any: [{ method: "GET" }] }, "GET /a/b", true, { x: "2" }],
];

const FILLER: readonly MatchConfig[] = Array.from({ length: 10 }, (_, index) => ({
  path: `/filler/${index}`,
}));

for (const [name, match, line, want, headers] of cases) {
  test(`RouteTable: ${name}`, () => {
    const request = requestOf(line, headers);

    assert.equal(tableOf(match).find(request, CLIENT)?.name, want ? "0" : undefined, "few routes");
    assert.equal(
      tableOf(...FILLER, match).find(request, CLIENT)?.name,
      want ? "10" : undefined,
      "many",
    );
  });
}

test("RouteTable: any of several fields of one name", () => {
  const request = requestOf("GET /", { "x-tag": "a" });
  request.headers.add("X-Tag", "b");

  assert.equal(tableOf({ header: { "x-tag": "b" } }).find(request, CLIENT)?.name, "0");
  assert.equal(tableOf({ header: { "x-tag": "c" } }).find(request, CLIENT), undefined);
});

test("RouteTable: the first match wins, in the order written, with and without an index", () => {
  const matches: MatchConfig[] = [
    { path: "/a/:id" },
    { path: "/a/*", method: "PUT" },
    {},
    { path: "/a/b" },
  ];
  const few = tableOf(...matches);
  const many = tableOf(...matches, ...FILLER);
  const lines = ["GET /a/b", "PUT /a/b/c", "GET /a/b/c", "GET /x"];

  for (const table of [few, many]) {
    assert.deepEqual(
      lines.map((line) => table.find(requestOf(line), CLIENT)?.name),
      ["0", "1", "2", "2"],
    );
  }
});

test("RouteTable: an index survives ten thousand routes and finds the last", () => {
  const matches = Array.from({ length: 10_000 }, (_, index) => ({
    path: `/tenant-${index}/:id/*`,
  }));
  const table = tableOf(...matches, { path: "~^/rest" });

  assert.equal(table.find(requestOf("GET /tenant-9999/7"), CLIENT)?.name, "9999");
  assert.equal(table.find(requestOf("GET /tenant-10000/7"), CLIENT), undefined);
  assert.equal(table.find(requestOf("GET /restful"), CLIENT)?.name, "10000");
});

class Lines implements RouteRecorder {
  readonly lines: string[] = [];

  route(name: string): void {
    this.lines.push(`route ${name}`);
  }

  condition(name: string, wanted: string, actual: string, isMet: boolean): void {
    this.lines.push(`${isMet ? "yes" : "no"} ${name}: ${wanted}; ${actual}`);
  }

  matched(name: string): void {
    this.lines.push(`matched ${name}`);
  }
}

test("RouteTable: explain tells every route tried and every condition of it", () => {
  const table = tableOf(
    { path: "/a/*", method: ["GET", "HEAD"], header: { "x-version": "2" } },
    { not: { clientIp: "10.0.0.0/8" }, any: [{ query: { q: "*" } }, { scheme: "http" }] },
    { path: "/never" },
  );
  const told = new Lines();

  const route = table.explain(requestOf("POST /a/b"), CLIENT, told);

  assert.equal(route?.name, "1");
  assert.deepEqual(told.lines, [
    "route 0",
    "no method: GET | HEAD; POST",
    "yes path: /a/*; /a/b",
    "no header.x-version: 2; (none)",
    "route 1",
    "no not.clientIp: 10.0.0.0/8; 192.0.2.7",
    "yes not: not all of the above; not all",
    "no any[0].query.q: *; (none)",
    "yes any[1].scheme: http; http",
    "yes any: one of the above; 1",
    "matched 1",
  ]);
});

// biome-ignore format: a table
const captured: [name: string, match: MatchConfig, line: string, group: string, want: string | undefined][] = [
  ["a parameter",               { path: "/users/:id" },                     "GET /users/7",    "id", "7"],
  ["what a prefix left",        { path: "/old/*" },                         "GET /old/a/b",    "*",  "a/b"],
  ["a group",                   { path: "~^/v([0-9]+)/" },                  "GET /v12/x",      "1",  "12"],
  ["of the path that matched",  { path: ["/a/:x", "/b/:y"] },               "GET /b/2",        "y",  "2"],
  ["not of the other one",      { path: ["/a/:x", "/b/:y"] },               "GET /b/2",        "x",  undefined],
  ["of the choice that holds",  { any: [{ path: "/:x", method: "PUT" }, { path: "/*" }] }, "GET /b", "*", "b"],
  ["not of the one that does not", { any: [{ path: "/:x", method: "PUT" }, { path: "/*" }] }, "GET /b", "x", undefined],
  ["nothing of a not",          { not: { path: "/:x/y" } },                 "GET /b",          "x",  undefined],
];

for (const [name, match, line, group, want] of captured) {
  test(`RouteTable: captures ${name}`, () => {
    const table = tableOf(match);
    const exchange = exchangeOf({ request: requestOf(line), routes: table });

    assert.equal(table.captures(exchange.route!, exchange.request, CLIENT)?.get(group), want);
  });
}

test("captureNames: of all paths and choices, each once", () => {
  const match = { path: ["/a/:x/*", "/b/:x"], any: [{ path: "~(?<y>z)" }], not: { path: "/:no" } };

  assert.deepEqual(captureNames(match), ["x", "*", "0", "1", "y"]);
});

// A model that shares no code with the table but the parts tested on their own.
function modelMatches(match: MatchConfig, request: RequestHead): boolean {
  const some = (wanted: OneOrMore | undefined, test: (each: string) => boolean) =>
    wanted === undefined || [wanted].flat().some(test);
  const named = (values: NamedValues | undefined, actual: (name: string) => readonly string[]) =>
    Object.entries(values ?? {}).every(([name, wanted]) =>
      some(wanted, (each) => actual(name).some((value) => each === "*" || each === value)),
    );
  const query = new URLSearchParams(request.query);
  return (
    some(match.path, (path) => pathExpression(path).test(request.path)) &&
    some(match.method, (method) => method === request.method) &&
    some(match.scheme, (scheme) => scheme === request.scheme) &&
    some(match.clientIp, (cidr) => new CidrSet([cidr]).has(CLIENT)) &&
    named(match.header, (name) => request.headers.all(name)) &&
    named(match.query, (name) => query.getAll(name)) &&
    (match.not === undefined || !modelMatches(match.not, request)) &&
    (match.any === undefined || match.any.some((choice) => modelMatches(choice, request)))
  );
}

function pathExpression(path: string): RegExp {
  if (path.startsWith("~")) return new RegExp(path.slice(1));
  const source = path.replace(/\/:[a-z]+/g, "/[^/]+").replace(/\/\*$/, "(/.*)?");
  return new RegExp(`^${source}$`);
}

const segment = fc.constantFrom("a", "b", "c");
const anyPath = fc.array(segment, { maxLength: 4 }).map((segments) => `/${segments.join("/")}`);
const tail = fc.constantFrom("", "/*", "/:x", "/:x/*", "/:x/b", "/a/:y");
const pattern = fc.oneof(
  fc.tuple(fc.array(segment, { maxLength: 2 }), tail).map(([segments, end]) => {
    const text = segments.map((each) => `/${each}`).join("") + end;
    return text === "" ? "/" : text;
  }),
  fc.constantFrom("~^/a", "~b$", "~/c/"),
);
const oneOrMore = (each: fc.Arbitrary<string>) =>
  fc.oneof(each, fc.array(each, { minLength: 1, maxLength: 3 }));
const path = oneOrMore(pattern);
const method = oneOrMore(fc.constantFrom("GET", "POST"));
const value = oneOrMore(fc.constantFrom("1", "2", "*"));
const header = fc.dictionary(fc.constantFrom("x", "y"), value, { maxKeys: 1 });
const query = fc.dictionary(fc.constantFrom("p", "q"), value, { maxKeys: 1 });
const scheme = oneOrMore(fc.constantFrom("http", "https"));
const clientIp = oneOrMore(fc.constantFrom("192.0.2.0/24", "10.0.0.0/8"));
const { match: anyMatch } = fc.letrec<{ match: MatchConfig }>((tie) => {
  const inner = fc.oneof({ maxDepth: 2 }, fc.record({ path }), fc.record({ method }), tie("match"));
  const any = fc.array(inner, { minLength: 1, maxLength: 2 });
  return {
    match: fc.oneof(
      fc.record({ path }),
      fc.record({ path, method }, { requiredKeys: [] }),
      fc.record({ path, header, query }, { requiredKeys: ["path"] }),
      fc.record({ path, scheme, clientIp }, { requiredKeys: ["path"] }),
      fc.record({ path, not: inner }, { requiredKeys: ["not"] }),
      fc.record({ header, any }, { requiredKeys: ["any"] }),
    ),
  };
});
const fewOrMany = fc.oneof(
  fc.array(anyMatch, { maxLength: 5 }),
  fc.array(anyMatch, { minLength: 8, maxLength: 20 }),
);
const anyRequest = fc
  .record({
    path: anyPath,
    method: fc.constantFrom("GET", "POST", "PUT"),
    scheme: fc.constantFrom("http", "https"),
    query: fc.constantFrom("", "?p=1", "?q=2&p=2", "?q"),
    headers: fc.dictionary(fc.constantFrom("x", "y"), fc.constantFrom("1", "2", "3")),
  })
  .map(({ method, scheme, path, query, headers }) =>
    requestOf(`${method} ${scheme}://a.test${path}${query}`, headers),
  );

test("RouteTable: find, explain and a plain model agree on random tables and requests", () => {
  let found = 0;
  fc.assert(
    fc.property(
      fewOrMany,
      fc.array(anyRequest, { minLength: 1, maxLength: 6 }),
      (matches, requests) => {
        const table = tableOf(...matches);
        for (const request of requests) {
          const want = matches.findIndex((match) => modelMatches(match, request));
          const name = want < 0 ? undefined : `${want}`;
          const told = new Lines();
          assert.equal(table.find(request, CLIENT)?.name, name, "find");
          assert.equal(table.explain(request, CLIENT, told)?.name, name, "explain");
          const tried = told.lines.filter((line) => line.startsWith("route ")).length;
          assert.equal(tried, want < 0 ? matches.length : want + 1);
          if (want > 0) found++;
        }
      },
    ),
    { numRuns: 1000 },
  );
  assert.ok(found > 1000, `only ${found} beyond the first`);
});
