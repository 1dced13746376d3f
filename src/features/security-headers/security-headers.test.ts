import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_TOOLS } from "../../../test/support/build-tools.ts";
import { exchangeOf, requestOf } from "../../../test/support/exchange-of.ts";
import { dropTable, HeaderList } from "../../protocol/http/header-list.ts";
import { securityHeaders } from "./security-headers.ts";

function answered(options: unknown, upstream: Record<string, string> = {}): string[] {
  const filter = securityHeaders.build(securityHeaders.schema.parse(options), NO_TOOLS);
  const exchange = exchangeOf({ request: requestOf("GET /") });
  exchange.response = { status: 200, headers: HeaderList.of(upstream) };
  filter.respond!(exchange);
  return exchange.response.headers.lines(dropTable([])).split("\r\n").slice(0, -1);
}

const BASIC = [
  "X-Content-Type-Options: nosniff",
  "X-Frame-Options: SAMEORIGIN",
  "Referrer-Policy: strict-origin-when-cross-origin",
];
const [, , REFERRER] = BASIC;

// biome-ignore format: a table
const cases: [name: string, options: unknown, upstream: Record<string, string>, want: string[]][] = [
  ["basic",                            "basic",                               { server: "apache" },               ["server: apache", ...BASIC]],
  ["a map is basic, with what it says", { frameOptions: "DENY" },             {},                                 [BASIC[0]!, "X-Frame-Options: DENY", REFERRER!]],
  ["off for one of them",              { frameOptions: "off" },               {},                                 [BASIC[0]!, REFERRER!]],
  ["none but one",                     { preset: "none", permissionsPolicy: "camera=()" }, {},                    ["Permissions-Policy: camera=()"]],
  ["what the upstream says stays, once (H6)", "basic",                        { "x-frame-options": "DENY" },      ["x-frame-options: DENY", BASIC[0]!, REFERRER!]],
  ["or goes",                          { replace: true },                     { "x-frame-options": "ALLOWALL" },  BASIC],
  ["what is to be hidden",             { preset: "none", hide: ["X-Secret"] }, { "x-secret": "1", "x-powered-by": "php" }, ["x-powered-by: php"]],
];

for (const [name, options, upstream, want] of cases) {
  test(`securityHeaders: ${name}`, () => {
    assert.deepEqual(answered(options, upstream), want);
  });
}

test("securityHeaders: strict hides what the upstream is made of", () => {
  const lines = answered("strict", { Server: "apache", "X-Powered-By": "php", "x-a": "1" });

  assert.deepEqual(
    lines.map((line) => line.split(":")[0]),
    [
      ...["x-a", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy"],
      ...["Content-Security-Policy", "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy"],
      "Permissions-Policy",
    ],
  );
});

const refused: [options: unknown, why: RegExp][] = [
  ["hard", /basic, strict, or a map/],
  [{ frameOptions: "ALLOW-FROM https://a.test" }, /DENY, SAMEORIGIN and off/],
  [{ referrerPolicy: "none" }, /one of no-referrer/],
  [{ contentSecurityPolicy: "default-scr 'self'" }, /did you mean default-src/],
  [{ contentSecurityPolicy: "default-src 'self'\r\nx: y" }, /one line/],
  [{ permissionsPolicy: "" }, /not empty/],
  [{ hide: ["a b"] }, /name of a header/],
  [{ hsts: true }, /hsts/],
  [true, /basic, strict, or a map/],
];

for (const [options, why] of refused) {
  test(`securityHeaders: the config ${JSON.stringify(options)} is refused`, () => {
    assert.match(JSON.stringify(securityHeaders.schema.safeParse(options).error?.issues), why);
  });
}
