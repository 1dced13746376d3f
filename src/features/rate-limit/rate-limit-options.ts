import type { PrefixBits } from "../../base/client-prefix.ts";
import { name, oneOf, shown, wanted, wholeNumber, z } from "../../core/fields.ts";
import { type Rate, rate } from "../../core/rate-field.ts";
import { type Mode, modeField } from "../../core/refusal.ts";
import { templateProblem } from "../../core/template.ts";

export const SCOPES = ["route", "site", "all"] as const;
export type Scope = (typeof SCOPES)[number];

export interface LimitOptions {
  readonly rate: Rate;
  readonly burst: number;
  readonly per: string; // a word of PER_WORDS, or a template
  readonly without: "clientIp" | "pass";
  readonly prefix: PrefixBits;
  readonly cost: number | Readonly<Record<string, number>>;
  readonly mode: Mode;
  readonly name: string | undefined;
  readonly scope: Scope | undefined; // undefined: where it is written
  readonly fields: "refused" | "always" | "off";
  readonly keysMax: number;
}

const LIMITS_MAX = 8; // of one route
const BURST_MAX = 1_000_000_000;
const COST_MAX = 1_000_000;
const KEYS_DEFAULT = 65_536; // 12 bytes each
const KEYS_MIN = 1_024;
const KEYS_MAX = 16_777_216;
const IPV6_BITS = 64;

export const PER_WORDS = ["clientIp", "identity", "all"] as const;
const PER_FORM =
  '"clientIp", "identity", "all", or text with placeholders such as "{header.x-api-key}"';
/** As Template knows it, but that it stands for the network that counts as one client. */
export const CLIENT_IP = "clientIp";

const per = z
  .string({ error: wanted(PER_FORM) })
  .superRefine((text, context) => {
    if ((PER_WORDS as readonly string[]).includes(text)) return;
    const message = text.includes("{")
      ? templateProblem(text, "text", [CLIENT_IP])
      : wanted(PER_FORM)({ input: text });
    if (message !== undefined) context.addIssue({ code: "custom", message });
  })
  .default("clientIp")
  .describe(`What has a count of its own: ${PER_FORM}. Default: clientIp.`);

const METHOD = /^([A-Z][A-Z0-9-]*|\*)$/;
const COST_FORM = `a whole number from 0 to ${COST_MAX}, or a map of methods to such numbers`;
const costNumber = wholeNumber(0, COST_MAX);
const methodName = z.string().refine((text) => METHOD.test(text), {
  error: ({ input }) => `must be a method in capitals, or "*" for all others, got ${shown(input)}`,
});

const cost = z
  .union([costNumber, z.record(methodName, costNumber)], {
    error: ({ input }) =>
      typeof input === "number" ||
      (typeof input === "object" && input !== null && !Array.isArray(input))
        ? undefined
        : wanted(COST_FORM)({ input }),
  })
  .default(1)
  .describe("What a request uses of it, or a map of methods to that; 0 for nothing. Default: 1.");

const prefix = z
  .strictObject(
    {
      ipv4: wholeNumber(8, 32).default(32).describe("Bits of an IPv4 address. Default: 32."),
      ipv6: wholeNumber(16, 128)
        .default(IPV6_BITS)
        .describe(`Bits of an IPv6 address. Default: ${IPV6_BITS}.`),
    },
    { error: wanted("a map with ipv4 and ipv6") },
  )
  .default({ ipv4: 32, ipv6: IPV6_BITS })
  .describe("How much of an address is one client, wherever {clientIp} stands.");

const LIMIT_FORM = 'a rate such as "100/s", a map with rate, or a list of such maps';

const limitMap = z
  .strictObject(
    {
      rate: rate.describe('How many in the long run: "100/s", "5/m", "5000/h", "20/10s".'),
      burst: wholeNumber(1, BURST_MAX)
        .optional()
        .describe("How many may come at once after a pause. Default: the number in rate."),
      per,
      without: oneOf(["clientIp", "pass"])
        .default("clientIp")
        .describe(
          "What becomes of a request that has nothing of what per asks for: it counts by its " +
            "address, or passes uncounted. Default: clientIp.",
        ),
      prefix,
      cost,
      mode: modeField,
      name: name
        .optional()
        .describe(
          "Its name for clients, log and explain. Limits of one name count together, unless scope " +
            "says otherwise.",
        ),
      scope: oneOf(SCOPES)
        .optional()
        .describe(
          "Where it counts together: over the route, the site, or all. Default: all where it " +
            "has a name, else where it is written.",
        ),
      fields: oneOf(["refused", "always", "off"])
        .default("refused")
        .describe(
          "Which responses have RateLimit and RateLimit-Policy: refusals, all, or none. Default: refused.",
        ),
      keysMax: wholeNumber(KEYS_MIN, KEYS_MAX)
        .default(KEYS_DEFAULT)
        .describe(`How many keys are known at once, at 12 bytes each. Default: ${KEYS_DEFAULT}.`),
    },
    {
      error: (issue) =>
        issue.code === "unrecognized_keys" ? undefined : wanted(LIMIT_FORM)(issue),
    },
  )
  .transform(
    (options): LimitOptions => ({
      ...options,
      burst: options.burst ?? options.rate.count,
      name: options.name,
      scope: options.scope,
    }),
  )
  .superRefine(({ cost: asked, burst }, context) => {
    const most = typeof asked === "number" ? asked : Math.max(0, ...Object.values(asked));
    if (most <= burst) return;
    const message = `must be at most burst (${burst}), or nothing passes, got ${most}`;
    context.addIssue({ code: "custom", path: ["cost"], message });
  });

const short = rate.transform(
  (parsed): LimitOptions => ({
    rate: parsed,
    burst: parsed.count,
    per: "clientIp",
    without: "clientIp",
    prefix: { ipv4: 32, ipv6: IPV6_BITS },
    cost: 1,
    mode: "enforce",
    name: undefined,
    scope: undefined,
    fields: "refused",
    keysMax: KEYS_DEFAULT,
  }),
);

const list = z
  .array(limitMap, { error: wanted(LIMIT_FORM) })
  .min(1, { error: wanted(LIMIT_FORM) })
  .max(LIMITS_MAX, { error: () => `must be a list of at most ${LIMITS_MAX} limits` })
  .superRefine((limits, context) => {
    for (const [index, { name: own }] of limits.entries()) {
      const first = limits.findIndex((other) => other.name === own);
      if (own === undefined || first === index) continue;
      const message = `must be a name of its own in the list, got ${shown(own)} as of limit ${first + 1}`;
      context.addIssue({ code: "custom", path: [index, "name"], message });
    }
  });

export const rateLimitSchema = z.union(
  [
    short.transform((limit): readonly LimitOptions[] => [limit]),
    limitMap.transform((limit): readonly LimitOptions[] => [limit]),
    list.transform((limits): readonly LimitOptions[] => limits),
  ],
  {
    error: ({ input }) =>
      typeof input === "string" || (typeof input === "object" && input !== null)
        ? undefined
        : wanted(LIMIT_FORM)({ input }),
  },
);
