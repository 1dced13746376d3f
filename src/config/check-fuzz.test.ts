/** Whatever is in the file: an answer with problems in it, no exception, and no wait. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { testVocabulary } from "../../test/support/vocabulary.ts";
import { vocabulary } from "../features/index.ts";
import { type Checked, check } from "./check.ts";
import { loadText, loadValue } from "./load.ts";
import { Lines } from "./place.ts";
import { excerpt, problemLine } from "./problems.ts";

const GOLDEN = join(import.meta.dirname, "../../test/golden/config");
const GOOD = readFileSync(join(GOLDEN, "ok-everything.yaml"), "utf8").split("---- wanted")[0]!;

/** Every part of the way that a user's text takes. */
function checkText(text: string): Checked {
  const loaded = loadText(text, "x.yaml", { env: { A: "1" }, folder: GOLDEN });
  const checked = check(loaded, testVocabulary);
  holds(checked);
  const lines = new Lines(text);
  for (const problem of checked.problems) {
    assert.ok(problem.line !== undefined && problem.line >= 1);
    excerpt(problem, lines);
  }
  return checked;
}

function holds({ config, problems, warnings }: Checked): void {
  assert.equal(config === undefined, problems.length > 0);
  for (const problem of [...problems, ...warnings]) {
    const line = problemLine(problem);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they would drive a terminal
    assert.doesNotMatch(line, /[\x00-\x1f\x7f]/, "a message is one line of printable text");
    assert.doesNotMatch(line, /undefined|\[object|must fit one of/);
  }
}

test("check fuzz: the config that is mutated below is a good one", () => {
  assert.deepEqual(checkText(GOOD).problems, []);
});

test("check fuzz: random text never throws", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => void checkText(text)),
    {
      numRuns: 500,
    },
  );
});

test("check fuzz: random YAML punctuation never throws", () => {
  const token = fc.constantFrom(
    ..."- : ? , [ ] { } # & * ! | > ' \" % @ ` \n \t ~ << ${ } a sites hosts &a *a null 1 ---".split(
      " ",
    ),
    "\n  ",
    ": ",
    "- ",
  );
  const text = fc.array(token, { maxLength: 60 }).map((tokens) => tokens.join(""));

  fc.assert(
    fc.property(text, (yaml) => void checkText(yaml)),
    { numRuns: 1000 },
  );
});

test("check fuzz: a good config with cuts, repeats and foreign bytes never throws", () => {
  const edit = fc.tuple(
    fc.nat(GOOD.length),
    fc.nat(12),
    fc.oneof(
      fc.constantFrom(
        "",
        "\n",
        ": ",
        "${A}",
        "${",
        "[",
        "}",
        "'",
        "*x",
        "0",
        "-1",
        "off",
        "\t",
        "null",
      ),
      fc.string({ unit: "binary", maxLength: 3 }),
    ),
  );

  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
      let text = GOOD;
      for (const [at, count, put] of edits) text = text.slice(0, at) + put + text.slice(at + count);
      checkText(text);
    }),
    { numRuns: 300 },
  );
});

test("check fuzz: a good config with any value anywhere never throws", () => {
  const good = loadText(GOOD, "x.yaml").value;
  const foreign = fc.oneof(
    fc.constantFrom<unknown>(
      undefined,
      null,
      0,
      -1,
      1.5,
      Number.NaN,
      true,
      "",
      "off",
      "${A}",
      [],
      {},
    ),
    fc.constantFrom<unknown>(
      [[]],
      [null],
      { "": 1 },
      () => 1,
      Symbol("x"),
      10n,
      new Date(0),
      new Map(),
    ),
    fc.anything({ maxDepth: 2 }),
  );

  fc.assert(
    fc.property(fc.nat(500), foreign, (at, value) => {
      const config = replaced(good, at, value);
      const loaded = loadValue(config, "x.ts", { env: {} });
      for (const words of [testVocabulary, vocabulary]) holds(check(loaded, words));
    }),
    { numRuns: 1500 },
  );
});

test("check fuzz: every golden file cut off anywhere never throws", () => {
  const texts = readdirSync(GOLDEN)
    .filter((name) => name.endsWith(".yaml"))
    .map((name) => readFileSync(join(GOLDEN, name), "utf8").split("---- wanted")[0]!);

  fc.assert(
    fc.property(fc.constantFrom(...texts), fc.nat(1000), (text, end) => {
      checkText(text.slice(0, end));
    }),
    { numRuns: 300 },
  );
});

/** A copy in which the `at`-th value, counted through the whole tree, is another one. */
function replaced(tree: unknown, at: number, value: unknown): unknown {
  let left = at;
  const copy = (node: unknown): unknown => {
    if (left-- === 0) return value;
    if (Array.isArray(node)) return node.map(copy);
    if (typeof node !== "object" || node === null) return node;
    return Object.fromEntries(Object.entries(node).map(([key, inner]) => [key, copy(inner)]));
  };
  return copy(tree);
}
