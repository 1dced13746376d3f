/** `mtls:` of `auth`. */
import { listed, wanted, z } from "../../../core/fields.ts";
import { NAME_PARTS, type NamePart } from "./certificate-claims.ts";

export interface MtlsOptions {
  readonly identity: readonly NamePart[]; // the first that the certificate has
  /** A certificate has to have one of these; none: any that is verified will do. */
  readonly allow: readonly AllowedName[];
}

export interface AllowedName {
  readonly part: NamePart;
  readonly test: (value: string) => boolean;
}

const IDENTITY: readonly NamePart[] = ["uri", "email", "dns", "commonName", "subject"];
const PATTERN_FORM = 'a name, or one with * at its start or end such as "*.internal"';

const pattern = z
  .string({ error: wanted(PATTERN_FORM) })
  .regex(/^\*?[^*]+$|^[^*]+\*$/, { error: wanted(PATTERN_FORM) });

const patterns = z.union(
  [
    pattern.transform((one) => [one]),
    z
      .array(pattern, { error: wanted(PATTERN_FORM) })
      .min(1)
      .max(10_000),
  ],
  {
    error: ({ input }) =>
      typeof input === "string" || Array.isArray(input)
        ? undefined
        : wanted(`${PATTERN_FORM}, or a list`)({ input }),
  },
);

const FINGERPRINT = /^(?:[0-9A-Fa-f]{2}:?){32}$/;
const FINGERPRINT_FORM = "the SHA-256 of a certificate in hexadecimal";
const fingerprint = z
  .string({ error: wanted(FINGERPRINT_FORM) })
  .regex(FINGERPRINT, { error: wanted(FINGERPRINT_FORM) })
  .transform((text) => text.replaceAll(":", "").toLowerCase());

const allow = z
  .strictObject(
    {
      commonName: patterns.optional().describe("Of the subject, its common name (CN)."),
      subject: patterns.optional().describe("The whole subject, as the log has it."),
      dns: patterns.optional().describe("Names of hosts among its alternative names."),
      email: patterns.optional().describe("Addresses among its alternative names."),
      uri: patterns.optional().describe("URIs among its alternative names, as SPIFFE has them."),
      serial: patterns.optional().describe("Its serial number, in hexadecimal."),
      fingerprint: z
        .union([fingerprint.transform((one) => [one]), z.array(fingerprint).min(1).max(10_000)], {
          error: wanted(`${FINGERPRINT_FORM}, or a list`),
        })
        .optional()
        .describe("The SHA-256 of the whole certificate, in hexadecimal."),
    },
    {
      error: (issue) =>
        issue.code === "unrecognized_keys"
          ? undefined
          : wanted(`a map of ${listed(NAME_PARTS, "and")}`)(issue),
    },
  )
  .transform((given): AllowedName[] =>
    NAME_PARTS.flatMap((part) => (given[part] ?? []).map((text) => ({ part, test: testOf(text) }))),
  );

function testOf(text: string): (value: string) => boolean {
  if (text.startsWith("*")) {
    const end = text.slice(1);
    return (value) => value.length > end.length && value.endsWith(end);
  }
  if (!text.endsWith("*")) return (value) => value === text;
  const start = text.slice(0, -1);
  return (value) => value.length > start.length && value.startsWith(start);
}

const map = z
  .strictObject(
    {
      identity: z
        .enum(NAME_PARTS, { error: wanted(`one of ${listed(NAME_PARTS)}`) })
        .optional()
        .describe(
          [
            "What of the certificate is its holder's name. Default: the first of uri, email, dns,",
            "commonName and subject.",
          ].join(" "),
        ),
      allow: allow
        .optional()
        .describe(
          [
            "Names of which the certificate has to have one, in full or with * at one end. Default:",
            "whoever tls.clientAuth verifies.",
          ].join(" "),
        ),
    },
    {
      error: (issue) =>
        issue.code === "unrecognized_keys"
          ? undefined
          : wanted("true, or a map with identity and allow")(issue),
    },
  )
  .transform(
    (given): MtlsOptions => ({
      identity: given.identity === undefined ? IDENTITY : [given.identity],
      allow: given.allow ?? [],
    }),
  );

export const mtlsSchema: z.ZodType<MtlsOptions> = z.union(
  [z.literal(true).transform((): MtlsOptions => ({ identity: IDENTITY, allow: [] })), map],
  {
    error: ({ input }) =>
      typeof input === "object" && input !== null && !Array.isArray(input)
        ? undefined
        : wanted("true, or a map with identity and allow")({ input }),
  },
);
