import { FollowedFile } from "../../../base/followed-file.ts";
import type { Exchange } from "../../../core/exchange.ts";
import { wanted, z } from "../../../core/fields.ts";
import { SecretNames } from "../../../observe/secret-names.ts";
import { isFieldName } from "../../../protocol/http/header-list.ts";
import type { AuthMethod, AuthMethodKind, AuthTools, Verdict } from "../auth-method.ts";
import { cookieSource, headerSource, type KeySource, querySource } from "./key-source.ts";
import { digestOf, type KnownKey, KnownKeys, parseKeyFile } from "./known-keys.ts";

interface ApiKeyOptions {
  readonly sources: readonly KeySource[];
  readonly keys: readonly KnownKey[];
  readonly file: string | undefined;
  readonly passesOn: boolean;
}

const KEY_CHARS_MIN = 16; // a shorter one can be guessed
const KEY_CHARS_MAX = 4_096; // nobody's key is longer, and what a client sends is hashed
const FILE_BYTES_MAX = 64 * 1024 * 1024;
const HEADER = "X-Api-Key";

const secretNames = new SecretNames();

/** As wanted(), without what was got: it may be a key. */
function hidden(form: string) {
  return (issue: { readonly code?: string }) =>
    issue.code === "unrecognized_keys" ? undefined : `must be ${form}`;
}

const name = z
  .string({ error: wanted("a name without spaces and colons") })
  .regex(/^[^\s:]{1,256}$/, { error: wanted("a name without spaces and colons") });

const HASH = /^(?:sha256:)?[0-9A-Fa-f]{64}$/;
const HASH_FORM = "the SHA-256 of a key in hexadecimal";

const key = z
  .strictObject(
    {
      name: name.describe("Whose it is: the identity of who shows it."),
      hash: z
        .string({ error: () => `must be ${HASH_FORM}` })
        .regex(HASH, { error: () => `must be ${HASH_FORM}` })
        .optional()
        .describe("SHA-256 of the key in hexadecimal: printf %s KEY | sha256sum."),
      key: z
        .string({ error: () => "must be a key" })
        .min(KEY_CHARS_MIN, { error: () => `must be at least ${KEY_CHARS_MIN} characters long` })
        .max(KEY_CHARS_MAX, { error: () => `must be at most ${KEY_CHARS_MAX} characters long` })
        .optional()
        .describe(
          "The key itself, for ${ENV} and ${file:…}; it is hashed when the config is read.",
        ),
      claims: z
        .record(z.string(), z.unknown(), { error: wanted("a map") })
        .optional()
        .describe("What is known of who shows it, for {claim.NAME}."),
    },
    { error: hidden("a map with name and hash") },
  )
  .refine((one) => (one.hash === undefined) !== (one.key === undefined), {
    error: () => "must have one of hash and key",
  })
  .transform(({ name: whose, hash, key: plain, claims = {} }): KnownKey => {
    const digest = hash?.replace("sha256:", "").toLowerCase() ?? digestOf(plain!);
    return { name: whose, digest, claims };
  });

