import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { HeaderList } from "../http/header-list.ts";
import { parseCacheControl } from "./cache-control.ts";
import { ageOf, freshnessOf, mayServeOnError, reuseOf, usefulUntilMs } from "./reuse.ts";
import { controlInForce } from "./targeted-control.ts";

const RULES = { whileRevalidateMs: 5_000, ifErrorMs: 20_000 };

function stored(control: string, rules = RULES) {
  const inForce = controlInForce(HeaderList.of({ "cache-control": control }), []);
  const { maxAge, sMaxAge } = inForce.control;
  return freshnessOf(inForce, (sMaxAge ?? maxAge ?? 0) * 1000, 0, rules);
}

// biome-ignore format: a table
const cases: readonly [name: string, control: string, age: number, want: string, asked?: string][] = [
  ["young",                                    "max-age=10",                  9,  "fresh"],
  ["as old as its lifetime is stale",          "max-age=10",                  10, "stale"],
  ["the route's time for revalidation is over", "max-age=10",                 15, "validate"],
  ["the response has its own (RFC 5861 §3)",   "max-age=10, stale-while-revalidate=2", 12, "validate"],
  ["which may be longer",                      "max-age=10, stale-while-revalidate=60", 69, "stale"],
  ["must-revalidate",                          "max-age=10, must-revalidate", 10, "validate"],
  ["proxy-revalidate",                         "max-age=10, proxy-revalidate", 10, "validate"],
  ["s-maxage (§5.2.2.10)",                     "s-maxage=10",                 10, "validate"],
  ["s-maxage with a word of its own",          "s-maxage=10, stale-while-revalidate=9", 12, "stale"],
  ["no-cache, however young",                  "max-age=10, no-cache",        0,  "validate"],
  ["asked for no-cache (§5.2.1.4)",            "max-age=10",                  1,  "validate", "no-cache"],
  ["asked for a younger one (§5.2.1.1)",       "max-age=10",                  2,  "validate", "max-age=1"],
  ["asked for one that lasts (§5.2.1.3)",      "max-age=10",                  9,  "validate", "min-fresh=2"],
  ["asked for what there is",                  "max-age=10",                  1,  "fresh",    "max-age=5, min-fresh=5"],
  ["a stale one will do (§5.2.1.2)",           "max-age=10",                  40, "fresh",    "max-stale=30"],
  ["but not that stale",                       "max-age=10",                  41, "validate", "max-stale=30"],
  ["nor if it is forbidden",                   "max-age=10, must-revalidate", 11, "validate", "max-stale"],
  ["any stale one will do",                    "max-age=10",                  9e6, "fresh",   "max-stale"],
];
for (const [name, control, age, want, asked] of cases) {
  test(`reuseOf (RFC 9111 §4.2): ${name}`, () => {
    const directives = asked === undefined ? undefined : parseCacheControl([asked]);

    assert.equal(reuseOf(stored(control), age * 1000, directives), want);
  });
}

// biome-ignore format: a table
const onError: readonly [name: string, control: string, age: number, want: boolean][] = [
  ["the route allows it",           "max-age=10",                   29, true],
  ["for so long",                   "max-age=10",                   30, false],
  ["the response says how long",    "max-age=10, stale-if-error=5", 15, false],
  ["must-revalidate",               "max-age=10, must-revalidate",  10, false],
  ["no-cache",                      "max-age=10, no-cache",         1,  false],
  ["s-maxage",                      "s-maxage=10",                  10, false],
];
for (const [name, control, age, want] of onError) {
  test(`mayServeOnError (RFC 5861 §4): ${name}`, () => {
    assert.equal(mayServeOnError(stored(control), age * 1000), want);
  });
}

test("reuseOf: what may not be served any more never may again", () => {
  const control = fc.constantFrom(
    "max-age=10",
    "max-age=10, must-revalidate",
    "s-maxage=5",
    "no-cache",
  );
  const ageMs = fc.nat({ max: 60_000 });
  const order = ["fresh", "stale", "validate"];
  fc.assert(
    fc.property(control, ageMs, ageMs, (said, one, other) => {
      const [young, old] = [one, other]
        .sort((a, b) => a - b)
        .map((ms) => reuseOf(stored(said), ms, undefined));
      assert.ok(order.indexOf(young!) <= order.indexOf(old!));
    }),
  );
});

test("usefulUntilMs: as long as it can serve, or for good if it can be asked about", () => {
  assert.equal(usefulUntilMs(stored("max-age=10"), false), 30_000);
  assert.equal(usefulUntilMs(stored("max-age=10"), true), Number.POSITIVE_INFINITY);
});

test("ageOf: whole seconds, none before its birth", () => {
  assert.deepEqual(
    [-1, 999, 1_000].map((ms) => ageOf({ bornMs: 0 }, ms)),
    [0, 0, 1],
  );
});
