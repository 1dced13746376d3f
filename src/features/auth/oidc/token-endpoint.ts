import type { Web } from "../../../base/world.ts";
import { type AskOptions, askJson } from "./ask-json.ts";

export interface ClientOptions {
  readonly id: string;
  readonly secret: string | undefined; // undefined: a public client, which PKCE alone vouches for
  readonly auth: "basic" | "post"; // how the secret is shown
}

/** What a provider gives for a code or a refresh token (OpenID Connect Core §3.1.3.3). */
export interface Tokens {
  readonly idToken: string | undefined; // a refresh need not bring one
  readonly accessToken: string | undefined;
  readonly refreshToken: string | undefined;
  readonly lifetimeS: number | undefined;
}

export type TokenAnswer =
  | { readonly kind: "tokens"; readonly tokens: Tokens }
  | { readonly kind: "refused"; readonly why: string } // the grant is good for nothing any more
  | { readonly kind: "failed"; readonly why: string }; // nobody could say

const LIFETIME_MAX_S = 365 * 86_400;

export class TokenEndpoint {
  readonly #web: Web;
  readonly #client: ClientOptions;
  readonly #options: AskOptions;

  constructor(web: Web, client: ClientOptions, options: AskOptions) {
    this.#web = web;
    this.#client = client;
    this.#options = options;
  }

  byCode(
    url: string,
    code: string,
    { verifier, redirectUri }: { readonly verifier: string; readonly redirectUri: string },
  ): Promise<TokenAnswer> {
    const grant = { grant_type: "authorization_code", code, redirect_uri: redirectUri };
    return this.#ask(url, { ...grant, code_verifier: verifier });
  }

  byRefreshToken(url: string, refreshToken: string): Promise<TokenAnswer> {
    return this.#ask(url, { grant_type: "refresh_token", refresh_token: refreshToken });
  }

  async #ask(url: string, grant: Readonly<Record<string, string>>): Promise<TokenAnswer> {
    const { id, secret, auth } = this.#client;
    const isBasic = secret !== undefined && auth === "basic";
    const headers = isBasic ? { authorization: basicOf(id, secret) } : {};
    const shown =
      secret === undefined ? { client_id: id } : { client_id: id, client_secret: secret };
    const form = isBasic ? grant : { ...grant, ...shown };
    const answer = await askJson(this.#web, { method: "POST", url, headers, form }, this.#options);
    if (answer.kind === "failed") return answer;
    return readTokens(answer.status, answer.value);
  }
}

/** RFC 6749 §2.3.1: both are form-encoded before they are joined. */
function basicOf(id: string, secret: string): string {
  const encode = (text: string) => new URLSearchParams({ "": text }).toString().slice(1);
  return `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`).toString("base64")}`;
}

export function readTokens(status: number, value: unknown): TokenAnswer {
  if (typeof value !== "object" || value === null) return { kind: "failed", why: "no JSON object" };
  const said = value as Readonly<Record<string, unknown>>;
  if (status !== 200) {
    const why = `status ${status}, ${String(said["error"]).slice(0, 60)}`;
    // Of the errors only this one is about the grant; the others are about us, or about them.
    return { kind: said["error"] === "invalid_grant" ? "refused" : "failed", why };
  }
  const text = (name: string) => (typeof said[name] === "string" ? said[name] : undefined);
  const lifetime = Number(said["expires_in"]);
  const isLifetime = Number.isFinite(lifetime) && lifetime > 0;
  return {
    kind: "tokens",
    tokens: {
      idToken: text("id_token"),
      accessToken: text("access_token"),
      refreshToken: text("refresh_token"),
      lifetimeS: isLifetime ? Math.min(Math.floor(lifetime), LIFETIME_MAX_S) : undefined,
    },
  };
}
