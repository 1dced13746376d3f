import { CidrSet, parseCidr } from "../../base/cidr.ts";
import { durationAboveZero, wanted, wholeNumber, z } from "../../core/fields.ts";
import { type Rate, rate } from "../../core/rate-field.ts";
import { type Mode, modeField } from "../../core/refusal.ts";

export interface ChallengeOptions {
  readonly above?: Rate | undefined; // undefined: everybody is asked
  readonly difficulty: { readonly min: number; readonly max: number }; // bits
  readonly ttl: number;
  readonly allow: readonly string[];
  readonly secret?: string | undefined;
  readonly mode: Mode;
}

const BITS_MIN = 8;
const BITS_MAX = 26; // a minute of a phone, and more
const BITS = 16; // some 65,000 hashes: a tenth of a second to a second
const BITS_MORE = 4; // where load is shed
const SECRET_BYTES_MIN = 16;
const SECRET_FORM = `a secret of at least ${SECRET_BYTES_MIN} characters`;
const NETWORK_FORM = 'an address or a network such as "10.0.0.0/8"';

const bits = wholeNumber(BITS_MIN, BITS_MAX);

const network = z
  .string({ error: wanted(NETWORK_FORM) })
  .refine((text) => typeof parseCidr(text) !== "string", { error: wanted(NETWORK_FORM) });

export const challengeSchema: z.ZodType<ChallengeOptions> = z.strictObject(
  {
    above: rate
      .optional()
      .describe("Asks only clients that come more often than this. Default: everybody."),
    difficulty: z
      .union(
        [
          bits.transform((min) => ({ min, max: Math.min(min + BITS_MORE, BITS_MAX) })),
          z
            .strictObject(
              {
                min: bits.describe("As a rule."),
                max: bits.describe("While all load is shed."),
              },
              { error: wanted("a map with min and max") },
            )
            .refine(({ min, max }) => min <= max, {
              error: "must have a max that is no less than min",
            }),
        ],
        {
          error: ({ input }) =>
            typeof input === "object" && input !== null
              ? undefined
              : wanted(
                  `a whole number of bits from ${BITS_MIN} to ${BITS_MAX}, or a map with min and max`,
                )({ input }),
        },
      )
      .default({ min: BITS, max: BITS + BITS_MORE })
      .describe(
        "How hard it is, in bits: one more is twice the work. min as a rule, max while all load is shed. " +
          `Default: ${BITS}, and ${BITS_MORE} more.`,
      ),
    ttl: durationAboveZero.prefault("1h").describe("How long an answer is good for. Default: 1h."),
    allow: z
      .array(network, { error: wanted("a list of addresses and networks") })
      .max(10_000)
      .default([])
      .describe("Who is never asked: monitors, crawlers that you know."),
    secret: z
      .string({ error: wanted(SECRET_FORM) })
      .min(SECRET_BYTES_MIN, { error: () => `must be ${SECRET_FORM}` })
      .optional()
      .describe(
        "What answers are sealed with; the same on all machines. Default: drawn at each start.",
      ),
    mode: modeField,
  },
  {
    error: (issue) =>
      issue.code === "unrecognized_keys" ? undefined : wanted("a map; {} asks everybody")(issue),
  },
);

/** Whether an address is in one of them. */
export function allowedIn(networks: readonly string[]): (address: string) => boolean {
  if (networks.length === 0) return () => false;
  const set = new CidrSet(networks);
  return (address) => set.has(address);
}
