/** Which of a site's certificates a client gets: the best that it is able to check. */
import { createPrivateKey } from "node:crypto";
import type { CertificateEntry } from "../core/certificates.ts";
import type { ClientHello } from "../protocol/client-hello/client-hello.ts";

const TLS13 = 0x0304;

// RFC 8446 §4.2.3. RSA has none here: whoever can do nothing else can do that.
const SCHEMES: Readonly<Record<string, number>> = {
  prime256v1: 0x0403,
  secp384r1: 0x0503,
  secp521r1: 0x0603,
  ed25519: 0x0807,
  ed448: 0x0808,
};

// Cipher suites of TLS 1.2 for keys that are not RSA, those that we have: ECDHE_ECDSA with AEAD.
const ECDSA_SUITES = new Set([0xc02b, 0xc02c, 0xcca9]);

/** An elliptic curve before RSA: a tenth of the work for us, and fewer bytes. */
export function chooseCertificate(
  entries: readonly CertificateEntry[],
  hello: ClientHello,
): CertificateEntry | undefined {
  if (entries.length <= 1) return entries[0];
  return (
    entries.find((entry) => isAble(hello, schemeOf(entry))) ??
    entries.find((entry) => schemeOf(entry) === undefined) ??
    entries[0]
  );
}

function isAble(hello: ClientHello, scheme: number | undefined): boolean {
  if (scheme === undefined || !hello.signatureSchemes.includes(scheme)) return false;
  if (hello.versions.includes(TLS13)) return true;
  return hello.cipherSuites.some((suite) => ECDSA_SUITES.has(suite));
}

const schemes = new WeakMap<CertificateEntry, number | undefined>();

/** That its key signs with; undefined for RSA. */
function schemeOf(entry: CertificateEntry): number | undefined {
  if (!schemes.has(entry)) schemes.set(entry, schemeOfKey(entry.key));
  return schemes.get(entry);
}

function schemeOfKey(pem: string): number | undefined {
  const { asymmetricKeyType, asymmetricKeyDetails } = createPrivateKey(pem);
  return SCHEMES[asymmetricKeyDetails?.namedCurve ?? asymmetricKeyType ?? ""];
}
