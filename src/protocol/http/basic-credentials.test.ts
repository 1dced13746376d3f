import assert from "node:assert/strict";
import { test } from "node:test";
import { isBasic, parseBasic } from "./basic-credentials.ts";

const coded = (text: string | Buffer) => Buffer.from(text as string, "utf8").toString("base64");

// biome-ignore format: a table
const cases: [name: string, field: string, want: string | undefined][] = [
  ["a name and a password",        `Basic ${coded("alice:secret")}`,       "alice|secret"],
  ["any case, more spaces",        `bAsIc   ${coded("alice:secret")}`,     "alice|secret"],
  ["colons in the password",       `Basic ${coded("alice:a:b:")}`,         "alice|a:b:"],
  ["no password",                  `Basic ${coded("alice:")}`,             "alice|"],
  ["no name",                      `Basic ${coded(":secret")}`,            "|secret"],
  ["UTF-8",                        `Basic ${coded("grüße:ß")}`,            "grüße|ß"],
  ["latin1",                       `Basic ${Buffer.from("gr\xfc:\xdf", "latin1").toString("base64")}`, "grü|ß"],
  ["no padding",                   `Basic ${coded("alice:secret").replace(/=+$/, "")}`, "alice|secret"],
  ["no colon",                     `Basic ${coded("alice")}`,              undefined],
  ["a NUL",                        `Basic ${coded("alice:a\0b")}`,         undefined],
  ["a line break in the name",     `Basic ${coded("ali\nce:a")}`,          undefined],
  ["nothing",                      "Basic",                                undefined],
  ["base64 of the other kind",     "Basic YTpi_w==",                       undefined],
  ["what is no base64",            "Basic a b",                            undefined],
  ["half a letter",                "Basic YTpiY",                          undefined],
  ["too long",                     `Basic ${"YTpi".repeat(1_100)}`,        undefined],
];

for (const [name, field, want] of cases) {
  test(`parseBasic: ${name}`, () => {
    const shown = isBasic(field) ? parseBasic(field) : undefined;

    assert.equal(shown && `${shown.name}|${shown.password}`, want);
  });
}

test("isBasic: not another scheme", () => {
  for (const field of ["Bearer x", "Basically x", "", " Basic x"])
    assert.equal(isBasic(field), false, field);
});
