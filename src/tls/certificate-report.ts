import type { CertificateEntry } from "../core/certificates.ts";
import { certificateWarnings, factsOf } from "./certificate-facts.ts";
import type { StapleStatus } from "./ocsp/staple-keeper.ts";
import { staplingWarnings } from "./ocsp/stapling-warnings.ts";

/** A certificate as operators are told of it. */
export interface CertificateReport {
  readonly id: string;
  readonly names: readonly string[];
  readonly issuer: string;
  readonly algorithm: string;
  readonly notBefore: string; // ISO 8601
  readonly notAfter: string;
  readonly secondsLeft: number; // below zero: it has expired
  readonly ocsp: StapleReport | undefined; // undefined: nobody is asked
  readonly warnings: readonly string[];
}

/** What its CA says of it, and whether clients are told. */
export interface StapleReport {
  readonly responder: string;
  readonly state: StapleStatus["state"];
  readonly thisUpdate: string | undefined; // ISO 8601; of what is stapled
  readonly nextUpdate: string | undefined;
  readonly problem: string | undefined;
  readonly nextTry: string | undefined;
}

export interface ReportedOn {
  readonly entry: CertificateEntry;
  readonly hosts: readonly string[]; // that it is for, as sites name them
  readonly problem: string | undefined; // why another has not taken its place
  readonly staple: StapleStatus | undefined;
  readonly wallMs: number;
}

export function reportOn({ entry, hosts, problem, staple, wallMs }: ReportedOn): CertificateReport {
  const { issuer, algorithm, validFromMs, validToMs } = factsOf(entry);
  const warnings = [
    ...certificateWarnings(entry, hosts, wallMs),
    ...staplingWarnings(entry, staple),
  ];
  return {
    id: entry.id,
    names: entry.names,
    issuer,
    algorithm,
    notBefore: new Date(validFromMs).toISOString(),
    notAfter: new Date(validToMs).toISOString(),
    secondsLeft: Math.floor((validToMs - wallMs) / 1000),
    ocsp: staple && stapleReport(staple),
    warnings:
      problem === undefined ? warnings : [`a newer one cannot be used (${problem})`, ...warnings],
  };
}

function stapleReport(status: StapleStatus): StapleReport {
  const { responder, state, thisUpdateMs, nextUpdateMs, problem, nextTryMs } = status;
  return {
    responder,
    state,
    thisUpdate: isoTime(thisUpdateMs),
    nextUpdate: isoTime(nextUpdateMs),
    problem,
    nextTry: isoTime(nextTryMs),
  };
}

function isoTime(wallMs: number | undefined): string | undefined {
  return wallMs === undefined ? undefined : new Date(wallMs).toISOString();
}
