import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { headerIdOfText } from "./header-id.ts";
import { dropTable, HeaderList } from "./header-list.ts";
import { NameSet, type NameSetOptions } from "./name-set.ts";

// biome-ignore format: a table
const cases: [name: string, names: string[], options: NameSetOptions, asked: string, want: boolean][] = [
  ["a name with a number",          ["Cookie"],    {},                              "cookie",      true],
  ["another one",                   ["cookie"],    {},                              "set-cookie",  false],
  ["a name without",                ["X-A"],       {},                              "x-a",         true],
  ["of any case",                   ["x-a"],       {},                              "X-A",         true],
  ["one that is longer",            ["x-a"],       {},                              "x-ab",        false],
  ["one as long",                   ["x-a"],       {},                              "x-b",         false],
  ["one longer than any",           ["x".repeat(80)], {},                           "x".repeat(80), true],
  ["what begins so",                ["x-int-*"],   {},                              "X-Int-User",  true],
  ["what begins so, and is all",    ["x-int-*"],   {},                              "x-int-",      true],
  ["what ends so",                  ["*-debug"],   {},                              "my-Debug",    true],
  ["what is both ends at once",     ["ab*ba"],     {},                              "aba",         false],
  ["a known one by wildcard",       ["x-real*"],   {},                              "X-Real-Ip",   true],
  ["what is spared by wildcard",    ["x-*"],       { spared: new Set(["x-a"]) },    "x-a",         false],
  ["what is spared, by name",       ["x-a"],       { spared: new Set(["x-a"]) },    "x-a",         true],
  ["an alias, unasked",             ["x-a"],       {},                              "x_a",         false],
  ["an alias",                      ["x-a-b"],     { aliasesOf: [] },               "X_A.b",       true],
  ["an alias of a known name",      ["x-real-ip"], { aliasesOf: [] },               "x_real_ip",   true],
  ["an alias by wildcard",          ["x-int-*"],   { aliasesOf: [] },               "x_int_a",     true],
  ["an alias of what itself stays", [],            { aliasesOf: ["X-A"] },          "x_a",         true],
  ["what itself stays",             [],            { aliasesOf: ["x-a"] },          "x-a",         false],
  ["a name with \"_\" of its own",  ["x_a"],       {},                              "x_a",         true],
];

for (const [name, names, options, asked, want] of cases) {
  test(`NameSet: ${name} is ${want ? "held" : "not held"}`, () => {
    const set = new NameSet(names, options);

    assert.equal(set.holds(headerIdOfText(asked), `?${asked}:`, 1, 1 + asked.length), want);
  });
}

test("NameSet: a list without its fields is what a plain filter leaves", () => {
  const name = fc.constantFrom(
    "x-a",
    "X-B",
    "cookie",
    "x_a",
    "x-a-c",
    "Date",
    "accept",
    "_x",
    "x.a",
  );
  const wanted = fc.constantFrom("x-a", "x-b", "x-*", "*-c", "cookie", "date", "x_a", "ac*t");
  const plainly = (wild: string, each: string) => {
    const [before = "", after] = wild.split("*");
    const lower = each.toLowerCase();
    if (after === undefined) return lower === wild;
    return (
      lower.length >= before.length + after.length &&
      lower.startsWith(before) &&
      lower.endsWith(after)
    );
  };

  fc.assert(
    fc.property(fc.array(name), fc.array(name), fc.array(wanted), (came, added, names) => {
      const list = HeaderList.ofLines(came.map((each) => `${each}: 1\r\n`).join(""));
      for (const each of added) list.add(each, "2");

      list.deleteAll(new NameSet(names));

      const kept = (all: string[]) =>
        all.filter((each) => !names.some((wild) => plainly(wild, each)));
      const want = [
        ...kept(came).map((each) => `${each}: 1`),
        ...kept(added).map((each) => `${each}: 2`),
      ];
      assert.deepEqual(list.lines(dropTable([])).split("\r\n").slice(0, -1), want);
    }),
  );
});
