import assert from "node:assert/strict";
import { createPublicKey, createSecretKey, generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { issuerOf, signed } from "../../../test/support/tokens.ts";
import { type Algorithm, algorithmsOf, verifySignature } from "./algorithm.ts";
import { readJwk, readSecret, type VerifyingKey } from "./jwk.ts";
import { type BadToken, readToken, type Token } from "./token.ts";

const PUBLIC = [
  "ES256",
  "ES384",
  "ES512",
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "EdDSA",
  "Ed25519",
];

function tokenOf(text: string): Token {
  const read: Token | BadToken = readToken(text);
  assert.ok("claims" in read);
  return read;
}

for (const algorithm of PUBLIC) {
  test(`verifySignature: ${algorithm} of another library holds, and with one bit turned it does not`, async () => {
    const issuer = await issuerOf(algorithm);
    const token = tokenOf(await issuer.sign());
    const { key, algorithms } = readJwk(issuer.jwk) as VerifyingKey;

    assert.deepEqual(algorithms, [algorithm]);
    assert.equal(verifySignature(algorithm as Algorithm, key, token), true);
    token.signature[token.signature.length >> 1]! ^= 1;
    assert.equal(verifySignature(algorithm as Algorithm, key, token), false);
  });

  test(`verifySignature: ${algorithm} with a signature of any other length does not hold`, async () => {
    const issuer = await issuerOf(algorithm);
    const { signed: bytes, signature } = tokenOf(await issuer.sign());
    const { key } = readJwk(issuer.jwk) as VerifyingKey;

    for (const length of [0, 1, signature.length - 1, signature.length + 1]) {
      const other = Buffer.concat([signature, Buffer.alloc(1)]).subarray(0, length);
      const token = { signed: bytes, signature: other };
      assert.equal(verifySignature(algorithm as Algorithm, key, token), false, `${length}`);
    }
  });
}

for (const algorithm of ["HS256", "HS384", "HS512"] as const) {
  test(`verifySignature: ${algorithm} holds with the secret and with no other`, async () => {
    const secret = "s".repeat(64);
    const token = tokenOf(await signed(Buffer.from(secret), {}, { alg: algorithm }));

    const { key } = readSecret(secret) as VerifyingKey;
    const other = readSecret("t".repeat(64)) as VerifyingKey;
    assert.equal(verifySignature(algorithm, key, token), true);
    assert.equal(verifySignature(algorithm, other.key, token), false);
  });
}

type Row = [name: string, key: () => Parameters<typeof algorithmsOf>[0], want: string];

// biome-ignore format: a table
const rows: Row[] = [
  ["a secret of 32 bytes",      () => createSecretKey(Buffer.alloc(32)),  "HS256"],
  ["a secret of 31 bytes",      () => createSecretKey(Buffer.alloc(31)),  ""],
  ["a secret of 64 bytes",      () => createSecretKey(Buffer.alloc(64)),  "HS256 HS384 HS512"],
  ["RSA of 2048 bits",          () => generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey, "RS256 RS384 RS512 PS256 PS384 PS512"],
  ["RSA of 1024 bits",          () => generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey, ""],
  ["P-256",                     () => generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey, "ES256"],
  ["secp256k1",                 () => generateKeyPairSync("ec", { namedCurve: "secp256k1" }).publicKey, ""],
  ["Ed25519",                   () => generateKeyPairSync("ed25519").publicKey, "EdDSA Ed25519"],
  ["X25519, which signs nothing", () => generateKeyPairSync("x25519").publicKey, ""],
  ["RSA of PSS alone",          () => generateKeyPairSync("rsa-pss", { modulusLength: 2048 }).publicKey, "PS256 PS384 PS512"],
];

for (const [name, key, want] of rows) {
  test(`algorithmsOf: ${name}`, () => {
    assert.equal(algorithmsOf(key()).join(" "), want);
  });
}

test("algorithmsOf: a public key is no shared secret, whatever a token says (A5)", () => {
  const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pem = publicKey.export({ type: "spki", format: "pem" });

  assert.ok(!algorithmsOf(createPublicKey(pem)).some((each) => each.startsWith("HS")));
});
