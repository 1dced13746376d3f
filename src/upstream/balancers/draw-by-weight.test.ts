import assert from "node:assert/strict";
import { test } from "node:test";
import { endpointSample } from "../../../test/support/endpoint.ts";
import { SeededRandom } from "../../base/seeded-random.ts";
import { drawByWeight } from "./draw-by-weight.ts";

const DRAWS = 50_000;

// biome-ignore format: a table
const rows: [name: string, weights: number[], except: number | undefined, want: number[]][] = [
  ["equal weights",                   [3, 3, 3],    undefined, [1 / 3, 1 / 3, 1 / 3]],
  ["equal weights but the first",     [3, 3, 3],    0,         [0, 1 / 2, 1 / 2]],
  ["equal weights but one within",    [3, 3, 3],    1,         [1 / 2, 0, 1 / 2]],
  ["equal weights but the last",      [3, 3, 3],    2,         [1 / 2, 1 / 2, 0]],
  ["other weights",                   [1, 2, 5],    undefined, [1 / 8, 2 / 8, 5 / 8]],
  ["other weights but the heaviest",  [1, 2, 5],    2,         [1 / 3, 2 / 3, 0]],
  ["none has a weight but one",       [0, 0, 5],    2,         [1 / 2, 1 / 2, 0]],
  ["one has no weight",               [0, 1, 1],    undefined, [0, 1 / 2, 1 / 2]],
];

for (const [name, weights, except, want] of rows) {
  test(`drawByWeight: ${name}`, () => {
    const all = weights.map((weight, place) => endpointSample(`${place}`, { weight }));
    const draw = drawByWeight(all, new SeededRandom(1));
    const counts = all.map(() => 0);

    for (let drawn = 0; drawn < DRAWS; drawn++) {
      counts[Number(draw(all, except === undefined ? undefined : all[except])?.name)]! += 1;
    }

    for (const [place, share] of want.entries()) {
      assert.ok(Math.abs(counts[place]! / DRAWS - share) < 0.015, `${counts}`);
      if (share === 0) assert.equal(counts[place], 0);
    }
    assert.equal(draw([]), undefined);
    assert.equal(draw([all[0]!], all[0]), undefined);
  });
}
