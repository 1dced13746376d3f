import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Pattern, patternProblem } from "./pattern.ts";

// biome-ignore format: a table
const refused: [source: string, why: RegExp][] = [
  ["(a)\\1",         /back reference.*at character 4/],
  ["(?<x>a)\\k<x>",  /back reference/],
  ["a(?=b)",         /lookaround.*at character 2/],
  ["(?<!a)b",        /lookaround/],
  ["\\bfoo",         /word boundary/],
  ["(a*)*",          /may be empty, at character 1/],
  ["(a|b?)+",        /may be empty/],
  ["(^)*",           /may be empty/],
  ["^*",             /repeated anchor/],
  ["a**",            /two quantifiers/],
  ["a{2}{3}",        /two quantifiers/],
  ["*a",             /nothing to repeat/],
  ["a{",             /brace that is no/],
  ["a{3,2}",         /below its start/],
  ["a{1001}",        /more than 1000/],
  ["(((a{100}){100}){100})", /grows too large/],
  ["(a",             /not closed, at character 1/],
  ["a)",             /nothing opened, at character 2/],
  ["[a",             /set that is not closed/],
  ["[]",             /empty set/],
  ["[z-a]",          /does not go/],
  ["[\\d-z]",        /does not go/],
  ["a\\",            /backslash at the end/],
  ["\\q",            /unknown escape/],
  ["\\x1",           /hexadecimal/],
  ["(?<a>x)(?<a>y)", /second group named a/],
  ["(?s:a)",         /not supported/],
  ["]",              /lone "\]"/],
  ["a".repeat(1001), /longer than 1000/],
  [`${"(".repeat(60)}a${")".repeat(60)}`, /nested deeper/],
];

for (const [source, why] of refused) {
  test(`Pattern: refuses ${source.slice(0, 30)}`, () => {
    assert.match(String(patternProblem(source)), why);
  });
}

// biome-ignore format: a table
const tests: [source: string, text: string, want: boolean][] = [
  ["^/v[0-9]+/",       "/v12/x",      true],
  ["^/v[0-9]+/",       "/x/v12/",     false],
  ["\\.(png|jpe?g)$",  "/a/b.jpeg",   true],
  ["\\.(png|jpe?g)$",  "/a/b.jpegs",  false],
  ["(?i)^/Admin",      "/aDMIN/x",    true],
  ["(?i)[^a]",         "A",           false],
  ["^$",               "",            true],
  ["$^",               "",            true],
  ["a$b",              "ab",          false],
  ["",                 "anything",    true],
  ["^(a+)+$",          `${"a".repeat(30)}!`, false],
  ["[^/]{2,3}$",       "/a",          false],
  [".",                "\n",          false],
  ["\\u00e9\\x41",     "\u00e9A",     true],
  ["\u{1F600}+",       "\u{1F600}",   true],
  ["[-a]-[a-]",        "---",         true],
];

for (const [source, text, want] of tests) {
  test(`Pattern: ${source} ${want ? "matches" : "does not match"} ${JSON.stringify(text)}`, () => {
    assert.equal(new Pattern(source).test(text), want);
  });
}

const atom = fc.constantFrom(
  "a",
  "b",
  "/",
  ".",
  "[ab]",
  "[^a]",
  "\\d",
  "\\w",
  "^",
  "$",
  "é",
  "\\/",
);
const quantifier = fc.constantFrom(
  "",
  "",
  "",
  "",
  "",
  "*",
  "+",
  "?",
  "{2}",
  "{1,2}",
  "{0,3}",
  "{2,}",
  "*?",
  "+?",
  "??",
);
const { source: anySource } = fc.letrec<{ source: string; piece: string }>((tie) => ({
  source: fc
    .array(fc.array(tie("piece"), { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 })
    .map((sides) => sides.map((side) => side.join("")).join("|")),
  piece: fc.oneof(
    { depthSize: "small" },
    fc.tuple(atom, quantifier).map(([left, right]) => left + (/[$^]/.test(left[0]!) ? "" : right)),
    fc.tuple(tie("source"), quantifier).map(([inner, right]) => `(${inner})${right}`),
    fc.tuple(tie("source"), quantifier).map(([inner, right]) => `(?:${inner})${right}`),
  ),
}));
const anyText = fc
  .array(fc.constantFrom("a", "b", "/", "1", "é", "\n"), { maxLength: 10 })
  .map((all) => all.join(""));

test("Pattern: agrees with RegExp on matches and groups", () => {
  let compared = 0;
  let matched = 0;
  fc.assert(
    fc.property(anySource, fc.array(anyText, { minLength: 4, maxLength: 8 }), (source, texts) => {
      if (patternProblem(source) !== undefined) return;
      const pattern = new Pattern(source);
      const oracle = new RegExp(source);
      for (const text of texts) {
        const want = oracle.exec(text);
        assert.equal(pattern.test(text), want !== null, `${source} on ${JSON.stringify(text)}`);
        const found = pattern.find(text);
        const groups = want?.map((_, group) => found?.get(`${group}`));
        assert.deepEqual(groups, want === null ? undefined : [...want], source);
        const replaced = pattern.replace(text, (match) => `<${match.get("0")}>`);
        assert.equal(replaced, text.replace(new RegExp(source, "g"), "<$&>"), source);
        compared++;
        if (want !== null) matched++;
      }
    }),
    { numRuns: 6000 },
  );
  assert.ok(compared > 1000 && matched > 500, `${compared} compared, ${matched} matched`);
});

test("Pattern: named groups", () => {
  const found = new Pattern("^/(?<lang>[a-z]{2})/(.*)$").find("/de/a/b");

  assert.deepEqual(
    ["0", "1", "2", "lang", "3", "nobody"].map((name) => found?.get(name)),
    ["/de/a/b", "de", "a/b", "de", undefined, undefined],
  );
});

test("Pattern: replace puts groups where the matches were", () => {
  const pattern = new Pattern("(?<name>[a-z]+)=([0-9]*)");

  const replaced = pattern.replace(
    "a=1&b=&=3",
    (match) => `${match.get("2")}:${match.get("name")}`,
  );

  assert.equal(replaced, "1:a&:b&=3");
});

test("Pattern: replace looks at the rest of a text a few times at most (D9)", () => {
  const pattern = new Pattern("a.*b|a"); // every match has to see that no b follows
  const text = "a".repeat(20_000);

  const replaced = pattern.replace(text, () => "-");

  const done = replaced.indexOf("a");
  assert.ok(done >= 4 && done <= 10, `${done} replaced`);
  assert.equal(replaced, "-".repeat(done) + text.slice(done));
});

test("Pattern: states stay bounded where a full automaton would be exponential", () => {
  const pattern = new Pattern("a.{14}$"); // 2^15 states
  const units = Array.from({ length: 20_000 }, (_, index) => ((index * 2654435761) >>> 13) & 1);
  const text = units.map((unit) => (unit === 1 ? "a" : "b")).join("");

  assert.equal(pattern.test(text), text.at(-15) === "a");
  assert.ok(pattern.stateCount <= 1001, `${pattern.stateCount}`);
});
