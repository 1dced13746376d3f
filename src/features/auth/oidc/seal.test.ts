import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Seal } from "./seal.ts";

const FIRST = "the first secret, of thirty-two and more";
const OTHER = "another secret, of thirty-two characters";

test("Seal: what was sealed opens, whatever it is, and is different each time", () => {
  const seal = new Seal([FIRST], "session");
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      const sealed = seal.seal(text, "a");
      assert.match(sealed, /^[\w-]+$/);
      assert.equal(seal.open(sealed, "a"), text.toWellFormed());
      assert.notEqual(seal.seal(text, "a"), sealed);
    }),
  );
});

test("Seal: no bit of it can be changed, and no part is enough", () => {
  const seal = new Seal([FIRST], "session");
  const sealed = seal.seal("alice", "a");
  const bytes = Buffer.from(sealed, "base64url");

  for (let at = 0; at < bytes.length; at++) {
    const other = Buffer.from(bytes);
    other[at]! ^= 1;
    assert.equal(seal.open(other.toString("base64url"), "a"), undefined, `byte ${at}`);
    assert.equal(seal.open(bytes.subarray(0, at).toString("base64url"), "a"), undefined);
  }
  for (const text of ["", "x", "!!!", "A".repeat(100_000)])
    assert.equal(seal.open(text, "a"), undefined);
});

test("Seal: for one purpose, for one place, with one secret", () => {
  const sealed = new Seal([FIRST], "session").seal("alice", "a");

  assert.equal(new Seal([FIRST], "login").open(sealed, "a"), undefined);
  assert.equal(new Seal([FIRST], "session").open(sealed, "b"), undefined);
  assert.equal(new Seal([OTHER], "session").open(sealed, "a"), undefined);
});

test("Seal: the first secret seals, and all open", () => {
  const before = new Seal([FIRST], "session");
  const during = new Seal([OTHER, FIRST], "session");

  assert.equal(during.open(before.seal("alice", "a"), "a"), "alice");
  assert.equal(before.open(during.seal("alice", "a"), "a"), undefined);
});
