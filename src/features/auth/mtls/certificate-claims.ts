import type { X509Certificate } from "node:crypto";
import { type IdentityPart, identityPart } from "../../../tls/client-identity.ts";

/** What of a verified certificate may say who it is. */
export const NAME_PARTS = [
  "commonName",
  "subject",
  "dns",
  "email",
  "uri",
  "serial",
  "fingerprint",
] as const;

export type NamePart = (typeof NAME_PARTS)[number];

/** As texts; of names for other names all there are. */
export interface CertificateClaims {
  readonly commonName: string;
  readonly subject: string;
  readonly issuer: string;
  readonly serial: string;
  readonly fingerprint: string;
  readonly dns: readonly string[];
  readonly email: readonly string[];
  readonly uri: readonly string[];
}

export function claimsOf(certificate: X509Certificate): CertificateClaims {
  const part = (name: IdentityPart) =>
    Buffer.from(identityPart(certificate, name), "latin1").toString("utf8");
  const list = (name: IdentityPart) =>
    part(name)
      .split(",")
      .filter((text) => text !== "");
  return Object.assign(Object.create(null) as object, {
    commonName: commonNameOf(certificate),
    subject: part("subject"),
    issuer: part("issuer"),
    serial: part("serial"),
    fingerprint: part("fingerprint"),
    dns: list("dns"),
    email: list("email"),
    uri: list("uri"),
  });
}

/** Where there are several, none of them is the name. */
function commonNameOf(certificate: X509Certificate): string {
  const { subject } = certificate.toLegacyObject() as {
    readonly subject?: { readonly CN?: unknown };
  };
  return typeof subject?.CN === "string" ? subject.CN : "";
}

export function valuesOf(claims: CertificateClaims, part: NamePart): readonly string[] {
  const value = claims[part];
  if (typeof value !== "string") return value;
  return value === "" ? [] : [value];
}
