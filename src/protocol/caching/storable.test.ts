import assert from "node:assert/strict";
import { test } from "node:test";
import { HeaderList } from "../http/header-list.ts";
import { parseCacheControl } from "./cache-control.ts";
import { type LifetimeRules, lifetimeOf, NO_RULES } from "./freshness.ts";
import { type Refusal, storeRefusal } from "./storable.ts";
import { controlInForce } from "./targeted-control.ts";

type Fields = Readonly<Record<string, string>>;

const SECURE = { storesSetCookie: false, ignoresCookies: false };
const MINUTE: LifetimeRules = { ...NO_RULES, lifetimeMs: () => 60_000 };
const FRESH = "max-age=60";

function refusal(
  status: number,
  response: Fields,
  request: Fields = {},
  lifetimes: LifetimeRules = NO_RULES,
  rules = SECURE,
  isOfSomebody = false,
): Refusal {
  const headers = HeaderList.of(response);
  const asked = HeaderList.of(request);
  const inForce = controlInForce(headers, ["cdn-cache-control"]);
  return storeRefusal({
    request: asked,
    isOfSomebody,
    requestControl: parseCacheControl(asked.all("cache-control")),
    status,
    response: headers,
    inForce,
    lifetime: lifetimeOf(status, headers, inForce, 0, lifetimes),
    rules,
  });
}

const control = (value: string, more: Fields = {}) => ({ "cache-control": value, ...more });

// biome-ignore format: a table
const cases: readonly [name: string, want: Refusal, ...Parameters<typeof refusal>][] = [
  ["explicit freshness",                          "",              200, control(FRESH)],
  ["of any final status",                         "",              599, control(FRESH)],
  ["not a 304",                                   "status",        304, control(FRESH)],
  ["nobody says for how long",                    "no-lifetime",   200, {}],
  ["nor does a validator",                        "no-lifetime",   200, { etag: '"a"' }],
  ["max-age=0 without a validator",               "no-lifetime",   200, control("max-age=0")],
  ["max-age=0 with one: to be asked about",       "",              200, control("max-age=0", { etag: '"a"' })],
  ["no-cache with a validator",                   "",              200, control("no-cache", { "last-modified": "x" })],
  ["no-cache without",                            "no-lifetime",   200, control("no-cache")],
  ["no-store",                                    "no-store",      200, control(`${FRESH}, no-store`)],
  ["no-store, must-understand (§5.2.2.3)",        "",              200, control(`${FRESH}, no-store, must-understand`)],
  ["must-understand of what nobody knows",        "no-store",      599, control(`${FRESH}, no-store, must-understand`)],
  ["the request says no-store (§5.2.1.5)",        "request-no-store", 200, control(FRESH), control("no-store")],
  ["private (§5.2.2.7)",                          "private",       200, control(`${FRESH}, private`)],
  ["private for a field only",                    "",              200, control(`${FRESH}, private="x"`)],
  ["CDN-Cache-Control: private",                  "private",       200, control(FRESH, { "cdn-cache-control": "private" })],
  ["CDN-Cache-Control beats no-store",            "",              200, control("no-store", { "cdn-cache-control": FRESH })],
  ["Authorization (§3.5)",                        "authorization", 200, control(FRESH), { authorization: "x" }],
  ["somebody known in another way",               "authorization", 200, control(FRESH), {}, NO_RULES, SECURE, true],
  ["the same, for many",                          "",              200, control("public, max-age=60"), {}, NO_RULES, SECURE, true],
  ["Authorization and public",                    "",              200, control(`${FRESH}, public`), { authorization: "x" }],
  ["Authorization and must-revalidate",           "",              200, control(`${FRESH}, must-revalidate`), { authorization: "x" }],
  ["Authorization and s-maxage",                  "",              200, control("s-maxage=1"), { authorization: "x" }],
  ["Vary: * (§4.1)",                              "vary-star",     200, control(FRESH, { vary: "a, *" })],
  ["Set-Cookie (C2)",                             "set-cookie",    200, control(FRESH, { "set-cookie": "a=b" })],
  ["Set-Cookie where the route keeps it",         "",              200, control(FRESH, { "set-cookie": "a=b" }), {}, NO_RULES, { ...SECURE, storesSetCookie: true }],
  ["a cookie and explicit freshness",             "",              200, control(FRESH), { cookie: "a=b" }],
  ["a cookie and a lifetime of ours (C2)",        "cookie",        200, {}, { cookie: "a=b" }, MINUTE],
  ["which the route ignores",                     "",              200, {}, { cookie: "a=b" }, MINUTE, { ...SECURE, ignoresCookies: true }],
  ["a lifetime of ours",                          "",              404, {}, {}, MINUTE],
  ["a stream of events",                          "event-stream",  200, control(FRESH, { "content-type": "text/event-stream; charset=utf-8" })],
];
for (const [name, want, ...given] of cases) {
  test(`storeRefusal (RFC 9111 §3): ${name}`, () => {
    assert.equal(refusal(...given), want);
  });
}
