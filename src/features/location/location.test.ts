import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { NO_TOOLS } from "../../../test/support/build-tools.ts";
import { exchangeOf, requestOf } from "../../../test/support/exchange-of.ts";
import type { PathPrefixes } from "../../core/exchange.ts";
import type { Endpoint } from "../../core/upstream.ts";
import { HeaderList } from "../../protocol/http/header-list.ts";
import { location } from "./location.ts";

const STRIPPED: PathPrefixes = { client: "/api", upstream: "" };
const MOVED: PathPrefixes = { client: "/api", upstream: "/v2" };
const ADDED: PathPrefixes = { client: "", upstream: "/v2" };
const endpoint = {
  name: "10.0.0.1:8080",
  address: { host: "10.0.0.1", port: 8080 },
  manner: { tls: undefined },
} as Endpoint;

interface Asked {
  readonly options?: unknown;
  readonly prefixes?: PathPrefixes | undefined;
  readonly upstreamHost?: string;
  readonly url?: string;
}

function after(name: string, value: string, asked: Asked): string {
  const { options = "auto", prefixes, upstreamHost = "", url = "https://a.test/api/x" } = asked;
  const filter = location.build(location.schema.parse(options), NO_TOOLS);
  const request = requestOf(`GET ${url}`);
  Object.assign(request, { pathPrefixes: prefixes, upstreamHost });
  const exchange = Object.assign(exchangeOf({ request }), { endpoint });
  exchange.response = { status: 302, headers: HeaderList.of({ [name]: value }) };
  filter.receive!(exchange, { number: 1, endpoint, connectionReused: false, fault: undefined });
  return exchange.response.headers.all(name).join(" | ");
}

const MAP = {
  map: {
    "http://inner.test:8080/app": "/shop",
    "http://cdn.inner/": "https://cdn.test",
    "/v2/": "/api",
  },
};

// biome-ignore format: a table
const locations: [name: string, asked: Asked, value: string, want: string][] = [
  ["a prefix that was taken off",       { prefixes: STRIPPED },                "/login?a=/b",             "/api/login?a=/b"],
  ["the root",                          { prefixes: STRIPPED },                "/",                       "/api/"],
  ["one put in place of another",       { prefixes: MOVED },                   "/v2/login",               "/api/login"],
  ["the prefix by itself",              { prefixes: MOVED },                   "/v2",                     "/api"],
  ["the prefix with a query",           { prefixes: MOVED },                   "/v2?a",                   "/api?a"],
  ["another path of the upstream",      { prefixes: MOVED },                   "/v22/login",              "/v22/login"],
  ["one that was added",                { prefixes: ADDED },                   "/v2/login",               "/login"],
  ["one that was added, by itself",     { prefixes: ADDED },                   "/v2",                     "/"],
  ["no other host of what is left (P3)", { prefixes: ADDED },                  "/v2//evil.test",          "/evil.test"],
  ["an application that knows of it",   { prefixes: STRIPPED },                "/api/login",              "/api/login"],
  ["no rewrite",                        {},                                    "/login",                  "/login"],
  ["relative to the request",           { prefixes: STRIPPED },                "login",                   "login"],
  ["a host of its own",                 { prefixes: MOVED, upstreamHost: "inner.test" }, "http://inner.test/v2/x", "https://a.test/api/x"],
  ["of any case",                       { upstreamHost: "inner.test" },        "HTTP://Inner.Test/x",     "https://a.test/x"],
  ["its address",                       {},                                    "http://10.0.0.1:8080/x",  "https://a.test/x"],
  ["its host without a path",           { upstreamHost: "inner.test", prefixes: STRIPPED }, "http://inner.test", "https://a.test/api/"],
  ["its host, no scheme",               { upstreamHost: "inner.test" },        "//inner.test/x",          "https://a.test/x"],
  ["on a port of the client's",         { upstreamHost: "inner.test", url: "http://a.test:81/api" }, "http://inner.test/x", "http://a.test:81/x"],
  ["the client's own host",             { prefixes: MOVED },                   "http://a.test/v2/x",      "http://a.test/api/x"],
  ["somebody else's host",              { prefixes: STRIPPED },                "https://b.test/login",    "https://b.test/login"],
  ["a host that only begins so",        { upstreamHost: "inner.test" },        "http://inner.test.evil/", "http://inner.test.evil/"],
  ["a host behind a user",              { upstreamHost: "inner.test" },        "http://inner.test@evil/", "http://inner.test@evil/"],
  ["somebody else's, no scheme",        { prefixes: STRIPPED },                "//evil.test/x",           "//evil.test/x"],
  ["the map: a URL to a path",          { options: MAP },                      "http://inner.test:8080/app/x", "/shop/x"],
  ["the map: a URL to a URL",           { options: MAP },                      "http://CDN.inner/a.css",  "https://cdn.test/a.css"],
  ["the map: another port",             { options: MAP },                      "http://inner.test/app/x", "http://inner.test/app/x"],
  ["the map: a path",                   { options: MAP },                      "/v2/x",                   "/api/x"],
  ["the map before what is known",      { options: { map: { "/login": "/sign-in" } }, prefixes: STRIPPED }, "/login?a", "/sign-in?a"],
  ["the map alone",                     { options: { ...MAP, auto: false }, prefixes: STRIPPED, upstreamHost: "inner.test" }, "http://inner.test/x", "http://inner.test/x"],
  ["the longest of the map",            { options: { map: { "/a": "/1", "/a/b": "/2" } } }, "/a/b/c",     "/2/c"],
];

