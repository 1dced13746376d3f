import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Exchange } from "../../../core/exchange.ts";
import type { Fault } from "../../../core/fault.ts";
import type { Reply, Step } from "../../../core/filter.ts";
import { refusal } from "../../../core/refusal.ts";
import { dropCookie, eachCookie } from "../../../protocol/http/cookie.ts";
import {
  type AuthMethod,
  type AuthMethodKind,
  type AuthTools,
  type Verdict,
  webWorld,
} from "../auth-method.ts";
import { PendingCookies } from "../pending-cookies.ts";
import { missingOf } from "../requirement.ts";
import { type Finished, originOf, redirectTo } from "./login-flow.ts";
import { isNavigation, isOwnWish } from "./navigation.ts";
import { OidcClient } from "./oidc-client.ts";
import { type ClientAtProvider, type OidcOptions, oidcSchema } from "./oidc-options.ts";
import type { Opened } from "./opened-sessions.ts";
import { RefreshMarks } from "./refresh-marks.ts";
import type { Refreshed } from "./refreshes.ts";

/** People log in at a provider, and have a session here. */
export const oidc: AuthMethodKind<OidcOptions> = {
  key: "oidc",
  about: "A login at an OpenID provider, and a session in an encrypted cookie.",
  schema: oidcSchema,
  build: (options, tools) => new Oidc(options, tools),
};

class Oidc implements AuthMethod {
  readonly key = "oidc";
  readonly #options: OidcOptions;
  readonly #client: OidcClient;
  readonly #cookies: PendingCookies;
  readonly #isDry: boolean;
  readonly #guard: AuthTools["guard"];

  constructor(options: OidcOptions, tools: AuthTools) {
    this.#options = options;
    this.#client = clientOf(options.shared, tools);
    this.#cookies = new PendingCookies();
    this.#isDry = tools.isDry;
    this.#guard = tools.guard;
  }

