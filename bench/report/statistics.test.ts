import assert from "node:assert/strict";
import { test } from "node:test";
import { median, ratioTo, type Slice } from "./statistics.ts";

type Case = [name: string, values: number[], want: number];

const medians: Case[] = [
  ["nothing", [], Number.NaN],
  ["one value", [3], 3],
  ["an odd count, not in order", [9, 1, 5], 5],
  ["an even count", [4, 1, 3, 2], 2.5],
  ["numbers compare as numbers", [10, 9, 100], 10],
  ["one wild value", [1, 1, 1, 1, 1_000], 1],
];

for (const [name, values, want] of medians) {
  test(`median: ${name}`, () => {
    assert.equal(median(values), want);
  });
}

test("median: leaves its argument in order", () => {
  const values = [3, 1, 2];

  median(values);

  assert.deepEqual(values, [3, 1, 2]);
});

test("ratioTo: divides within a round, so a slow round does not show", () => {
  const slices = [...round(0, 0, 10, 20), ...round(0, 1, 50, 100), ...round(0, 2, 10, 20)];

  assert.deepEqual(ratioTo("base", "own", slices), { middle: 2, least: 2, most: 2 });
});

test("ratioTo: the spread is that of the starts' medians, not of the slices", () => {
  const slices = [
    ...round(0, 0, 10, 10),
    ...round(0, 1, 10, 90),
    ...round(0, 2, 10, 10),
    ...round(1, 0, 10, 30),
    ...round(2, 0, 10, 20),
  ];

  assert.deepEqual(ratioTo("base", "own", slices), { middle: 2, least: 1, most: 3 });
});

test("ratioTo: a round that the base missed does not count", () => {
  const slices = [...round(0, 0, 10, 20), slice("own", 0, 1, 999)];

  assert.equal(ratioTo("base", "own", slices)?.middle, 2);
});

test("ratioTo: rounds of different starts are not neighbours", () => {
  const slices = [slice("base", 0, 0, 10), slice("own", 1, 0, 20)];

  assert.equal(ratioTo("base", "own", slices), undefined);
});

function round(start: number, number: number, base: number, own: number): Slice[] {
  return [slice("base", start, number, base), slice("own", start, number, own)];
}

function slice(label: string, start: number, number: number, cpuUs: number): Slice {
  return { label, start, round: number, cpuUs };
}
