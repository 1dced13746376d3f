import type { RenewalWindow } from "../../protocol/acme/resources.ts";
import type { StorageLock } from "./certificate-storage.ts";
import type { ChallengeAnswer } from "./challenge.ts";
import type { IssuedCertificate } from "./issued.ts";
import type { CertificateWanted } from "./order.ts";

/** Whom certificates can be had from: a CA that speaks ACME, or our own for development. */
export interface Issuer {
  readonly name: string; // as in IssuedCertificate.issuer
  /** How long it is to be left alone; 0: not at all. */
  readonly pausedMs: number;
  /** Rejects with an AcmeFailure, or with what the storage says. */
  order(ordering: Ordering): Promise<IssuedCertificate>;
  /** Undefined where it has no wishes, or does not know the certificate. */
  renewalWish(id: string): Promise<RenewalAnswer | undefined>;
}

export interface RenewalAnswer {
  readonly window: RenewalWindow;
  readonly againMs: number; // ask once more after this long
}

export interface Ordering {
  readonly wanted: CertificateWanted;
  readonly before: IssuedCertificate | undefined; // the one that it replaces
  readonly answers: readonly ChallengeAnswer[];
  readonly lock: StorageLock;
}
