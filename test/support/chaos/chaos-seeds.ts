import assert from "node:assert/strict";
import { test } from "node:test";
import { chaosPlan } from "./chaos-plan.ts";
import { runChaos } from "./chaos-run.ts";

const SEEDS_PER_TEST = 25;

/** The seed that was asked for alone: SEED=1234 node --test test/simulation/chaos.test.ts */
export const onlySeed = process.env["SEED"];

/** Tests over these seeds; answers with what they have seen, once they have run. */
export function chaosSeeds(from: number, end: number): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (let first = from; first < end; first += SEEDS_PER_TEST) {
    const last = Math.min(end, first + SEEDS_PER_TEST) - 1;
    test(`chaos: seeds ${first} to ${last} leave nothing behind`, async () => {
      for (let seed = first; seed <= last; seed++) {
        const run = await runChaos(chaosPlan(seed));

        assert.deepEqual(run.complaints, [], `replay: npm run chaos -- ${seed}`);
        for (const [what, count] of run.counts) counts.set(what, (counts.get(what) ?? 0) + count);
      }
    });
  }
  return counts;
}
