import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { HeaderList } from "../http/header-list.ts";
import { ageSeconds, initialAgeMs, type LifetimeRules, lifetimeOf, NO_RULES } from "./freshness.ts";
import { httpDate } from "./http-date.ts";
import { controlInForce } from "./targeted-control.ts";

const NOW = Date.UTC(2026, 0, 1);
const at = (seconds: number) => httpDate(NOW + seconds * 1000);
const DAY = 86_400;

const GUESS: LifetimeRules = { ...NO_RULES, heuristicPercent: 10, heuristicMaxMs: 7 * DAY * 1000 };
const ROUTE: LifetimeRules = {
  ...GUESS,
  lifetimeMs: (status) => (status === 404 ? 9_000 : undefined),
};

type Fields = Readonly<Record<string, string>>;

// biome-ignore format: a table
const lifetimes: readonly [name: string, fields: Fields, want: string, status?: number, rules?: LifetimeRules][] = [
  ["max-age",                           { "cache-control": "max-age=60" },                    "60 origin"],
  ["s-maxage is for us",                { "cache-control": "max-age=60, s-maxage=5" },        "5 origin"],
  ["s-maxage may be longer",            { "cache-control": "max-age=1, s-maxage=50" },        "50 origin"],
  ["a target is for us",                { "cache-control": "max-age=60", "cdn-cache-control": "max-age=7" }, "7 origin"],
  ["max-age before Expires (§5.3)",     { "cache-control": "max-age=60", expires: at(-9) },   "60 origin"],
  ["Expires from Date on",              { expires: at(100), date: at(40) },                   "60 origin"],
  ["Expires without Date",              { expires: at(100) },                                 "100 origin"],
  ["Expires with a Date that is none",  { expires: at(100), date: "foo" },                    "100 origin"],
  ["Expires in the past",               { expires: at(-100) },                                "0 origin"],
  ["Expires: 0 is past (§5.3)",         { expires: "0" },                                     "0 origin"],
  ["an Expires that is none is past",   { expires: "tomorrow" },                              "0 origin", 200, GUESS],
  ["nobody says",                       {},                                                   "0 nobody"],
  ["no guess unless it is wanted",      { "last-modified": at(-DAY) },                        "0 nobody"],
  ["a tenth of its age (§4.2.2)",       { "last-modified": at(-1000), date: at(0) },          "100 guess", 200, GUESS],
  ["bounded",                           { "last-modified": at(-1000 * DAY) },                 `${7 * DAY} guess`, 200, GUESS],
  ["modified in the future",            { "last-modified": at(1000) },                        "0 nobody", 200, GUESS],
  ["no guess for 500 (RFC 9110 §15.1)", { "last-modified": at(-1000) },                       "0 nobody", 500, GUESS],
  ["but with public (§3)",              { "last-modified": at(-1000), "cache-control": "public" }, "100 guess", 500, GUESS],
  ["the route says",                    { "last-modified": at(-1000) },                       "9 route", 404, ROUTE],
  ["the origin before the route",       { "cache-control": "max-age=0" },                     "0 origin", 404, ROUTE],
  ["Expires says nothing beside a target (RFC 9213 §2.2)", { expires: at(-9), "cdn-cache-control": "max-age=5" }, "5 origin"],
];
for (const [name, fields, want, status = 200, rules = NO_RULES] of lifetimes) {
  test(`lifetimeOf (RFC 9111 §4.2.1): ${name}`, () => {
    const headers = HeaderList.of(fields);
    const inForce = controlInForce(headers, ["cdn-cache-control"]);

    const { ms, by } = lifetimeOf(status, headers, inForce, NOW, rules);

    assert.equal(`${ms / 1000} ${by}`, want);
  });
}

// biome-ignore format: a table
const ages: readonly [name: string, value: string | undefined, want: number][] = [
  ["none",                           undefined,      0],
  ["a number",                       "30",           30],
  ["a negative one is none",         "-7200",        0],
  ["a fraction is none",             "7200.0",       0],
  ["letters are none",               "abc",          0],
  ["a parameter makes it none",      "7200;a=1",     0],
  ["of a list the first counts",     "7200, 0",      7200],
  ["also where it is young",         "0, 7200",      0],
  ["2^31 and beyond",                "99999999999",  2 ** 31],
];
for (const [name, value, want] of ages) {
  test(`ageSeconds (RFC 9111 §5.1): ${name}`, () => {
    const headers = value === undefined ? HeaderList.empty() : HeaderList.of({ age: value });

    assert.equal(ageSeconds(headers), want);
  });
}

// biome-ignore format: a table
const initialAges: readonly [name: string, fields: Fields, askedAgo: number, want: number][] = [
  ["new",                              { date: at(0) },             0, 0],
  ["apparent, by Date",                { date: at(-60) },           0, 60],
  ["Date ahead of ours is no age",     { date: at(60) },            0, 0],
  ["no Date",                          {},                          0, 0],
  ["Age and how long it took",         { age: "10" },               2, 12],
  ["the larger of both",               { age: "10", date: at(-60) }, 2, 60],
  ["our clock was set back",           { age: "10" },               -9, 10],
];
for (const [name, fields, askedAgo, want] of initialAges) {
  test(`initialAgeMs (RFC 9111 §4.2.3): ${name}`, () => {
    const times = { requestedMs: NOW - askedAgo * 1000, receivedMs: NOW };

    assert.equal(initialAgeMs(HeaderList.of(fields), times), want * 1000);
  });
}

test("initialAgeMs: never negative, never less than Age says", () => {
  const seconds = fc.integer({ min: -1e6, max: 1e6 });
  fc.assert(
    fc.property(seconds, fc.nat({ max: 1e6 }), seconds, (dated, age, delay) => {
      const headers = HeaderList.of({ date: at(dated), age: String(age) });
      const ms = initialAgeMs(headers, { requestedMs: NOW - delay * 1000, receivedMs: NOW });
      assert.ok(ms >= age * 1000);
    }),
  );
});
