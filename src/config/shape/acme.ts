/** `tls.acme`: how certificates are got. */
import {
  duration,
  listed,
  oneOf,
  shown,
  wanted,
  wantedOneOrMany,
  wholeNumber,
  z,
} from "../../core/fields.ts";
import type { DnsFunction } from "../../tls/acme/dns-records.ts";
import { isDnsServer, parseDnsName } from "../address.ts";

/** CAs that are called by name. */
export const KNOWN_AUTHORITIES: Readonly<Record<string, string>> = {
  letsencrypt: "https://acme-v02.api.letsencrypt.org/directory",
  letsencryptStaging: "https://acme-staging-v02.api.letsencrypt.org/directory",
  zerossl: "https://acme.zerossl.com/v2/DV90",
  google: "https://dv.acme-v02.api.pki.goog/directory",
};

const AUTHORITIES_MAX = 8;
const DIRECTORY_FORM = `${listed(Object.keys(KNOWN_AUTHORITIES))}, or the https URL of a directory`;
const EMAIL_FORM = 'an address such as "ops@example.com"';
const PROFILE_FORM = "the name of a profile of the CA";
const WORD = /^[A-Za-z0-9._-]{1,64}$/;

const email = z
  .string({ error: wanted(EMAIL_FORM) })
  .regex(/^[^\s@<>,;:"]{1,64}@[^\s@<>,;:"]{1,255}$/, { error: wanted(EMAIL_FORM) });

const directory = z
  .string({ error: wanted(DIRECTORY_FORM) })
  .refine((text) => text in KNOWN_AUTHORITIES || isHttps(text), { error: wanted(DIRECTORY_FORM) });

const profile = z
  .string({ error: wanted(PROFILE_FORM) })
  .regex(WORD, { error: wanted(PROFILE_FORM) });

/** The value stays out of the message: it is most of a secret, or all of it. */
function secret(form: string, pattern: RegExp) {
  return z
    .string({ error: () => `must be ${form}` })
    .regex(pattern, { error: () => `must be ${form}` });
}

const externalAccount = z
  .strictObject(
    {
      kid: z
        .string({ error: wanted("the id of the key that the CA gave you") })
        .min(1)
        .max(512)
        .describe("Its id, as the CA told you."),
      key: secret(
        "the key that the CA gave you, in base64url",
        /^[A-Za-z0-9_+/=-]{8,4096}$/,
      ).describe("Its key, in base64url."),
    },
    { error: wanted("a map with kid and key") },
  )
  .describe("An account that exists with the CA already, to which ours is bound (EAB).");

const authorityMap = z.strictObject(
  {
    directory: directory.describe(`Which CA: ${DIRECTORY_FORM}.`),
    root: z
      .string({ error: wanted("certificates in PEM") })
      .regex(/-----BEGIN CERTIFICATE-----/, {
        error: () => "must be certificates in PEM such as ${file:/etc/ca/root.pem}",
      })
      .optional()
      .describe("Whom the CA's own HTTPS is verified against, in PEM. Default: whom Node trusts."),
    email: email.optional().describe("Instead of acme.email."),
    profile: profile.optional().describe("Instead of acme.profile."),
    externalAccount: externalAccount.optional(),
  },
  { error: wanted("a map with directory") },
);

const authority = z.union([directory.transform((text) => ({ directory: text })), authorityMap], {
  error: ({ input }) =>
    typeof input === "object" ? undefined : `must be ${DIRECTORY_FORM}, got ${shown(input)}`,
});

const ca = z
  .union(
    [
      authority.transform((one) => [one]),
      z
        .array(authority, { error: wanted("a list of CAs") })
        .min(1, { error: wanted("a list of at least one CA") })
        .max(AUTHORITIES_MAX, { error: () => `must be a list of at most ${AUTHORITIES_MAX} CAs` }),
    ],
    { error: wantedOneOrMany("a CA or a list of them") },
  )
  .describe(
    "Whom to ask, in this order: the next one where one fails or cannot be reached. Default: letsencrypt.",
  );

const CHALLENGES = ["http-01", "tls-alpn-01", "dns-01"] as const;

const challenges = z
  .array(oneOf(CHALLENGES), { error: wanted(`a list of ${listed(CHALLENGES)}`) })
  .min(1, { error: wanted(`a list of at least one of ${listed(CHALLENGES)}`) })
  .describe(
    "Ways to prove a name, the first one first. Default: dns-01 where dns is set, http-01, tls-alpn-01.",
  );

const SERVER_FORM = 'the address of a DNS server such as "10.0.0.53" or "127.0.0.1:5353"';
const server = z
  .string({ error: wanted(SERVER_FORM) })
  .refine(isDnsServer, { error: wanted(SERVER_FORM) });

const NAME_FORM = 'a name of the DNS such as "example.com"';
const dnsName = z
  .string({ error: wanted(NAME_FORM) })
  .refine((text) => parseDnsName(text) !== undefined, { error: wanted(NAME_FORM) })
  .transform((text) => parseDnsName(text)!);

