import type { World } from "../../../base/world.ts";
import { ALGORITHMS } from "../../../protocol/jwt/algorithm.ts";
import { TokenVerifier } from "../jwt/token-verifier.ts";
import { VerifiedTokens } from "../jwt/verified-tokens.ts";
import { LoginCookies } from "./login-cookies.ts";
import { LoginFlow } from "./login-flow.ts";
import type { ClientAtProvider } from "./oidc-options.ts";
import { OwnCookie } from "./own-cookies.ts";
import { Provider } from "./provider.ts";
import { ProviderKeys } from "./provider-keys.ts";
import type { RefreshMarks } from "./refresh-marks.ts";
import { OUTAGE_S, type Refreshed, Refreshes } from "./refreshes.ts";
import { Seal } from "./seal.ts";
import type { Session } from "./session.ts";
import { Sessions } from "./sessions.ts";
import { TokenEndpoint } from "./token-endpoint.ts";

/** One client at one provider: what its routes share, in one worker. */
export class OidcClient {
  readonly options: ClientAtProvider;
  readonly provider: Provider;
  readonly sessions: Sessions;
  readonly logins: LoginCookies;
  readonly flow: LoginFlow;
  readonly #endpoint: TokenEndpoint;
  readonly #refreshes: Refreshes;
  readonly #world: Pick<World, "clock" | "log" | "web">;

  /** `roots`: what the file `ca` has. */
  constructor(
    options: ClientAtProvider,
    roots: string | undefined,
    marks: RefreshMarks,
    world: Pick<World, "clock" | "log" | "web">,
  ) {
    const { issuer, client, secrets, cookie, times, nameClaim, leewayMs, timeoutMs } = options;
    const asking = { roots, timeoutMs };
    const provider = new Provider(issuer, asking, world);
    const rules = {
      ...{ issuers: [issuer], audiences: [client.id], leewayMs, types: undefined, nameClaim },
      algorithms: ALGORITHMS.filter((each) => !each.startsWith("HS")),
      method: "oidc",
    };
    const keys = new ProviderKeys(provider, asking, world);
    const verifier = new TokenVerifier(rules, keys, new VerifiedTokens(0), world.clock);
    const bound = JSON.stringify([issuer, client.id, cookie]);
    this.options = options;
    this.provider = provider;
    this.#world = world;
    this.#endpoint = new TokenEndpoint(world.web, client, asking);
    this.sessions = new Sessions(new OwnCookie(cookie), new Seal(secrets, "session"), {
      ...{ bound, times, nameClaim },
    });
    this.logins = new LoginCookies(cookie, new Seal(secrets, "login"));
    const endpoint = this.#endpoint;
    const { logins } = this;
    this.flow = new LoginFlow({ options, provider, endpoint, verifier, logins, asking, world });
    this.#refreshes = new Refreshes(world.clock, marks);
  }

  get nowS(): number {
    return Math.floor(this.#world.clock.wallMs() / 1000);
  }

  /** undefined: it is as good as it was. */
  refreshed(session: Session): Refreshed | Promise<Refreshed> | undefined {
    return this.#refreshes.of(session, (old) => this.#refresh(old));
  }

  /** Its tokens have expired that long ago, and nobody could say whether it may have others. */
  isOutlived({ refreshS }: Session): boolean {
    return refreshS !== 0 && this.nowS - refreshS > OUTAGE_S;
  }

  async #refresh(old: Session): Promise<Refreshed> {
    const metadata = await this.provider.metadata();
    if (metadata === undefined) return SAME;
    const answer = await this.#endpoint.byRefreshToken(metadata.tokenEndpoint, old.refreshToken!);
    if (answer.kind === "refused") return { kind: "over", why: answer.why };
    if (answer.kind === "failed") return this.#same(answer.why);
    const { tokens } = answer;
    const idToken = tokens.idToken ?? old.idToken;
    if (tokens.idToken !== undefined) {
      const claims = await this.flow.verify(tokens.idToken);
      if (typeof claims === "string") return this.#same(`the ID token: ${claims}`);
      const before = this.sessions.identityOf(old)?.claims;
      if (claims["sub"] !== before?.["sub"]) return { kind: "over", why: "another sub" };
    }
    const kept = this.flow.kept(tokens, idToken, old.refreshToken);
    const session = { ...old, ...kept, version: old.version + 1, seenS: this.nowS };
    return { kind: "new", session };
  }

  #same(why: string): Refreshed {
    this.#world.log.warn("a session could not be refreshed", { issuer: this.provider.issuer, why });
    return SAME;
  }
}

const SAME: Refreshed = { kind: "same" };
