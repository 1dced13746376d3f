import assert from "node:assert/strict";
import { test } from "node:test";
import { Turns } from "./turns.ts";

test("Turns: one at a time, in the order in which they came", async () => {
  const turns = new Turns();
  const seen: string[] = [];
  const act = async (name: string): Promise<void> => {
    const done = await turns.take();
    seen.push(`${name} begins`);
    await Promise.resolve();
    seen.push(`${name} ends`);
    done();
  };

  await Promise.all([act("a"), act("b"), act("c")]);

  assert.deepEqual(seen, ["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
});