for (const [name, asked, value, want] of locations) {
  test(`location: ${name}`, () => {
    assert.equal(after("location", value, asked), want);
  });
}

// biome-ignore format: a table
const others: [name: string, header: string, value: string, want: string][] = [
  ["Content-Location",            "content-location", "/x",                                "/api/x"],
  ["Refresh",                     "refresh",          "5; url=/x",                         "5; url=/api/x"],
  ["Refresh in quotes",           "refresh",          "0;URL='/x'",                        "0;URL='/api/x'"],
  ["Refresh without a URL",       "refresh",          "5",                                 "5"],
  ["Link",                        "link",             '</a.css>; rel=preload, <https://b.test/>; rel="next"', '</api/a.css>; rel=preload, <https://b.test/>; rel="next"'],
  ["Link, brackets in quotes",    "link",             '</a>; title="a \\" </b>"',          '</api/a>; title="a \\" </b>"'],
  ["Link, not closed",            "link",             "</a",                               "</a"],
];

for (const [name, header, value, want] of others) {
  test(`location: ${name}`, () => {
    assert.equal(after(header, value, { prefixes: STRIPPED }), want);
  });
}

const COOKIES = (cookies: unknown) => ({ options: { cookies }, prefixes: STRIPPED });

// biome-ignore format: a table
const cookies: [name: string, asked: Asked, value: string, want: string][] = [
  ["a path below what was taken off", { prefixes: STRIPPED }, "a=b; Path=/app; HttpOnly",      "a=b; Path=/api/app; HttpOnly"],
  ["the root is all of the host",     { prefixes: STRIPPED }, "a=b; Path=/",                   "a=b; Path=/"],
  ["the root, where one says so",     COOKIES({ path: { "/": "/api" } }), "a=b; path=/",       "a=b; Path=/api"],
  ["a path of the map",               COOKIES({ path: { "/app": "/shop" } }), "a=b;path=/app/x", "a=b; Path=/shop/x"],
  ["a foreign domain",                { prefixes: STRIPPED }, "a=b; Domain=inner.test; Path=/", "a=b; Path=/"],
  ["a domain above the client's",     {},                     "a=b; Domain=.test",              "a=b; Domain=.test"],
  ["a domain of the map",             COOKIES({ domain: { "inner.test": ".a.test" } }), "a=b; domain=.Inner.test", "a=b; Domain=a.test"],
  ["a domain that is to go",          COOKIES({ domain: { "a.test": "off" } }), "a=b; Domain=a.test", "a=b"],
  ["__Host- is bound",                COOKIES({ path: { "/": "/api" } }), "__Host-a=b; Path=/; Secure", "__Host-a=b; Path=/; Secure"],
  ["what is to be added",             COOKIES({ secure: true, httpOnly: true, sameSite: "lax" }), "a=b", "a=b; Secure; HttpOnly; SameSite=Lax"],
  ["what is there already",           COOKIES({ secure: true, httpOnly: true, sameSite: "strict" }), "a=b; SECURE; httponly; SameSite=None", "a=b; SECURE; httponly; SameSite=Strict"],
  ["Secure is for HTTPS",             { ...COOKIES({ secure: true }), url: "http://a.test/" }, "a=b", "a=b"],
  ["a value is left alone",           { prefixes: STRIPPED }, 'a="x=/path"; Path=/app',        'a="x=/path"; Path=/api/app'],
];

for (const [name, asked, value, want] of cookies) {
  test(`location of a cookie: ${name}`, () => {
    assert.equal(after("set-cookie", value, asked), want);
  });
}

test("location: no path becomes another host, whatever an upstream says", () => {
  const piece = fc.constantFrom(
    "/",
    "//",
    "v2",
    "api",
    "evil.test",
    "?",
    "#",
    "..",
    "@",
    ":80",
    "\\",
    "\t",
  );
  const text = fc.array(piece, { maxLength: 7 }).map((all) => `/${all.join("")}`);
  const prefixes = fc.constantFrom(STRIPPED, MOVED, ADDED, undefined);

  fc.assert(
    fc.property(text, prefixes, (value, given) => {
      if (URL.parse(value, "https://a.test")?.host !== "a.test") return;

      const sent = after("location", value, { prefixes: given });

      assert.equal(new URL(sent, "https://a.test/api/x").host, "a.test", `${value} → ${sent}`);
    }),
    { numRuns: 2000 },
  );
});

const refused: [options: unknown, why: RegExp][] = [
  [true, /auto, or a map/],
  ["on", /auto, or a map/],
  [{ map: { v2: "/api" } }, /a path such as/],
  [{ map: { "/v2": "api" } }, /a path such as/],
  [{ map: { "/a/../b": "/c" } }, /a path such as/],
  [{ map: { "http://a b/": "/c" } }, /a path such as/],
  [{ cookies: { domain: { "a b": "off" } } }, /domain/],
  [{ cookies: { path: { "http://a.test/": "/" } } }, /path such as/],
  [{ cookies: { sameSite: "Lax" } }, /strict, lax or none/],
  [{ cookies: { samesite: "lax" } }, /samesite/],
];

for (const [options, why] of refused) {
  test(`location: the config ${JSON.stringify(options)} is refused`, () => {
    assert.match(JSON.stringify(location.schema.safeParse(options).error?.issues), why);
  });
}
