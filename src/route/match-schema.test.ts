import assert from "node:assert/strict";
import { test } from "node:test";
import { routeNamed } from "../../test/support/exchange-of.ts";
import { z } from "../core/fields.ts";
import { captureProblems, matchSchema } from "./match-schema.ts";
import { compileRoutes } from "./route-table.ts";

const accepted: unknown[] = [
  {},
  { path: "/a" },
  { path: ["/a/*", "/users/:id", "~^/v[0-9]+/"] },
  { method: ["GET", "PROPFIND"], scheme: "https", host: ["a.test", "*.a.test", "*", "~^a"] },
  { clientIp: ["10.0.0.0/8", "::1"] },
  { header: { "x-a": "1", "x-b": ["*", "~^x"] }, query: { "a b": "*" }, cookie: { beta: "1" } },
  { not: { path: "/a", not: { method: "GET" } }, any: [{ path: "/b" }, { any: [{}] }] },
];

for (const match of accepted) {
  test(`matchSchema: takes ${JSON.stringify(match)}, and the table can use it`, () => {
    const checked = matchSchema.parse(match);

    assert.deepEqual(checked, match);
    compileRoutes([{ match: checked, route: routeNamed("r") }]);
  });
}

// biome-ignore format: a table
const refused: [match: unknown, at: string, why: RegExp][] = [
  ["/a",                              "",             /must be a map of host, path/],
  [{ pth: "/a" },                     "",             /pth/],
  [{ country: "Germany" },                 "country",      /must be a country such as "DE", or unknown/],
  [{ path: "a" },                     "path",         /must start with "\/".*got "a"/],
  [{ path: 3 },                       "path",         /must be a path such as.*or a list, got 3/],
  [{ path: [] },                      "path",         /at least one/],
  [{ path: ["/a", "b"] },             "path.1",       /must start with/],
  [{ path: "~(a)\\1" },               "path",         /back reference.*at character 4/],
  [{ path: "~(a*)*" },                "path",         /may be empty/],
  [{ method: "get" },                 "method",       /in capitals/],
  [{ method: "TRACE" },               "method",       /CONNECT and TRACE/],
  [{ scheme: "ws" },                  "scheme",       /"http" or "https"/],
  [{ host: "a.test:80" },             "host",         /without a port/],
  [{ clientIp: "10.0.0.1/8" },        "clientIp",     /the network is 10\.0\.0\.0\/8/],
  [{ clientIp: ["::1", "x"] },        "clientIp.1",   /not an address/],
  [{ header: { "a b": "1" } },        "header.a b",   /must be the name of a header/],
  [{ header: {} },                    "header",       /at least one/],
  [{ header: { a: 1 } },              "header.a",     /got 1/],
  [{ header: { a: ["~["] } },         "header.a.0",   /not closed/],
  [{ query: "x" },                    "query",        /a map of parameter names/],
  [{ not: { path: "a" } },            "not.path",     /must start with/],
  [{ any: [] },                       "any",          /at least one match/],
  [{ any: [{}, { method: "x" }] },    "any.1.method", /in capitals/],
];

interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly errors?: readonly (readonly Issue[])[];
  readonly issues?: readonly Issue[];
}

/** Every message with its place, also of the arms of unions and of keys. */
function messages(issues: readonly Issue[], base: readonly PropertyKey[] = []): string[] {
  return issues.flatMap(({ path, message, errors = [], issues: inner = [] }) => {
    const at = [...base, ...path];
    return [
      `${at.join(".")}: ${message}`,
      ...messages([...errors.flat()], at),
      ...inner.map((each) => `${at.join(".")}: ${each.message}`),
    ];
  });
}

for (const [match, at, why] of refused) {
  test(`matchSchema: refuses ${JSON.stringify(match)}`, () => {
    const result = matchSchema.safeParse(match);

    const told = messages((result.error?.issues ?? []) as unknown as Issue[]);
    assert.ok(
      told.some((line) => line.startsWith(`${at}: `) && why.test(line)),
      told.join("\n"),
    );
  });
}

test("matchSchema: has a JSON Schema, for editors", () => {
  const schema = z.toJSONSchema(matchSchema, { io: "input" });

  assert.deepEqual(Object.keys(schema.properties ?? {}).sort(), [
    "any",
    "clientIp",
    "cookie",
    "country",
    "header",
    "host",
    "method",
    "not",
    "path",
    "query",
    "scheme",
  ]);
});

test("captureProblems: names what the match does not give", () => {
  const match = { path: ["/users/:id/*"] };

  assert.deepEqual(captureProblems(match, { to: "/{path.id}/{path.*}/{path}" }), []);
  assert.deepEqual(captureProblems(match, ["{path.name}"]), [
    "{path.name} is nothing that the path of this route's match gives; it has only {path.id} {path.*}",
  ]);
  assert.match(captureProblems(undefined, "{path.*}")[0]!, /has no parts/);
});
