/** `auth.jwt` as it is written, and as what it is used. */
import {
  duration,
  durationAboveZero,
  shown,
  wanted,
  wholeNumber,
  z,
} from "../../../core/fields.ts";
import { SecretNames } from "../../../observe/secret-names.ts";
import { isFieldName } from "../../../protocol/http/header-list.ts";
import { ALGORITHMS, type Algorithm } from "../../../protocol/jwt/algorithm.ts";
import { readJwk, readPem, readSecret, type VerifyingKey } from "../../../protocol/jwt/jwk.ts";
import { cookieSource, headerSource, type KeySource, querySource } from "../api-key/key-source.ts";
import { oneOrMany, webUrl } from "../option-fields.ts";
import { type Requirement, requirementField } from "../requirement.ts";
import type { RemoteKeysOptions } from "./remote-keys.ts";

export type KeysFrom =
  | {
      readonly kind: "url";
      readonly options: Omit<RemoteKeysOptions, "roots">;
      readonly ca: string | undefined;
    }
  | { readonly kind: "file"; readonly file: string }
  | { readonly kind: "own"; readonly keys: readonly VerifyingKey[] };

export interface JwtOptions {
  readonly from: KeysFrom;
  readonly issuers: readonly string[] | undefined;
  readonly audiences: readonly string[] | undefined;
  readonly algorithms: readonly Algorithm[];
  readonly types: readonly string[] | undefined;
  readonly leewayMs: number;
  readonly sources: readonly KeySource[];
  readonly query: KeySource | undefined; // among them: what is in a URL never goes on
  readonly passesOn: boolean;
  readonly nameClaim: string;
  readonly requirement: Requirement;
  readonly rememberMax: number;
}

export const REFRESH_MS = 300_000;
export const STALE_MS = 86_400_000;
export const COOLDOWN_MS = 30_000;
export const TIMEOUT_MS = 5_000;
const LEEWAY_MS = 30_000;
const LEEWAY_MAX_MS = 300_000;
const REMEMBER = 1_000;

const secretNames = new SecretNames();
const ASYMMETRIC = ALGORITHMS.filter((each) => !each.startsWith("HS"));
const SYMMETRIC = ALGORITHMS.filter((each) => each.startsWith("HS"));

const jwksMap = z.strictObject({
  url: webUrl.describe("Where the issuer publishes its keys. Nothing in a token leads elsewhere."),
  refresh: durationAboveZero
    .optional()
    .describe(
      "How old they may be before they are asked for again, beside the traffic. Default: 5m.",
    ),
  stale: duration
    .optional()
    .describe(
      "For how much longer they serve while the issuer cannot be asked; then nobody passes. Default: 1d.",
    ),
  cooldown: durationAboveZero
    .optional()
    .describe(
      "Between two questions that an unknown key, or a failure, is the reason of. Default: 30s.",
    ),
  timeout: durationAboveZero.optional().describe("Of one question, all of it. Default: 5s."),
  ca: z
    .string({ error: wanted("the path of a file in PEM") })
    .min(1)
    .optional()
    .describe("Whose certificates count for that URL, in place of those that Node comes with."),
});

const jwks = z
  .union([webUrl.transform((url) => ({ url })), jwksMap], {
    error: (issue) =>
      typeof issue.input === "string" || typeof issue.input === "object"
        ? undefined
        : wanted("an https URL, or a map with url")(issue),
  })
  .transform((given): KeysFrom => {
    const { url, refresh, stale, cooldown, timeout, ca } = given as z.output<typeof jwksMap>;
    return {
      kind: "url",
      ca,
      options: {
        url,
        refreshMs: refresh ?? REFRESH_MS,
        staleMs: stale ?? STALE_MS,
        cooldownMs: cooldown ?? COOLDOWN_MS,
        timeoutMs: timeout ?? TIMEOUT_MS,
      },
    };
  });

