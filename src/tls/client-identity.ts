import type { X509Certificate } from "node:crypto";

/** What of a client's certificate can be told. */
export const IDENTITY_PARTS = {
  certificate: "The whole certificate, as Client-Cert of RFC 9440 has it.",
  pem: "The whole certificate in PEM, percent-encoded.",
  subject: "The distinguished name of its holder (RFC 4514): CN=app,O=Example.",
  issuer: "The distinguished name of who signed it.",
  serial: "Its serial number, in hexadecimal capitals.",
  fingerprint: "The SHA-256 of the certificate, in hexadecimal.",
  dns: "The DNS names that it is for, with commas between them.",
  email: "Its e-mail addresses.",
  uri: "Its URIs, such as a SPIFFE id.",
} as const;

export type IdentityPart = keyof typeof IDENTITY_PARTS;

/** Visible characters and spaces, UTF-8 as bytes; "" where the certificate says nothing of it. */
export function identityPart(certificate: X509Certificate, part: IdentityPart): string {
  switch (part) {
    case "certificate":
      return `:${certificate.raw.toString("base64")}:`;
    case "pem":
      return encodeURIComponent(certificate.toString());
    case "subject":
      return distinguishedName(certificate.subject);
    case "issuer":
      return distinguishedName(certificate.issuer);
    case "serial":
      return certificate.serialNumber;
    case "fingerprint":
      return certificate.fingerprint256.replaceAll(":", "").toLowerCase();
    case "dns":
      return alternatives(certificate, "DNS");
    case "email":
      return alternatives(certificate, "email");
    case "uri":
      return alternatives(certificate, "URI");
  }
}

/** Node has a line for each part, the first one first, with special characters escaped. */
function distinguishedName(lines: string | undefined): string {
  return asBytes((lines ?? "").split("\n").reverse().join(","));
}

const ALTERNATIVE = /(?:^|, )(DNS|email|URI):("(?:[^"\\]|\\.)*"|[^,]*)/g;

/** What is in quotes holds what no name does, and is left out. */
function alternatives({ subjectAltName = "" }: X509Certificate, kind: string): string {
  const found = [...subjectAltName.matchAll(ALTERNATIVE)];
  const values = found.flatMap(([, of, value = ""]) =>
    of === kind && !value.startsWith('"') ? [value] : [],
  );
  return asBytes(values.join(","));
}

/** As a field's value carries it. What could end the line is in none of these; if it were, it is gone. */
function asBytes(text: string): string {
  return Buffer.from(text, "utf8")
    .toString("latin1")
    .replace(/[^\t -~\x80-\xff]/g, "");
}
