import type { AcmeProblem } from "../../protocol/acme/resources.ts";

/**
 * Why a CA gave no certificate. "refused": it said no, and may say so again; "rateLimited": we asked
 * too often; "unreachable" and "malformed": there was no answer, or none that makes sense.
 */
export type FailureKind = "unreachable" | "malformed" | "refused" | "rateLimited";

export class AcmeFailure extends Error {
  readonly kind: FailureKind;
  readonly problem: AcmeProblem | undefined;
  readonly retryAfterMs: number; // how long the CA wants to be left alone; 0: it did not say

  constructor(
    kind: FailureKind,
    message: string,
    more: { readonly problem?: AcmeProblem; readonly retryAfterMs?: number } = {},
  ) {
    super(message);
    this.name = "AcmeFailure";
    this.kind = kind;
    this.problem = more.problem;
    this.retryAfterMs = more.retryAfterMs ?? 0;
  }
}