/** One key, as JWK or PEM. What was given is not shown: it may be the private half. */
const publicKey = z
  .union([z.string(), z.record(z.string(), z.unknown())], {
    error: () => "must be a public key, as PEM or as a JWK",
  })
  .transform((given, context): VerifyingKey => {
    const read = typeof given === "string" ? readPem(given) : readJwk(given);
    if (typeof read !== "string") return read;
    context.addIssue({
      code: "custom",
      message: `must be a public key, as PEM or as a JWK: ${read}`,
    });
    return z.NEVER;
  });

const secret = z
  .string({ error: () => "must be a secret of at least 32 bytes" })
  .transform((given, context): VerifyingKey => {
    const read = readSecret(given);
    if (typeof read !== "string") return read;
    context.addIssue({ code: "custom", message: "must be a secret of at least 32 bytes" });
    return z.NEVER;
  });

const names = oneOrMany("text, or a list of texts");
const headerName = z
  .string({ error: wanted("the name of a header") })
  .refine(isFieldName, { error: wanted("the name of a header") });

const algorithm = z.enum(ALGORITHMS, {
  error: wanted(`one of ${ALGORITHMS.join(", ")}`),
});

export const jwtSchema: z.ZodType<JwtOptions> = z
  .strictObject(
    {
      jwks: jwks
        .optional()
        .describe("The URL of the issuer's keys (a JWK Set), or a map with url."),
      keysFile: z
        .string({ error: wanted("the path of a file") })
        .min(1)
        .optional()
        .describe("A file with a JWK Set, or with one key in PEM. A changed file is read again."),
      keys: z
        .array(publicKey, { error: wanted("a list of public keys") })
        .min(1)
        .max(100)
        .optional()
        .describe("Public keys, as PEM or as a JWK."),
      secret: z
        .union([secret.transform((one) => [one]), z.array(secret).min(1).max(10)], {
          error: (issue) =>
            Array.isArray(issue.input) ? undefined : "must be a secret of at least 32 bytes",
        })
        .optional()
        .describe(
          "Secrets that the issuer shares with us, of at least 32 bytes: HS256, HS384 and HS512.",
        ),
      issuer: names
        .optional()
        .describe(
          'What iss has to be, one of several, or "any". Default with jwks: its URL without the path.',
        ),
      audience: names.describe('What aud has to hold, one of several, or "any".'),
      algorithms: z
        .array(algorithm, { error: wanted("a list of algorithms") })
        .min(1)
        .optional()
        .describe("Those that may have been used. Default: all that the keys are made for."),
      type: names.optional().describe('What typ has to be, such as "at+jwt". Default: anything.'),
      leeway: duration
        .refine((ms) => ms <= LEEWAY_MAX_MS, { error: () => "must be at most 5m" })
        .optional()
        .describe("How far the issuer's clock may be from ours. Default: 30s."),
      header: headerName
        .optional()
        .describe(
          "The header that has the token. Default: Authorization, if neither query nor cookie is set.",
        ),
      scheme: headerName
        .optional()
        .describe("The word before it in the header. Default: Bearer in Authorization, else none."),
      cookie: z
        .string({ error: wanted("the name of a cookie") })
        .refine(isFieldName, { error: wanted("the name of a cookie") })
        .optional()
        .describe("The cookie that has it."),
      query: z
        .string({ error: wanted("the name of a parameter") })
        .refine((text) => secretNames.has(text, 0, text.length), {
          error: wanted("a name that the access log redacts, such as access_token"),
        })
        .optional()
        .describe("The query parameter that has it; it never goes on."),
      passOn: z
        .boolean({ error: wanted("true or false") })
        .default(true)
        .describe("Whether a token in a header or cookie goes on to the upstream."),
      name: z
        .string({ error: wanted("the name of a claim") })
        .min(1)
        .default("sub")
        .describe("The claim that is the name: {identity}, and the user in the log."),
      require: requirementField,
      remember: wholeNumber(0, 100_000)
        .default(REMEMBER)
        .describe(
          "So many tokens that hold are known again without a look at their signature, per worker.",
        ),
    },
    {
      error: (issue) =>
        issue.code === "unrecognized_keys"
          ? undefined
          : wanted("a map with jwks, keysFile, keys or secret")(issue),
    },
  )
  .superRefine(checkSources)
  .transform((raw): JwtOptions => {
    const { header, scheme, cookie, query, algorithms, secret: secrets, type } = raw;
    const isElsewhere = header === undefined && (cookie ?? query) !== undefined;
    const name = header ?? "Authorization";
    const word = scheme ?? (name.toLowerCase() === "authorization" ? "Bearer" : undefined);
    const fromQuery = query === undefined ? undefined : querySource(query);
    const from = keysFrom(raw);
    return {
      from,
      issuers: issuersOf(raw.issuer, from),
      audiences: raw.audience.includes(ANY) ? undefined : raw.audience,
      algorithms: algorithms ?? (secrets === undefined ? ASYMMETRIC : SYMMETRIC),
      types: type?.map((each) => each.toLowerCase()),
      leewayMs: raw.leeway ?? LEEWAY_MS,
      sources: [
        ...(isElsewhere ? [] : [headerSource(name, word)]),
        ...(cookie === undefined ? [] : [cookieSource(cookie)]),
        ...(fromQuery === undefined ? [] : [fromQuery]),
      ],
      query: fromQuery,
      passesOn: raw.passOn,
      nameClaim: raw.name,
      requirement: raw.require,
      rememberMax: raw.remember,
    };
  });

