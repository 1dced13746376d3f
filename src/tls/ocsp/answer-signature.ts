/** Whether an answer about a certificate is of somebody who may give it (RFC 6960 §4.2.2.2). */
import { verify, X509Certificate } from "node:crypto";
import { certificateFields } from "../../protocol/der/certificate-fields.ts";
import { objectId } from "../../protocol/der/der.ts";
import { sha1 } from "../../protocol/ocsp/certificate-key.ts";
import type { SignedAnswer } from "../../protocol/ocsp/status-answer.ts";

interface Algorithm {
  readonly id: Uint8Array;
  readonly key: string; // that it is for
  readonly hash: string | null; // null: part of the algorithm
}

function algorithm(id: string, key: string, hash: string | null): Algorithm {
  return { id: objectId(id), key, hash };
}

// No SHA-1: who can make two answers of one digest could have a bad one signed with a good one.
const ALGORITHMS: readonly Algorithm[] = [
  algorithm("1.2.840.113549.1.1.11", "rsa", "sha256"),
  algorithm("1.2.840.113549.1.1.12", "rsa", "sha384"),
  algorithm("1.2.840.113549.1.1.13", "rsa", "sha512"),
  algorithm("1.2.840.10045.4.3.2", "ec", "sha256"),
  algorithm("1.2.840.10045.4.3.3", "ec", "sha384"),
  algorithm("1.2.840.10045.4.3.4", "ec", "sha512"),
  algorithm("1.3.101.112", "ed25519", null),
];

const FOR_ANSWERS = "1.3.6.1.5.5.7.3.9"; // id-kp-OCSPSigning

/** Why it cannot be believed; undefined: it can. */
export function signatureProblem(
  answer: SignedAnswer,
  issuer: X509Certificate,
  wallMs: number,
): string | undefined {
  if (isOf(answer, issuer.raw)) {
    return isSignedBy(answer, issuer) ? undefined : "its signature is not the issuer's";
  }
  const delegated = answer.certificates.filter((bytes) => isOf(answer, bytes)).flatMap(parsed);
  const entitled = delegated.filter((each) => mayAnswerFor(each, issuer, wallMs));
  if (entitled.length === 0) return "who signed it may not answer for the issuer";
  return entitled.some((each) => isSignedBy(answer, each))
    ? undefined
    : "its signature is not that of who it says it is of";
}

function isOf({ by }: SignedAnswer, certificate: Uint8Array): boolean {
  const fields = certificateFields(certificate);
  if (fields === undefined) return false;
  const own = by.kind === "name" ? fields.subject : sha1(fields.publicKey);
  return Buffer.compare(own, by.bytes) === 0;
}

/** Its issuer, which is the certificate's, has signed that it may, and the time for it is now. */
function mayAnswerFor(delegate: X509Certificate, issuer: X509Certificate, wallMs: number): boolean {
  if (delegate.keyUsage?.includes(FOR_ANSWERS) !== true) return false;
  const { validFromDate, validToDate } = delegate;
  if (wallMs < validFromDate.getTime() || wallMs > validToDate.getTime()) return false;
  return delegate.checkIssued(issuer) && delegate.verify(issuer.publicKey);
}

function isSignedBy(answer: SignedAnswer, { publicKey }: X509Certificate): boolean {
  const found = ALGORITHMS.find(({ id }) => Buffer.compare(id, answer.algorithm) === 0);
  if (found === undefined || found.key !== publicKey.asymmetricKeyType) return false;
  try {
    return verify(found.hash, answer.bytes, publicKey, answer.signature);
  } catch {
    return false; // a signature that is none at all
  }
}

function parsed(bytes: Uint8Array): readonly X509Certificate[] {
  try {
    return [new X509Certificate(bytes)];
  } catch {
    return [];
  }
}
