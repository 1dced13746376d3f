import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  X509Certificate,
} from "node:crypto";
import type { Clock } from "../../base/world.ts";
import {
  alternativeNames,
  authorityConstraints,
  authorityKeyId,
  forServers,
  keyUsage,
  leafConstraints,
  subjectKeyId,
  toPem,
  writeCertificate,
} from "../../protocol/acme/certificate-writer.ts";
import type { CertificateStorage } from "./certificate-storage.ts";
import { type IssuedCertificate, readIssued } from "./issued.ts";
import type { Issuer, Ordering } from "./issuer.ts";

const DAY_MS = 86_400_000;
const ROOT_MS = 3_650 * DAY_MS;
const LEAF_MS = 30 * DAY_MS;
const EARLY_MS = 3_600_000; // clocks differ
const LOCK_WAIT_MS = 30_000;
const ROOT_KEY = "internal/root.json";
const SUBJECT = "Sluice development CA";

export const INTERNAL = "internal";

interface Root {
  readonly certificate: string; // PEM
  readonly key: string; // PEM
}

/**
 * A CA of our own for development: nobody trusts it who was not told to. Its key lies in the
 * storage, for its owner's eyes only, since whoever has it can pretend to be any site.
 */
export class InternalIssuer implements Issuer {
  static readonly rootFile = "internal/root.pem"; // for those who are to trust it; without the key

  readonly name = INTERNAL;
  readonly pausedMs = 0;
  readonly #clock: Clock;
  readonly #storage: CertificateStorage;

  constructor(clock: Clock, storage: CertificateStorage) {
    this.#clock = clock;
    this.#storage = storage;
  }

  /** PEM; made now if there is none yet. Lies in the storage as rootFile from then on. */
  async root(): Promise<string> {
    const { certificate } = await this.#open();
    await this.#storage.write(InternalIssuer.rootFile, certificate);
    return certificate;
  }

  async order({ wanted }: Ordering): Promise<IssuedCertificate> {
    const root = await this.#open();
    const wallMs = this.#clock.wallMs();
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const rootKey = createPrivateKey(root.key);
    const bytes = writeCertificate(
      {
        serial: serialNumber(),
        issuer: SUBJECT,
        subject: "",
        notBeforeMs: wallMs - EARLY_MS,
        notAfterMs: wallMs + LEAF_MS,
        publicKey,
        extensions: [
          leafConstraints(),
          keyUsage("server"),
          forServers(),
          alternativeNames(wanted.names, true),
          authorityKeyId(keyIdOf(createPublicKey(rootKey))),
        ],
      },
      rootKey,
    );
    const key = privateKey.export({ type: "pkcs8", format: "pem" });
    const chain = toPem("CERTIFICATE", bytes);
    return readIssued({ chain, key }, wanted.names, { issuer: INTERNAL, obtainedMs: wallMs });
  }

  async renewalWish(): Promise<undefined> {}

  async #open(): Promise<Root> {
    const known = await this.#read();
    if (known !== undefined) return known;
    const lock = await this.#storage.lock("internal-root", LOCK_WAIT_MS);
    if (lock === undefined) throw new Error("another instance makes the root, and does not end");
    await using _held = lock;
    const made = (await this.#read()) ?? newRoot(this.#clock.wallMs());
    await this.#storage.write(ROOT_KEY, JSON.stringify(made));
    return made;
  }

  /** Undefined where there is none, or none that would last as long as a certificate. */
  async #read(): Promise<Root | undefined> {
    const text = await this.#storage.read(ROOT_KEY);
    if (text === undefined) return undefined;
    try {
      const root = JSON.parse(text) as Root;
      const { validToDate } = new X509Certificate(root.certificate);
      createPrivateKey(root.key);
      return validToDate.getTime() > this.#clock.wallMs() + LEAF_MS ? root : undefined;
    } catch {
      return undefined;
    }
  }
}

/** For a name whose real certificate is not there yet; no browser takes it without asking. */
export function selfSigned(name: string, wallMs: number): IssuedCertificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const bytes = writeCertificate(
    {
      serial: serialNumber(),
      issuer: "not issued yet",
      subject: "not issued yet",
      notBeforeMs: wallMs - EARLY_MS,
      notAfterMs: wallMs + LEAF_MS,
      publicKey,
      extensions: [leafConstraints(), keyUsage("server"), forServers(), alternativeNames([name])],
    },
    privateKey,
  );
  const key = privateKey.export({ type: "pkcs8", format: "pem" });
  const from = { issuer: "itself", obtainedMs: wallMs };
  return readIssued({ chain: toPem("CERTIFICATE", bytes), key }, [name], from);
}

function newRoot(wallMs: number): Root {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const keyId = keyIdOf(publicKey);
  const bytes = writeCertificate(
    {
      serial: serialNumber(),
      issuer: SUBJECT,
      subject: SUBJECT,
      notBeforeMs: wallMs - EARLY_MS,
      notAfterMs: wallMs + ROOT_MS,
      publicKey,
      extensions: [authorityConstraints(0), keyUsage("authority"), subjectKeyId(keyId)],
    },
    privateKey,
  );
  return {
    certificate: toPem("CERTIFICATE", bytes),
    key: privateKey.export({ type: "pkcs8", format: "pem" }),
  };
}

function keyIdOf(key: KeyObject): Buffer {
  return createHash("sha1")
    .update(key.export({ type: "spki", format: "der" }))
    .digest();
}

/** Positive, and never zero (RFC 5280 §4.1.2.2). */
function serialNumber(): Buffer {
  return Buffer.concat([Buffer.from([1]), randomBytes(15)]);
}
