import assert from "node:assert/strict";
import { test } from "node:test";
import { claimText } from "./identity.ts";

const claims = {
  sub: "anna",
  level: 3,
  admin: false,
  roles: ["a", "b", { c: 1 }, ""],
  realm: { roles: ["x"] },
  "https://example.com/role": "owner",
};
const identity = { method: "jwt", name: "anna", claims };

// biome-ignore format: a table
const texts: readonly (readonly [path: string, text: string])[] = [
  ["sub",                      "anna"],
  ["level",                    "3"],
  ["admin",                    "false"],
  ["roles",                    "a,b"],
  ["realm.roles",              "x"],
  ["realm",                    ""],
  ["https://example.com/role", "owner"],
  ["none",                     ""],
  ["sub.length",               ""],
  ["constructor.name",         ""],
  ["__proto__",                ""],
  ["",                         ""],
];

for (const [path, text] of texts) {
  test(`identity: the claim ${path || "of no name"} reads ${JSON.stringify(text)}`, () => {
    assert.equal(claimText(identity, path), text);
  });
}

test("identity: of nobody there are no claims", () => {
  assert.equal(claimText(undefined, "sub"), "");
});
