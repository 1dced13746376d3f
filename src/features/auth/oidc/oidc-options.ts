/** `auth.oidc` as it is written, and as what it is used. */
import { duration, durationAboveZero, oneOf, wanted, z } from "../../../core/fields.ts";
import { canonicalPath } from "../../../protocol/http/path.ts";
import { TARGET_POLICY } from "../../../protocol/http/target.ts";
import { oneOrMany, webUrl } from "../option-fields.ts";
import { type Requirement, requirementField } from "../requirement.ts";
import { SECRET_LENGTH_MIN } from "./seal.ts";
import type { SessionTimes } from "./session.ts";
import type { ClientOptions } from "./token-endpoint.ts";

/** What all routes of one client at one provider share. */
export interface ClientAtProvider {
  readonly issuer: string;
  readonly client: ClientOptions;
  readonly secrets: readonly string[];
  readonly scopes: readonly string[];
  readonly params: Readonly<Record<string, string>>;
  readonly origin: string | undefined;
  readonly callback: string;
  readonly logout: string;
  readonly afterLogout: string;
  readonly cookie: string;
  readonly times: SessionTimes;
  readonly refreshes: boolean;
  readonly asksUserInfo: boolean;
  readonly keepsAccessToken: boolean;
  readonly nameClaim: string;
  readonly leewayMs: number;
  readonly timeoutMs: number;
  readonly ca: string | undefined;
}

export interface OidcOptions {
  readonly shared: ClientAtProvider;
  readonly requirement: Requirement;
}

const COOKIE = "__Host-sluice";
const IDLE_MS = 3_600_000;
const ABSOLUTE_MS = 12 * 3_600_000;
const TIMEOUT_MS = 5_000;
const LEEWAY_MS = 30_000;

const PATH_FORM = 'a canonical path such as "/.auth/callback"';
const path = z
  .string({ error: wanted(PATH_FORM) })
  .refine(
    (text) => text.startsWith("/") && canonicalPath(text, 0, text.length, TARGET_POLICY) === text,
    { error: wanted(PATH_FORM) },
  );

const SECRET_FORM = `a secret of at least ${SECRET_LENGTH_MIN} characters`;
const secret = z
  .string({ error: () => `must be ${SECRET_FORM}` })
  .min(SECRET_LENGTH_MIN, { error: () => `must be ${SECRET_FORM}` });

const COOKIE_FORM = "a name that begins with __Host-, which no other host can set";
const ORIGIN_FORM = 'an origin such as "https://shop.example.com"';
const OURS: ReadonlySet<string> = new Set([
  ...["client_id", "client_secret", "code_challenge", "code_challenge_method", "nonce"],
  ...["redirect_uri", "response_mode", "response_type", "scope", "state"],
]);

