import type { CertificateStorage } from "./certificate-storage.ts";
import { type IssuedCertificate, readIssued } from "./issued.ts";

/** How the last try went, for those who come after: this process when it starts anew, and others. */
export interface StoredAttempt {
  readonly failures: number; // in a row
  readonly atMs: number; // wall time
  readonly limitedUntilMs: number; // all CAs want to be left alone until then; 0: none
}

const AHEAD_MS_MAX = 3_600_000; // an attempt in the future: a clock was set back since

/** The chain and its key are one file, so that there is never one without the other. */
export async function storeCertificate(
  storage: CertificateStorage,
  place: string,
  { names, chain, key, issuer, obtainedMs }: IssuedCertificate,
): Promise<void> {
  const text = JSON.stringify({ names, issuer, obtainedMs, chain, key });
  await storage.write(`certificates/${place}.json`, text);
}

/** Throws an Error that says what is wrong: half a file, or one for other names. */
export function readStored(text: string, names: readonly string[]): IssuedCertificate {
  const { chain, key, issuer, obtainedMs } = JSON.parse(text) as Record<string, unknown>;
  return readIssued({ chain: String(chain), key: String(key) }, names, {
    issuer: String(issuer),
    obtainedMs: Number(obtainedMs),
  });
}

export async function storeAttempt(
  storage: CertificateStorage,
  place: string,
  attempt: StoredAttempt,
): Promise<void> {
  await storage.write(`attempts/${place}.json`, JSON.stringify(attempt));
}

export async function storedAttempt(
  storage: CertificateStorage,
  place: string,
  wallMs: number,
): Promise<StoredAttempt | undefined> {
  const text = await storage.read(`attempts/${place}.json`);
  if (text === undefined) return undefined;
  try {
    const attempt = JSON.parse(text) as StoredAttempt;
    const isNumbers = [attempt.failures, attempt.atMs, attempt.limitedUntilMs].every(
      Number.isFinite,
    );
    return isNumbers && attempt.atMs <= wallMs + AHEAD_MS_MAX ? attempt : undefined;
  } catch {
    return undefined;
  }
}
