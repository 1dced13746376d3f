/** `tls:` of the top level: what holds for all sites. */
import { oneOf, wanted, z } from "../../core/fields.ts";
import { TLS_PROFILE, TLS_PROFILES } from "../../tls/tls-profile.ts";
import { acme } from "./acme.ts";

export const profile = oneOf(TLS_PROFILES)
  .optional()
  .describe(`What may be negotiated: modern is TLS 1.3 alone. Default: ${TLS_PROFILE}.`);

const ocsp = oneOf(["on", "off"])
  .optional()
  .describe(
    [
      "Whether answers of their CAs (OCSP) are stapled to certificates that name a responder.",
      "Default: on.",
    ].join(" "),
  );

export const tls = z
  .strictObject(
    { profile, ocsp, acme: acme.optional() },
    { error: wanted("a map with profile, ocsp and acme") },
  )
  .describe("What holds for TLS of all sites.");
