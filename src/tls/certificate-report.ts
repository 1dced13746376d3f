import type { CertificateEntry } from "../core/certificates.ts";
import { certificateWarnings, factsOf } from "./certificate-facts.ts";

/** A certificate as operators are told of it. */
export interface CertificateReport {
  readonly id: string;
  readonly names: readonly string[];
  readonly issuer: string;
  readonly algorithm: string;
  readonly notBefore: string; // ISO 8601
  readonly notAfter: string;
  readonly secondsLeft: number; // below zero: it has expired
  readonly warnings: readonly string[];
}

export interface ReportedOn {
  readonly entry: CertificateEntry;
  readonly hosts: readonly string[]; // that it is for, as sites name them
  readonly problem: string | undefined; // why another has not taken its place
  readonly wallMs: number;
}

export function reportOn({ entry, hosts, problem, wallMs }: ReportedOn): CertificateReport {
  const { issuer, algorithm, validFromMs, validToMs } = factsOf(entry);
  const warnings = certificateWarnings(entry, hosts, wallMs);
  return {
    id: entry.id,
    names: entry.names,
    issuer,
    algorithm,
    notBefore: new Date(validFromMs).toISOString(),
    notAfter: new Date(validToMs).toISOString(),
    secondsLeft: Math.floor((validToMs - wallMs) / 1000),
    warnings:
      problem === undefined ? warnings : [`a newer one cannot be used (${problem})`, ...warnings],
  };
}
