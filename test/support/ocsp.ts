/** A CA in memory with its OCSP responder, which answers as a test tells it to. */
import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from "node:crypto";
import {
  alternativeNames,
  authorityConstraints,
  leafConstraints,
  stapledAnswerNeeded,
  toPem,
  writeCertificate,
} from "../../src/protocol/acme/certificate-writer.ts";
import { certificateFields } from "../../src/protocol/der/certificate-fields.ts";
import { bits, der, NULL, objectId, octets, sequence } from "../../src/protocol/der/der.ts";
import { certificateKey } from "../../src/protocol/ocsp/certificate-key.ts";

const DAY_MS = 86_400_000;

export interface LeafOptions {
  readonly responder?: string;
  readonly mustStaple?: boolean;
  readonly serial?: number;
}

export interface Leaf {
  readonly der: Buffer;
  readonly key: string; // PEM
  readonly chain: string; // PEM, its issuer behind it
}

/** What an answer says; by default a good one of now, for a week, by the issuer itself. */
export interface AnswerOptions {
  readonly status?: "good" | "revoked" | "unknown";
  readonly thisUpdateMs?: number;
  readonly nextUpdateMs?: number | undefined;
  readonly by?: "issuer" | "delegate" | "expired" | "bystander" | "stranger";
  readonly byKey?: boolean; // its signer is named by key
  readonly hash?: "sha1" | "sha256"; // of the signature
}

function newKey(): KeyObject {
  return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
}

interface Signer {
  readonly key: KeyObject;
  readonly der: Buffer;
}

export class SimResponder {
  readonly wallMs: number;
  readonly issuer: Signer;
  readonly #signers: Readonly<Record<NonNullable<AnswerOptions["by"]>, Signer>>;

  /** `wallMs`: the time at which all of it is current. */
  constructor(wallMs: number) {
    this.wallMs = wallMs;
    this.issuer = this.#certificate("Test CA", undefined, [authorityConstraints(0)]);
    const other = this.#certificate("Test CA", undefined, [authorityConstraints(0)]);
    const forAnswers = extension("2.5.29.37", sequence(objectId("1.3.6.1.5.5.7.3.9")));
    this.#signers = {
      issuer: this.issuer,
      delegate: this.#certificate("Responder", this.issuer, [forAnswers]),
      expired: this.#certificate("Responder", this.issuer, [forAnswers], 2 * DAY_MS),
      bystander: this.#certificate("Responder", this.issuer, [leafConstraints()]),
      stranger: this.#certificate("Responder", other, [forAnswers]),
    };
  }

  leaf({ responder, mustStaple = false, serial = 7 }: LeafOptions = {}): Leaf {
    const access = (url: string) =>
      extension(
        "1.3.6.1.5.5.7.1.1",
        sequence(sequence(objectId("1.3.6.1.5.5.7.48.1"), der(0x86, Buffer.from(url)))),
      );
    const extensions = [
      alternativeNames(["a.test"]),
      ...(responder === undefined ? [] : [access(responder)]),
      ...(mustStaple ? [stapledAnswerNeeded()] : []),
    ];
    const made = this.#certificate("a.test", this.issuer, extensions, 0, serial);
    return {
      der: made.der,
      key: made.key.export({ type: "pkcs8", format: "pem" }) as string,
      chain: toPem("CERTIFICATE", made.der) + toPem("CERTIFICATE", this.issuer.der),
    };
  }

  answer(leaf: Leaf, options: AnswerOptions = {}): Buffer {
    const { status = "good", by = "issuer", byKey = false, hash = "sha256" } = options;
    const { thisUpdateMs = this.wallMs - 3_600_000 } = options;
    const nextUpdateMs =
      "nextUpdateMs" in options ? options.nextUpdateMs : thisUpdateMs + 7 * DAY_MS;
    const signer = this.#signers[by];
    const fields = certificateFields(signer.der)!;
    const digest = createHash("sha1").update(fields.publicKey).digest();
    const key = certificateKey(leaf.der, this.issuer.der)!;
    const about = sequence(
      sequence(
        sequence(objectId("1.3.14.3.2.26"), NULL),
        octets(key.issuerName),
        octets(key.issuerKey),
        der(0x02, key.serial),
      ),
      status === "revoked" ? der(0xa1, time(thisUpdateMs)) : der(status === "good" ? 0x80 : 0x82),
      time(thisUpdateMs),
      ...(nextUpdateMs === undefined ? [] : [der(0xa0, time(nextUpdateMs))]),
    );
    const data = sequence(
      byKey ? der(0xa2, octets(digest)) : der(0xa1, fields.subject),
      time(thisUpdateMs),
      sequence(about),
    );
    const algorithm = hash === "sha256" ? "1.2.840.10045.4.3.2" : "1.2.840.10045.4.1";
    const basic = sequence(
      data,
      sequence(objectId(algorithm)),
      bits(sign(hash, data, signer.key)),
      ...(by === "issuer" ? [] : [der(0xa0, sequence(signer.der))]),
    );
    const wrapped = sequence(objectId("1.3.6.1.5.5.7.48.1.1"), octets(basic));
    return sequence(der(0x0a, Buffer.from([0])), der(0xa0, wrapped));
  }

  #certificate(
    subject: string,
    issuer: Signer | undefined,
    extensions: readonly Buffer[],
    endedMs = 0,
    serial = 1,
  ): Signer {
    const key = newKey();
    const text = {
      ...{ subject, issuer: issuer === undefined ? subject : "Test CA", extensions },
      serial: Buffer.from([serial]),
      notBeforeMs: this.wallMs - 30 * DAY_MS,
      notAfterMs: this.wallMs + 60 * DAY_MS - (endedMs > 0 ? 60 * DAY_MS + endedMs : 0),
      publicKey: createPublicKey(key),
    };
    return { key, der: writeCertificate(text, issuer?.key ?? key) };
  }
}

/** What a responder says that does not answer (RFC 6960 §4.2.1). */
export function refusal(code: number): Buffer {
  return sequence(der(0x0a, Buffer.from([code])));
}

function extension(id: string, value: Uint8Array): Buffer {
  return sequence(objectId(id), octets(value));
}

function time(wallMs: number): Buffer {
  const digits = new Date(wallMs).toISOString().replaceAll(/[-:T]|\.\d+/g, "");
  return der(0x18, Buffer.from(digits));
}
