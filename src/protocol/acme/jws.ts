/** How requests to a CA are signed (RFC 8555 §6.2), and what is proven with the account's key. */
import { createHash, createHmac, createPublicKey, type KeyObject, sign } from "node:crypto";

/** The public half of an account's key, which is always on the curve P-256. */
export interface PublicJwk {
  readonly crv: string;
  readonly kty: string;
  readonly x: string;
  readonly y: string;
}

export interface Signed {
  readonly protected: string;
  readonly payload: string;
  readonly signature: string;
}

/** By whom: a key that the CA does not know yet, or the account it belongs to. */
export type Signer =
  | { readonly key: KeyObject; readonly account: undefined }
  | { readonly key: KeyObject; readonly account: string };

/** `payload` undefined: POST-as-GET, which only reads. */
export function signRequest(
  signer: Signer,
  {
    url,
    nonce,
    payload,
  }: { readonly url: string; readonly nonce: string; readonly payload: unknown },
): Signed {
  const { key, account } = signer;
  const who = account === undefined ? { jwk: publicJwk(key) } : { kid: account };
  const head = encode({ alg: "ES256", ...who, nonce, url });
  const body = payload === undefined ? "" : encode(payload);
  const signature = sign("sha256", Buffer.from(`${head}.${body}`), {
    key,
    dsaEncoding: "ieee-p1363",
  });
  return { protected: head, payload: body, signature: signature.toString("base64url") };
}

/** Ties a new account to one that its owner has with the CA already (RFC 8555 §7.3.4). */
export function bindAccount(
  key: KeyObject,
  { kid, macKey, url }: { readonly kid: string; readonly macKey: string; readonly url: string },
): Signed {
  const head = encode({ alg: "HS256", kid, url });
  const body = encode(publicJwk(key));
  const signature = createHmac("sha256", Buffer.from(macKey, "base64url"))
    .update(`${head}.${body}`)
    .digest("base64url");
  return { protected: head, payload: body, signature };
}

/** What a challenge wants to see: its token, and whose it is (RFC 8555 §8.1). */
export function keyAuthorization(token: string, key: KeyObject): string {
  const { crv, kty, x, y } = publicJwk(key);
  const thumbprint = createHash("sha256").update(JSON.stringify({ crv, kty, x, y })); // RFC 7638
  return `${token}.${thumbprint.digest("base64url")}`;
}

/** The value of the TXT record for dns-01 (RFC 8555 §8.4). */
export function recordValue(authorization: string): string {
  return createHash("sha256").update(authorization).digest("base64url");
}

function publicJwk(key: KeyObject): PublicJwk {
  const { crv = "", kty = "", x = "", y = "" } = createPublicKey(key).export({ format: "jwk" });
  return { crv, kty, x, y };
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
