/**
 * The signatures that a token may have (RFC 7518 §3.1, RFC 8037, RFC 9864). "none" is not among them,
 * and never can be: there is no row for it.
 */
import { constants, createHmac, type KeyObject, timingSafeEqual, verify } from "node:crypto";

export const ALGORITHMS = [
  "ES256",
  "ES384",
  "ES512",
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "EdDSA",
  "Ed25519",
  "HS256",
  "HS384",
  "HS512",
] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

type Kind = "ec" | "rsa" | "rsa-pss" | "ed" | "hmac";

interface Row {
  readonly kind: Kind;
  readonly hash: string;
  readonly curve: string; // as node:crypto calls it; "" where the algorithm has none
}

// biome-ignore format: a table
const ROWS: Readonly<Record<Algorithm, Row>> = {
  ES256:   { kind: "ec",      hash: "sha256", curve: "prime256v1" },
  ES384:   { kind: "ec",      hash: "sha384", curve: "secp384r1" },
  ES512:   { kind: "ec",      hash: "sha512", curve: "secp521r1" },
  RS256:   { kind: "rsa",     hash: "sha256", curve: "" },
  RS384:   { kind: "rsa",     hash: "sha384", curve: "" },
  RS512:   { kind: "rsa",     hash: "sha512", curve: "" },
  PS256:   { kind: "rsa-pss", hash: "sha256", curve: "" },
  PS384:   { kind: "rsa-pss", hash: "sha384", curve: "" },
  PS512:   { kind: "rsa-pss", hash: "sha512", curve: "" },
  EdDSA:   { kind: "ed",      hash: "",       curve: "" },
  Ed25519: { kind: "ed",      hash: "",       curve: "" },
  HS256:   { kind: "hmac",    hash: "sha256", curve: "" },
  HS384:   { kind: "hmac",    hash: "sha384", curve: "" },
  HS512:   { kind: "hmac",    hash: "sha512", curve: "" },
};

export const RSA_BITS_MIN = 2048; // RFC 7518 §3.3
export const RSA_BITS_MAX = 8192; // a larger one is work for us, at the choice of who made it

export function isAlgorithm(name: unknown): name is Algorithm {
  return typeof name === "string" && Object.hasOwn(ROWS, name);
}

/**
 * What a key can have signed. A key is for one family alone, whatever a token says of itself: that is
 * what keeps a public key from being taken for a shared secret.
 */
export function algorithmsOf(key: KeyObject): readonly Algorithm[] {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details, symmetricKeySize } = key;
  if (key.type === "secret") {
    // RFC 7518 §3.2: at least as long as what the hash gives.
    return ALGORITHMS.filter((each) => hashBytes(each) <= (symmetricKeySize ?? 0));
  }
  if (type === "ed25519") return ["EdDSA", "Ed25519"];
  if (type === "ec") return ALGORITHMS.filter((each) => ROWS[each].curve === details?.namedCurve);
  const bits = details?.modulusLength ?? 0;
  if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX) return [];
  if (type === "rsa") return ALGORITHMS.filter((each) => /^[RP]S/.test(each));
  if (type === "rsa-pss") return ALGORITHMS.filter((each) => ROWS[each].kind === "rsa-pss");
  return [];
}

function hashBytes(algorithm: Algorithm): number {
  return ROWS[algorithm].kind === "hmac" ? Number(algorithm.slice(2)) / 8 : Infinity;
}

/** Is that the signature of these bytes? On the caller's stack: 20 to 200 µs, as the algorithm is. */
export function verifySignature(
  algorithm: Algorithm,
  key: KeyObject,
  { signed, signature }: { readonly signed: Buffer; readonly signature: Buffer },
): boolean {
  const { kind, hash } = ROWS[algorithm];
  switch (kind) {
    case "hmac": {
      const wanted = createHmac(hash, key).update(signed).digest();
      return wanted.length === signature.length && timingSafeEqual(wanted, signature);
    }
    case "ec":
      return verify(hash, signed, { key, dsaEncoding: "ieee-p1363" }, signature);
    case "rsa":
      return verify(hash, signed, key, signature);
    case "rsa-pss": {
      const padding = constants.RSA_PKCS1_PSS_PADDING;
      const saltLength = constants.RSA_PSS_SALTLEN_DIGEST;
      return verify(hash, signed, { key, padding, saltLength }, signature);
    }
    case "ed":
      return verify(null, signed, key, signature);
  }
}
