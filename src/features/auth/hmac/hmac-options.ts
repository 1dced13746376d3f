/** `hmac:` of `auth`. */
import { durationAboveZero, wanted, z } from "../../../core/fields.ts";
import type { SecretKey } from "./secret-keys.ts";

export interface HmacOptions {
  readonly keys: readonly SecretKey[];
  readonly url: UrlOptions | undefined; // undefined: signed URLs are not taken
  readonly request: RequestOptions | undefined;
  readonly passesOn: boolean;
}

export interface UrlOptions {
  readonly maxAgeMs: number; // from now on; Infinity: whatever was signed
}

export interface RequestOptions {
  readonly windowMs: number;
  readonly signsBodies: boolean; // a body has to be covered by Content-Digest
}

const SECRET_CHARS_MIN = 16;
const WINDOW_MS = 300_000;
const HOUR_MS = 3_600_000;

const ID_FORM = "a name of at most 64 letters, digits, dots, dashes and underscores";
const id = z
  .string({ error: wanted(ID_FORM) })
  .regex(/^[A-Za-z0-9._-]{1,64}$/, { error: wanted(ID_FORM) });

const key = z
  .strictObject(
    {
      id: id.describe("What the signature calls it: keyid, or sluice_key."),
      secret: z
        .string({ error: () => "must be a secret" })
        .min(SECRET_CHARS_MIN, {
          error: () => `must be at least ${SECRET_CHARS_MIN} characters long`,
        })
        .describe("Shared with who signs; for ${ENV} and ${file:…}."),
      name: z
        .string({ error: wanted("a name") })
        .min(1, { error: wanted("a name") })
        .max(256, { error: wanted("a name") })
        .optional()
        .describe("Whose it is: the identity of who signs with it. Default: id."),
      claims: z
        .record(z.string(), z.unknown(), { error: wanted("a map") })
        .optional()
        .describe("What is known of who signs with it, for {claim.NAME}."),
    },
    {
      error: (issue) =>
        issue.code === "unrecognized_keys" ? undefined : "must be a map with id and secret",
    },
  )
  .transform(
    ({ id: keyId, secret, name = keyId, claims = {} }): SecretKey => ({
      id: keyId,
      secret,
      name,
      claims,
    }),
  );

const url = z.union(
  [
    z.literal(true).transform((): UrlOptions => ({ maxAgeMs: Number.POSITIVE_INFINITY })),
    z
      .strictObject({
        maxAge: durationAboveZero.describe(
          "URLs that are good for longer from now on are refused.",
        ),
      })
      .transform(({ maxAge }): UrlOptions => ({ maxAgeMs: maxAge })),
  ],
  {
    error: ({ input }) =>
      typeof input === "object" && input !== null && !Array.isArray(input)
        ? undefined
        : wanted("true, or a map with maxAge")({ input }),
  },
);

const request = z.union(
  [
    z.literal(true).transform((): RequestOptions => ({ windowMs: WINDOW_MS, signsBodies: true })),
    z
      .strictObject({
        window: durationAboveZero
          .refine((ms) => ms >= 1_000 && ms <= HOUR_MS, { error: () => "must be from 1s to 1h" })
          .default(WINDOW_MS)
          .describe(
            "How far created may be from now, before or after; within it no signature is good twice. Default: 5m.",
          ),
        body: z
          .enum(["signed", "any"], { error: wanted("signed or any") })
          .default("signed")
          .describe(
            "Whether a body has to be covered by a Content-Digest that is signed. Default: signed.",
          ),
      })
      .transform(
        ({ window, body }): RequestOptions => ({
          windowMs: window,
          signsBodies: body === "signed",
        }),
      ),
  ],
  {
    error: ({ input }) =>
      typeof input === "object" && input !== null && !Array.isArray(input)
        ? undefined
        : wanted("true, or a map with window and body")({ input }),
  },
);

export const hmacSchema: z.ZodType<HmacOptions> = z
  .strictObject(
    {
      keys: z
        .array(key, { error: () => "must be a list of keys, each with id and secret" })
        .min(1, { error: () => "must be a list of at least one key, got an empty list" })
        .max(10_000, { error: () => "must be a list of at most 10000 keys" })
        .describe("Secrets; several of one name for rotation."),
      url: url
        .optional()
        .describe("Takes URLs that sluice sign, or whoever has the secret, has made."),
      request: request
        .optional()
        .describe("Takes requests with a Signature (RFC 9421) by hmac-sha256."),
      passOn: z
        .boolean({ error: wanted("true or false") })
        .default(false)
        .describe("Whether the signature goes on to the upstream. Default: false."),
    },
    {
      error: (issue) =>
        issue.code === "unrecognized_keys"
          ? undefined
          : wanted("a map with keys, and url or request")(issue),
    },
  )
  .superRefine(({ keys, url: ofUrl, request: ofRequest }, context) => {
    if ((ofUrl ?? ofRequest) === undefined) {
      context.addIssue({ code: "custom", message: "must have url, request or both" });
    }
    const ids = keys.map((one) => one.id);
    for (const [index, one] of ids.entries()) {
      if (ids.indexOf(one) === index) continue;
      context.addIssue({
        code: "custom",
        path: ["keys", index, "id"],
        message: "must be an id of its own",
      });
    }
  })
  .transform(
    ({ keys, url: ofUrl, request: ofRequest, passOn }): HmacOptions => ({
      keys,
      url: ofUrl,
      request: ofRequest,
      passesOn: passOn,
    }),
  );
