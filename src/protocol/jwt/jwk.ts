/** Keys as issuers publish them (RFC 7517), and as people keep them: PEM. */
import {
  createPublicKey,
  createSecretKey,
  type JsonWebKeyInput,
  type KeyObject,
} from "node:crypto";
import { type Algorithm, algorithmsOf } from "./algorithm.ts";

export const KEYS_MAX = 100;

export interface VerifyingKey {
  readonly id: string | undefined;
  /** What it can have signed, less what its owner says that it has not. */
  readonly algorithms: readonly Algorithm[];
  readonly key: KeyObject;
}

/** `skipped`: keys that are of no use here, and why; an issuer may have such for others. */
export interface ReadKeys {
  readonly keys: readonly VerifyingKey[];
  readonly skipped: readonly string[];
}

/** A set of public keys, or what is wrong with it as a whole. */
export function readJwkSet(value: unknown): ReadKeys | string {
  const list = (value as { readonly keys?: unknown } | null | undefined)?.keys;
  if (!Array.isArray(list)) return "no JWK Set: there is no list of keys";
  if (list.length > KEYS_MAX) return `${list.length} keys, ${KEYS_MAX} at most`;
  const read = list.map(readJwk);
  return {
    keys: read.filter((each) => typeof each !== "string"),
    skipped: read.filter((each) => typeof each === "string"),
  };
}

/** One public key. A secret (`oct`) in a place for public keys is skipped: it is none any more. */
export function readJwk(value: unknown): VerifyingKey | string {
  if (typeof value !== "object" || value === null) return "a key that is no JSON object";
  const jwk = value as JsonWebKeyInput["key"] & Readonly<Record<string, unknown>>;
  const { kid, use, alg, key_ops: operations } = jwk;
  const id = typeof kid === "string" ? kid : undefined;
  const named = `key ${JSON.stringify(id ?? "")}`;
  if (jwk["kty"] === "oct") return `${named}: a shared secret`;
  if (use !== undefined && use !== "sig") return `${named}: not for signatures`;
  if (Array.isArray(operations) && !operations.includes("verify")) {
    return `${named}: not for signatures`;
  }
  try {
    const key = createPublicKey({ key: jwk, format: "jwk" });
    const able = algorithmsOf(key);
    const algorithms = alg === undefined ? able : able.filter((each) => each === alg);
    if (algorithms.length === 0) return `${named}: of a kind or size that is not supported`;
    return { id, algorithms, key };
  } catch {
    return `${named}: malformed`;
  }
}

/** A public key or certificate; of a private key only its public half is kept. */
export function readPem(pem: string): VerifyingKey | string {
  try {
    const key = createPublicKey(pem);
    const algorithms = algorithmsOf(key);
    return algorithms.length === 0
      ? "a key of a kind or size that is not supported"
      : { id: undefined, algorithms, key };
  } catch {
    return "not a public key or certificate in PEM";
  }
}

/** As many bytes as the text has in UTF-8. */
export function readSecret(text: string): VerifyingKey | string {
  const key = createSecretKey(Buffer.from(text, "utf8"));
  const algorithms = algorithmsOf(key);
  return algorithms.length === 0
    ? "shorter than 32 bytes, which HS256 needs (RFC 7518 §3.2)"
    : { id: undefined, algorithms, key };
}

const CANDIDATES_MAX = 4; // of a token that names no key; each is a signature to check

/**
 * Those that a token may have been signed with: of its algorithm, and with its `kid` if it names one.
 * A key without an id is nobody else's, so it is a candidate for every token.
 */
export function candidates(
  keys: readonly VerifyingKey[],
  algorithm: Algorithm,
  keyId: string | undefined,
): readonly VerifyingKey[] {
  return keys
    .filter(
      ({ id, algorithms }) =>
        algorithms.includes(algorithm) && (keyId === undefined || id === undefined || id === keyId),
    )
    .slice(0, CANDIDATES_MAX);
}
