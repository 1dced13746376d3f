/** What a certificate and its key are, from their texts. */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import type { CertificateEntry } from "../core/certificates.ts";

/** Either the entry, or why there is none: completes "must be …" for the config. */
export type ReadCertificate =
  | { readonly kind: "certificate"; readonly entry: CertificateEntry }
  | { readonly kind: "problem"; readonly of: "cert" | "key"; readonly why: string };

export interface CertificateTexts {
  readonly id: string;
  readonly cert: string;
  readonly key: string;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** The first is for the sites, those behind it are its chain. */
export function readCertificate({ id, cert, key }: CertificateTexts): ReadCertificate {
  const chain = certificatesIn(cert);
  if (chain === undefined) return problem("cert", "it has a certificate that cannot be read");
  const [leaf] = chain;
  if (leaf === undefined) return problem("cert", "it has no certificate in PEM");
  const privateKey = privateKeyIn(key);
  if (typeof privateKey === "string") return problem("key", privateKey);
  if (!leaf.checkPrivateKey(privateKey)) return problem("key", "it is not the certificate's key");
  return { kind: "certificate", entry: { id, names: namesOf(leaf), cert, key } };
}

/** undefined: one of them is no certificate. */
export function certificatesIn(text: string): readonly X509Certificate[] | undefined {
  try {
    return (text.match(CERTIFICATE) ?? []).map((pem) => new X509Certificate(pem));
  } catch {
    return undefined;
  }
}

function privateKeyIn(text: string): KeyObject | string {
  if (!text.includes("PRIVATE KEY-----")) return "it has no private key in PEM";
  try {
    return createPrivateKey(text);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const isLocked = code === "ERR_MISSING_PASSPHRASE" || text.includes("ENCRYPTED");
    return isLocked ? "it is locked with a passphrase" : "it has a private key that cannot be read";
  }
}

const NAME = /(?:^|, )(DNS|IP Address):("(?:[^"\\]|\\.)*"|[^,]*)/g;

/** As clients ask for them, lower case. The subject's common name counts for nothing (RFC 9525). */
export function namesOf(certificate: X509Certificate): readonly string[] {
  const names: string[] = [];
  for (const [, kind, text] of (certificate.subjectAltName ?? "").matchAll(NAME)) {
    // A quoted one holds what no name of a host does.
    if (text === undefined || text.startsWith('"')) continue;
    names.push(kind === "DNS" ? text.toLowerCase() : plainIp(text));
  }
  return names;
}

/** Node writes IPv6 in full, upper case: "0:0:0:0:0:0:0:1". */
function plainIp(text: string): string {
  return text.includes(":") ? new URL(`http://[${text}]`).hostname.slice(1, -1) : text;
}

/** Whether one of a certificate's names covers a host; a wildcard covers one label (RFC 6125). */
export function covers(names: readonly string[], host: string): boolean {
  const parent =
    host.includes(".") && !host.startsWith("*.") ? `*${host.slice(host.indexOf("."))}` : host;
  return names.includes(host) || names.includes(parent);
}

function problem(of: "cert" | "key", why: string): ReadCertificate {
  return { kind: "problem", of, why };
}
