import type { Clock, Log, Web } from "../../../base/world.ts";
import type { Exchange } from "../../../core/exchange.ts";
import type { Fault } from "../../../core/fault.ts";
import type { Reply } from "../../../core/filter.ts";
import { queryValue } from "../../../protocol/http/query.ts";
import { BadToken, type Claims } from "../../../protocol/jwt/token.ts";
import { NO_KEYS, type TokenVerifier } from "../jwt/token-verifier.ts";
import { type AskOptions, askJson } from "./ask-json.ts";
import { challengeOf, type Login, type LoginCookies } from "./login-cookies.ts";
import type { ClientAtProvider } from "./oidc-options.ts";
import type { Metadata, Provider } from "./provider.ts";
import { newSessionId, type Session } from "./session.ts";
import type { TokenEndpoint, Tokens } from "./token-endpoint.ts";

export interface LoginParts {
  readonly options: ClientAtProvider;
  readonly provider: Provider;
  readonly endpoint: TokenEndpoint;
  readonly verifier: TokenVerifier; // of ID tokens
  readonly logins: LoginCookies;
  readonly asking: AskOptions;
  readonly world: { readonly clock: Clock; readonly log: Log; readonly web: Web };
}

/** What came of a login: a session and where to go on, or why not. */
export type Finished =
  | { readonly kind: "session"; readonly session: Session; readonly login: Login }
  | { readonly kind: "failed"; readonly fault: Fault; readonly login: Login | undefined };

const REFRESH_PART = 0.75; // of the tokens' lifetime, so that nobody has to wait for the new ones

/** The authorization code flow with PKCE, state and nonce (OpenID Connect Core §3.1, RFC 9700 §2.1). */
export class LoginFlow {
  readonly #parts: LoginParts;

  constructor(parts: LoginParts) {
    this.#parts = parts;
  }

  /** Sends the browser to the provider; `cookie` is for it to bring back. */
  begin(exchange: Exchange, { authorizationEndpoint }: Metadata) {
    const { options, logins } = this.#parts;
    const { path, query } = exchange.request;
    const login = logins.begin(query === "" ? path : `${path}?${query}`, this.#nowS);
    const url = new URL(authorizationEndpoint);
    const params = {
      ...options.params,
      response_type: "code",
      client_id: options.client.id,
      redirect_uri: this.#redirectUri(exchange),
      scope: options.scopes.join(" "),
      state: login.state,
      nonce: login.nonce,
      code_challenge: challengeOf(login),
      code_challenge_method: "S256",
    };
    for (const [name, value] of Object.entries(params)) url.searchParams.set(name, value);
    return { reply: redirectTo(url.href), cookie: logins.write(login) };
  }

  /** What the provider has sent the browser back with. */
  async finish(exchange: Exchange): Promise<Finished> {
    const { provider, logins } = this.#parts;
    const { query, headers } = exchange.request;
    const state = queryValue(query, "state") ?? "";
    const isState = /^[A-Za-z0-9_-]{22}$/.test(state);
    const login = isState ? logins.find(state, headers, this.#nowS) : undefined;
    // Somebody else's login, or one that has been finished: a code alone gets nobody in (CSRF, A6).
    if (login === undefined) return failed("auth_failed", "this browser has begun no such login");
    const metadata = await provider.metadata();
    if (metadata === undefined)
      return failed("auth_unavailable", "the provider is not there", login);
    const issuer = queryValue(query, "iss");
    if (issuer === undefined ? metadata.tellsIssuer : issuer !== provider.issuer) {
      return failed("auth_failed", "it comes from another provider", login); // mix-up, RFC 9207
    }
    const error = queryValue(query, "error");
    if (error !== undefined) {
      const code = error === "access_denied" ? "auth_forbidden" : "auth_failed";
      return failed(code, `the provider says ${JSON.stringify(error.slice(0, 60))}`, login);
    }
    const code = queryValue(query, "code");
    if (code === undefined || code === "") return failed("auth_failed", "there is no code", login);
    return await this.#redeem(exchange, code, { login, metadata });
  }

  async #redeem(
    exchange: Exchange,
    code: string,
    { login, metadata }: { readonly login: Login; readonly metadata: Metadata },
  ): Promise<Finished> {
    const { endpoint } = this.#parts;
    const redirectUri = this.#redirectUri(exchange);
    const { verifier } = login;
    const answer = await endpoint.byCode(metadata.tokenEndpoint, code, { verifier, redirectUri });
    if (answer.kind === "refused") return failed("auth_failed", answer.why, login);
    if (answer.kind === "failed") return this.#unavailable(answer.why, login);
    const { tokens } = answer;
    if (tokens.idToken === undefined) return this.#unavailable("there is no ID token", login);
    const claims = await this.#verified(tokens.idToken);
    if (typeof claims === "string") return this.#unavailable(`the ID token: ${claims}`, login);
    if (claims["nonce"] !== login.nonce) return failed("auth_failed", "another nonce", login);
    const more = await this.#userInfo(metadata, tokens, claims);
    if (typeof more === "string") return this.#unavailable(`userinfo: ${more}`, login);
    const nowS = this.#nowS;
    const session = { id: newSessionId(), version: 0, begunS: nowS, seenS: nowS, more };
    return {
      kind: "session",
      session: { ...session, ...this.kept(tokens, tokens.idToken) },
      login,
    };
  }

  /** What a session keeps of its tokens. */
  kept(tokens: Tokens, idToken: string, refreshBefore?: string) {
    const { refreshes, keepsAccessToken } = this.#parts.options;
    const { lifetimeS, accessToken } = tokens;
    const refreshToken = refreshes ? (tokens.refreshToken ?? refreshBefore) : undefined;
    const mayRefresh = refreshToken !== undefined && lifetimeS !== undefined;
    return {
      idToken,
      refreshToken,
      accessToken: keepsAccessToken ? accessToken : undefined,
      refreshS: mayRefresh ? this.#nowS + Math.ceil(lifetimeS * REFRESH_PART) : 0,
    };
  }

  /** Its claims, or what is wrong with it. */
  async verify(idToken: string): Promise<Claims | string> {
    return await this.#verified(idToken);
  }

  async #verified(idToken: string): Promise<Claims | string> {
    const { verifier, options } = this.#parts;
    const verified = await verifier.verify(idToken);
    if (verified === NO_KEYS) return "the keys of the provider cannot be had";
    if (verified instanceof BadToken) return verified.why;
    const { azp, aud, sub } = verified.claims;
    // Core §3.1.3.7: of a token for several, it has to be us who asked for it.
    if (azp === undefined ? Array.isArray(aud) && aud.length > 1 : azp !== options.client.id) {
      return "another azp";
    }
    return typeof sub === "string" && sub !== "" ? verified.claims : "no sub";
  }

