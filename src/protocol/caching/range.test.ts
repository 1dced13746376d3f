import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { contentRange, joined, parseContentRange, wantedRange } from "./range.ts";

// biome-ignore format: a table
const cases: readonly [value: string, want: string][] = [
  ["bytes=0-1",      "0-1"],
  ["bytes=5-",       "5-9"],
  ["bytes=-3",       "7-9"],
  ["bytes=-99",      "0-9"],
  ["bytes=0-99",     "0-9"],
  ["bytes=9-9",      "9-9"],
  ["Bytes=0-1",      "0-1"],
  ["bytes=10-",      "unsatisfiable"],
  ["bytes=-0",       "unsatisfiable"],
  ["bytes=3-2",      "all"],
  ["bytes=-",        "all"],
  ["bytes=a-b",      "all"],
  ["bytes=0-1,3-4",  "all"],
  ["lines=0-1",      "all"],
  ["bytes=0-1;x",    "all"],
  ["bytes=1234567890123456-", "all"],
];
for (const [value, want] of cases) {
  test(`wantedRange (RFC 9110 §14.2): ${value} of 10 bytes`, () => {
    const range = wantedRange(value, 10);

    const got = typeof range === "object" ? `${range.first}-${range.last}` : (range ?? "all");
    assert.equal(got, want);
  });
}

test("wantedRange: of nothing nothing can be had", () => {
  assert.equal(wantedRange("bytes=0-", 0), "unsatisfiable");
});

test("wantedRange: what is served lies within what is there", () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), fc.nat({ max: 1000 }), (from, to, total) => {
      for (const value of [`bytes=${from}-${to}`, `bytes=${from}-`, `bytes=-${to}`]) {
        const range = wantedRange(value, total);
        if (typeof range !== "object") continue;
        assert.ok(range.first >= 0 && range.first <= range.last && range.last < total);
        assert.deepEqual(parseContentRange(contentRange(range, total)), { ...range, total });
      }
    }),
  );
});

// biome-ignore format: a table
const contentRanges: readonly [value: string, isOne: boolean][] = [
  ["bytes 0-4/10",  true],
  ["bytes 0-9/10",  true],
  ["bytes 0-10/10", false],
  ["bytes 4-3/10",  false],
  ["bytes 0-4/*",   false],
  ["bytes */10",    false],
  ["bytes=0-4/10",  false],
  ["items 0-4/10",  false],
];
for (const [value, isOne] of contentRanges) {
  test(`parseContentRange (RFC 9110 §14.4): ${value}`, () => {
    assert.equal(parseContentRange(value) !== undefined, isOne);
  });
}

test("joined (RFC 9111 §3.4): parts that touch or overlap, and no others", () => {
  const part = (first: number, last: number) => ({ first, last });

  assert.deepEqual(joined(part(0, 4), part(5, 9)), part(0, 9));
  assert.deepEqual(joined(part(3, 9), part(0, 4)), part(0, 9));
  assert.deepEqual(joined(part(0, 9), part(3, 4)), part(0, 9));
  assert.equal(joined(part(0, 4), part(6, 9)), undefined);
});
