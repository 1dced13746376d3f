import type { Clock } from "../../../base/world.ts";
import type { Step } from "../../../core/filter.ts";
import { claimText, type Identity } from "../../../core/identity.ts";
import { type Algorithm, verifySignature } from "../../../protocol/jwt/algorithm.ts";
import { type ClaimRules, checkClaims, expiresMs } from "../../../protocol/jwt/claims.ts";
import { candidates, type VerifyingKey } from "../../../protocol/jwt/jwk.ts";
import { BadToken, readToken, type Token } from "../../../protocol/jwt/token.ts";
import type { KeySource } from "./key-source.ts";
import { VerifiedTokens } from "./verified-tokens.ts";

export interface TokenRules extends ClaimRules {
  readonly algorithms: readonly Algorithm[];
  readonly nameClaim: string; // what of the claims is the name
  readonly method: string; // of the identity: "jwt" "oidc"
}

/** No key can be had to check it with, which says nothing about the token. */
export const NO_KEYS = "no keys";

export type Verified = Identity | BadToken | typeof NO_KEYS;

/** Checks tokens: signature, issuer, audience, times. */
export class TokenVerifier {
  readonly rules: TokenRules;
  readonly source: KeySource;
  readonly #known: VerifiedTokens;
  readonly #clock: Clock;

  constructor(rules: TokenRules, source: KeySource, known: VerifiedTokens, clock: Clock) {
    this.rules = rules;
    this.source = source;
    this.#known = known;
    this.#clock = clock;
  }

  verify(text: string): Step<Verified> {
    const key = VerifiedTokens.keyOf(text);
    const known = this.#known.find(key, this.source.generation, this.#clock.wallMs());
    if (known !== undefined) return known;

    const token = this.#read(text);
    if (token instanceof BadToken) return token;
    const keys = this.source.keys();
    if (keys instanceof Promise) return keys.then((found) => this.#verify(token, found, key));
    return this.#verify(token, keys, key);
  }

  /** What is wrong without a key being asked: most of what is thrown at us ends here. */
  #read(text: string): Token | BadToken {
    const token = readToken(text);
    if (token instanceof BadToken) return token;
    if (!this.rules.algorithms.includes(token.algorithm)) {
      return new BadToken("an algorithm that is not allowed");
    }
    return checkClaims(token.claims, token.type, this.rules, this.#clock.wallMs()) ?? token;
  }

  #verify(
    token: Token,
    keys: readonly VerifyingKey[] | undefined,
    cacheKey: string,
  ): Step<Verified> {
    if (keys === undefined) return NO_KEYS;
    const found = candidates(keys, token.algorithm, token.keyId);
    if (isSignedBy(token, found)) return this.#good(token, cacheKey);
    // A key that it names and that we have says no: nothing newer will say yes.
    const isSettled = token.keyId !== undefined && found.some(({ id }) => id === token.keyId);
    if (isSettled) return FORGED;
    const newer = this.source.newer();
    if (newer instanceof Promise) return newer.then((them) => this.#again(token, them, cacheKey));
    return this.#again(token, newer === keys ? [] : newer, cacheKey);
  }

  #again(token: Token, keys: readonly VerifyingKey[] | undefined, cacheKey: string): Verified {
    if (keys === undefined) return NO_KEYS;
    const found = candidates(keys, token.algorithm, token.keyId);
    if (found.length === 0) return new BadToken("a key that is not known");
    return isSignedBy(token, found) ? this.#good(token, cacheKey) : FORGED;
  }

  #good({ claims }: Token, cacheKey: string): Identity {
    const { method, nameClaim } = this.rules;
    const unnamed: Identity = { method, name: "", claims };
    const identity = { method, name: claimText(unnamed, nameClaim), claims };
    this.#known.add(cacheKey, identity, expiresMs(claims));
    return identity;
  }
}

function isSignedBy(token: Token, keys: readonly VerifyingKey[]): boolean {
  return keys.some(({ key }) => verifySignature(token.algorithm, key, token));
}

const FORGED = new BadToken("a signature that is not right");
