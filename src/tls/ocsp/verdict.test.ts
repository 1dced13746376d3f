import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { type AnswerOptions, SimResponder } from "../../../test/support/ocsp.ts";
import { certificateKey } from "../../protocol/ocsp/certificate-key.ts";
import { judge } from "./verdict.ts";

const NOW_MS = Date.UTC(2030, 0, 1);
const DAY_MS = 86_400_000;
const responder = new SimResponder(NOW_MS);
const leaf = responder.leaf();
const about = {
  key: certificateKey(leaf.der, responder.issuer.der)!,
  issuer: new X509Certificate(responder.issuer.der),
};

function shown(bytes: Uint8Array, heldFromMs?: number): string {
  const verdict = judge(bytes, about, { wallMs: NOW_MS, heldFromMs });
  return verdict.kind === "refused" ? verdict.why : verdict.kind;
}

const STRANGER = "who signed it may not answer for the issuer";

// biome-ignore format: a table
const cases: [name: string, options: AnswerOptions, want: string][] = [
  ["by the issuer",                     {}, "good"],
  ["by the issuer, named by key",       { byKey: true }, "good"],
  ["by who may answer for it",          { by: "delegate" }, "good"],
  ["by who may, named by key",          { by: "delegate", byKey: true }, "good"],
  ["revoked",                           { status: "revoked" }, "revoked"],
  ["revoked, says somebody else",       { status: "revoked", by: "stranger" }, STRANGER],
  ["unknown",                           { status: "unknown" }, "the responder does not know the certificate"],
  ["by a delegate of another CA of the same name", { by: "stranger" }, STRANGER],
  ["by a certificate that is not for that", { by: "bystander" }, STRANGER],
  ["by a delegate that has expired",    { by: "expired" }, STRANGER],
  ["signed over SHA-1",                 { hash: "sha1" }, "its signature is not the issuer's"],
  ["of the future",                     { thisUpdateMs: NOW_MS + DAY_MS }, "it is of the future"],
  ["of a clock that is a little ahead", { thisUpdateMs: NOW_MS + 240_000 }, "good"],
  ["expired",                           { thisUpdateMs: NOW_MS - 8 * DAY_MS }, "it has expired"],
  ["expires in a moment",               { nextUpdateMs: NOW_MS + 59_000 }, "it has expired"],
  ["lasts a minute",                    { nextUpdateMs: NOW_MS + 60_000 }, "good"],
  ["without an end, of now",            { thisUpdateMs: NOW_MS, nextUpdateMs: undefined }, "good"],
  ["without an end, an hour old",       { thisUpdateMs: NOW_MS - 3_600_000, nextUpdateMs: undefined }, "it has expired"],
];

for (const [name, options, want] of cases) {
  test(`judge: ${name}`, () => assert.equal(shown(responder.answer(leaf, options)), want));
}

test("judge: an answer from before the one that there is is no answer", () => {
  const bytes = responder.answer(leaf, { thisUpdateMs: NOW_MS - DAY_MS });

  assert.equal(shown(bytes, NOW_MS - DAY_MS), "good");
  assert.equal(shown(bytes, NOW_MS - DAY_MS + 1_000), "there was a newer one");
});

test("judge: a flipped bit anywhere makes no good answer of another status", () => {
  const revoked = responder.answer(leaf, { status: "revoked", by: "delegate" });
  for (let at = 0; at < revoked.length; at++) {
    const bytes = Buffer.from(revoked);
    bytes[at]! ^= 0x21; // what tells "revoked" from "good"
    assert.notEqual(shown(bytes), "good", `byte ${at}`);
  }
});
