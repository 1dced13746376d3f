/** Tokens as another library makes them. */
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";

export interface Issuer {
  readonly id: string; // of its key
  readonly jwk: JWK; // the public half
  readonly sign: (
    claims?: Record<string, unknown>,
    header?: Record<string, unknown>,
  ) => Promise<string>;
}

/** Of the claims what is not given is good: `undefined` takes one away. */
export async function issuerOf(
  algorithm = "ES256",
  id = "k1",
  nowS = 1_800_000_000,
): Promise<Issuer> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: id, alg: algorithm, use: "sig" };
  return {
    id,
    jwk,
    sign: (claims, header) =>
      signed(privateKey, claims, { alg: algorithm, kid: id, ...header }, nowS),
  };
}

export async function signed(
  key: CryptoKey | Uint8Array,
  claims: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
  nowS = 1_800_000_000,
): Promise<string> {
  const all = {
    iss: "https://idp.test",
    aud: "shop",
    sub: "alice",
    iat: nowS,
    exp: nowS + 600,
    ...claims,
  };
  return await new SignJWT(all).setProtectedHeader({ alg: "ES256", ...header }).sign(key);
}
