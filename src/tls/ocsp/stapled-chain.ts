import { X509Certificate } from "node:crypto";
import { rootCertificates } from "node:tls";
import type { CertificateEntry } from "../../core/certificates.ts";
import { type CertificateKey, certificateKey } from "../../protocol/ocsp/certificate-key.ts";
import { type StatusSource, statusSourceOf } from "../../protocol/ocsp/status-source.ts";
import { certificatesIn } from "../certificate.ts";

/** What of a certificate decides whether an answer can be stapled to it. */
export interface StapledChain extends StatusSource {
  readonly issuer: X509Certificate | undefined; // behind it, or a root that Node knows
  readonly key: CertificateKey | undefined;
}

const known = new WeakMap<CertificateEntry, StapledChain>();

export function stapledChainOf(entry: CertificateEntry): StapledChain {
  let found = known.get(entry);
  if (found === undefined) {
    found = read(entry);
    known.set(entry, found);
  }
  return found;
}

function read({ cert }: CertificateEntry): StapledChain {
  const [leaf, ...behind] = certificatesIn(cert)!; // it was read before it became an entry
  const source = statusSourceOf(leaf!.raw);
  if (source.responder === undefined) return { ...source, issuer: undefined, key: undefined };
  const issuer = behind.find((each) => isIssuer(each, leaf!)) ?? rootOf(leaf!);
  return { ...source, issuer, key: issuer && certificateKey(leaf!.raw, issuer.raw) };
}

function isIssuer(issuer: X509Certificate, leaf: X509Certificate): boolean {
  return leaf.checkIssued(issuer) && leaf.verify(issuer.publicKey);
}

let roots: ReadonlyMap<string, readonly X509Certificate[]> | undefined;

/** Of a certificate that a root has signed without a link between. */
function rootOf(leaf: X509Certificate): X509Certificate | undefined {
  roots ??= Map.groupBy(
    rootCertificates.map((pem) => new X509Certificate(pem)),
    ({ subject }) => subject ?? "",
  );
  return roots.get(leaf.issuer ?? "")?.find((root) => isIssuer(root, leaf));
}

/** Why nothing can be stapled though the certificate says whom to ask; undefined: it can. */
export function staplingProblem({ responder, key }: StapledChain): string | undefined {
  if (responder === undefined) return "it names no responder to ask";
  return key === undefined ? "the certificate of who signed it is missing behind it" : undefined;
}
