import assert from "node:assert/strict";
import { test } from "node:test";
import { SimWorld } from "../../../../test/support/sim-world.ts";
import { issuerOf, signed } from "../../../../test/support/tokens.ts";
import { ALGORITHMS } from "../../../protocol/jwt/algorithm.ts";
import { readJwk, readPem, readSecret, type VerifyingKey } from "../../../protocol/jwt/jwk.ts";
import { BadToken } from "../../../protocol/jwt/token.ts";
import { type KeySource, OwnKeys } from "./key-source.ts";
import { NO_KEYS, type TokenRules, TokenVerifier } from "./token-verifier.ts";
import { VerifiedTokens } from "./verified-tokens.ts";

const world = new SimWorld();
const NOW_S = world.clock.wallMs() / 1000;
const issuer = await issuerOf("ES256", "k1", NOW_S);
const other = await issuerOf("ES256", "k2", NOW_S);
const RULES: TokenRules = {
  issuers: ["https://idp.test"],
  audiences: ["shop"],
  leewayMs: 30_000,
  types: undefined,
  algorithms: ALGORITHMS,
  nameClaim: "sub",
  method: "jwt",
};

const keyOf = (from: typeof issuer) => readJwk(from.jwk) as VerifyingKey;

function verifierOf(source: KeySource, rules = RULES, known = new VerifiedTokens(2)) {
  return new TokenVerifier(rules, source, known, world.clock);
}

async function said(verifier: TokenVerifier, token: string): Promise<string> {
  const verified = await verifier.verify(token);
  if (verified === NO_KEYS) return NO_KEYS;
  return verified instanceof BadToken ? verified.why : `${verified.method} ${verified.name}`;
}

test("TokenVerifier: a good token is whose it says, and the second time its signature is not asked", async () => {
  let asked = 0;
  const source = {
    keys: () => {
      asked++;
      return [keyOf(issuer)];
    },
    newer: () => [],
    generation: 0,
    about: "",
  };
  const verifier = verifierOf(source);
  const token = await issuer.sign();

  assert.equal(await said(verifier, token), "jwt alice");
  assert.equal(await said(verifier, token), "jwt alice");

  assert.equal(asked, 1);
});

test("TokenVerifier: what is remembered ends with the token, and with the key that vouched for it", async () => {
  const source = { keys: () => [keyOf(issuer)], newer: () => [], generation: 0, about: "" };
  const short = verifierOf(source, { ...RULES, leewayMs: 0 });
  const token = await issuer.sign({ exp: NOW_S + 1 });
  assert.equal(await said(short, token), "jwt alice");

  const verifier = verifierOf(source);
  const lasting = await issuer.sign();
  assert.equal(await said(verifier, lasting), "jwt alice");
  Object.assign(source, { generation: 1, keys: () => [keyOf(other)] });
  assert.equal(await said(verifier, lasting), "a key that is not known");

  await world.clock.advance(1_000);
  assert.equal(await said(short, token), "expired");
});

test("TokenVerifier: a key that is unknown is looked for again, and waited for", async () => {
  const source = {
    keys: () => [keyOf(issuer)],
    newer: async () => [keyOf(issuer), keyOf(other)],
    generation: 0,
    about: "",
  };

  assert.equal(await said(verifierOf(source), await other.sign()), "jwt alice");
});

test("TokenVerifier: a bad signature of a key that is known asks nobody", async () => {
  const source = {
    keys: () => [keyOf(issuer)],
    newer: () => assert.fail("nobody is to be asked"),
    generation: 0,
    about: "",
  };
  const forged = await other.sign({}, { kid: "k1" });

  assert.equal(await said(verifierOf(source), forged), "a signature that is not right");
});

test("TokenVerifier: without keys nothing holds, which is not the token's fault", async () => {
  const none = { keys: () => undefined, newer: () => undefined, generation: 0, about: "" };
  const never = { ...none, keys: () => [keyOf(issuer)] };

  assert.equal(await said(verifierOf(none), await issuer.sign()), NO_KEYS);
  assert.equal(await said(verifierOf(never), await other.sign()), NO_KEYS);
});

test("TokenVerifier: an RSA key taken for a secret (A5)", async () => {
  const rsa = await issuerOf("RS256", "k1", NOW_S);
  const key = keyOf(rsa);
  const pem = key.key.export({ type: "spki", format: "pem" }).toString();
  const forged = await signed(Buffer.from(pem), {}, { alg: "HS256", kid: "k1" }, NOW_S);
  const keys = [readPem(pem) as VerifyingKey, key];

  assert.equal(await said(verifierOf(new OwnKeys(keys)), forged), "a key that is not known");
});

test("TokenVerifier: an algorithm that is not listed is refused, though there is a key for it", async () => {
  const secret = readSecret("s".repeat(32)) as VerifyingKey;
  const token = await signed(Buffer.from("s".repeat(32)), {}, { alg: "HS256" }, NOW_S);
  assert.equal(await said(verifierOf(new OwnKeys([secret])), token), "jwt alice");
  assert.equal(
    await said(verifierOf(new OwnKeys([secret]), { ...RULES, algorithms: ["HS512"] }), token),
    "an algorithm that is not allowed",
  );
});

test("TokenVerifier: a kid that is a path, a query or a URL finds nothing (A5)", async () => {
  const verifier = verifierOf(new OwnKeys([keyOf(issuer)]));
  for (const kid of ["../../dev/null", "' OR 1=1 --", "https://evil.test/k", "__proto__", ""]) {
    assert.equal(await said(verifier, await other.sign({}, { kid })), "a key that is not known");
  }
});

test("TokenVerifier: a key that comes inside the token is not looked at (A5)", async () => {
  const verifier = verifierOf(new OwnKeys([keyOf(issuer)]));
  const header = { kid: "k2", jwk: other.jwk, jku: "https://evil.test/jwks.json" };

  assert.equal(await said(verifier, await other.sign({}, header)), "a key that is not known");
});

test("VerifiedTokens: it holds so many and no more, and the oldest goes", () => {
  const known = new VerifiedTokens(2);
  const identity = { method: "jwt", name: "a", claims: {} };
  for (const key of ["a", "b", "c"]) known.add(key, identity, 1_000);

  assert.equal(known.size, 2);
  assert.equal(known.find("a", 0, 0), undefined);
  assert.equal(known.find("c", 0, 999), identity);
  assert.equal(known.find("c", 0, 1_000), undefined);
});