const schema: z.ZodType<ApiKeyOptions> = z
  .strictObject(
    {
      header: z
        .string({ error: wanted("the name of a header") })
        .refine(isFieldName, { error: wanted("the name of a header") })
        .optional()
        .describe(
          `The header that has it. Default: ${HEADER}, if neither query nor cookie is set.`,
        ),
      scheme: z
        .string({ error: wanted('a word such as "Bearer"') })
        .refine(isFieldName, { error: wanted('a word such as "Bearer"') })
        .optional()
        .describe('A word before the key in the header: "Bearer" with header: Authorization.'),
      query: z
        .string({ error: wanted("the name of a parameter") })
        .refine((text) => secretNames.has(text, 0, text.length), {
          error: wanted("a name that the access log redacts, such as api_key or token"),
        })
        .optional()
        .describe(
          "The query parameter that has it. URLs are kept in more places than headers are.",
        ),
      cookie: z
        .string({ error: wanted("the name of a cookie") })
        .refine(isFieldName, { error: wanted("the name of a cookie") })
        .optional()
        .describe("The cookie that has it."),
      keys: z
        .array(key, { error: hidden("a list of keys, each with name and hash") })
        .max(10_000, { error: () => "must be a list of at most 10000: put more into a file" })
        .optional()
        .describe("The keys that hold."),
      file: z
        .string({ error: wanted("the path of a file") })
        .min(1, { error: wanted("the path of a file") })
        .optional()
        .describe(
          "More of them, NAME:SHA256 and claims as JSON, a line each. A changed file is read again.",
        ),
      passOn: z
        .boolean({ error: wanted("true or false") })
        .default(false)
        .describe("Whether the key goes on to the upstream. Default: false."),
    },
    {
      error: (issue) =>
        issue.code === "unrecognized_keys" ? undefined : wanted("a map with keys or file")(issue),
    },
  )
  .superRefine(({ keys, file, header, query, cookie, scheme }, context) => {
    if (keys === undefined && file === undefined) {
      context.addIssue({ code: "custom", message: "must have keys or file" });
    }
    const isElsewhere = header === undefined && (query ?? cookie) !== undefined;
    if (scheme !== undefined && isElsewhere) {
      const message = "must be beside header: queries and cookies have no scheme";
      context.addIssue({ code: "custom", path: ["scheme"], message });
    }
  })
  .transform(({ header, scheme, query, cookie, keys = [], file, passOn }): ApiKeyOptions => {
    const isElsewhere = header === undefined && (query ?? cookie) !== undefined;
    return {
      sources: [
        ...(isElsewhere ? [] : [headerSource(header ?? HEADER, scheme)]),
        ...(query === undefined ? [] : [querySource(query)]),
        ...(cookie === undefined ? [] : [cookieSource(cookie)]),
      ],
      keys,
      file,
      passesOn: passOn,
    };
  });

/** A secret that a program shows with each request. */
export const apiKey: AuthMethodKind<ApiKeyOptions> = {
  key: "apiKey",
  about: "A key that a client shows in a header, a query parameter or a cookie.",
  schema,
  build: (options, tools) => new ApiKey(options, tools),
};

class ApiKey implements AuthMethod {
  readonly key = "apiKey";
  readonly #options: ApiKeyOptions;
  readonly #inline: KnownKeys;
  readonly #file: FollowedFile<KnownKeys> | undefined;

  constructor(options: ApiKeyOptions, tools: AuthTools) {
    const { file } = options;
    this.#options = options;
    this.#inline = new KnownKeys(options.keys);
    this.#file =
      file === undefined
        ? undefined
        : tools.keepForAll(`api keys of ${file}`, () => keysOf(file, tools));
  }

  verify({ request }: Exchange): Verdict {
    for (const source of this.#options.sources) {
      const shown = source.read(request);
      if (shown.length > 0) return this.#judge(shown, source);
    }
    return undefined;
  }

  strip({ request }: Exchange): void {
    if (this.#options.passesOn) return;
    for (const source of this.#options.sources) source.strip(request);
  }

  challenge(): string {
    return 'ApiKey realm="api"'; // RFC 9110 §15.5.2 wants one, and there is none for keys
  }

  explain(): string {
    const said = this.#options.sources.map((source) => source.said).join(" or ");
    return `a key in ${said}`;
  }

  #judge(shown: readonly string[], source: KeySource): Verdict {
    const [one = "", ...more] = shown;
    if (more.length > 0) return refused(`${shown.length} keys in ${source.said}`);
    if (one.length > KEY_CHARS_MAX) return refused(`a key of ${one.length} characters`);
    return this.#inline.find(one) ?? this.#file?.current().find(one) ?? UNKNOWN;
  }
}

function keysOf(file: string, { world }: AuthTools): FollowedFile<KnownKeys> {
  return new FollowedFile(file, {
    bytesMax: FILE_BYTES_MAX,
    make: (bytes) => new KnownKeys(parseKeyFile(bytes.toString("utf8"))),
    world,
  });
}

function refused(detail: string): Verdict {
  return { kind: "refused", fault: { code: "auth_failed", detail }, isGuess: true };
}

const UNKNOWN = refused("an unknown key");
