import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import { parseOptions } from "./options.ts";

test("parseOptions: says what it does when nobody says otherwise", () => {
  const options = parseOptions([]);

  assert.deepEqual(
    { scenarios: options.scenarios, base: options.base, only: options.only, json: options.json },
    { scenarios: [], base: "nginx", only: [], json: undefined },
  );
  assert.ok(options.starts > 1, "one start says nothing about the next process");
});

test("parseOptions: takes scenarios, lists, repeats and flags", () => {
  const parameters = ["small", "1m", "--only", "ours,nginx", "--against", "a", "--against", "b"];

  const options = parseOptions([...parameters, "--node-flags=--a --b=1", "--slice", "3s"]);

  assert.deepEqual(options.scenarios, ["small", "1m"]);
  assert.deepEqual(options.only, ["ours", "nginx"]);
  assert.deepEqual(options.against, [resolve("a"), resolve("b")]);
  assert.deepEqual(options.nodeFlags, ["--a", "--b=1"]);
  assert.equal(options.sliceS, 3);
});

type Refusal = [name: string, parameters: string[], message: RegExp];

const refusals: Refusal[] = [
  ["rounds of zero", ["--rounds", "0"], /--rounds: must be a whole number/],
  ["rounds with a fraction", ["--rounds", "1.5"], /--rounds/],
  ["starts that are no number", ["--starts", "many"], /--starts/],
  ["a slice without a unit", ["--slice", "1"], /--slice: must be whole seconds such as 1s/],
  ["a slice below a second", ["--slice", "500ms"], /--slice/],
  ["an unknown option", ["--fast"], /--fast/],
];

for (const [name, parameters, message] of refusals) {
  test(`parseOptions: refuses ${name}`, () => {
    assert.throws(() => parseOptions(parameters), message);
  });
}