  /** Core §5.3.2: what is told of somebody else is not taken. */
  async #userInfo(
    { userInfoEndpoint: url }: Metadata,
    { accessToken }: Tokens,
    claims: Claims,
  ): Promise<Claims | string | undefined> {
    const { options, asking, world } = this.#parts;
    if (!options.asksUserInfo) return undefined;
    if (url === undefined || accessToken === undefined) return "there is none";
    const headers = { authorization: `Bearer ${accessToken}` };
    const answer = await askJson(world.web, { method: "GET", url, headers }, asking);
    if (answer.kind === "failed") return answer.why;
    const told = answer.value as Claims | null;
    const isTold = answer.status === 200 && typeof told === "object" && told !== null;
    if (!isTold) return `status ${answer.status}`;
    return told["sub"] === claims["sub"] ? told : "another sub";
  }

  #unavailable(why: string, login: Login): Finished {
    const { log } = this.#parts.world;
    log.warn("a login could not be finished", { issuer: this.#parts.provider.issuer, why });
    return failed("auth_unavailable", why, login);
  }

  #redirectUri(exchange: Exchange): string {
    const { callback } = this.#parts.options;
    return originOf(exchange, this.#parts.options.origin) + callback;
  }

  get #nowS(): number {
    return Math.floor(this.#parts.world.clock.wallMs() / 1000);
  }
}

export function originOf({ request }: Exchange, configured: string | undefined): string {
  if (configured !== undefined) return configured;
  const { scheme, host, port } = request;
  return `${scheme}://${host}${port === 0 ? "" : `:${port}`}`;
}

/** 303: what was a POST is a GET from here on. Nobody may keep it: it is for this browser alone. */
export function redirectTo(location: string): Reply {
  return { status: 303, headers: { location, "cache-control": "no-store" } };
}

function failed(code: Fault["code"], detail: string, login?: Login): Finished {
  return { kind: "failed", fault: { code, detail }, login };
}
