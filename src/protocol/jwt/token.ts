/** A signed token in its compact form (RFC 7515 §3.1), taken apart and not yet believed. */
import { type Algorithm, isAlgorithm } from "./algorithm.ts";

export const TOKEN_BYTES_MAX = 8 * 1024; // no field that it could come in is longer
const KEY_ID_LENGTH_MAX = 256;

export interface Token {
  readonly algorithm: Algorithm;
  readonly keyId: string | undefined;
  readonly type: string | undefined; // "typ": lower case, without "application/"
  readonly claims: Claims;
  readonly signed: Buffer; // what the signature is of
  readonly signature: Buffer;
}

/** A JSON object with no prototype: no claim can be mistaken for a property of ours. */
export type Claims = Readonly<Record<string, unknown>>;

/** What a token is not: for the log, never for the client. */
export class BadToken {
  readonly why: string;

  constructor(why: string) {
    this.why = why;
  }
}

/**
 * Of the header only what we follow is read. `jwk`, `jku`, `x5c` and `x5u` would let a token name the
 * key that it is to be checked with, and are not looked at; `crit` names what must be understood, of
 * which we understand nothing (RFC 7515 §4.1.11).
 */
export function readToken(text: string): Token | BadToken {
  if (text.length > TOKEN_BYTES_MAX) return new BadToken("longer than 8 KiB");
  const first = text.indexOf(".");
  const second = text.indexOf(".", first + 1);
  if (first <= 0 || second < 0) return new BadToken("not three parts");
  const header = objectOf(text.slice(0, first));
  if (header === undefined) return new BadToken("a header that is no JSON object");
  const { alg, kid, typ, crit, b64 } = header;
  if (!isAlgorithm(alg)) return new BadToken("an algorithm that is not supported");
  if (crit !== undefined || b64 !== undefined) return new BadToken("a critical extension");
  if (!isOptionalText(kid, KEY_ID_LENGTH_MAX)) return new BadToken("a malformed kid");
  if (!isOptionalText(typ, KEY_ID_LENGTH_MAX)) return new BadToken("a malformed typ");
  const claims = objectOf(text.slice(first + 1, second));
  if (claims === undefined) return new BadToken("claims that are no JSON object");
  const signature = bytesOf(text.slice(second + 1));
  if (signature === undefined) return new BadToken("a signature that is not base64url");
  return {
    algorithm: alg,
    keyId: kid,
    type: typ?.toLowerCase().replace(/^application\//, ""),
    claims,
    signed: Buffer.from(text.slice(0, second), "latin1"),
    signature,
  };
}

function isOptionalText(value: unknown, lengthMax: number): value is string | undefined {
  return value === undefined || (typeof value === "string" && value.length <= lengthMax);
}

function objectOf(part: string): Claims | undefined {
  const bytes = bytesOf(part);
  if (bytes === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(UTF8.decode(bytes));
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? Object.assign(Object.create(null), value) : undefined;
  } catch {
    return undefined; // not UTF-8, or not JSON
  }
}

/** Node drops what is no base64url; of two readers one would see another token. */
function bytesOf(part: string): Buffer | undefined {
  return /^[A-Za-z0-9_-]+$/.test(part) && part.length % 4 !== 1
    ? Buffer.from(part, "base64url")
    : undefined;
}

const UTF8 = new TextDecoder("utf-8", { fatal: true });
