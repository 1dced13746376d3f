/**
 * Certificates of our own making and requests for those of others (RFC 5280, RFC 2986). Node reads
 * certificates but writes none.
 */
import { createPublicKey, type KeyObject, sign } from "node:crypto";
import {
  bits,
  der,
  integer,
  NULL,
  objectId,
  octets,
  sequence,
  set,
  TRUE,
  time,
  utf8,
} from "../der/der.ts";
import { addressBytes, identifierOf } from "./identifier.ts";

export interface CertificateText {
  readonly serial: Uint8Array;
  readonly issuer: string; // a common name
  readonly subject: string; // "" for none: the names say it all
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Uint8Array[];
}

/** In DER, signed with the issuer's key. */
export function writeCertificate(text: CertificateText, issuerKey: KeyObject): Buffer {
  const algorithm = signatureAlgorithm(issuerKey);
  const body = sequence(
    der(0xa0, integer(Buffer.from([2]))), // version 3
    integer(text.serial),
    algorithm.id,
    commonName(text.issuer),
    sequence(time(text.notBeforeMs), time(text.notAfterMs)),
    commonName(text.subject),
    text.publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(...text.extensions)),
  );
  return signed(body, issuerKey, algorithm);
}

/** A request for a certificate with these names, and nothing else in it but what it must be stapled with. */
export function writeRequest(names: readonly string[], key: KeyObject, mustStaple = false): Buffer {
  const extensions = [alternativeNames(names), ...(mustStaple ? [stapledAnswerNeeded()] : [])];
  const wanted = sequence(objectId("1.2.840.113549.1.9.14"), set(sequence(...extensions)));
  const body = sequence(
    integer(Buffer.from([0])),
    commonName(""),
    createPublicKey(key).export({ type: "spki", format: "der" }),
    der(0xa0, wanted),
  );
  return signed(body, key, signatureAlgorithm(key));
}

export function toPem(kind: "CERTIFICATE", bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${kind}-----\n${lines.join("\n")}\n-----END ${kind}-----\n`;
}

/** Critical where there is no subject, since it is the subject then. */
export function alternativeNames(names: readonly string[], isCritical = false): Buffer {
  const written = names.map((name) => {
    const { type, value } = identifierOf(name);
    return type === "ip" ? der(0x87, addressBytes(value)) : der(0x82, Buffer.from(value, "latin1"));
  });
  return extension("2.5.29.17", sequence(...written), isCritical);
}

/** Of an authority; `pathLength`: how many authorities may be below it. */
export function authorityConstraints(pathLength: number): Buffer {
  return extension("2.5.29.19", sequence(TRUE, integer(Buffer.from([pathLength]))), true);
}

/** May be no authority. */
export function leafConstraints(): Buffer {
  return extension("2.5.29.19", sequence(), true);
}

export function keyUsage(kind: "authority" | "server"): Buffer {
  // digitalSignature is the first bit; keyCertSign and cRLSign the sixth and seventh.
  const usage = kind === "server" ? Buffer.from([7, 0x80]) : Buffer.from([1, 0x06]);
  return extension("2.5.29.15", der(0x03, usage), true);
}

export function forServers(): Buffer {
  return extension("2.5.29.37", sequence(objectId("1.3.6.1.5.5.7.3.1")), false);
}

/** Clients refuse it without an OCSP answer: status_request, 5 (RFC 7633 §4). */
export function stapledAnswerNeeded(): Buffer {
  return extension("1.3.6.1.5.5.7.1.24", sequence(integer(Buffer.from([5]))), false);
}

export function subjectKeyId(id: Uint8Array): Buffer {
  return extension("2.5.29.14", octets(id), false);
}

export function authorityKeyId(id: Uint8Array): Buffer {
  return extension("2.5.29.35", sequence(der(0x80, id)), false);
}

/** What proves a name in tls-alpn-01 (RFC 8737 §3). */
export function acmeProof(digest: Uint8Array): Buffer {
  return extension("1.3.6.1.5.5.7.1.31", octets(digest), true);
}

function extension(id: string, value: Uint8Array, isCritical: boolean): Buffer {
  const critical = isCritical ? [TRUE] : [];
  return sequence(objectId(id), ...critical, octets(value));
}

function commonName(name: string): Buffer {
  if (name === "") return sequence();
  return sequence(set(sequence(objectId("2.5.4.3"), utf8(name))));
}

interface Algorithm {
  readonly id: Buffer;
  readonly hash: string;
}

function signatureAlgorithm(key: KeyObject): Algorithm {
  if (key.asymmetricKeyType === "rsa") {
    return { id: sequence(objectId("1.2.840.113549.1.1.11"), NULL), hash: "sha256" };
  }
  return key.asymmetricKeyDetails?.namedCurve === "secp384r1"
    ? { id: sequence(objectId("1.2.840.10045.4.3.3")), hash: "sha384" }
    : { id: sequence(objectId("1.2.840.10045.4.3.2")), hash: "sha256" };
}

function signed(body: Buffer, key: KeyObject, { id, hash }: Algorithm): Buffer {
  return sequence(body, id, bits(sign(hash, body, key)));
}
