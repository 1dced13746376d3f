import { readFileSync } from "node:fs";
import { FollowedFile } from "../../../base/followed-file.ts";
import type { Exchange } from "../../../core/exchange.ts";
import type { Step } from "../../../core/filter.ts";
import { readJwkSet, readPem, type VerifyingKey } from "../../../protocol/jwt/jwk.ts";
import { BadToken } from "../../../protocol/jwt/token.ts";
import {
  type AuthMethod,
  type AuthMethodKind,
  type AuthTools,
  type Verdict,
  webWorld,
} from "../auth-method.ts";
import { missingOf } from "../requirement.ts";
import { type JwtOptions, jwtSchema } from "./jwt-options.ts";
import { FileKeys, type KeySource, OwnKeys } from "./key-source.ts";
import { RemoteKeys } from "./remote-keys.ts";
import { NO_KEYS, TokenVerifier, type Verified } from "./token-verifier.ts";
import { VerifiedTokens } from "./verified-tokens.ts";

const FILE_BYTES_MAX = 1024 * 1024;

/** A signed token, of an issuer whose keys are known. */
export const jwt: AuthMethodKind<JwtOptions> = {
  key: "jwt",
  about: "A JSON Web Token, signed by an issuer that is trusted.",
  schema: jwtSchema,
  build: (options, tools) => new Jwt(options, tools),
};

class Jwt implements AuthMethod {
  readonly key = "jwt";
  readonly #options: JwtOptions;
  readonly #verifier: TokenVerifier;
  readonly #forbidden: string; // the challenge for who lacks a scope (RFC 6750 §3.1)

  constructor(options: JwtOptions, tools: AuthTools) {
    const { issuers, audiences, leewayMs, types, algorithms, nameClaim, rememberMax } = options;
    const { scope } = options.requirement;
    const rules = { issuers, audiences, leewayMs, types, algorithms, nameClaim, method: "jwt" };
    const known = new VerifiedTokens(rememberMax);
    this.#options = options;
    this.#verifier = new TokenVerifier(rules, keySource(options, tools), known, tools.world.clock);
    const scopes = scope.length === 0 ? "" : `, scope="${scope.join(" ").replace(/["\\]/g, "")}"`;
    this.#forbidden = `${CHALLENGE}, error="insufficient_scope"${scopes}`;
  }

  verify(exchange: Exchange): Step<Verdict> {
    for (const source of this.#options.sources) {
      const shown = source.read(exchange.request);
      if (shown.length === 0) continue;
      if (shown.length > 1) return refused(`${shown.length} tokens in ${source.said}`);
      const verified = this.#verifier.verify(shown[0]!);
      if (verified instanceof Promise) return verified.then((later) => this.#judge(later));
      return this.#judge(verified);
    }
    return undefined;
  }

  strip({ request }: Exchange): void {
    const { sources, query, passesOn } = this.#options;
    if (!passesOn) for (const source of sources) source.strip(request);
    else query?.strip(request);
  }

  challenge(): string {
    return CHALLENGE;
  }

  explain(): string {
    const said = this.#options.sources.map((source) => source.said).join(" or ");
    return `a signed token in ${said}, checked with ${this.#verifier.source.about}`;
  }

  #judge(verified: Verified): Verdict {
    if (verified === NO_KEYS) return UNAVAILABLE;
    if (verified instanceof BadToken) return refused(verified.why);
    const missing = missingOf(this.#options.requirement, verified.claims);
    if (missing === undefined) return { kind: "proven", identity: verified };
    const fault = { code: "auth_forbidden", detail: `${missing} is missing` } as const;
    return { kind: "refused", fault, challenge: this.#forbidden, name: verified.name };
  }
}

const CHALLENGE = 'Bearer realm="api"';

function refused(detail: string): Verdict {
  return {
    kind: "refused",
    fault: { code: "auth_failed", detail },
    challenge: `${CHALLENGE}, error="invalid_token"`,
  }; // no guess: nobody guesses a signature, and a program with an old token needs its 401
}

const UNAVAILABLE: Verdict = {
  kind: "refused",
  fault: { code: "auth_unavailable", detail: "the keys of tokens cannot be had" },
};

function keySource({ from }: JwtOptions, tools: AuthTools): KeySource {
  const { world } = tools;
  if (from.kind === "own") return new OwnKeys(from.keys);
  if (from.kind === "file") {
    const { file } = from;
    return tools.keepForAll(
      `token keys of ${file}`,
      () =>
        new FileKeys(
          file,
          new FollowedFile(file, { bytesMax: FILE_BYTES_MAX, make: keysIn, world }),
        ),
    );
  }
  const { options, ca } = from;
  const roots = ca === undefined ? undefined : readFileSync(ca, "utf8");
  const key = `token keys ${JSON.stringify({ ...options, roots })}`;
  return tools.keepForAll(key, () => new RemoteKeys({ ...options, roots }, webWorld(tools)));
}

/** Throws with what is wrong. */
export function keysIn(bytes: Buffer): readonly VerifyingKey[] {
  const text = bytes.toString("utf8");
  if (text.includes("-----BEGIN ")) {
    const key = readPem(text);
    if (typeof key === "string") throw new Error(key);
    return [key];
  }
  const read = readJwkSet(JSON.parse(text));
  if (typeof read === "string") throw new Error(read);
  if (read.keys.length === 0)
    throw new Error(`no key that can be used: ${read.skipped.join("; ")}`);
  return read.keys;
}
