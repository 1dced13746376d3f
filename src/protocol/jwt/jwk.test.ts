import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { issuerOf } from "../../../test/support/tokens.ts";
import {
  candidates,
  KEYS_MAX,
  readJwk,
  readJwkSet,
  readPem,
  readSecret,
  type VerifyingKey,
} from "./jwk.ts";

const { jwk } = await issuerOf();

type Row = [name: string, value: unknown, want: string];

// biome-ignore format: a table
const rows: Row[] = [
  ["a key",                          jwk,                                "ES256"],
  ["without alg",                    { ...jwk, alg: undefined },         "ES256"],
  ["with an alg that is not its own", { ...jwk, alg: "RS256" },          'key "k1": of a kind or size that is not supported'],
  ["for encryption",                 { ...jwk, use: "enc" },             'key "k1": not for signatures'],
  ["with operations",                { ...jwk, key_ops: ["verify"] },    "ES256"],
  ["with other operations",          { ...jwk, key_ops: ["encrypt"] },   'key "k1": not for signatures'],
  ["a secret among public keys (A5)", { kty: "oct", k: "AAAA", kid: "k1" }, 'key "k1": a shared secret'],
  ["a point that is not on the curve", { ...jwk, x: jwk.y },             'key "k1": malformed'],
  ["text",                           "x",                                "a key that is no JSON object"],
  ["null",                           null,                               "a key that is no JSON object"],
  ["nothing in it",                  {},                                 'key "": malformed'],
];

for (const [name, value, want] of rows) {
  test(`readJwk: ${name}`, () => {
    const read = readJwk(value);

    assert.equal(typeof read === "string" ? read : read.algorithms.join(" "), want);
  });
}

test("readJwkSet: keys that are of no use are skipped, and the others are kept", () => {
  const read = readJwkSet({ keys: [{ kty: "oct", k: "AAAA", kid: "s" }, jwk, { kty: "XX" }] });

  assert.ok(typeof read !== "string");
  assert.deepEqual(
    read.keys.map(({ id }) => id),
    ["k1"],
  );
  assert.equal(read.skipped.length, 2);
});

test("readJwkSet: what is no set, and a set of too many keys, is refused", () => {
  for (const value of [undefined, null, 1, "x", [], {}, { keys: {} }]) {
    assert.equal(readJwkSet(value), "no JWK Set: there is no list of keys");
  }
  assert.match(String(readJwkSet({ keys: Array(KEYS_MAX + 1).fill(jwk) })), /^101 keys/);
  assert.equal(typeof readJwkSet({ keys: Array(KEYS_MAX).fill(jwk) }), "object");
});

test("readPem: a public key, of a private key its public half, and nothing else", () => {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const fromPublic = readPem(publicKey.export({ type: "spki", format: "pem" }).toString());
  const fromPrivate = readPem(privateKey.export({ type: "pkcs8", format: "pem" }).toString());

  assert.equal((fromPublic as VerifyingKey).key.type, "public");
  assert.equal((fromPrivate as VerifyingKey).key.type, "public");
  assert.equal(readPem("x"), "not a public key or certificate in PEM");
});

test("readSecret: 32 bytes are enough, 31 are not", () => {
  assert.equal(typeof readSecret("s".repeat(32)), "object");
  assert.match(String(readSecret("s".repeat(31))), /^shorter than 32 bytes/);
});

test("candidates: the key that is named, and those without a name; not of another algorithm; never many", async () => {
  const keys = [];
  for (const id of ["a", "b"])
    keys.push(readJwk((await issuerOf("ES256", id)).jwk) as VerifyingKey);
  const unnamed = { ...keys[0]!, id: undefined };
  const all = [...keys, unnamed];
  const ids = (found: readonly VerifyingKey[]) => found.map(({ id }) => id);

  assert.deepEqual(ids(candidates(all, "ES256", "b")), ["b", undefined]);
  assert.deepEqual(ids(candidates(all, "ES256", "c")), [undefined]);
  assert.deepEqual(ids(candidates(all, "ES256", undefined)), ["a", "b", undefined]);
  assert.deepEqual(ids(candidates(all, "ES384", "a")), []);
  assert.equal(candidates(Array(50).fill(unnamed), "ES256", undefined).length, 4);
});
