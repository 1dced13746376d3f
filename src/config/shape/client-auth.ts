/** `clientAuth:` of a site's `tls`. */
import { declaredHeader } from "../../core/declared-header.ts";
import { wanted, wantedOneOrMany, z } from "../../core/fields.ts";
import { IDENTITY_PARTS, type IdentityPart } from "../../tls/client-identity.ts";

const PARTS = Object.keys(IDENTITY_PARTS) as [IdentityPart, ...IdentityPart[]];

function files(what: string) {
  const form = `a file of ${what} in PEM`;
  const file = z.string({ error: wanted(form) }).min(1, { error: wanted(form) });
  const list = z
    .array(file, { error: wanted(`${form}, or a list of them`) })
    .min(1, { error: wanted(`a list of at least one file of ${what}`) });
  return z.union([file.transform((one) => [one]), list], {
    error: wantedOneOrMany(`${form}, or a list of them`),
  });
}

const headerName = declaredHeader("X-Client-Subject");

const part = z.enum(PARTS, { error: wanted(`one of ${PARTS.join(", ")}`) });

export const clientAuth = z
  .strictObject(
    {
      ca: files("certificates of authorities").describe(
        "Whose certificates count: files in PEM. Changed files are read again.",
      ),
      mode: z
        .enum(["required", "optional"], { error: wanted("required or optional") })
        .optional()
        .describe(
          [
            "optional: who has no certificate is served as well; one that is no good is always",
            "refused. Default: required.",
          ].join(" "),
        ),
      crl: files("revocation lists")
        .optional()
        .describe(
          "Revocation lists, one for each authority on the way to the clients. Without a current one nobody gets in.",
        ),
      headers: z
        .record(headerName, part, { error: wanted("a map of names of fields to what they tell") })
        .optional()
        .describe(
          [
            "Fields of the request that tell who the client is, to matches and upstreams; clients",
            `cannot set them. Each is one of ${PARTS.join(", ")}.`,
          ].join(" "),
        ),
    },
    { error: wanted("a map with ca") },
  )
  .describe("Asks clients for certificates.");
