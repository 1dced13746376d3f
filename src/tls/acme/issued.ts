import { createPrivateKey, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { certificateId } from "../../protocol/acme/certificate-id.ts";

/** A certificate with its key, and when it holds. */
export interface IssuedCertificate {
  readonly names: readonly string[];
  readonly chain: string; // PEM, the leaf first
  readonly key: string; // PEM
  readonly issuer: string; // the authority it was got from
  readonly obtainedMs: number; // wall time
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly fingerprint: string; // of the leaf, SHA-256
  readonly id: string | undefined; // what its CA calls it (RFC 9773)
}

const CHAIN_CHARS_MAX = 256 * 1024;

/**
 * Reads a chain and its key, and makes sure that they are for each other and for these names.
 * Throws an Error that says what is wrong: what does not fit is never served.
 */
export function readIssued(
  { chain, key }: { readonly chain: string; readonly key: string },
  names: readonly string[],
  from: { readonly issuer: string; readonly obtainedMs: number },
): IssuedCertificate {
  if (chain.length > CHAIN_CHARS_MAX) throw new Error("the chain is too long");
  const leaf = new X509Certificate(chain);
  if (!leaf.checkPrivateKey(createPrivateKey(key))) throw new Error("the key is for another one");
  const uncovered = names.find((name) => !isFor(leaf, name));
  if (uncovered !== undefined) throw new Error(`it is not for ${uncovered}`);
  const notBeforeMs = leaf.validFromDate.getTime();
  const notAfterMs = leaf.validToDate.getTime();
  if (!(notBeforeMs < notAfterMs)) throw new Error("it ends before it begins");
  return {
    names,
    chain,
    key,
    ...from,
    notBeforeMs,
    notAfterMs,
    fingerprint: leaf.fingerprint256,
    id: certificateId(leaf.raw),
  };
}

function isFor(leaf: X509Certificate, name: string): boolean {
  if (isIP(name) !== 0) return leaf.checkIP(name) !== undefined;
  const entries = (leaf.subjectAltName ?? "").toLowerCase().split(", ");
  return entries.includes(`dns:${name}`);
}
