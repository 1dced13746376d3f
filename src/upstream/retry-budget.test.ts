import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LoneMachine } from "../core/machine.ts";
import { RETRY_BUDGET, RetryCounts, SharedRetryBudget } from "./retry-budget.ts";

function countsOf(active: number): RetryCounts {
  const counts = new RetryCounts(new LoneMachine().lanes());
  for (let count = 0; count < active; count++) counts.enter();
  return counts;
}

// biome-ignore format: a table
const rows: [name: string, active: number, percent: number, minConcurrent: number, want: number][] = [
  ["a quiet upstream may retry three",      0,    20,  3, 3],
  ["at fifteen the share is the minimum",   15,   20,  3, 3],
  ["a share is cut to whole ones",          24,   20,  3, 4],
  ["a busy upstream may retry a fifth",     1000, 20,  3, 200],
  ["no percentage: the minimum alone",      1000, 0,   3, 3],
  ["no minimum: the share alone",           4,    20,  0, 0],
  ["everything may be a retry",             7,    100, 0, 7],
];

for (const [name, active, percent, minConcurrent, want] of rows) {
  test(`SharedRetryBudget: ${name}`, () => {
    const budget = new SharedRetryBudget(countsOf(active), { percent, minConcurrent });

    let taken = 0;
    while (taken <= 1000 && budget.take()) taken += 1;

    assert.equal(taken, want);
  });
}

test("SharedRetryBudget: what is given back can be taken again", () => {
  const budget = new SharedRetryBudget(countsOf(0), RETRY_BUDGET);
  while (budget.take());

  budget.giveBack();

  assert.equal(budget.take(), true);
  assert.equal(budget.take(), false);
});

test("SharedRetryBudget: many that fail in one moment may be retried after a good while", () => {
  const counts = countsOf(0);
  const budget = new SharedRetryBudget(counts, RETRY_BUDGET);
  for (let count = 0; count < 100_000; count++) {
    counts.enter();
    counts.leave();
  }

  let taken = 0;
  while (budget.take()) taken += 1;

  assert.ok(taken >= 100 && taken <= 200, `${taken} at once`);
});

test("SharedRetryBudget: when everything fails, retries come to a fifth of the requests", () => {
  const counts = countsOf(0);
  const budget = new SharedRetryBudget(counts, { percent: 20, minConcurrent: 0 });
  let retries = 0;
  for (let count = 0; count < 10_000; count++) {
    counts.enter();
    counts.leave();
    if (!budget.take()) continue;
    retries += 1;
    counts.enter(); // the retry is a claim as well
    counts.leave();
    budget.giveBack();
  }

  assert.ok(retries >= 2_000 && retries <= 2_510, `${retries} of 10000`);
});

test("SharedRetryBudget: to give back what nobody took is a bug", () => {
  const budget = new SharedRetryBudget(countsOf(9), RETRY_BUDGET);

  assert.throws(() => budget.giveBack(), /nobody took/);
});

test("SharedRetryBudget: no order of events lets more through than the bound, nor loses any", () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom("begin", "end", "take", "give"), { maxLength: 200 }),
      (deeds) => {
        const counts = countsOf(0);
        const budget = new SharedRetryBudget(counts, RETRY_BUDGET);
        let out = 0;
        let begun = 0;
        let retried = 0;
        for (const deed of deeds) {
          if (deed === "begin") {
            counts.enter();
            begun += 1;
          } else if (deed === "end" && counts.active > 0) counts.leave();
          else if (deed === "give" && out > 0) {
            budget.giveBack();
            out -= 1;
          } else if (deed === "take") {
            const bound = Math.max(3, Math.floor(counts.active / 5));
            const isLet = out < bound || (retried + 1) * 5 <= begun;
            assert.equal(budget.take(), isLet);
            if (!isLet) continue;
            out += 1;
            retried += 1;
          }
          assert.equal(counts.retrying, out);
        }
      },
    ),
  );
});
