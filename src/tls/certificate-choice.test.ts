import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import type { CertificateEntry } from "../core/certificates.ts";
import type { ClientHello } from "../protocol/client-hello/client-hello.ts";
import { chooseCertificate } from "./certificate-choice.ts";

const encoding = { type: "pkcs8", format: "pem" } as const;
const pair = {
  privateKeyEncoding: encoding,
  publicKeyEncoding: { type: "spki", format: "pem" },
} as const;

function entry(id: string, key: string): CertificateEntry {
  return { id, names: [], cert: "", key };
}

const RSA = entry("rsa", generateKeyPairSync("rsa", { modulusLength: 2048, ...pair }).privateKey);
const P256 = entry("p256", generateKeyPairSync("ec", { namedCurve: "P-256", ...pair }).privateKey);
const P384 = entry("p384", generateKeyPairSync("ec", { namedCurve: "P-384", ...pair }).privateKey);
const ED = entry("ed25519", generateKeyPairSync("ed25519", pair).privateKey);

function hello(said: Partial<ClientHello>): ClientHello {
  const nothing = {
    serverName: "",
    alpn: [],
    cipherSuites: [],
    signatureSchemes: [],
    versions: [],
    ticketName: "",
  };
  return { ...nothing, ...said };
}

const NEW = hello({ versions: [0x304, 0x303], signatureSchemes: [0x403, 0x804] });
const OLD = hello({ signatureSchemes: [0x403, 0x401], cipherSuites: [0xc02f] });
const OLD_ECDSA = hello({ signatureSchemes: [0x403, 0x401], cipherSuites: [0xc02f, 0xc02b] });

// biome-ignore format: a table
const cases: [name: string, entries: CertificateEntry[], hello: ClientHello, want: string | undefined][] = [
  ["the curve, whatever the order",           [RSA, P256],  NEW,       "p256"],
  ["the first of two that fit",               [P256, ED],   hello({ versions: [0x304], signatureSchemes: [0x807, 0x403] }), "p256"],
  ["another curve than the client can check", [P384, RSA],  NEW,       "rsa"],
  ["no suite of TLS 1.2 for it",              [P256, RSA],  OLD,       "rsa"],
  ["a suite of TLS 1.2 for it",               [RSA, P256],  OLD_ECDSA, "p256"],
  ["a client who says nothing",               [P256, RSA],  hello({}), "rsa"],
  ["none that it can check",                  [P384, ED],   NEW,       "p384"],
  ["there is only one",                       [P384],       OLD,       "p384"],
  ["there is none",                           [],           NEW,       undefined],
];

for (const [name, entries, said, want] of cases) {
  test(`chooseCertificate: ${name}`, () => {
    assert.equal(chooseCertificate(entries, said)?.id, want);
  });
}
