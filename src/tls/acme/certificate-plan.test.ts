import assert from "node:assert/strict";
import { test } from "node:test";
import { certificatesFor } from "./certificate-plan.ts";
import type { ChallengeKind } from "./challenge.ts";

const DNS: ChallengeKind[] = ["dns-01"];
const HTTP: ChallengeKind[] = ["http-01", "tls-alpn-01"];

// biome-ignore format: a table
const cases: readonly [string, string[], ChallengeKind[], string[]][] = [
  ["each name for itself",                    ["b.test", "a.test"],               HTTP, ["a.test", "b.test"]],
  ["a name twice is one",                     ["a.test", "a.test"],               HTTP, ["a.test"]],
  ["a wildcard covers what is one label below", ["*.a.test", "x.a.test"],         DNS,  ["*.a.test"]],
  ["and not its own parent",                  ["*.a.test", "a.test"],             DNS,  ["*.a.test", "a.test"]],
  ["nor what is deeper",                      ["*.a.test", "y.x.a.test"],         DNS,  ["*.a.test", "y.x.a.test"]],
  ["nor another wildcard",                    ["*.a.test", "*.x.a.test"],         DNS,  ["*.a.test", "*.x.a.test"]],
  ["where it cannot be got it covers nothing", ["*.a.test", "x.a.test"],          HTTP, ["*.a.test", "x.a.test"]],
  ["an address is no name below another",     ["10.0.0.1", "*.0.0.1"],            HTTP, ["*.0.0.1", "10.0.0.1"]],
  ["nothing",                                 [],                                 DNS,  []],
];
for (const [name, names, challenges, want] of cases) {
  test(`certificatesFor: ${name}`, () => {
    assert.deepEqual(certificatesFor(names, challenges), want);
  });
}