const update = z
  .strictObject(
    {
      server: server.describe("Whom to send updates to, over TCP."),
      zone: dnsName.optional().describe("The zone. Default: found by its name servers."),
      key: z
        .strictObject(
          {
            name: dnsName.describe("As the server calls it."),
            algorithm: oneOf(["hmac-sha256", "hmac-sha384", "hmac-sha512", "hmac-sha1"])
              .optional()
              .describe("Default: hmac-sha256."),
            secret: secret("the shared secret in base64", /^[A-Za-z0-9+/=_-]{8,1024}$/).describe(
              "Shared with the server, in base64.",
            ),
          },
          { error: wanted("a map with name and secret") },
        )
        .optional()
        .describe("What updates are signed with (TSIG)."),
      ttl: duration.optional().describe("Of the records. Default: 60s."),
    },
    { error: wanted("a map with server") },
  )
  .describe("DNS updates (RFC 2136).");

const COMMAND_FORM = "a list of a program and its arguments";

const dns = z
  .strictObject(
    {
      update: update.optional(),
      command: z
        .array(z.string({ error: wanted("text") }).min(1), { error: wanted(COMMAND_FORM) })
        .min(1, { error: wanted(COMMAND_FORM) })
        .optional()
        .describe(
          "A program, called with `add NAME VALUE` or `remove NAME VALUE` behind these words.",
        ),
      call: z
        .custom<DnsFunction>((value) => typeof value === "function", {
          error: wanted("a function"),
        })
        .optional()
        .describe("A function of a config in TypeScript: `({ action, name, value }) => …`."),
      resolvers: z
        .array(server, { error: wanted(`a list of ${SERVER_FORM}`) })
        .max(8, { error: () => "must be a list of at most 8 servers" })
        .optional()
        .describe(
          [
            "Whom to ask for aliases, zones and the record. Default: the system's, and for the record",
            "the servers of its zone.",
          ].join(" "),
        ),
      wait: duration
        .optional()
        .describe(
          "How long the record may take until every server of the zone has it; 0s: nobody looks. Default: 2m.",
        ),
      delay: duration.optional().describe("And how long to wait then. Default: 0s."),
    },
    { error: wanted("a map with update, command or call") },
  )
  .superRefine((value, context) => {
    const ways = (["update", "command", "call"] as const).filter((way) => value[way] !== undefined);
    if (ways.length === 1) return;
    const got = ways.length === 0 ? "none" : listed(ways, "and");
    context.addIssue({
      code: "custom",
      message: `must have exactly one of update, command or call, got ${got}`,
    });
  })
  .describe("How records for dns-01 get into the DNS; needed for wildcards.");

const ASK_FORM = 'an http or https URL such as "http://127.0.0.1:9000/may-have"';

const onDemand = z
  .strictObject(
    {
      ask: z
        .string({ error: wanted(ASK_FORM) })
        .refine((text) => /^https?:$/.test(URL.parse(text)?.protocol ?? ""), {
          error: wanted(ASK_FORM),
        })
        .describe(
          "Asked with ?domain=NAME before a name gets a certificate; 200 is yes, all else is no.",
        ),
      perMinute: wholeNumber(1, 1_000).optional().describe("Names that are new. Default: 10."),
      names: wholeNumber(1, 100_000).optional().describe("That are kept in all. Default: 1000."),
    },
    { error: wanted("a map with ask") },
  )
  .describe(
    "Certificates for names that clients come with, where a site with tls: auto has the host * or a wildcard.",
  );

const STORAGE_FORM = 'a folder such as "/var/lib/sluice"';

export const acme = z
  .strictObject(
    {
      email: email.optional().describe("Where a CA can reach you."),
      storage: z
        .string({ error: wanted(STORAGE_FORM) })
        .min(1, { error: wanted(STORAGE_FORM) })
        .optional()
        .describe(
          [
            "The folder of accounts, keys and certificates; instances may share it. Default:",
            "$STATE_DIRECTORY, else sluice in $XDG_STATE_HOME or ~/.local/state.",
          ].join(" "),
        ),
      ca: ca.optional(),
      profile: profile.optional().describe("Which kind of certificate, where a CA has several."),
      challenges: challenges.optional(),
      keyType: oneOf(["p256", "p384", "rsa2048", "rsa4096"]).optional().describe("Default: p256."),
      mustStaple: z
        .boolean()
        .optional()
        .describe(
          [
            "Certificates that clients refuse without a stapled answer of the CA (OCSP), where the CA",
            "gives such ones. Default: false.",
          ].join(" "),
        ),
      dns: dns.optional(),
      onDemand: onDemand.optional(),
      meanwhile: oneOf(["refuse", "selfSigned"])
        .optional()
        .describe("What clients get until the first certificate is there. Default: refuse."),
    },
    { error: wanted("a map with email, storage, ca and others") },
  )
  .describe("How certificates of sites with `tls: auto` are got.");

function isHttps(text: string): boolean {
  return URL.parse(text)?.protocol === "https:";
}
