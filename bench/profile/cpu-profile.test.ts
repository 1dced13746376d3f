import assert from "node:assert/strict";
import { test } from "node:test";
import { type CpuProfile, selfTimes } from "./cpu-profile.ts";

const EVERYTHING = { fromUs: 0, toUs: Number.POSITIVE_INFINITY };

// Ids: 1 parse in our source, 2 the same function under another caller, 3 node, 4 native, 5 idle.
const NODES = [
  node(1, "parse", "file:///repo/src/h1/parse.ts", 9),
  node(2, "parse", "file:///repo/src/h1/parse.ts", 9),
  node(3, "", "node:net", 0),
  node(4, "writev", "", -1),
  node(5, "(idle)", "", -1),
  node(6, "(garbage collector)", "", -1),
];

test("selfTimes: one function is one row, whoever called it", () => {
  const { functions } = selfTimes([profile([1, 2, 1])], EVERYTHING, "/repo");

  assert.deepEqual(functions, [{ name: "parse src/h1/parse.ts:10", selfUs: 300 }]);
});

test("selfTimes: idle is not busy", () => {
  const { busyUs, functions } = selfTimes([profile([5, 1, 5])], EVERYTHING, "/repo");

  assert.equal(busyUs, 100);
  assert.equal(functions.length, 1);
});

test("selfTimes: samples outside the window do not count", () => {
  const { busyUs } = selfTimes([profile([1, 1, 1, 1])], { fromUs: 1_150, toUs: 1_350 }, "/repo");

  assert.equal(busyUs, 200);
});

test("selfTimes: modules are ours by path, node's by name, the rest by kind, dearest first", () => {
  const { modules } = selfTimes([profile([6, 3, 3, 4, 4, 4, 1, 2, 1, 2])], EVERYTHING, "/repo");

  assert.deepEqual(
    modules.map(({ name }) => name),
    ["src/h1/parse.ts", "(native)", "node:net", "(garbage collector)"],
  );
});

test("selfTimes: adds up the threads of a process", () => {
  const { busyUs } = selfTimes([profile([1]), profile([3])], EVERYTHING, "/repo");

  assert.equal(busyUs, 200);
});

/** One sample each 100 µs from 1,000 on. */
function profile(samples: number[]): CpuProfile {
  return { startTime: 1_000, nodes: NODES, samples, timeDeltas: samples.map(() => 100) };
}

function node(id: number, functionName: string, url: string, lineNumber: number) {
  return { id, callFrame: { functionName, url, lineNumber } };
}
