/** `tls:` of a site. */
import { duration, shown, wanted, wantedOneOrMany, z } from "../../core/fields.ts";
import { clientAuth } from "./client-auth.ts";
import { listenAddress } from "./process.ts";
import { profile } from "./tls.ts";

const FORM =
  "auto, internal, a map with cert and key, such as { cert: a.pem, key: a.key }, or a list of them";

const CERT_FORM = 'a file of certificates in PEM such as "/etc/tls/a.pem"';

const cert = z
  .string({ error: wanted(CERT_FORM) })
  .min(1, { error: wanted(CERT_FORM) })
  .describe(
    "The site's certificate, and behind it those that it was signed with: a file, or PEM as it is.",
  );

const KEY_FORM = 'a file with a private key in PEM such as "/etc/tls/a.key"';

const key = z
  .string({ error: wanted(KEY_FORM) })
  .min(1, { error: wanted(KEY_FORM) })
  .describe("The key of the certificate: a file, or PEM as it is.");

const certificate = z.strictObject({ cert, key }, { error: wanted("a map with cert and key") });

const redirectFrom = z
  .union(
    [
      z.literal("off").transform(() => []),
      listenAddress.transform((one) => [one]),
      z.array(listenAddress, { error: wanted("a list of addresses to listen on") }),
    ],
    { error: wantedOneOrMany('an address to listen on, a list of them, or "off"') },
  )
  .describe(
    [
      "Where requests without TLS are sent to the site with TLS (308). Default: :80 where listen is",
      "left out, and those of listen with port 80.",
    ].join(" "),
  );

const YEAR_MS = 365 * 86_400_000;

const maxAge = duration.describe(
  "How long browsers ask for the site with TLS alone; 0s takes it back.",
);

/** Browsers hold to it for as long as it says, whatever is changed here meanwhile. */
const hsts = z
  .union(
    [
      duration.transform((ms) => ({ maxAge: ms })),
      z
        .strictObject(
          {
            maxAge,
            subdomains: z
              .boolean()
              .optional()
              .describe("Every name below as well. Default: false."),
            preload: z
              .boolean()
              .optional()
              .describe("Browsers may ship it with their lists. Default: false."),
          },
          { error: wanted("a map with maxAge, subdomains and preload") },
        )
        .refine(
          ({ maxAge: ms, subdomains, preload }) => !preload || (subdomains && ms >= YEAR_MS),
          {
            error: () => "must have maxAge: 365d and subdomains: true for preload",
          },
        ),
    ],
    { error: wanted('a duration such as "180d", or a map with maxAge') },
  )
  .describe("Strict-Transport-Security of every response over TLS. Default: none.");

const options = {
  hsts: hsts.optional(),
  redirectFrom: redirectFrom.optional(),
  profile,
  clientAuth: clientAuth.optional(),
};

const WORDS: readonly unknown[] = ["auto", "internal"];
const word = z.enum(["auto", "internal"]);

const several = z
  .array(certificate, { error: wanted("a list of maps with cert and key") })
  .min(1, { error: wanted("a list of at least one certificate") })
  .describe("Several for the same names: each client gets the best that it can check.");

// One map and not a union of three, so that each mistake is told in its place.
const one = z
  .strictObject(
    { cert: cert.optional(), key: key.optional(), certificates: several.optional(), ...options },
    { error: wanted(FORM) },
  )
  .superRefine(({ cert, key, certificates }, context) => {
    const tell = (path: string[], message: string) =>
      context.addIssue({ code: "custom", path, message });
    if (certificates !== undefined) {
      if (cert !== undefined) tell(["cert"], "must not be beside certificates");
      if (key !== undefined) tell(["key"], "must not be beside certificates");
    } else if (cert === undefined) tell(["cert"], `must be ${CERT_FORM}, got nothing`);
    if (certificates !== undefined || WORDS.includes(cert)) {
      if (cert !== undefined && key !== undefined)
        tell(["key"], `must not be where cert is ${cert}`);
    } else if (key === undefined) tell(["key"], `must be ${KEY_FORM}, got nothing`);
  })
  .transform(({ cert, key, certificates, ...rest }) => {
    const { data: automatic } = word.safeParse(cert);
    if (automatic !== undefined) return { certificates: [], automatic, ...rest };
    return { certificates: certificates ?? [{ cert: cert!, key: key! }], automatic, ...rest };
  });

const many = z
  .array(certificate, { error: wanted(FORM) })
  .min(1, { error: wanted("a list of at least one certificate") })
  .transform((certificates) => ({ certificates }));

export const siteTls = z
  .union([word.transform((automatic) => ({ certificates: [], automatic })), one, many], {
    error: ({ input }) => {
      return typeof input === "object" && input !== null
        ? undefined
        : `must be ${FORM}, got ${shown(input)}`;
    },
  })
  .describe(
    [
      "The site is served over TLS: with this certificate or the one of these that fits; `auto`: with",
      "one that is got and renewed by itself (`tls.acme`); `internal`: with one of a CA of our own, for",
      "development. With more to say: `{ cert: auto, … }`.",
    ].join(" "),
  );
