import assert from "node:assert/strict";
import { test } from "node:test";
import { issuerOf } from "../../../test/support/tokens.ts";
import { BadToken, readToken, TOKEN_BYTES_MAX } from "./token.ts";

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const HEADER = encode({ alg: "ES256" });
const CLAIMS = encode({ sub: "a" });

type Row = [name: string, text: string, why: string];

// biome-ignore format: a table
const refused: Row[] = [
  ["nothing",                           "",                                                 "not three parts"],
  ["two parts",                         `${HEADER}.${CLAIMS}`,                              "not three parts"],
  ["five parts, as of an encrypted one", `${HEADER}.a.b.c.d`,                               "claims that are no JSON object"],
  ["a header that is a list",           `${encode([])}.${CLAIMS}.AAAA`,                     "a header that is no JSON object"],
  ["a header that is no JSON",          `${Buffer.from("{").toString("base64url")}.${CLAIMS}.AAAA`, "a header that is no JSON object"],
  ["a header that is no UTF-8",         `${Buffer.from([0x7b, 0xff, 0x7d]).toString("base64url")}.${CLAIMS}.AAAA`, "a header that is no JSON object"],
  ["alg none (A5)",                     `${encode({ alg: "none" })}.${CLAIMS}.`,            "an algorithm that is not supported"],
  ["alg nOnE (A5)",                     `${encode({ alg: "nOnE" })}.${CLAIMS}.AAAA`,        "an algorithm that is not supported"],
  ["alg from a prototype",              `${encode({ alg: "constructor" })}.${CLAIMS}.AAAA`, "an algorithm that is not supported"],
  ["alg that is a list",                `${encode({ alg: ["ES256"] })}.${CLAIMS}.AAAA`,     "an algorithm that is not supported"],
  ["no alg",                            `${encode({})}.${CLAIMS}.AAAA`,                     "an algorithm that is not supported"],
  ["crit",                              `${encode({ alg: "ES256", crit: ["exp"] })}.${CLAIMS}.AAAA`, "a critical extension"],
  ["an empty crit",                     `${encode({ alg: "ES256", crit: [] })}.${CLAIMS}.AAAA`, "a critical extension"],
  ["b64 false",                         `${encode({ alg: "ES256", b64: false })}.${CLAIMS}.AAAA`, "a critical extension"],
  ["a kid that is a map",               `${encode({ alg: "ES256", kid: {} })}.${CLAIMS}.AAAA`, "a malformed kid"],
  ["a kid of 300 characters",           `${encode({ alg: "ES256", kid: "k".repeat(300) })}.${CLAIMS}.AAAA`, "a malformed kid"],
  ["a typ that is a number",            `${encode({ alg: "ES256", typ: 1 })}.${CLAIMS}.AAAA`, "a malformed typ"],
  ["claims that are text",              `${HEADER}.${encode("x")}.AAAA`,                    "claims that are no JSON object"],
  ["claims that are null",              `${HEADER}.${encode(null)}.AAAA`,                   "claims that are no JSON object"],
  ["no signature",                      `${HEADER}.${CLAIMS}.`,                             "a signature that is not base64url"],
  ["padding",                           `${HEADER}.${CLAIMS}.AAA=`,                         "a signature that is not base64url"],
  ["base64 that is not of URLs",        `${HEADER}.${CLAIMS}.+/AA`,                         "a signature that is not base64url"],
  ["a space",                           `${HEADER}.${CLAIMS}.AA AA`,                        "a signature that is not base64url"],
  ["a length that base64 has not",      `${HEADER}.${CLAIMS}.AAAAA`,                        "a signature that is not base64url"],
  ["one byte too long",                 `${HEADER}.${"A".repeat(TOKEN_BYTES_MAX)}.AAAA`,    "longer than 8 KiB"],
];

for (const [name, text, why] of refused) {
  test(`readToken: ${name} is refused`, () => {
    const read = readToken(text);

    assert.ok(read instanceof BadToken);
    assert.equal(read.why, why);
  });
}

test("readToken: what another library has made is read, and its claims have no prototype", async () => {
  const issuer = await issuerOf();
  const text = await issuer.sign(
    { ["__proto__x"]: 1, toString: "t" },
    { typ: "application/AT+JWT" },
  );

  const token = readToken(text);

  assert.ok(!(token instanceof BadToken));
  assert.equal(token.algorithm, "ES256");
  assert.equal(token.keyId, "k1");
  assert.equal(token.type, "at+jwt");
  assert.equal(token.claims["sub"], "alice");
  assert.equal(Object.getPrototypeOf(token.claims), null);
  assert.equal(token.signed.toString(), text.slice(0, text.lastIndexOf(".")));
});

test("readToken: a claim __proto__ is a claim and changes nothing", () => {
  const text = `${HEADER}.${Buffer.from('{"__proto__":{"admin":true}}').toString("base64url")}.AAAA`;
  const token = readToken(text);

  assert.ok(!(token instanceof BadToken));
  assert.equal(token.claims["admin"], undefined);
});

test("readToken: no part of a token is a token, and nothing throws on any of its bytes turned over", async () => {
  const text = await (await issuerOf()).sign();
  const signatureAt = text.lastIndexOf(".") + 1;

  for (let end = 0; end < signatureAt; end++) {
    assert.ok(readToken(text.slice(0, end)) instanceof BadToken, `${end}`);
  }
  for (let at = 0; at < text.length; at++) {
    for (const bit of [1, 2, 32, 128]) {
      const turned = String.fromCharCode(text.charCodeAt(at) ^ bit);
      readToken(text.slice(0, at) + turned + text.slice(at + 1));
    }
  }
});
