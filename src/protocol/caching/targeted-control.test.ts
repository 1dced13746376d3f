import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { HeaderList } from "../http/header-list.ts";
import { NO_DIRECTIVES } from "./cache-control.ts";
import { parseDictionary } from "./structured-dictionary.ts";
import { controlInForce, parseTargeted } from "./targeted-control.ts";

// biome-ignore format: a table
const cases: readonly [name: string, value: string, want: object | undefined][] = [
  ["a lifetime",                        "max-age=60",                 { maxAge: 60 }],
  ["beside extensions",                 "foobar, max-age=60;a=1, x=:YQ==:, y=(1 2)", { maxAge: 60 }],
  ["of repeats the last counts",        "max-age=1, max-age=60",      { maxAge: 60 }],
  ["words",                             "no-store, private, no-cache", { noStore: true, isPrivate: true, noCache: true }],
  ["a word that says no",               "no-store=?0, max-age=60",    { maxAge: 60 }],
  ["a list of fields",                  'private="set-cookie"',       { privateFields: ["set-cookie"] }],
  ["below 0",                           "max-age=-60",                { maxAge: 0 }],
  ["text for a number: all is void",    'max-age="60"',               undefined],
  ["a token for a number",              "max-age=abc",                undefined],
  ["a fraction",                        "max-age=60.5",               undefined],
  ["no value",                          "max-age",                    undefined],
  ["a capital letter",                  "Max-Age=60",                 undefined],
  ["a space around the equals sign",    "max-age= 60",                undefined],
  ["a comma at the end",                "max-age=60,",                undefined],
  ["an unknown type",                   "max-age=60, &&&&&",          undefined],
  ["sixteen digits",                    "max-age=1234567890123456",   undefined],
  ["nothing",                           "",                           undefined],
];
for (const [name, value, want] of cases) {
  test(`parseTargeted (RFC 9213 §2.1): ${name}`, () => {
    const control = parseTargeted([value]);

    assert.deepEqual(control, want === undefined ? undefined : { ...NO_DIRECTIVES, ...want });
  });
}

test("controlInForce (RFC 9213 §2.2): the first valid target counts, else Cache-Control", () => {
  const targets = ["Sluice-Cache-Control", "CDN-Cache-Control"];
  const of = (fields: Readonly<Record<string, string>>) => {
    const { control, isTargeted } = controlInForce(HeaderList.of(fields), targets);
    return [control.maxAge, isTargeted];
  };
  const plain = { "Cache-Control": "max-age=1" };

  assert.deepEqual(of(plain), [1, false]);
  assert.deepEqual(of({ ...plain, "CDN-Cache-Control": "max-age=2" }), [2, true]);
  assert.deepEqual(of({ ...plain, "CDN-Cache-Control": "max-age=2;" }), [1, false]);
  assert.deepEqual(
    of({ ...plain, "CDN-Cache-Control": "max-age=2", "Sluice-Cache-Control": "max-age=3" }),
    [3, true],
  );
});

test("parseDictionary: no text makes it throw, and what is sound survives more members", () => {
  const word = fc.constantFrom(
    "a",
    "=",
    ",",
    '"',
    "(",
    ")",
    " ",
    "1",
    ";",
    "?1",
    ":",
    "@",
    "%",
    "\\",
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 16 }), (words) => {
      const text = words.join("");
      const found = parseDictionary(text);
      if (found === undefined || found.size === 0) return;
      const more = parseDictionary(`${text.trimEnd()}, zz=1`);
      assert.deepEqual(more?.get("zz"), { kind: "integer", value: 1 });
      assert.equal(more.size, found.size + 1);
    }),
  );
});