export const oidcSchema: z.ZodType<OidcOptions> = z
  .strictObject(
    {
      issuer: webUrl.describe(
        "The provider, as it calls itself: the iss of its tokens, to the letter.",
      ),
      clientId: z
        .string({ error: wanted("text") })
        .min(1, { error: wanted("text") })
        .describe("As the provider knows us."),
      clientSecret: z
        .string({ error: () => "must be text" })
        .min(1, { error: () => "must be text" })
        .optional()
        .describe(
          "What we show for it; without one we are a public client, for which PKCE vouches.",
        ),
      clientAuth: oneOf(["basic", "post"])
        .default("basic")
        .describe("How the secret is shown: in Authorization, or in the form."),
      secret: z
        .union([secret.transform((one) => [one]), z.array(secret).min(1).max(10)], {
          error: (issue) => (Array.isArray(issue.input) ? undefined : `must be ${SECRET_FORM}`),
        })
        .describe(
          "What sessions are sealed with, the same on all instances; of several the first seals and all open.",
        ),
      scopes: oneOrMany("a scope, or a list of scopes")
        .default(["openid", "profile", "email"])
        .describe("What is asked for; offline_access for a refresh token, with most providers."),
      params: z
        .record(
          z
            .string()
            .refine((name) => !OURS.has(name), { error: () => "must not be one that we set" }),
          z.string({ error: wanted("text") }),
        )
        .default({})
        .describe("More parameters of the login: prompt, acr_values, audience …"),
      origin: webUrl
        .refine((text) => new URL(text).origin === text, { error: wanted(ORIGIN_FORM) })
        .optional()
        .describe(
          "What this site is called in URLs that lead back to it. Default: as the request has it.",
        ),
      callback: path
        .default("/.auth/callback")
        .describe("Where a login leads back to, on a route with this auth."),
      logout: path
        .default("/.auth/logout")
        .describe("Where a session is ended, on a route with this auth."),
      afterLogout: path.default("/").describe("Where a logout leads to in the end."),
      cookie: z
        .string({ error: wanted(COOKIE_FORM) })
        .regex(/^__Host-[A-Za-z0-9_-]{1,32}$/, { error: wanted(COOKIE_FORM) })
        .default(COOKIE)
        .describe("The name of the session's cookie."),
      session: z
        .strictObject(
          {
            idle: durationAboveZero
              .default(IDLE_MS)
              .describe("How long a session lasts without a request."),
            absolute: durationAboveZero.default(ABSOLUTE_MS).describe("How long it lasts in all."),
          },
          {
            error: (issue) =>
              issue.code === "unrecognized_keys"
                ? undefined
                : wanted("a map with idle and absolute")(issue),
          },
        )
        .prefault({})
        .describe("How long a session lasts, without a request and in all."),
      refresh: z
        .boolean({ error: wanted("true or false") })
        .default(true)
        .describe(
          "Whether tokens are got anew before they expire, which ends the session of who is not to have any.",
        ),
      userInfo: z
        .boolean({ error: wanted("true or false") })
        .default(false)
        .describe(
          "Whether claims are also asked for at the provider's userinfo endpoint, once per login.",
        ),
      passAccessToken: z
        .boolean({ error: wanted("true or false") })
        .default(false)
        .describe("Whether the upstream gets the access token, as Authorization: Bearer."),
      name: z
        .string({ error: wanted("the name of a claim") })
        .min(1)
        .default("sub")
        .describe("The claim that is the name: {identity}, and the user in the log."),
      require: requirementField,
      leeway: duration
        .refine((ms) => ms <= 300_000, { error: () => "must be at most 5m" })
        .default(LEEWAY_MS)
        .describe("How far the provider's clock may be from ours."),
      timeout: durationAboveZero.default(TIMEOUT_MS).describe("Of one question to the provider."),
      ca: z
        .string({ error: wanted("the path of a file in PEM") })
        .min(1, { error: wanted("the path of a file in PEM") })
        .optional()
        .describe(
          "Whose certificates count for the provider, in place of those that Node comes with.",
        ),
    },
    {
      error: (issue) =>
        issue.code === "unrecognized_keys"
          ? undefined
          : wanted("a map with issuer, clientId and secret")(issue),
    },
  )
  .superRefine(({ callback, logout, scopes }, context) => {
    if (callback === logout) {
      context.addIssue({
        code: "custom",
        path: ["logout"],
        message: "must not be the same as callback",
      });
    }
    if (!scopes.includes("openid")) {
      context.addIssue({
        code: "custom",
        path: ["scopes"],
        message: "must have openid, or there is no token that says who it is",
      });
    }
  })
  .transform((raw): OidcOptions => {
    const {
      clientId,
      clientSecret,
      clientAuth,
      secret: secrets,
      session,
      require: requirement,
      ...same
    } = raw;
    const { issuer, scopes, params, origin, callback, logout, afterLogout, cookie, ca } = same;
    return {
      shared: {
        ...{ issuer, scopes, params, origin, callback, logout, afterLogout, cookie, ca, secrets },
        client: { id: clientId, secret: clientSecret, auth: clientAuth },
        times: { idleS: session.idle / 1000, absoluteS: session.absolute / 1000 },
        refreshes: raw.refresh,
        asksUserInfo: raw.userInfo,
        keepsAccessToken: raw.passAccessToken,
        nameClaim: raw.name,
        leewayMs: raw.leeway,
        timeoutMs: raw.timeout,
      },
      requirement,
    };
  });