const ANY = "any";

interface Raw {
  readonly jwks?: KeysFrom | undefined;
  readonly keysFile?: string | undefined;
  readonly keys?: readonly VerifyingKey[] | undefined;
  readonly secret?: readonly VerifyingKey[] | undefined;
  readonly issuer?: readonly string[] | undefined;
  readonly algorithms?: readonly Algorithm[] | undefined;
}

/** One place for keys: of two, a token that one of them was not meant for would hold all the same. */
function checkSources(raw: Raw, context: z.RefinementCtx): void {
  const { jwks: remote, secret: secrets, issuer, algorithms } = raw;
  const given = (["jwks", "keysFile", "keys", "secret"] as const).filter(
    (key) => raw[key] !== undefined,
  );
  if (given.length !== 1) {
    const got = given.length === 0 ? "" : `, got ${given.join(" and ")}`;
    const message = `must have one of jwks, keysFile, keys and secret${got}`;
    context.addIssue({ code: "custom", message });
  }
  if (remote === undefined && issuer === undefined) {
    const message = 'must have issuer: what iss of the tokens is, or "any"';
    context.addIssue({ code: "custom", message });
  }
  const wrong = algorithms?.find((each) => each.startsWith("HS") !== (secrets !== undefined));
  if (wrong !== undefined && given.length === 1) {
    const form = secrets === undefined ? "for public keys" : "for a secret (HS256, HS384, HS512)";
    context.addIssue({
      code: "custom",
      path: ["algorithms"],
      message: `must be ${form}, got ${shown(wrong)}`,
    });
  }
}

function keysFrom({ jwks: remote, keysFile, keys, secret: secrets }: Raw): KeysFrom {
  if (remote !== undefined) return remote;
  if (keysFile !== undefined) return { kind: "file", file: keysFile };
  return { kind: "own", keys: keys ?? secrets ?? [] };
}

/** An issuer publishes its keys where it is itself, or the config says who it is. */
function issuersOf(
  given: readonly string[] | undefined,
  from: KeysFrom,
): readonly string[] | undefined {
  if (given !== undefined) return given.includes(ANY) ? undefined : given;
  if (from.kind !== "url") return [];
  const { origin } = new URL(from.options.url);
  return [origin, `${origin}/`];
}
