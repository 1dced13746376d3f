/** `allow:` and `deny:` as they are written. */
import { parseCidr } from "../../base/cidr.ts";
import { wanted, wholeNumber, z } from "../../core/fields.ts";
import { type Mode, modeField } from "../../core/refusal.ts";
import type { MatchConfig } from "../../route/match-config.ts";
import { countries, matchSchema } from "../../route/match-schema.ts";
import { daysOf, isTimeZone, minuteOf, type TimeOptions } from "./time-window.ts";

/** All that is given must hold. */
export interface AccessRule {
  readonly networks: readonly string[]; // none: any
  readonly file: string | undefined;
  readonly country: readonly string[];
  readonly asn: readonly number[];
  readonly time: TimeOptions | undefined;
  readonly match: MatchConfig | undefined;
}

export interface AccessOptions {
  readonly rules: readonly AccessRule[]; // one of them must hold
  readonly mode: Mode;
}

const NETWORK_FORM = 'an address or a network such as "10.0.0.0/8"';

const network = z.string({ error: wanted(NETWORK_FORM) }).superRefine((text, context) => {
  const cidr = parseCidr(text);
  if (typeof cidr !== "string") return;
  const message = `must be ${NETWORK_FORM}; ${JSON.stringify(text.slice(0, 60))} ${cidr}`;
  context.addIssue({ code: "custom", message });
});

/** `isText`: one of them is text, and has words of its own. */
function oneOrMany<One extends z.ZodType>(one: One, form: string, isText = true) {
  const many = z
    .array(one, { error: wanted(form) })
    .min(1, { error: () => `must be ${form}, at least one` });
  return z.union([one.transform((each) => [each]), many], {
    error: ({ input }) =>
      Array.isArray(input) || (isText && typeof input === "string")
        ? undefined
        : wanted(form)({ input }),
  });
}

const DAYS_FORM = 'days such as "mon-fri" or [sat, sun]';
const HOURS_FORM = 'hours such as "08:00-18:00"';

const day = z.string({ error: wanted(DAYS_FORM) }).refine((text) => daysOf(text) !== undefined, {
  error: wanted(DAYS_FORM),
});

const hours = z
  .string({ error: wanted(HOURS_FORM) })
  .refine((text) => hoursOf(text) !== undefined, { error: wanted(HOURS_FORM) });

function hoursOf(text: string): readonly [from: number, to: number] | undefined {
  const [from, to, ...more] = text.split("-").map((each) => minuteOf(each.trim()));
  if (from === undefined || to === undefined || more.length > 0) return undefined;
  return from === to || from === 1_440 ? undefined : [from, to];
}

const time = z
  .strictObject(
    {
      days: oneOrMany(day, DAYS_FORM)
        .optional()
        .describe("Days of the week: mon-fri, [sat, sun]. Default: all."),
      hours: hours
        .optional()
        .describe(
          "From when until when; over midnight they belong to the day they begin. Default: all day.",
        ),
      zone: z
        .string({ error: wanted('a time zone such as "Europe/Berlin"') })
        .refine(isTimeZone, { error: wanted('a time zone such as "Europe/Berlin"') })
        .default("UTC")
        .describe("Whose clock it is by, summer time and all. Default: UTC."),
    },
    { error: wanted("a map with days, hours and zone") },
  )
  .refine((given) => (given.days ?? given.hours) !== undefined, {
    error: () => "must have one of days and hours",
  })
  .transform((given): TimeOptions => {
    const days = given.days?.flatMap((each) => daysOf(each)!) ?? [0, 1, 2, 3, 4, 5, 6];
    const [fromMinute, toMinute] = given.hours === undefined ? [0, 1_440] : hoursOf(given.hours)!;
    return { days: new Set(days), fromMinute, toMinute, zone: given.zone };
  });

const RULE_FORM = "a network, all, or a map with networks, file, country, asn, time and match";

const ruleFields = {
  networks: oneOrMany(network, "a network or a list of them")
    .optional()
    .describe("Addresses and networks that the client may have."),
  file: z
    .string({ error: wanted("the path of a file") })
    .min(1, { error: wanted("the path of a file") })
    .optional()
    .describe("More of them, a line each. A changed file is read again."),
  country: countries.optional().describe("Where its address is, by geo.country: DE, or unknown."),
  asn: oneOrMany(wholeNumber(0, 2 ** 32 - 1), "a number of an autonomous system, or a list of them")
    .optional()
    .describe("Whose its address is, by geo.asn; 0 is unknown."),
  time: time.optional().describe("When it comes."),
  match: matchSchema.optional().describe("What the request is like, as match of a route."),
};

const fields = z.strictObject(ruleFields);
type Fields = z.output<typeof fields>;

const ownWords = {
  error: (issue: { readonly code?: string; readonly input?: unknown }) =>
    issue.code === "unrecognized_keys" ? undefined : wanted(RULE_FORM)(issue),
};

const ruleMap = z
  .strictObject(ruleFields, ownWords)
  .refine(saysSomething, { error: () => `must be ${RULE_FORM}, got an empty map` })
  .transform(ruleOf);

function saysSomething(given: Fields): boolean {
  return Object.keys(ruleFields).some((key) => given[key as keyof Fields] !== undefined);
}

function ruleOf({
  networks = [],
  file,
  country = [],
  asn = [],
  time: when,
  match,
}: Fields): AccessRule {
  return { networks, file, country, asn, time: when, match };
}

const NOBODY_SAID: AccessRule = {
  networks: [],
  file: undefined,
  country: [],
  asn: [],
  time: undefined,
  match: undefined,
};

const rule = z.union(
  [
    z.literal("all").transform(() => NOBODY_SAID),
    network.transform((text): AccessRule => ({ ...NOBODY_SAID, networks: [text] })),
    ruleMap,
  ],
  {
    error: ({ input }) =>
      typeof input === "string" ||
      (typeof input === "object" && input !== null && !Array.isArray(input))
        ? undefined
        : wanted(RULE_FORM)({ input }),
  },
);

const RULES_MAX = 10_000;

const rules = z
  .array(rule, { error: wanted("a list of rules") })
  .min(1, { error: () => "must be a list of at least one rule, got an empty list" })
  .max(RULES_MAX, {
    error: () => `must be a list of at most ${RULES_MAX} rules: put networks into a file`,
  });

const map = z
  .strictObject(
    {
      ...ruleFields,
      rules: rules
        .optional()
        .describe("Several, of which one has to hold; in place of the keys of one."),
      mode: modeField,
    },
    ownWords,
  )
  .superRefine((given, context) => {
    if ((given.rules !== undefined) !== saysSomething(given)) return;
    const message =
      given.rules === undefined
        ? `must be ${RULE_FORM}`
        : "must have either rules or the keys of one";
    context.addIssue({ code: "custom", message });
  })
  .transform(
    (given): AccessOptions => ({ rules: given.rules ?? [ruleOf(given)], mode: given.mode }),
  );

/** One rule, a list of them, or a map of either kind with a mode. */
export const accessSchema: z.ZodType<AccessOptions> = z.union(
  [
    z.literal("all").transform(() => enforced([NOBODY_SAID])),
    network.transform((text) => enforced([{ ...NOBODY_SAID, networks: [text] }])),
    rules.transform(enforced),
    map,
  ],
  {
    error: ({ input }) =>
      typeof input === "string" || (typeof input === "object" && input !== null)
        ? undefined
        : wanted(`${RULE_FORM}, or a list of them`)({ input }),
  },
);

function enforced(all: readonly AccessRule[]): AccessOptions {
  return { rules: all, mode: "enforce" };
}
