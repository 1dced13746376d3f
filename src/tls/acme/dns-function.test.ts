import assert from "node:assert/strict";
import { test } from "node:test";
import { SimClock } from "../../../test/support/sim-clock.ts";
import { FunctionRecords } from "./dns-function.ts";
import type { DnsFunction } from "./dns-records.ts";

const RECORD = { name: "_acme-challenge.a.test", value: "proof" };

async function outcomeOf(change: DnsFunction): Promise<string> {
  const clock = new SimClock();
  const done = new FunctionRecords(clock, change).add(RECORD).then(
    () => "done",
    (error: Error) => error.message,
  );
  await clock.advance(61_000);
  assert.equal(clock.pendingCount, 0);
  return await done;
}

test("FunctionRecords: the function hears what to add and what to remove", async () => {
  const changes: unknown[] = [];
  const records = new FunctionRecords(new SimClock(), (change) => void changes.push(change));

  await records.add(RECORD);
  await records.remove(RECORD);

  assert.deepEqual(changes, [
    { action: "add", ...RECORD },
    { action: "remove", ...RECORD },
  ]);
});

// biome-ignore format: a table
const cases: [name: string, change: DnsFunction, want: string][] = [
  ["answers at once",     () => {}, "done"],
  ["answers later",       async () => {}, "done"],
  ["throws",              () => { throw new Error("no such zone"); }, "no such zone"],
  ["rejects",             () => Promise.reject(new Error("503 of the provider")), "503 of the provider"],
  ["never answers",       () => new Promise<void>(() => {}), "did not end within 60 s"],
];

for (const [name, change, want] of cases) {
  test(`FunctionRecords: a function that ${name}`, async () => {
    assert.equal(await outcomeOf(change), want);
  });
}
