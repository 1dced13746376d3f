import assert from "node:assert/strict";
import { test } from "node:test";
import { LANE_CELLS, Lanes } from "./lanes.ts";

test("Lanes: each writes its own, all read the sum, and a lane can be cleared alone", () => {
  const memory = new SharedArrayBuffer(Lanes.byteLength(3));
  const [first, second, third] = [0, 1, 2].map((lane) => new Lanes(memory, lane));

  first!.add(0, 2);
  second!.add(0, 5);
  third!.add(0, -1);
  third!.add(LANE_CELLS - 1, 7);

  assert.equal(first!.sum(0), 6);
  assert.equal(second!.own(0), 5);
  first!.clear(2);
  assert.deepEqual([first!.sum(0), third!.own(0), third!.sum(LANE_CELLS - 1)], [7, 0, 0]);
  assert.equal(second!.sum(1), 0);
});
