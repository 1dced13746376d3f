import type { X509Certificate } from "node:crypto";
import type { CertificateKey } from "../../protocol/ocsp/certificate-key.ts";
import { readStatusAnswer } from "../../protocol/ocsp/status-answer.ts";
import { signatureProblem } from "./answer-signature.ts";

/** What an answer comes to. */
export type Verdict =
  | { readonly kind: "good"; readonly staple: Staple }
  | { readonly kind: "revoked" }
  | { readonly kind: "refused"; readonly why: string };

/** An answer that clients may be given. */
export interface Staple {
  readonly bytes: Uint8Array;
  readonly fromMs: number; // wall time
  readonly untilMs: number;
}

export interface AskedAbout {
  readonly key: CertificateKey;
  readonly issuer: X509Certificate;
}

const SKEW_MS = 300_000; // between the responder's clock and ours
/** Of an answer that does not say when the next one comes. */
const LIFE_MS = 3_600_000;
/** Clients' clocks differ, too: one that ends so soon is of no use to them. */
export const STAPLE_LIFE_MS_MIN = 60_000;

/** `heldFromMs`: of the answer that there is; an older one is somebody's replay. */
export function judge(
  bytes: Uint8Array,
  { key, issuer }: AskedAbout,
  { wallMs, heldFromMs }: { readonly wallMs: number; readonly heldFromMs: number | undefined },
): Verdict {
  const answer = readStatusAnswer(bytes, key);
  if (typeof answer === "string") return refused(answer);
  const problem = signatureProblem(answer.signed, issuer, wallMs);
  if (problem !== undefined) return refused(problem);
  const { thisUpdateMs: fromMs, nextUpdateMs: untilMs = fromMs + LIFE_MS } = answer;
  if (fromMs > wallMs + SKEW_MS) return refused("it is of the future");
  if (untilMs < wallMs + STAPLE_LIFE_MS_MIN) return refused("it has expired");
  if (heldFromMs !== undefined && fromMs < heldFromMs) return refused("there was a newer one");
  if (answer.status === "revoked") return { kind: "revoked" };
  if (answer.status === "unknown") return refused("the responder does not know the certificate");
  // A copy: it lives for days, and what it lies in may be larger by far.
  return { kind: "good", staple: { bytes: new Uint8Array(bytes), fromMs, untilMs } };
}

function refused(why: string): Verdict {
  return { kind: "refused", why };
}
