import assert from "node:assert/strict";
import { test } from "node:test";
import { contentLength, type Framing, requestFraming, responseFraming } from "./framing.ts";

function told(framing: Framing): string {
  if (framing.kind === "length") return `length ${framing.bytes}`;
  return framing.kind === "refused" ? `refused: ${framing.reason}` : framing.kind;
}

type Case = [name: string, minor: number, lengths: string[], encodings: string[], want: string];

// biome-ignore format: a table
const cases: Case[] = [
  ["no field",                         1, [],           [],                   "none"],
  ["no field in 1.0",                  0, [],           [],                   "none"],
  ["a length",                         1, ["42"],       [],                   "length 42"],
  ["a length in 1.0",                  0, ["42"],       [],                   "length 42"],
  ["a length of zero",                 1, ["0"],        [],                   "length 0"],
  ["a length with leading zeroes",     1, ["0042"],     [],                   "length 42"],
  ["the largest length",               1, ["999999999999999"], [],            "length 999999999999999"],
  ["chunked",                          1, [],           ["chunked"],          "chunked"],
  ["chunked, any case",                1, [],           ["cHuNkEd"],          "chunked"],
  ["both (CL.TE)",                     1, ["3"],        ["chunked"],          "refused: conflict"],
  ["both, the coding unknown",         1, ["3"],        ["gzip"],             "refused: conflict"],
  ["both, the coding empty",           1, ["3"],        [""],                 "refused: conflict"],
  ["both, the length malformed",       1, ["x"],        ["chunked"],          "refused: conflict"],
  ["chunked twice (TE.TE)",            1, [],           ["chunked", "chunked"], "refused: conflict"],
  ["chunked and then another (TE.TE)", 1, [],           ["chunked", "x"],     "refused: conflict"],
  ["chunked twice in a list",          1, [],           ["chunked, chunked"], "refused: coding"],
  ["chunked not last",                 1, [],           ["chunked, identity"], "refused: conflict"],
  ["gzip under chunked",               1, [],           ["gzip, chunked"],    "refused: coding"],
  ["an unknown coding",                1, [],           ["xchunked"],         "refused: coding"],
  ["identity",                         1, [],           ["identity"],         "refused: coding"],
  ["an empty coding (TE.0)",           1, [],           [""],                 "refused: conflict"],
  ["chunked behind a comma",           1, [],           [",chunked"],         "refused: conflict"],
  ["chunked before a comma",           1, [],           ["chunked,"],         "refused: conflict"],
  ["chunked with a parameter",         1, [],           ["chunked;a=b"],      "refused: conflict"],
  ["chunked in quotes",                1, [],           ['"chunked"'],        "refused: conflict"],
  ["chunked with a space inside",      1, [],           ["chun ked"],         "refused: conflict"],
  ["chunked in 1.0",                   0, [],           ["chunked"],          "refused: conflict"],
  ["two equal lengths",                1, ["3", "3"],   [],                   "refused: conflict"],
  ["two lengths",                      1, ["3", "4"],   [],                   "refused: conflict"],
  ["a list of lengths",                1, ["3, 3"],     [],                   "refused: conflict"],
  ["an empty length",                  1, [""],         [],                   "refused: conflict"],
  ["a signed length",                  1, ["+3"],       [],                   "refused: conflict"],
  ["a negative length",                1, ["-3"],       [],                   "refused: conflict"],
  ["a hexadecimal length",             1, ["0x3"],      [],                   "refused: conflict"],
  ["a length with a fraction",         1, ["3.0"],      [],                   "refused: conflict"],
  ["a length with an exponent",        1, ["3e0"],      [],                   "refused: conflict"],
  ["a length with a space inside",     1, ["3 3"],      [],                   "refused: conflict"],
  ["a length in other digits",         1, ["\xb2"],     [],                   "refused: conflict"],
  ["a length of sixteen digits",       1, ["1000000000000000"], [],           "refused: conflict"],
];

for (const [name, minorVersion, contentLengths, transferEncodings, want] of cases) {
  const fields = { minorVersion, contentLengths, transferEncodings };

  test(`requestFraming: ${name}`, () => {
    assert.equal(told(requestFraming(fields)), want);
  });

  test(`responseFraming: ${name}`, () => {
    assert.equal(told(responseFraming(fields, 200, "GET")), want === "none" ? "close" : want);
  });

  test(`responseFraming: no body to HEAD, 1xx, 204 and 304: ${name}`, () => {
    const wanted = want.startsWith("refused") ? want : "none";
    const none: [status: number, method: string][] = [
      [200, "HEAD"],
      [100, "GET"],
      [199, "GET"],
      [204, "POST"],
      [304, "GET"],
    ];

    for (const [status, method] of none) {
      assert.equal(told(responseFraming(fields, status, method)), wanted, `${status} ${method}`);
    }
  });
}

// Next to those without a body, and not of them.
for (const status of [200, 203, 205, 206, 303, 305, 400, 500, 999]) {
  test(`responseFraming: ${status} has a body`, () => {
    const framing = (contentLengths: string[]) =>
      told(
        responseFraming({ minorVersion: 1, contentLengths, transferEncodings: [] }, status, "GET"),
      );

    assert.equal(framing([]), "close");
    assert.equal(framing(["3"]), "length 3");
  });
}

test("contentLength: -1 for whatever is not digits alone", () => {
  assert.equal(contentLength("0"), 0);
  assert.equal(contentLength("123456789012345"), 123456789012345);
  for (const text of ["", "1234567890123456", " 1", "1 ", "1\t", "/", ":", "\u0661"]) {
    assert.equal(contentLength(text), -1, JSON.stringify(text));
  }
});
