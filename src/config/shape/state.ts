/** `state:`, where limits and the like are counted: in this machine, or with others in Redis. */
import { durationAboveZero, wanted, wholeNumber, z } from "../../core/fields.ts";
import { parseEndpoint } from "../address.ts";

const FORM = '"memory", a URL such as "redis://10.0.0.5:6379/0", or a map with url';
const URL_FORM =
  'a URL such as "redis://10.0.0.5:6379/0", "rediss://redis.internal" or "unix:/run/redis.sock"';
const URL = /^(rediss?):\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^/?#@]+)(?:\/([0-9]{0,5}))?$/;
const PORT = 6379;
const TIMEOUT_MS = 50;
const TIMEOUT_MS_MAX = 5_000;
const PREFIX = "sluice:";
const PREFIX_FORM = "text of at most 64 visible ASCII characters";
const TEXT_FORM = "text of at most 1024 characters";

export interface RedisUrl {
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
  readonly username: string;
  readonly password: string;
  readonly database: number;
}

/** `redis://`, `rediss://` or a socket; undefined for what is none. The password never gets into a message. */
export function parseRedisUrl(text: string): RedisUrl | undefined {
  const socket = /^unix:(?:\/\/)?(\/.*)$/.exec(text) === null ? undefined : parseEndpoint(text);
  if (socket?.kind === "address") {
    return { ...socket.address, isTls: false, username: "", password: "", database: 0 };
  }
  const [all, scheme, username = "", password = "", authority = "", database = ""] =
    URL.exec(text) ?? [];
  if (all === undefined) return undefined;
  const hasPort = /:[0-9]+$/.test(authority) && !/^\[[^\]]*$/.test(authority);
  const found = parseEndpoint(hasPort ? authority : `${authority}:${PORT}`);
  const words = [username, password].map(decoded);
  if (found.kind !== "address" || words.includes(undefined)) return undefined;
  return {
    ...found.address,
    isTls: scheme === "rediss",
    username: words[0]!,
    password: words[1]!,
    database: Number(database),
  };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

// What is wrong is told without what is there: most of it may be a password.
const url = z
  .string({ error: () => `must be ${URL_FORM}` })
  .refine((text) => parseRedisUrl(text) !== undefined, { error: () => `must be ${URL_FORM}` })
  .transform((text) => parseRedisUrl(text)!);

const text = z
  .string({ error: () => `must be ${TEXT_FORM}` })
  .max(1024, { error: () => `must be ${TEXT_FORM}` });

const map = z.strictObject(
  {
    url: url.describe(
      "`redis://`, or `rediss://` for TLS, with `user:password@` and `/database` if wanted; or `unix:` and a path.",
    ),
    username: text.optional().describe("Instead of the one in url."),
    password: text.optional().describe("Instead of the one in url, often `${file:…}`."),
    ca: z
      .string({ error: wanted("a file of certificates in PEM") })
      .optional()
      .describe("Whom to trust instead of whom Node trusts, for rediss."),
    timeout: durationAboveZero
      .refine((ms) => ms <= TIMEOUT_MS_MAX, { error: () => "must be at most 5s" })
      .default(TIMEOUT_MS)
      .describe(
        `How long a request waits for an answer; then it is counted here. Default: ${TIMEOUT_MS}ms.`,
      ),
    prefix: z
      .string({ error: wanted(PREFIX_FORM) })
      .regex(/^[\x21-\x7e]{0,64}$/, { error: wanted(PREFIX_FORM) })
      .default(PREFIX)
      .describe(`Before all keys. Who counts together has the same. Default: ${PREFIX}`),
    database: wholeNumber(0, 65_535).optional().describe("Instead of the one in url. Default: 0."),
  },
  { error: wanted(FORM) },
);

export type ParsedState = "memory" | z.output<typeof map>;

export const state = z
  .union(
    [
      z.literal("memory"),
      url.transform((parsed): z.output<typeof map> => {
        return { url: parsed, timeout: TIMEOUT_MS, prefix: PREFIX };
      }),
      map,
    ],
    {
      error: ({ input }) =>
        typeof input === "object" && input !== null && !Array.isArray(input)
          ? undefined
          : `must be ${FORM}`,
    },
  )
  .describe(
    "Where limits are counted: in the memory of this machine, or in Redis with others. Default: memory.",
  );
