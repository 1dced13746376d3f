/** `geo:` */
import { wanted, z } from "../../core/fields.ts";

const FILE_FORM = "the path of a database in MaxMind's format (.mmdb)";

const file = z.string({ error: wanted(FILE_FORM) }).min(1, { error: wanted(FILE_FORM) });

export const geo = z
  .strictObject(
    {
      country: file
        .optional()
        .describe(
          "Countries of addresses, such as GeoLite2-Country.mmdb. A changed file is read again.",
        ),
      asn: file
        .optional()
        .describe(
          "Autonomous systems of addresses, such as GeoLite2-ASN.mmdb. A changed file is read again.",
        ),
    },
    { error: wanted("a map with country and asn") },
  )
  .refine(({ country, asn }) => (country ?? asn) !== undefined, {
    error: () => "must have one of country and asn",
  })
  .describe("Databases that tell where addresses are, and whose.");
