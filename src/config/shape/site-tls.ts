/** `tls:` of a site. */
import { shown, wanted, wantedOneOrMany, z } from "../../core/fields.ts";
import { listenAddress } from "./process.ts";
import { profile } from "./tls.ts";

const FORM = "a map with cert and key, such as { cert: a.pem, key: a.key }, or a list of them";
const LATER = ["auto", "internal"];

const cert = z
  .string({ error: wanted('a file of certificates in PEM such as "/etc/tls/a.pem"') })
  .min(1, { error: wanted('a file of certificates in PEM such as "/etc/tls/a.pem"') })
  .describe(
    "The site's certificate, and behind it those that it was signed with: a file, or PEM as it is.",
  );

const key = z
  .string({ error: wanted('a file with a private key in PEM such as "/etc/tls/a.key"') })
  .min(1, { error: wanted('a file with a private key in PEM such as "/etc/tls/a.key"') })
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

const options = { redirectFrom: redirectFrom.optional(), profile };

const one = z
  .strictObject({ cert, key, ...options }, { error: wanted(FORM) })
  .transform(({ cert, key, ...rest }) => ({ certificates: [{ cert, key }], ...rest }));

const several = z
  .array(certificate, { error: wanted("a list of maps with cert and key") })
  .min(1, { error: wanted("a list of at least one certificate") })
  .describe("Several for the same names: each client gets the best that it can check.");

const oneMap = z.strictObject({ certificates: several, ...options }, { error: wanted(FORM) });

const many = z
  .array(certificate, { error: wanted(FORM) })
  .min(1, { error: wanted("a list of at least one certificate") })
  .transform((certificates) => ({ certificates }));

export const siteTls = z
  .union([one, oneMap, many], {
    error: ({ input }) => {
      if (typeof input === "string" && LATER.includes(input)) {
        return `${input} is not supported yet; must be ${FORM}`;
      }
      return typeof input === "object" && input !== null
        ? undefined
        : `must be ${FORM}, got ${shown(input)}`;
    },
  })
  .describe("The site is served over TLS, with this certificate or the one of these that fits.");
