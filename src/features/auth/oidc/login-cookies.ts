/**
 * Logins under way: what one of them has to bring back is in a cookie of its own, so that several
 * tabs can log in beside each other, and only the browser that began a login can end it (CSRF).
 */
import { createHash, randomBytes } from "node:crypto";
import { cookieValue, eachCookie } from "../../../protocol/http/cookie.ts";
import type { HeaderList } from "../../../protocol/http/header-list.ts";
import { removed, setCookie } from "./own-cookies.ts";
import type { Seal } from "./seal.ts";

export const LOGIN_S = 600; // a person looks for a password
export const LOGINS_MAX = 5; // of one browser at once: each cookie is sent with each request
const RETURN_LENGTH_MAX = 2_000;

export interface Login {
  readonly state: string; // ties what comes back to this cookie
  readonly nonce: string; // ties the token to this login
  readonly verifier: string; // ties the code to who asked for it (PKCE, RFC 7636)
  readonly returnTo: string;
  readonly begunS: number;
}

export class LoginCookies {
  readonly #prefix: string;
  readonly #seal: Seal;

  constructor(sessionCookie: string, seal: Seal) {
    this.#prefix = `${sessionCookie}.login.`;
    this.#seal = seal;
  }

  begin(returnTo: string, nowS: number): Login {
    return {
      state: randomBytes(16).toString("base64url"),
      nonce: randomBytes(16).toString("base64url"),
      verifier: randomBytes(32).toString("base64url"),
      returnTo: safeReturn(returnTo),
      begunS: nowS,
    };
  }

  /** Set-Cookie for it. */
  write({ state, nonce, verifier, returnTo, begunS }: Login): string {
    const name = this.#name(state);
    const text = JSON.stringify([state, nonce, verifier, returnTo, begunS]);
    return setCookie(name, this.#seal.seal(text, name), LOGIN_S);
  }

  /** Set-Cookie that rid a browser of all its logins, if it has begun too many: it gives up most of them. */
  surplus(headers: HeaderList): readonly string[] {
    const names: string[] = [];
    eachCookie(headers, (name) => {
      if (name.startsWith(this.#prefix)) names.push(name);
    });
    return names.length < LOGINS_MAX ? [] : names.map(removed);
  }

  /** undefined: this browser has begun no such login, or too long ago. */
  find(state: string, headers: HeaderList, nowS: number): Login | undefined {
    const name = this.#name(state);
    const sealed = cookieValue(headers, name);
    const text = sealed && this.#seal.open(sealed, name);
    if (text === undefined || text === "") return undefined;
    const [said, nonce, verifier, returnTo, begunS] = JSON.parse(text); // sealed by us
    if (said !== state || nowS - begunS > LOGIN_S || nowS < begunS - LOGIN_S) return undefined;
    return { state, nonce, verifier, returnTo, begunS };
  }

  remove({ state }: Login): string {
    return removed(this.#name(state));
  }

  #name(state: string): string {
    return `${this.#prefix}${state.slice(0, 8)}`;
  }
}

/** RFC 7636 §4.2. */
export function challengeOf({ verifier }: Login): string {
  return createHash("sha256").update(verifier).digest("base64url");
}

/**
 * Only a path of this site: "//evil.test" and "/\evil.test" lead elsewhere (A6). It is the canonical
 * path of a request that came here; this is for what a policy may leave in it.
 */
export function safeReturn(path: string): string {
  const isSafe = /^\/(?![/\\])[\x21-\x7e]*$/.test(path) && path.length <= RETURN_LENGTH_MAX;
  return isSafe ? path : "/";
}
