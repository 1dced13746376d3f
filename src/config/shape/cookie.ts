/** Cookies of our own: what they are called, and how the browser is to keep them. */
import { durationAboveZero, oneOf, wanted, z } from "../../core/fields.ts";
import { isFieldName } from "../../protocol/http/header-list.ts";

const COOKIE_FORM = "the name of a cookie";

// RFC 6265 §4.1.1: a token. The prefixes promise attributes to the browser that we may not give.
export const cookieName = z
  .string({ error: wanted(COOKIE_FORM) })
  .max(128, { error: wanted(`${COOKIE_FORM} of at most 128 characters`) })
  .refine(isFieldName, { error: wanted(COOKIE_FORM) });

const PATH = /^\/[!-:<-~]*$/;
const DOMAIN = /^\.?[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i;
const PATH_FORM = 'a path such as "/"';
const DOMAIN_FORM = 'a domain such as "example.com"';
const SECRET_BYTES_MIN = 16;
const SECRET_FORM = `a secret of at least ${SECRET_BYTES_MIN} characters`;

const attributeKeys = {
  ttl: durationAboveZero
    .optional()
    .describe("How long the browser keeps it. Default: until it is closed."),
  path: z
    .string({ error: wanted(PATH_FORM) })
    .regex(PATH, { error: wanted(PATH_FORM) })
    .optional()
    .describe("Default: /."),
  domain: z
    .string({ error: wanted(DOMAIN_FORM) })
    .max(253, { error: wanted(DOMAIN_FORM) })
    .regex(DOMAIN, { error: wanted(DOMAIN_FORM) })
    .optional()
    .describe("Default: the host that was asked, alone."),
  secure: z
    .boolean({ error: wanted("true or false") })
    .optional()
    .describe("Only over HTTPS. Default: for clients that came over HTTPS."),
  sameSite: oneOf(["strict", "lax", "none"]).optional().describe("Default: lax."),
  httpOnly: z
    .boolean({ error: wanted("true or false") })
    .optional()
    .describe("Out of reach for scripts. Default: true."),
};

interface CookieAttributes {
  readonly ttl?: number | undefined;
  readonly path?: string | undefined;
  readonly domain?: string | undefined;
  readonly secure?: boolean | undefined;
  readonly sameSite?: "strict" | "lax" | "none" | undefined;
  readonly httpOnly?: boolean | undefined;
}

const SAME_SITE = { strict: "Strict", lax: "Lax", none: "None" } as const;

/** As they follow the value; Secure is left to the request, unless it is set. */
function attributesOf({ ttl, path, domain, sameSite, httpOnly }: CookieAttributes): string {
  return [
    `; Path=${path ?? "/"}`,
    domain === undefined ? "" : `; Domain=${domain}`,
    ttl === undefined ? "" : `; Max-Age=${Math.max(1, Math.floor(ttl / 1000))}`,
    httpOnly === false ? "" : "; HttpOnly",
    `; SameSite=${SAME_SITE[sameSite ?? "lax"]}`,
  ].join("");
}

export const sticky = z
  .strictObject(
    {
      cookie: cookieName.describe("Its name; the value says nothing, and nobody can make one up."),
      ...attributeKeys,
      secret: z
        .string({ error: wanted(SECRET_FORM) })
        .min(SECRET_BYTES_MIN, { error: () => `must be ${SECRET_FORM}` })
        .optional()
        .describe(
          "Makes the values the same on every machine and after a restart. Default: a new one.",
        ),
    },
    { error: wanted("a map with cookie, the name of one") },
  )
  .superRefine(({ sameSite, secure }, context) => {
    if (sameSite !== "none" || secure === true) return;
    const message = "must come with secure: true when it is none: browsers drop it otherwise";
    context.addIssue({ code: "custom", path: ["sameSite"], message });
  })
  .transform((options) => ({
    cookie: options.cookie,
    secret: options.secret,
    attributes: attributesOf(options),
    isSecure: options.secure,
  }))
  .describe("Keeps a client on the endpoint that served it first, by a cookie.");

/** The cookie of a split, where no more than its name can be chosen. */
export const PLAIN_ATTRIBUTES = attributesOf({});
