/** What a responder answers (RFC 6960 §4.2), read strictly: it comes over plain HTTP, from anybody. */
import { type DerValue, objectId, readDer } from "../der/der.ts";
import { type CertificateKey, isKeyOf } from "./certificate-key.ts";

export interface StatusAnswer {
  readonly status: "good" | "revoked" | "unknown";
  readonly thisUpdateMs: number; // wall time
  readonly nextUpdateMs: number | undefined; // undefined: a newer one may be there at any time
  readonly signed: SignedAnswer;
}

/** What has to be verified before anything of it is believed. */
export interface SignedAnswer {
  readonly by: { readonly kind: "name" | "key"; readonly bytes: Uint8Array };
  readonly algorithm: Uint8Array; // its id, as objectId() writes it
  readonly bytes: Uint8Array;
  readonly signature: Uint8Array;
  readonly certificates: readonly Uint8Array[]; // that may belong to who signed
}

const BASIC = objectId("1.3.6.1.5.5.7.48.1.1");
const CERTIFICATES_MAX = 8; // one is usual

const SEQUENCE = 0x30;
const OCTET_STRING = 0x04;
const BIT_STRING = 0x03;
const ENUMERATED = 0x0a;
const TIME = 0x18;
const CONTEXT_0 = 0xa0;
const CONTEXT_1 = 0xa1;
const CONTEXT_2 = 0xa2;

// RFC 6960 §4.2.1: how the choice of a status is tagged.
const STATUS: Readonly<Record<number, StatusAnswer["status"]>> = {
  128: "good", // [0], nothing in it
  161: "revoked", // [1], when and why
  130: "unknown", // [2], nothing in it
};

const REFUSALS: Readonly<Record<number, string>> = {
  1: "malformedRequest",
  2: "internalError",
  3: "tryLater",
  5: "sigRequired",
  6: "unauthorized",
};

/** The answer about that certificate, or what is wrong. */
export function readStatusAnswer(bytes: Uint8Array, key: CertificateKey): StatusAnswer | string {
  const [status, wrapped, ...more] = inside(only(bytes, SEQUENCE)) ?? [];
  if (status?.tag !== ENUMERATED || status.content.length !== 1 || more.length > 0) {
    return MALFORMED;
  }
  const code = status.content[0]!;
  if (code !== 0) return `it says ${REFUSALS[code] ?? `status ${code}`}`;
  const [type, held] = wrapped?.tag === CONTEXT_0 ? (inside(only(wrapped.content)) ?? []) : [];
  if (type === undefined || held?.tag !== OCTET_STRING) return MALFORMED;
  if (Buffer.compare(type.whole, BASIC) !== 0) return "it is of another kind";
  return readBasic(held.content, key);
}

const MALFORMED = "it is malformed";

function readBasic(bytes: Uint8Array, key: CertificateKey): StatusAnswer | string {
  const [data, algorithm, signature, extra] = inside(only(bytes, SEQUENCE)) ?? [];
  if (data?.tag !== SEQUENCE || algorithm?.tag !== SEQUENCE) return MALFORMED;
  // Signatures are whole bytes: the first says how many bits of the last are none.
  if (signature?.tag !== BIT_STRING || signature.content[0] !== 0) return MALFORMED;
  const algorithmId = inside(algorithm)?.[0];
  const certificates = extra === undefined ? [] : inside(only(extra.content, SEQUENCE));
  if (algorithmId === undefined || certificates === undefined) return MALFORMED;
  const all = inside(data) ?? [];
  const [by, producedAt, list] = all[0]?.tag === CONTEXT_0 ? all.slice(1) : all;
  if (by === undefined || timeIn(producedAt) === undefined) return MALFORMED;
  const name = by.tag === CONTEXT_1 ? only(by.content, SEQUENCE)?.whole : undefined;
  const keyHash = by.tag === CONTEXT_2 ? only(by.content, OCTET_STRING)?.content : undefined;
  const signer = name ?? keyHash;
  if (signer === undefined) return MALFORMED;
  const about = readAbout(inside(list), key);
  if (typeof about === "string") return about;
  const signed: SignedAnswer = {
    by: { kind: name === undefined ? "key" : "name", bytes: signer },
    algorithm: algorithmId.whole,
    bytes: data.whole,
    signature: signature.content.subarray(1),
    certificates: certificates.slice(0, CERTIFICATES_MAX).map(({ whole }) => whole),
  };
  return { ...about, signed };
}

/** Of the certificates that it is about, the one that was asked for. */
function readAbout(
  answers: readonly DerValue[] | undefined,
  key: CertificateKey,
): Omit<StatusAnswer, "signed"> | string {
  for (const { content } of answers ?? []) {
    const [id, status, thisUpdate, next] = readDer(content) ?? [];
    if (id === undefined || status === undefined) return MALFORMED;
    if (!isKeyOf(id.content, key)) continue;
    const kind = STATUS[status.tag];
    const thisUpdateMs = timeIn(thisUpdate);
    const nextUpdateMs = next?.tag === CONTEXT_0 ? timeIn(only(next.content)) : undefined;
    if (kind === undefined || thisUpdateMs === undefined) return MALFORMED;
    if (next?.tag === CONTEXT_0 && nextUpdateMs === undefined) return MALFORMED;
    return { status: kind, thisUpdateMs, nextUpdateMs };
  }
  return answers === undefined ? MALFORMED : "it is about another certificate";
}

/** The one value that these bytes are, and nothing behind it. */
function only(bytes: Uint8Array, tag?: number): DerValue | undefined {
  const values = readDer(bytes);
  const value = values?.length === 1 ? values[0] : undefined;
  return tag === undefined || value?.tag === tag ? value : undefined;
}

function inside(value: DerValue | undefined): readonly DerValue[] | undefined {
  return value && readDer(value.content);
}

const DIGITS = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;

/** RFC 5280 §4.1.2.5.2: in UTC, with seconds and without fractions of them. */
function timeIn(value: DerValue | undefined): number | undefined {
  if (value?.tag !== TIME || value.content.length !== 15) return undefined;
  const text = Buffer.from(value.content).toString("latin1");
  const ms = Date.parse(text.replace(DIGITS, "$1-$2-$3T$4:$5:$6Z"));
  return DIGITS.test(text) && Number.isFinite(ms) ? ms : undefined;
}
