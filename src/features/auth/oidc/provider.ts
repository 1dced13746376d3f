import type { World } from "../../../base/world.ts";
import type { Step } from "../../../core/filter.ts";
import { type AskOptions, askJson } from "./ask-json.ts";

/** What a provider says of itself (OpenID Connect Discovery §3), as far as it is used. */
export interface Metadata {
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  readonly jwksUri: string;
  readonly endSessionEndpoint: string | undefined;
  readonly userInfoEndpoint: string | undefined;
  readonly tellsIssuer: boolean; // in what leads back from a login (RFC 9207)
}

const KEEP_MS = 3_600_000;
const COOLDOWN_MS = 10_000;

/**
 * An OpenID provider, known by its issuer alone: what it says of itself is asked for when somebody
 * needs it, and again beside the traffic once an hour. What is known stays known while it is down:
 * without the provider nobody can log in anyway.
 */
export class Provider {
  readonly issuer: string;
  readonly #world: Pick<World, "clock" | "log" | "web">;
  readonly #options: AskOptions;
  #metadata: Metadata | undefined;
  #readMs: number;
  #askedMs: number;
  #asking: Promise<void> | undefined;

  constructor(issuer: string, options: AskOptions, world: Pick<World, "clock" | "log" | "web">) {
    this.issuer = issuer;
    this.#world = world;
    this.#options = options;
    this.#metadata = undefined;
    this.#readMs = 0;
    this.#askedMs = Number.NEGATIVE_INFINITY;
    this.#asking = undefined;
  }

  /** What is known by now. */
  get known(): Metadata | undefined {
    return this.#metadata;
  }

  /** undefined: it cannot be had for now. */
  metadata(): Step<Metadata | undefined> {
    const nowMs = this.#world.clock.nowMs();
    const isDue = this.#metadata === undefined || nowMs - this.#readMs > KEEP_MS;
    const mayAsk = this.#asking !== undefined || nowMs - this.#askedMs >= COOLDOWN_MS;
    if (isDue && mayAsk) {
      this.#asking ??= this.#ask().finally(() => {
        this.#asking = undefined;
      });
      if (this.#metadata === undefined) return this.#asking.then(() => this.#metadata);
    }
    return this.#metadata;
  }

  async #ask(): Promise<void> {
    const { clock, log, web } = this.#world;
    this.#askedMs = clock.nowMs();
    const url = `${this.issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
    const answer = await askJson(web, { method: "GET", url }, this.#options);
    const read =
      answer.kind === "failed"
        ? answer.why
        : readMetadata(answer.value, answer.status, this.issuer);
    if (typeof read === "string") {
      log.warn("cannot learn about a provider of logins", { issuer: this.issuer, why: read });
      return;
    }
    this.#metadata = read;
    this.#readMs = clock.nowMs();
  }
}

/** What is wrong, as text. The issuer has to be the very one that was asked for (§4.3). */
export function readMetadata(value: unknown, status: number, issuer: string): Metadata | string {
  if (status !== 200) return `status ${status}`;
  if (typeof value !== "object" || value === null) return "no JSON object";
  const said = value as Readonly<Record<string, unknown>>;
  if (said["issuer"] !== issuer) return `it calls itself ${JSON.stringify(said["issuer"])}`;
  const isPlain = issuer.startsWith("http:"); // the config has allowed that for this host
  const url = (name: string): string | undefined => {
    const text = said[name];
    if (typeof text !== "string" || !URL.canParse(text)) return undefined;
    const { protocol } = new URL(text);
    return protocol === "https:" || (isPlain && protocol === "http:") ? text : undefined;
  };
  const authorizationEndpoint = url("authorization_endpoint");
  const tokenEndpoint = url("token_endpoint");
  const jwksUri = url("jwks_uri");
  if (authorizationEndpoint === undefined) return "no authorization_endpoint that can be used";
  if (tokenEndpoint === undefined) return "no token_endpoint that can be used";
  if (jwksUri === undefined) return "no jwks_uri that can be used";
  return {
    authorizationEndpoint,
    tokenEndpoint,
    jwksUri,
    endSessionEndpoint: url("end_session_endpoint"),
    userInfoEndpoint: url("userinfo_endpoint"),
    tellsIssuer: said["authorization_response_iss_parameter_supported"] === true,
  };
}
