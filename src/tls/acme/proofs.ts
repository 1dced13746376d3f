/**
 * Proofs for http-01 and tls-alpn-01. They lie in the storage while the CA looks for them, so that
 * every worker, and every instance that shares it, can answer: a load balancer may send the CA to
 * any of them.
 */
import { createHash, generateKeyPairSync, randomBytes } from "node:crypto";
import type { Clock } from "../../base/world.ts";
import {
  acmeProof,
  alternativeNames,
  leafConstraints,
  toPem,
  writeCertificate,
} from "../../protocol/acme/certificate-writer.ts";
import { serverNameOf } from "../../protocol/acme/identifier.ts";
import { type CertificateStorage, keyPartOf } from "./certificate-storage.ts";
import type { ChallengeAnswer, Proof } from "./challenge.ts";

/** A certificate that is for nobody but a CA that looks. */
export interface ProofCertificate {
  readonly chain: string; // PEM
  readonly key: string; // PEM
}

const LOOKS_MAX = 32; // at once: an unknown token must cost no more than a glance
const DAY_MS = 86_400_000;

export class HttpProofs implements ChallengeAnswer {
  readonly kind = "http-01";
  readonly #storage: CertificateStorage;

  constructor(storage: CertificateStorage) {
    this.#storage = storage;
  }

  canProve(_identifier: unknown, isWildcard: boolean): boolean {
    return !isWildcard; // RFC 8555 §8.3
  }

  async present({ token, authorization }: Proof): Promise<AsyncDisposable> {
    return await presented(this.#storage, `challenges/http/${token}`, authorization);
  }
}

export class TlsProofs implements ChallengeAnswer {
  readonly kind = "tls-alpn-01";
  readonly #storage: CertificateStorage;
  readonly #clock: Clock;

  constructor(storage: CertificateStorage, clock: Clock) {
    this.#storage = storage;
    this.#clock = clock;
  }

  canProve(_identifier: unknown, isWildcard: boolean): boolean {
    return !isWildcard; // RFC 8737 §3
  }

  async present({ identifier, authorization }: Proof): Promise<AsyncDisposable> {
    const key = `challenges/tls/${keyPartOf(serverNameOf(identifier))}`;
    const certificate = proofCertificate(identifier.value, authorization, this.#clock.wallMs());
    return await presented(this.#storage, key, JSON.stringify(certificate));
  }
}

/** What is asked for by those who serve: in any worker, of any instance. */
export class ShownProofs {
  readonly #storage: CertificateStorage;
  #looks: number;

  constructor(storage: CertificateStorage) {
    this.#storage = storage;
    this.#looks = 0;
  }

  /** The body for /.well-known/acme-challenge/TOKEN; undefined: it is not ours to answer. */
  async httpAnswer(token: string): Promise<string | undefined> {
    if (!/^[A-Za-z0-9_-]{1,128}$/.test(token)) return undefined;
    return await this.#look(`challenges/http/${token}`);
  }

  /** For a client that offers acme-tls/1 and nothing else. */
  async tlsCertificate(serverName: string): Promise<ProofCertificate | undefined> {
    if (!/^[a-z0-9._-]{1,253}$/.test(serverName)) return undefined;
    const text = await this.#look(`challenges/tls/${keyPartOf(serverName)}`);
    return text === undefined ? undefined : (JSON.parse(text) as ProofCertificate);
  }

  /** Never rejects: a storage that fails has nothing to show. */
  async #look(key: string): Promise<string | undefined> {
    if (this.#looks >= LOOKS_MAX) return undefined;
    this.#looks++;
    try {
      return await this.#storage.read(key);
    } catch {
      return undefined;
    } finally {
      this.#looks--;
    }
  }
}

async function presented(
  storage: CertificateStorage,
  key: string,
  text: string,
): Promise<AsyncDisposable> {
  await storage.write(key, text);
  return { [Symbol.asyncDispose]: () => storage.delete(key).catch(() => {}) };
}

/** RFC 8737 §3: signed by itself, for that name alone, with the proof in an extension. */
export function proofCertificate(
  name: string,
  authorization: string,
  wallMs: number,
): ProofCertificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const digest = createHash("sha256").update(authorization).digest();
  const bytes = writeCertificate(
    {
      serial: randomBytes(16),
      issuer: "ACME challenge",
      subject: "ACME challenge",
      notBeforeMs: wallMs - DAY_MS, // clocks differ
      notAfterMs: wallMs + DAY_MS,
      publicKey,
      extensions: [leafConstraints(), alternativeNames([name]), acmeProof(digest)],
    },
    privateKey,
  );
  return {
    chain: toPem("CERTIFICATE", bytes),
    key: privateKey.export({ type: "pkcs8", format: "pem" }),
  };
}
