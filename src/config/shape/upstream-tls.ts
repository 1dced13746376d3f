/** `upstreams.NAME.tls`: TLS towards endpoints. */
import { isIP } from "node:net";
import { wanted, wantedOneOrMany, z } from "../../core/fields.ts";
import { parseServerName } from "../address.ts";

const NAME_FORM = 'a host name such as "app.internal", or an IP address';

function file(about: string) {
  return z.string({ error: wanted(`a path of ${about}`) }).min(1, {
    error: wanted(`a path of ${about}`),
  });
}

const caFile = file("a PEM file");

const caFiles = z.union(
  [
    caFile.transform((one) => [one]),
    z
      .array(caFile, { error: wanted("a path of a PEM file, or a list of them") })
      .min(1, { error: wanted("a list of at least one path") }),
  ],
  { error: wantedOneOrMany("a path of a PEM file, or a list of them") },
);

// Without quotes it is a number to YAML.
const version = z.union(
  [
    z.enum(["1.2", "1.3"]),
    z.literal(1.2).transform((): "1.2" => "1.2"),
    z.literal(1.3).transform((): "1.3" => "1.3"),
  ],
  { error: wanted("1.2 or 1.3") },
);

export const upstreamTls = z
  .strictObject(
    {
      ca: caFiles
        .optional()
        .describe(
          [
            "PEM files of the authorities that endpoints' certificates may come from,",
            "in place of the usual ones.",
          ].join(" "),
        ),
      serverName: z
        .string({ error: wanted(NAME_FORM) })
        .refine((text) => isIP(text) !== 0 || isExactName(text), { error: wanted(NAME_FORM) })
        .transform((text) => (isIP(text) === 0 ? parseServerName(text)! : text))
        .optional()
        .describe(
          [
            "The name that is asked for (SNI) and that the certificate must have.",
            "Default: the host of each endpoint's URL.",
          ].join(" "),
        ),
      cert: file("a PEM file")
        .optional()
        .describe("Our own certificate, its chain behind it, for endpoints that ask for one."),
      key: file("a PEM file").optional().describe("Its private key."),
      verify: z
        .boolean()
        .optional()
        .describe("Whether endpoints must prove who they are. Default: true."),
      minVersion: version
        .optional()
        .describe("The oldest version of TLS that will do. Default: 1.2."),
    },
    { error: wanted("a map such as { ca: /etc/sluice/ca.pem }") },
  )
  .superRefine(({ cert, key }, context) => {
    if ((cert === undefined) === (key === undefined)) return;
    const [there, missing] = cert === undefined ? ["key", "cert"] : ["cert", "key"];
    const message = `must be there beside ${there}, got nothing`;
    context.addIssue({ code: "custom", path: [missing], message });
  });

function isExactName(text: string): boolean {
  return !text.startsWith("*") && parseServerName(text) !== undefined;
}
