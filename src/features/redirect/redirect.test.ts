import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_TOOLS } from "../../../test/support/build-tools.ts";
import { exchangeOf, requestOf, routeNamed } from "../../../test/support/exchange-of.ts";
import type { Reply } from "../../core/filter.ts";
import type { TargetPolicy } from "../../protocol/http/target.ts";
import { compileRoutes } from "../../route/route-table.ts";
import { redirect } from "./redirect.ts";

const KEEP: TargetPolicy = { slashes: "keep", encodedSlashes: "keep" };

interface Asked {
  readonly to: unknown;
  readonly path?: string;
  readonly line: string;
  readonly paths?: TargetPolicy;
}

function answerTo({ to, path = "/*", line, paths }: Asked): string {
  const handler = redirect.build(redirect.schema.parse(to), NO_TOOLS);
  const routes = compileRoutes([
    { match: { path }, route: routeNamed("r") },
    { match: {}, route: routeNamed("rest") },
  ]);
  const request = requestOf(line, {}, paths);
  const reply = handler.handle(exchangeOf({ request, routes, ...(paths && { paths }) })) as Reply;
  return `${reply.status} ${reply.headers?.["location"]}`;
}

// biome-ignore format: a table
const cases: [name: string, asked: Asked, want: string][] = [
  ["text alone",               { to: "/new", line: "GET /old" },                                                 "308 /new"],
  ["a status",                 { to: { to: "/new", status: 301 }, line: "GET /old" },                            "301 /new"],
  ["the default status",       { to: { to: "/new" }, line: "GET /old" },                                         "308 /new"],
  ["what a prefix left",       { to: "/new/{path.*}", path: "/old/*", line: "GET /old/a/b?q" },                  "308 /new/a/b"],
  ["to https",                 { to: "https://{host}{target}", line: "GET http://a.test:8080/x/y?q=1&r=%2F" },   "308 https://a.test/x/y?q=1&r=%2F"],
  ["to another host",          { to: "https://b.test/{path.*}", path: "/old/*", line: "GET /old//evil.test" },   "308 https://b.test/evil.test"],
  ["a part as a parameter",    { to: "/find?q={path.id}", path: "/:id", line: "GET /a%26b=c" },                  "308 /find?q=a%26b%3Dc"],
  ["two slashes, merged",      { to: "/{path.*}", path: "/old/*", line: "GET /old//evil.test" },                 "308 /evil.test"],
  ["no open redirect where // is kept", { to: "/{path.*}", path: "/old/*", line: "GET /old//evil.test", paths: KEEP }, "308 /evil.test"],
  ["nor with three",           { to: "/{path.*}", path: "/old/*", line: "GET /old///evil.test", paths: KEEP },   "308 /evil.test"],
  ["nor with the path itself", { to: "{path}", line: "GET //evil.test/x", paths: KEEP },                         "308 /evil.test/x"],
  ["nor the target",           { to: "{target}", line: "GET //evil.test/x?y", paths: KEEP },                     "308 /evil.test/x?y"],
  ["nor with a backslash",     { to: "/{path.*}", path: "/old/*", line: "GET /old/%5Cevil.test" },               "308 /%5Cevil.test"],
  ["nor by a parameter",       { to: "/{query.next}", line: "GET /?next=/evil.test" },                           "308 /%2Fevil.test"],
  ["no second header line",    { to: "/{query.next}", line: "GET /?next=%0D%0Aset-cookie:a" },                   "308 /%0D%0Aset-cookie%3Aa"],
  ["OPTIONS *",                { to: "https://b.test{path}", line: "OPTIONS http://a.test" },                    "308 https://b.test/"],
];

for (const [name, asked, want] of cases) {
  test(`redirect: ${name}`, () => {
    assert.equal(answerTo(asked), want);
  });
}

// biome-ignore format: a table
const refused: unknown[] = [
  "", "new", "{query.next}", "https://{header.host}/", { to: "/a", status: 200 }, { to: "/a", status: "301" }, {}, 3, ["/a"], { to: "/a", code: 301 },
];

for (const options of refused) {
  test(`redirect: refuses ${JSON.stringify(options)}`, () => {
    assert.equal(redirect.schema.safeParse(options).success, false);
  });
}
