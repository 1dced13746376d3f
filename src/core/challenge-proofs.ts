/** Answers a certificate authority that looks for a proof over HTTP (RFC 8555 §8.3). */
export interface ChallengeProofs {
  /** undefined: it is not ours to answer. Never rejects. */
  httpAnswer(token: string): Promise<string | undefined>;
}

/** Where it looks; what comes behind is the token. */
export const CHALLENGE_PATH = "/.well-known/acme-challenge/";
