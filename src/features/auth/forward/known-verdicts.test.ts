import assert from "node:assert/strict";
import { test } from "node:test";
import { exchangeOf, requestOf } from "../../../../test/support/exchange-of.ts";
import type { Proven } from "../auth-method.ts";
import { KnownVerdicts } from "./known-verdicts.ts";

const proven = (name: string): Proven => ({
  kind: "proven",
  identity: { method: "forward", name, claims: {} },
});

function verdicts(key: string[], countMax = 2): KnownVerdicts {
  return new KnownVerdicts({ key, forMs: 1_000, countMax });
}

const asked = (target: string, fields: Record<string, string> = {}) =>
  exchangeOf({ request: requestOf(`GET ${target}`, fields) });

test("KnownVerdicts: parts of a key do not run together (P4)", () => {
  const known = verdicts(["{header.a}", "{header.b}"]);
  const keys = [
    { a: "xy", b: "z" },
    { a: "x", b: "yz" },
    { a: 'x","y', b: "z" },
    { a: "x", b: 'y","z' },
  ].map((fields) => known.keyOf(asked("/", fields)));

  assert.equal(new Set(keys).size, keys.length);
});

test("KnownVerdicts: who shows nothing of what the key asks for shares no answer", () => {
  const known = verdicts(["static", "{header.authorization}", "{cookie.s}"]);

  assert.equal(known.keyOf(asked("/")), undefined);
  assert.notEqual(known.keyOf(asked("/", { cookie: "s=1" })), undefined);
});

test("KnownVerdicts: an answer holds for its time and not a moment longer", () => {
  const known = verdicts(["{path}"]);
  known.add("k", proven("a"), 5_000);

  assert.equal(known.find("k", 5_999)?.identity.name, "a");
  assert.equal(known.find("k", 6_000), undefined);
  assert.equal(known.size, 0);
});

test("KnownVerdicts: there are so many and no more, and the oldest goes", () => {
  const known = verdicts(["{path}"]);
  for (const key of ["a", "b", "a", "c"]) known.add(key, proven(key), 0);

  assert.equal(known.size, 2);
  assert.equal(known.find("b", 0), undefined);
  assert.equal(known.find("a", 0)?.identity.name, "a");
});
