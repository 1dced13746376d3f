/** `bans:`, who is kept out for a while, and for what. */

import { nearestWord } from "../../base/nearest-word.ts";
import { FAULTS } from "../../core/fault.ts";
import { durationAboveZero, oneOf, wanted, wholeNumber, z } from "../../core/fields.ts";
import { modeField } from "../../core/refusal.ts";
import { isAddressRange } from "../address.ts";

const THRESHOLD = 1_000;
const POINTS_MAX = 1_000_000;
const RANGE_FORM = 'an address range such as "10.0.0.0/8"';

/** Points by fault code or status; what is not here costs nothing. */
export const SCORES: Readonly<Record<string, number>> = {
  request_malformed: 200, // no client that works sends it
  request_framing: 200,
  request_host: 100,
  request_version: 100,
  request_target: 50,
  request_head_timeout: 50,
  client_hello_malformed: 100,
  handshake_failed: 20,
  handshake_timeout: 50,
  rate_limited: 5,
  401: 40,
  403: 10,
  404: 2,
};

const KEY_FORM = "a code of docs/faults.md, or a status from 400 to 599";

const scoreKey = z.string().refine((key) => key in FAULTS || /^[45][0-9]{2}$/.test(key), {
  error: ({ input }) => {
    const nearest = nearestWord(String(input), Object.keys(FAULTS));
    const hint = nearest === undefined ? "" : `; did you mean ${nearest}?`;
    return `must be ${KEY_FORM}, got ${JSON.stringify(input)}${hint}`;
  },
});

export const bans = z
  .strictObject(
    {
      threshold: wholeNumber(1, POINTS_MAX)
        .default(THRESHOLD)
        .describe(`So many points, and a client is banned. Default: ${THRESHOLD}.`),
      decay: durationAboveZero
        .default(600_000)
        .describe("In which a score of threshold is forgotten, evenly. Default: 10m."),
      ban: durationAboveZero
        .default(600_000)
        .describe("How long the first ban lasts; each further one twice as long. Default: 10m."),
      max: durationAboveZero.default(86_400_000).describe("And at most this long. Default: 1d."),
      forget: durationAboveZero
        .default(86_400_000)
        .describe("In which one earlier ban is forgotten. Default: 1d."),
      scores: z
        .record(scoreKey, wholeNumber(0, POINTS_MAX), {
          error: wanted("a map of fault codes and statuses to points"),
        })
        .default({})
        .transform((own) => ({ ...SCORES, ...own }))
        .describe(
          "Points by how a request or a connection ends, a code before a status; 0 for none. " +
            "Those that are not said are as by default.",
        ),
      exempt: z
        .array(
          z
            .string({ error: wanted(RANGE_FORM) })
            .refine((text) => text !== "unix" && isAddressRange(text), {
              error: wanted(RANGE_FORM),
            }),
          { error: wanted(`a list of address ranges such as "10.0.0.0/8"`) },
        )
        .default(["127.0.0.0/8", "::1/128"])
        .describe(
          "Who is never banned, beside trust.proxies. Default: this machine, 127.0.0.0/8 and ::1/128.",
        ),
      prefix: z
        .strictObject({
          ipv4: wholeNumber(8, 32).default(32).describe("Bits of an IPv4 address. Default: 32."),
          ipv6: wholeNumber(16, 128).default(64).describe("Bits of an IPv6 address. Default: 64."),
        })
        .default({ ipv4: 32, ipv6: 64 })
        .describe("How much of an address is one client."),
      refuses: oneOf(["connections", "requests"])
        .default("connections")
        .describe(
          "What is refused of who is banned: new connections, which are reset, and all requests; " +
            "or requests alone, with 403. Default: connections.",
        ),
      mode: modeField,
    },
    { error: wanted("a map, {} for all that is by default") },
  )
  .describe("Keeps out for a while who abuses the proxy. Default: nobody.");
