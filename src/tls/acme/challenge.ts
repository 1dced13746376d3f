import type { Identifier } from "../../protocol/acme/identifier.ts";

export type ChallengeKind = "http-01" | "tls-alpn-01" | "dns-01";

/** What is to be seen where the CA looks. */
export interface Proof {
  readonly identifier: Identifier; // without "*."
  readonly token: string;
  readonly authorization: string; // the key authorization
}

/** One way to prove to a CA whose a name is. */
export interface ChallengeAnswer {
  readonly kind: ChallengeKind;
  canProve(identifier: Identifier, isWildcard: boolean): boolean;
  /** Once it can be seen from where the CA looks. Disposing it takes it back. */
  present(proof: Proof): Promise<AsyncDisposable>;
}
