/** `basic:` of `auth`. */
import { durationAboveZero, wanted, z } from "../../../core/fields.ts";
import { USER_NAME, type UserEntry, usableHash } from "./user-list.ts";

export interface BasicOptions {
  readonly users: readonly UserEntry[];
  readonly file: string | undefined;
  readonly realm: string;
  readonly rememberMs: number;
  readonly passesOn: boolean;
}

const REMEMBER_MS = 300_000;
const REMEMBER_MS_MAX = 86_400_000;
const REALM = "restricted";
const HASH_FORM = "a hash of a password by argon2id, scrypt or bcrypt";

const hash = z.string({ error: () => `must be ${HASH_FORM}` }).transform((text, context) => {
  const parsed = usableHash(text);
  if (typeof parsed !== "string") return { text, hash: parsed };
  context.addIssue({ code: "custom", message: `must be ${HASH_FORM}; it ${parsed}` });
  return z.NEVER;
});

const user = z.union(
  [
    hash.transform((one) => ({ ...one, claims: {} })),
    z
      .strictObject({
        hash: hash.describe("Of the password, as sluice hash-password or htpasswd -B make it."),
        claims: z
          .record(z.string(), z.unknown(), { error: wanted("a map") })
          .optional()
          .describe("What is known of the user, for {claim.NAME}."),
      })
      .transform(({ hash: one, claims = {} }) => ({ ...one, claims })),
  ],
  {
    error: ({ input }) =>
      typeof input === "string" ||
      (typeof input === "object" && input !== null && !Array.isArray(input))
        ? undefined
        : `must be ${HASH_FORM}, or a map with hash and claims`,
  },
);

const users = z
  .record(
    z
      .string()
      .regex(USER_NAME, { error: () => "must be a name without colons and control characters" }),
    user,
    { error: wanted("a map of names to hashes") },
  )
  .describe("Names and the hashes of their passwords.");

export const basicSchema: z.ZodType<BasicOptions> = z
  .strictObject(
    {
      users: users.optional(),
      file: z
        .string({ error: wanted("the path of a file") })
        .min(1, { error: wanted("the path of a file") })
        .optional()
        .describe("Users as htpasswd writes them, NAME:HASH a line. A changed file is read again."),
      realm: z
        .string({ error: wanted("text without quotes, in ASCII") })
        .regex(/^[ !#-[\]-~]{1,128}$/, { error: wanted("text without quotes, in ASCII") })
        .default(REALM)
        .describe(`What browsers call it when they ask for the password. Default: ${REALM}.`),
      remember: z
        .union([z.literal("off").transform(() => 0), durationAboveZero], {
          error: wanted('a duration such as "5m", or off'),
        })
        .refine((ms) => ms <= REMEMBER_MS_MAX, { error: () => "must be at most 1d" })
        .default(REMEMBER_MS)
        .describe(
          "How long a password that was right is not hashed again; off: each time. Default: 5m.",
        ),
      passOn: z
        .boolean({ error: wanted("true or false") })
        .default(false)
        .describe("Whether Authorization goes on to the upstream. Default: false."),
    },
    {
      error: (issue) =>
        issue.code === "unrecognized_keys" ? undefined : wanted("a map with users or file")(issue),
    },
  )
  .superRefine((given, context) => {
    if (given.users === undefined && given.file === undefined) {
      context.addIssue({ code: "custom", message: "must have users or file" });
    }
  })
  .transform(({ users: given = {}, file, realm, remember, passOn }): BasicOptions => {
    const entries = Object.entries(given).map(([name, one]) => ({ name, ...one }));
    return { users: entries, file, realm, rememberMs: remember, passesOn: passOn };
  });
