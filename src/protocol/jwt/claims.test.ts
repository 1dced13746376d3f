import assert from "node:assert/strict";
import { test } from "node:test";
import { type ClaimRules, checkClaims, scopesOf } from "./claims.ts";

const NOW_S = 1_800_000_000;
const RULES: ClaimRules = {
  issuers: ["https://idp.test"],
  audiences: ["shop", "blog"],
  leewayMs: 30_000,
  types: undefined,
};
const GOOD = { iss: "https://idp.test", aud: "shop", exp: NOW_S + 60 };

type Row = [name: string, claims: Record<string, unknown>, want: string];

// biome-ignore format: a table
const rows: Row[] = [
  ["what is wanted",                     {},                                   ""],
  ["another iss",                        { iss: "https://idp.test/" },         "another iss"],
  ["no iss",                             { iss: undefined },                   "no iss"],
  ["an empty iss",                       { iss: "" },                          "no iss"],
  ["an iss that is a list",              { iss: ["https://idp.test"] },        "no iss"],
  ["an aud among several",               { aud: ["x", "blog"] },               ""],
  ["another aud",                        { aud: "shops" },                     "another aud"],
  ["no aud",                             { aud: undefined },                   "another aud"],
  ["an empty list of aud",               { aud: [] },                          "another aud"],
  ["an aud that is a map",               { aud: { 0: "shop" } },               "another aud"],
  ["no exp",                             { exp: undefined },                   "no exp"],
  ["an exp that is text",                { exp: String(NOW_S + 60) },          "no exp"],
  ["an exp that is infinite",            { exp: Number.POSITIVE_INFINITY },    "no exp"],
  ["the last moment of exp",             { exp: NOW_S - 29.9 },                ""],
  ["the first moment after it",          { exp: NOW_S - 30 },                  "expired"],
  ["nbf within the leeway",              { nbf: NOW_S + 30 },                  ""],
  ["nbf later than that",                { nbf: NOW_S + 31 },                  "not valid yet"],
  ["an nbf that is text",                { nbf: "0" },                         "a malformed nbf"],
  ["iat within the leeway",              { iat: NOW_S + 30 },                  ""],
  ["iat in the future",                  { iat: NOW_S + 31 },                  "not issued yet"],
  ["an iat that is null",                { iat: null },                        "a malformed iat"],
];

for (const [name, claims, want] of rows) {
  test(`checkClaims: ${name}`, () => {
    const bad = checkClaims({ ...GOOD, ...claims }, undefined, RULES, NOW_S * 1000);

    assert.equal(bad?.why ?? "", want);
  });
}

test("checkClaims: a typ is held against those that are wanted, and its absence too", () => {
  const rules = { ...RULES, types: ["at+jwt"] };

  assert.equal(checkClaims(GOOD, "at+jwt", rules, NOW_S * 1000), undefined);
  assert.equal(checkClaims(GOOD, "jwt", rules, NOW_S * 1000)?.why, "another typ");
  assert.equal(checkClaims(GOOD, undefined, rules, NOW_S * 1000)?.why, "another typ");
});

type ScopeRow = [name: string, claims: Record<string, unknown>, want: string[]];

// biome-ignore format: a table
const scopes: ScopeRow[] = [
  ["text",               { scope: "read  write" },      ["read", "write"]],
  ["a list",             { scope: ["read", 1, "all"] }, ["read", "all"]],
  ["scp, as text",       { scp: "read" },               ["read"]],
  ["scp, as a list",     { scp: ["read"] },             ["read"]],
  ["none",               {},                            []],
  ["neither of both",    { scope: { read: true } },     []],
];

for (const [name, claims, want] of scopes) {
  test(`scopesOf: ${name}`, () => assert.deepEqual(scopesOf(claims), want));
}
