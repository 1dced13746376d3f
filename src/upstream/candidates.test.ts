import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { endpointSample } from "../../test/support/endpoint.ts";
import type { Endpoint } from "../core/upstream.ts";
import { Candidates, FALLBACK, type FallbackShape } from "./candidates.ts";

/**
 * "a" with what follows: 1 its priority, * in our zone, + a backup, 0 no weight, ! down, ~ drains, ^ strict,
 * x3 three times the weight.
 */
function endpointOf(text: string): Endpoint {
  const [, name = "", priority = "0", marks = "", weight = "1"] =
    /^([a-z])(\d?)([*+!~^0]*)(?:x(\d))?$/.exec(text) ?? [];
  const endpoint = {
    ...endpointSample(name, { weight: marks.includes("0") ? 0 : Number(weight) }),
    priority: Number(priority),
    backup: marks.includes("+"),
    isStrict: marks.includes("^"),
    zone: marks.includes("*") ? "here" : "there",
  };
  if (marks.includes("!")) endpoint.state.health = "down";
  endpoint.state.isDraining = marks.includes("~");
  return endpoint;
}

/** "ab:0.7 c:0.3": who is in each list, and its share. */
function readyText(text: string, shape: Partial<FallbackShape> = {}, tried = ""): string {
  const all = text === "" ? [] : text.split(" ").map(endpointOf);
  const candidates = new Candidates(all, { ...FALLBACK, ...shape });
  const skipped = all.filter(({ name }) => tried.includes(name));
  const { lists, upTo, isPanicking } = candidates.ready(0, skipped);
  const shown = lists.map((list, at) => {
    const share = upTo[at]! - (upTo[at - 1] ?? 0);
    return `${list.map(({ name }) => name).join("")}:${Math.round(share * 100) / 100}`;
  });
  return shown.join(" ") + (isPanicking ? " panic" : "");
}

type Row = [
  name: string,
  endpoints: string,
  want: string,
  shape?: Partial<FallbackShape>,
  tried?: string,
];

const zone = { preferredZone: "here" };
const half = { panicBelow: 0.5 };
const off = { overprovision: Number.POSITIVE_INFINITY };

// biome-ignore format: a table
const rows: Row[] = [
  ["nobody at all",                                     "",                      ":1"],
  ["one priority",                                      "a b c",                 "abc:1"],
  ["the next priority stands by",                       "a b c1",                "ab:1"],
  ["priorities need not be in a row",                   "a9 b9 c5",              "c:1"],
  ["7 of 10 bear all",                                  "a b c d e f g h! i! j! k1", "abcdefg:0.98 k:0.02"],
  ["5 of 7 bear all",                                   "a b c d e f! g! k1",    "abcde:1"],
  ["half of a priority bears 70 %",                     "a b! c1",               "a:0.7 c:0.3"],
  ["half of a strict priority bears all",               "a^ b!^ c1^ d2^",        "a:1"],
  ["a strict one that is gone is followed by the next", "a!^ b!^ c1^ d2^",       "c:1"],
  ["and that by the third",                             "a!^ b!^ c1!^ d2^",      "d:1"],
  ["strict only where all of the priority are",         "a^ b! c1",              "a:0.7 c:0.3"],
  ["a weight counts as so many",                        "ax3 b! c1",             "a:1"],
  ["three priorities, each half away",                  "a b! c1 d1! e2",        "a:0.7 c:0.3"],
  ["what nobody bears is shared out as it is borne",    "a b! c! d! e1 f1! g1! h1!", "a:0.5 e:0.5"],
  ["a priority that is gone",                           "a! b! c1",              "c:1"],
  ["without overprovision half a priority bears all",   "a b! c1",               "a:1", off],
  ["and none of it none",                               "a! b! c1",              "c:1", off],
  ["a backup stands by for all priorities",             "a! b1 c+",              "b:1"],
  ["a backup does not take what others cannot bear",    "a b! c! c+",            "a:1"],
  ["a backup after the last priority",                  "a! b1! c+",             "c:1"],
  ["weight 0 after the backups",                        "a! b+! c0",             "c:1"],
  ["what was tried moves nobody's load",                "a b c1",                "b:1", {}, "a"],
  ["all of a priority was tried",                       "a b c1",                "c:1", {}, "ab"],
  ["everybody was tried",                               "a b c1 d+",             "d:1", {}, "abc"],
  ["our zone takes all",                                "a* b* c d",             "ab:1", zone],
  ["our zone at half takes 70 %",                       "a* b*! c d",            "a:0.7 cd:0.3", zone],
  ["our zone is gone",                                  "a*! b*! c d",           "cd:1", zone],
  ["our zone has nobody at all",                        "c d",                   "cd:1", zone],
  ["other zones before the next priority",              "a*! b c1*",             "b:1", zone],
  ["zones do not count unless they are preferred",      "a* b",                  "ab:1"],
  ["panic: fewer than half may be used",                "a b! c!",               "abc:1 panic", half],
  ["panic: half is enough",                             "a b!",                  "a:0.7", half],
  ["panic: all are down",                               "a! b! c!",              "abc:1 panic", half],
  ["panic: who drains is not in it, nor counted",       "a b! c~ d~",            "a:0.7", half],
  ["panic: who drains gets nothing",                    "a! b! c~",              "ab:1 panic", half],
  ["panic is off by itself",                            "a! b! c!",              ":1"],
];

for (const [name, endpoints, want, shape, tried] of rows) {
  test(`Candidates: ${name}`, () => {
    // One list that bears less than all gets all: there is nobody else.
    const expected = /^\w+:0\.\d+$/.test(want) ? want.replace(/:.*/, ":1") : want;
    assert.equal(readyText(endpoints, shape, tried), expected);
  });
}

test("Candidates: shares come to one, lists hold each usable endpoint at most once, and no other", () => {
  const anEndpoint = fc.record({
    priority: fc.nat(2),
    weight: fc.nat(3),
    backup: fc.boolean(),
    zone: fc.constantFrom("here", "there"),
    isDown: fc.boolean(),
    isTried: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(anEndpoint, { maxLength: 10 }), fc.boolean(), (facts, prefers) => {
      const all = facts.map(({ isDown, weight, ...rest }, place) => {
        const endpoint = { ...endpointSample(`e${place}`, { weight }), ...rest };
        if (isDown) endpoint.state.health = "down";
        return endpoint;
      });
      const shape = { ...FALLBACK, preferredZone: prefers ? "here" : "" };
      const tried = all.filter(({ isTried }) => isTried);
      const { lists, upTo } = new Candidates(all, shape).ready(0, tried);

      const listed = lists.flat();
      const left = all.filter(({ state, isTried }) => state.health !== "down" && !isTried);
      assert.equal(new Set(listed).size, listed.length);
      assert.ok(listed.every((each) => left.includes(each as (typeof left)[number])));
      assert.equal(
        listed.length > 0,
        left.length > 0,
        "nobody is left out while there is somebody",
      );
      assert.ok(Math.abs(upTo.at(-1)! - 1) < 1e-9);
      assert.deepEqual(
        [...upTo].sort((a, b) => a - b),
        upTo,
      );
      if (lists.length > 1) assert.ok(lists.every((list) => list.length > 0));
    }),
    { numRuns: 500 },
  );
});
