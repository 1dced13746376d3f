/** What a token's claims must be for us to take it (RFC 7519 §4.1), and for it to be let in. */
import { BadToken, type Claims } from "./token.ts";

export interface ClaimRules {
  /** Of `iss`; undefined: any, but it has to be there. */
  readonly issuers: readonly string[] | undefined;
  /** Of `aud`, one of which must be in it; undefined: any, and none. */
  readonly audiences: readonly string[] | undefined;
  readonly leewayMs: number; // how far clocks may be apart
  readonly types: readonly string[] | undefined; // of `typ`; undefined: any, and none
}

/** Undefined: they hold. The signature is for the caller to check. */
export function checkClaims(
  claims: Claims,
  type: string | undefined,
  rules: ClaimRules,
  nowMs: number,
): BadToken | undefined {
  const { issuers, audiences, types } = rules;
  if (types !== undefined && !types.includes(type ?? "")) return new BadToken("another typ");
  const { iss, aud } = claims;
  if (typeof iss !== "string" || iss === "") return new BadToken("no iss");
  if (issuers !== undefined && !issuers.includes(iss)) return new BadToken("another iss");
  if (audiences !== undefined && !isFor(aud, audiences)) return new BadToken("another aud");
  return checkTimes(claims, rules.leewayMs, nowMs);
}

/** `exp` must be there; the others hold if they are. Seconds, of which fractions are allowed (§2). */
function checkTimes(claims: Claims, leewayMs: number, nowMs: number): BadToken | undefined {
  const { exp, nbf, iat } = claims;
  if (!isTime(exp)) return new BadToken("no exp");
  if (nowMs >= exp * 1000 + leewayMs) return new BadToken("expired");
  if (nbf !== undefined && !isTime(nbf)) return new BadToken("a malformed nbf");
  if (nbf !== undefined && nowMs < nbf * 1000 - leewayMs) return new BadToken("not valid yet");
  if (iat !== undefined && !isTime(iat)) return new BadToken("a malformed iat");
  if (iat !== undefined && nowMs < iat * 1000 - leewayMs) return new BadToken("not issued yet");
  return undefined;
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

function isFor(aud: unknown, audiences: readonly string[]): boolean {
  if (typeof aud === "string") return audiences.includes(aud);
  return Array.isArray(aud) && aud.some((each) => audiences.includes(each as string));
}

/** Until when what was found of a token may be remembered: `exp` and not a moment of leeway more. */
export function expiresMs({ exp }: Claims): number {
  return (exp as number) * 1000; // checkClaims has seen it
}

/** Scopes are in `scope`, as text with spaces (RFC 8693 §4.2), or in `scp`, as a list or such text. */
export function scopesOf({ scope, scp }: Claims): readonly string[] {
  const value = scope ?? scp;
  if (typeof value === "string") return value.split(" ").filter((each) => each !== "");
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}
