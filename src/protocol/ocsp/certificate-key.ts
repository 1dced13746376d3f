import { createHash } from "node:crypto";
import { certificateFields } from "../der/certificate-fields.ts";
import { der, NULL, objectId, octets, readDer, sequence } from "../der/der.ts";

/** What a responder calls a certificate (RFC 6960 §4.1.1): who signed it, and its number. */
export interface CertificateKey {
  readonly issuerName: Uint8Array; // digests
  readonly issuerKey: Uint8Array;
  readonly serial: Uint8Array;
}

// No secret hangs on it, and it is what all responders know, and have answers ready for (RFC 5019 §2.1.1).
const SHA1 = objectId("1.3.14.3.2.26");
const INTEGER = 0x02;

/** Undefined where one of them is no certificate. */
export function certificateKey(leaf: Uint8Array, issuer: Uint8Array): CertificateKey | undefined {
  const [of, by] = [certificateFields(leaf), certificateFields(issuer)];
  if (of === undefined || by === undefined) return undefined;
  return { issuerName: sha1(by.subject), issuerKey: sha1(by.publicKey), serial: of.serial };
}

/**
 * A request for the status of one certificate. Without a nonce: an answer that was made before is
 * as good, and it is for clients who know of no nonce.
 */
export function writeStatusRequest({ issuerName, issuerKey, serial }: CertificateKey): Buffer {
  const key = sequence(
    sequence(SHA1, NULL),
    octets(issuerName),
    octets(issuerKey),
    der(INTEGER, serial),
  );
  return sequence(sequence(sequence(sequence(key))));
}

/** Whether an answer is about that certificate: `bytes` are the key's in it. */
export function isKeyOf(bytes: Uint8Array, key: CertificateKey): boolean {
  const [algorithm, issuerName, issuerKey, serial] = readDer(bytes) ?? [];
  const hash = algorithm && readDer(algorithm.content)?.[0];
  if (hash === undefined || Buffer.compare(hash.whole, SHA1) !== 0) return false;
  return (
    isSame(issuerName?.content, key.issuerName) &&
    isSame(issuerKey?.content, key.issuerKey) &&
    isSame(serial?.content, key.serial)
  );
}

export function sha1(bytes: Uint8Array): Buffer {
  return createHash("sha1").update(bytes).digest();
}

function isSame(bytes: Uint8Array | undefined, wanted: Uint8Array): boolean {
  return bytes !== undefined && Buffer.compare(bytes, wanted) === 0;
}
