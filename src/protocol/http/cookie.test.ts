import assert from "node:assert/strict";
import { test } from "node:test";
import { cookieValue, someCookieValue } from "./cookie.ts";
import { HeaderList } from "./header-list.ts";

// biome-ignore format: a table
const cases: [name: string, line: string, want: string | undefined][] = [
  ["alone",                    "a=1",           "1"],
  ["first",                    "a=1; b=2",      "1"],
  ["last",                     "b=2; a=1",      "1"],
  ["without a space",          "b=2;a=1",       "1"],
  ["twice",                    "a=1; a=2",      "1"],
  ["empty",                    "a=; b=2",       ""],
  ["with an equals sign",      "a=b=c",         "b=c"],
  ["quoted, as it stands",     'a="1"',         '"1"'],
  ["blanks around",            "b=2;\t a=1 \t", "1"],
  ["the end of another name",  "ba=1",          undefined],
  ["the start of another name", "ab=1",         undefined],
  ["within another value",     "b=a=1",         undefined],
  ["without a value",          "a; b=1",        undefined],
  ["the equals sign is another's", "a;=1",      undefined],
  ["another case",             "A=1",           undefined],
  ["none",                     "",              undefined],
];

for (const [name, line, want] of cases) {
  test(`cookieValue: ${name}`, () => {
    assert.equal(cookieValue(HeaderList.of({ cookie: line }), "a"), want);
  });
}

test("someCookieValue: looks into every crumb", () => {
  const headers = HeaderList.empty();
  for (const crumb of ["a=1", "b=2", "a=3"]) headers.add("cookie", crumb);

  assert.equal(
    someCookieValue(headers, "a", (value) => value === "3"),
    true,
  );
  assert.equal(
    someCookieValue(headers, "a", (value) => value === "2"),
    false,
  );
  assert.equal(cookieValue(headers, "b"), "2");
  assert.equal(cookieValue(HeaderList.empty(), "a"), undefined);
});
