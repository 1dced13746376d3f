import assert from "node:assert/strict";
import { test } from "node:test";
import { StageSink } from "../../../test/support/stage-sink.ts";
import { rulesOf } from "./finder.ts";
import type { Replacement } from "./substitute-options.ts";
import { Substituting } from "./substituting.ts";

type Said = readonly [find: string, instead: string, once?: "once"];

function replacements(said: readonly Said[]): readonly Replacement[] {
  return said.map(([find, instead, once]) => ({ find, with: instead, once: once !== undefined }));
}

function run(said: readonly Said[], pieces: readonly Buffer[]): string {
  const sink = new StageSink();
  const stage = new Substituting(sink, rulesOf(replacements(said)));
  for (const piece of pieces) {
    const lent = Buffer.from(piece);
    if (lent.length > 0) stage.write(lent);
    stage.flush();
  }
  stage.end(undefined);
  assert.equal(sink.ends, 1);
  return sink.bytes.toString("utf8");
}

// biome-ignore format: a table
const cases: [name: string, said: readonly Said[], text: string, wanted: string][] = [
  ["each of them",                     [["old", "new"]],                     "old, older, gold",     "new, newer, gnew"],
  ["only the first",                   [["old", "new", "once"]],             "old, older",           "new, older"],
  ["by nothing",                       [["old", ""]],                        "oldold!",              "!"],
  ["by what has it again",             [["a", "aa"]],                        "banana",               "baanaanaa"],
  ["none there",                       [["xyz", "!"]],                       "xy yz xz",             "xy yz xz"],
  ["a begin at the end",               [["abc", "!"]],                       "ababab",               "ababab"],
  ["apart from each other",            [["aa", "b"]],                        "aaaaa",                "bba"],
  ["a begin within a begin",           [["aab", "!"]],                       "aaab",                 "a!"],
  ["the leftmost of two",              [["bc", "1"], ["ab", "2"]],           "abc",                  "2c"],
  ["the first written at a place",     [["ab", "1"], ["abc", "2"]],          "abc",                  "1c"],
  ["the longer, if that is the first", [["abc", "2"], ["ab", "1"]],          "abcab",                "21"],
  ["a longer one that fails",          [["abcd", "1"], ["bc", "2"]],         "abcx",                 "a2x"],
  ["and at the end",                   [["abcd", "1"], ["bc", "2"]],         "abc",                  "a2"],
  ["one used up gives way",            [["ab", "1", "once"], ["a", "2"]],    "abab",                 "12b"],
  ["what is put in is left alone",     [["a", "b"], ["b", "a"]],             "abab",                 "baba"],
  ["letters of several bytes",         [["é", "e"], ["€", "EUR"]],           "é€è",                  "eEURè"],
  ["nothing at all",                   [["a", "b"]],                         "",                     ""],
];

for (const [name, said, text, wanted] of cases) {
  test(`substitute: ${name}, split anywhere`, () => {
    const bytes = Buffer.from(text, "utf8");

    assert.equal(run(said, [bytes]), wanted);
    assert.equal(
      run(
        said,
        Array.from(bytes, (byte) => Buffer.from([byte])),
      ),
      wanted,
    );
    for (let first = 0; first <= bytes.length; first++) {
      for (let second = first; second <= bytes.length; second++) {
        const pieces = [
          bytes.subarray(0, first),
          bytes.subarray(first, second),
          bytes.subarray(second),
        ];
        assert.equal(run(said, pieces), wanted, `${first} ${second}`);
      }
    }
  });
}

test("substitute: a short text that becomes a long one waits for who takes it", () => {
  const sink = new StageSink();
  const sizes: number[] = [];
  sink.takes = (bytes) => {
    sizes.push(bytes.length);
    return false;
  };
  const stage = new Substituting(sink, rulesOf(replacements([["a", "x".repeat(4096)]])));

  assert.equal(stage.write(Buffer.from("a".repeat(1000))), false);
  stage.end(undefined);
  for (let before = sizes.length; sink.ends === 0; before = sizes.length) {
    stage.resume();
    assert.ok(sizes.length <= before + 1, "one piece at a time");
  }

  assert.ok(sizes.length >= 1000 / 5 && Math.max(...sizes) <= 20 * 1024);
  assert.equal(sink.bytes.toString(), "x".repeat(1000 * 4096));
});

test("substitute: bytes that were lent may be used anew once they are passed on", () => {
  const sink = new StageSink();
  const pieces: string[] = [];
  sink.takes = (bytes) => pieces.push(bytes.toString()) > 0;
  const stage = new Substituting(sink, rulesOf(replacements([["<end>", "!"]])));
  const lent = Buffer.from("text <e");

  stage.write(lent);
  lent.fill("?");
  stage.write(Buffer.from("nd> more"));
  stage.end(undefined);

  assert.equal(pieces.join(""), "text ! more");
});

test("substitute: after stop() nothing goes on", () => {
  const sink = new StageSink();
  sink.takes = () => false;
  const stage = new Substituting(sink, rulesOf(replacements([["a", "b"]])));
  stage.write(Buffer.from("aaaa"));
  const before = sink.bytes.length;

  stage.stop();
  stage.resume();

  assert.equal(sink.bytes.length, before);
  assert.equal(sink.ends, 0);
});