  verify(exchange: Exchange): Step<Verdict> {
    const { callback, logout } = this.#options.shared;
    const { path, headers } = exchange.request;
    if (path === callback) return this.#finish(exchange);
    if (path === logout) return this.#logout(exchange);
    const opened = this.#client.sessions.find(headers, this.#client.nowS);
    if (opened === undefined) return this.#nobody(exchange);
    const refreshed = this.#client.refreshed(opened.session);
    if (!(refreshed instanceof Promise)) return this.#judge(exchange, opened, refreshed);
    return refreshed.then((later) => this.#judge(exchange, opened, later));
  }

  login(exchange: Exchange): Reply | undefined {
    if (!isNavigation(exchange)) return undefined;
    if (this.#isDry) return redirectTo(`${this.#options.shared.issuer}/(its login)`); // nobody is asked
    const metadata = this.#client.provider.known;
    if (metadata === undefined) return refusal(exchange, PROVIDER_GONE);
    const { reply, cookie } = this.#client.flow.begin(exchange, metadata);
    this.#cookies.add(exchange, [cookie]);
    return reply;
  }

  challenge(): string {
    return CHALLENGE;
  }

  /** The session is between the browser and us. */
  strip({ request }: Exchange): void {
    const { headers } = request;
    const { cookie } = this.#options.shared;
    if (headers.get("cookie")?.includes(cookie) !== true) return;
    const own: string[] = [];
    eachCookie(headers, (name) => {
      if (name === cookie || name.startsWith(`${cookie}.`)) own.push(name);
    });
    for (const name of own) dropCookie(headers, name);
  }

  respond(exchange: Exchange): undefined {
    this.#cookies.write(exchange);
    return undefined;
  }

  explain(): string {
    return `a session, or a login at ${this.#options.shared.issuer}`;
  }

  /** What login() needs is asked for here, where there is time to wait, and the cookies are still there. */
  #nobody(exchange: Exchange): Step<undefined> {
    this.#cookies.add(exchange, this.#client.logins.surplus(exchange.request.headers));
    const metadata = this.#client.provider.metadata();
    return metadata instanceof Promise ? metadata.then(() => undefined) : undefined;
  }

  #judge(exchange: Exchange, opened: Opened, refreshed: Refreshed | undefined): Step<Verdict> {
    const client = this.#client;
    const { headers } = exchange.request;
    if (refreshed?.kind === "over") {
      this.#cookies.add(exchange, client.sessions.remove(headers));
      return this.#nobody(exchange);
    }
    if (refreshed?.kind === "same" && client.isOutlived(opened.session)) {
      return { kind: "refused", fault: PROVIDER_GONE };
    }
    const { nowS } = client;
    const isNew = refreshed?.kind === "new";
    const session = isNew ? refreshed.session : opened.session;
    const identity = isNew ? client.sessions.identityOf(session) : opened.identity;
    if (identity === undefined) return this.#nobody(exchange);
    const missing = missingOf(this.#options.requirement, identity.claims);
    const cookies = isNew
      ? client.sessions.write(session, headers, nowS)
      : client.sessions.see(session, headers, nowS);
    this.#cookies.add(exchange, cookies ?? []);
    if (missing !== undefined) {
      const fault: Fault = { code: "auth_forbidden", detail: `${missing} is missing` };
      return { kind: "refused", fault, name: identity.name };
    }
    const { accessToken } = session;
    if (accessToken === undefined) return { kind: "proven", identity };
    const pass = ({ request }: Exchange) => {
      request.headers.set("Authorization", `Bearer ${accessToken}`);
    };
    return { kind: "proven", identity, pass };
  }

  async #finish(exchange: Exchange): Promise<Verdict> {
    const client = this.#client;
    const { method, headers } = exchange.request;
    if (method !== "GET" || this.#isDry) return refused({ code: "auth_failed", detail: "no GET" });
    const retryAfterMs = this.#guard?.waitMs(exchange.client.address) ?? 0;
    // Each code that is made up costs the provider a request, which is ours.
    if (retryAfterMs > 0) return refused({ code: "auth_limited", detail: "", retryAfterMs });
    const finished: Finished = await client.flow.finish(exchange);
    if (finished.login !== undefined) {
      this.#cookies.add(exchange, [client.logins.remove(finished.login)]); // it was good for one time
    }
    if (finished.kind === "failed") {
      const { fault } = finished;
      return { kind: "refused", fault, isGuess: fault.code === "auth_failed" };
    }
    const cookies = client.sessions.write(finished.session, headers, client.nowS);
    if (cookies === undefined) return refused(TOO_LONG);
    this.#cookies.add(exchange, cookies);
    return { kind: "answered", reply: redirectTo(finished.login.returnTo) };
  }

  /** Here, and then at the provider (OpenID Connect RP-Initiated Logout). */
  async #logout(exchange: Exchange): Promise<Verdict> {
    const { sessions, provider, nowS } = this.#client;
    const { afterLogout, origin, client } = this.#options.shared;
    const { headers } = exchange.request;
    if (!isOwnWish(exchange)) {
      return refused({ code: "auth_forbidden", detail: "another site asks for the logout" });
    }
    const opened = sessions.find(headers, nowS);
    this.#cookies.add(exchange, sessions.remove(headers));
    const end = (await provider.metadata())?.endSessionEndpoint;
    if (end === undefined || opened === undefined) {
      return { kind: "answered", reply: redirectTo(afterLogout) };
    }
    const url = new URL(end);
    url.searchParams.set("id_token_hint", opened.session.idToken);
    url.searchParams.set("client_id", client.id);
    url.searchParams.set("post_logout_redirect_uri", originOf(exchange, origin) + afterLogout);
    return { kind: "answered", reply: redirectTo(url.href) };
  }
}

/** One for all routes that have the same: a session is good on all of them, and is refreshed once. */
function clientOf(options: ClientAtProvider, tools: AuthTools): OidcClient {
  const { machine } = tools;
  const roots = options.ca === undefined ? undefined : readFileSync(options.ca, "utf8");
  const digest = createHash("sha256")
    .update(JSON.stringify([options, roots]))
    .digest("base64url");
  const key = `oidc ${digest}`;
  return tools.keepForAll(key, () => {
    const marks = new RefreshMarks(machine.block(key, RefreshMarks.byteLength));
    return new OidcClient(options, roots, marks, webWorld(tools));
  });
}

function refused(fault: Fault): Verdict {
  return { kind: "refused", fault };
}

const CHALLENGE = 'Cookie realm="login"'; // RFC 9110 §15.5.2 wants one, and there is none for sessions
const PROVIDER_GONE: Fault = { code: "auth_unavailable", detail: "the provider is not there" };
const TOO_LONG: Fault = {
  code: "auth_unavailable",
  detail: "the session is longer than cookies can be: fewer scopes or claims are needed",
};
