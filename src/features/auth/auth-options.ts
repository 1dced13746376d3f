/** `auth:` as it is written, and as what it is used. */
import { declaredHeader } from "../../core/declared-header.ts";
import { durationAboveZero, listed, wanted, wholeNumber, z } from "../../core/fields.ts";
import { type Mode, modeField } from "../../core/refusal.ts";
import { templateField } from "../../core/template-field.ts";
import { methods } from "./methods.ts";

/** What has to be shown: one method, any of several, or all of them. */
export type AuthTree =
  | { readonly kind: "method"; readonly key: string; readonly options: unknown }
  | { readonly kind: "any" | "all"; readonly of: readonly AuthTree[] };

export interface GuardOptions {
  readonly perAddress: number;
  readonly perName: number;
  readonly withinMs: number;
}

export interface AuthOptions {
  readonly tree: AuthTree;
  readonly isOptional: boolean;
  readonly mode: Mode;
  readonly headers: Readonly<Record<string, string>>; // templates
  readonly guard: GuardOptions | undefined;
}

const GUARD: GuardOptions = { perAddress: 10, perName: 100, withinMs: 60_000 };
const FAILURES_MAX = 10_000;

const KEYS = methods.map(({ key }) => key);
const CHOICES = [...KEYS, "any", "all"];

const methodFields = Object.fromEntries(
  methods.map(({ key, schema, about }): [string, z.ZodType] => [
    key,
    schema.optional().describe(about),
  ]),
);

type Raw = Readonly<Record<string, unknown>>;

/** Two methods side by side could mean either: it has to be said (a wrong guess opens a door). */
function checkChoice(raw: Raw, context: z.RefinementCtx): void {
  const given = CHOICES.filter((key) => raw[key] !== undefined);
  if (given.length === 1) return;
  const message =
    given.length === 0
      ? `must have one of ${listed(CHOICES)}`
      : [
          `must say whether any or all of ${listed(given, "and")} are needed:`,
          `any: [${given.map((key) => `{ ${key}: … }`).join(", ")}], or all: […]`,
        ].join(" ");
  context.addIssue({ code: "custom", message });
}

const node: z.ZodType<Raw> = z
  .strictObject(
    {
      ...methodFields,
      get any() {
        return nodes
          .optional()
          .describe("One of these has to hold; the first that does says who it is.");
      },
      get all() {
        return nodes.optional().describe("All of these have to hold; the first says who it is.");
      },
    },
    {
      error: (issue) => (issue.code === "unrecognized_keys" ? undefined : wanted(NODE_FORM)(issue)),
    },
  )
  .superRefine(checkChoice);

const NODE_FORM = `a map with one of ${listed(CHOICES)}`;

const nodes = z
  .array(node, { error: wanted(`a list of maps, each with one of ${listed(CHOICES)}`) })
  .min(1, { error: () => "must be a list of at least one, got an empty list" })
  .max(16, { error: () => "must be a list of at most 16" });

const failures = wholeNumber(1, FAILURES_MAX).optional();

const guard = z.union(
  [
    z.literal("off"),
    z.strictObject({
      perAddress: failures.describe(
        `Failures from one address, or one /64 of IPv6, until it has to wait. Default: ${GUARD.perAddress}.`,
      ),
      perName: failures.describe(`Failures on one name, from wherever. Default: ${GUARD.perName}.`),
      within: durationAboveZero
        .refine((ms) => ms >= 1_000 && ms <= 86_400_000, {
          error: () => "must be from 1s to 1d",
        })
        .optional()
        .describe("The time in which so many may fail. Default: 1m."),
    }),
  ],
  {
    error: ({ input }) =>
      typeof input === "object" && input !== null && !Array.isArray(input)
        ? undefined
        : wanted("off, or a map with perAddress, perName and within")({ input }),
  },
);

const schema = z
  .strictObject(
    {
      ...methodFields,
      any: nodes
        .optional()
        .describe("One of these has to hold; the first that does says who it is."),
      all: nodes.optional().describe("All of these have to hold; the first says who it is."),
      optional: z
        .boolean({ error: wanted("true or false") })
        .default(false)
        .describe(
          [
            "Whether a request that shows nothing passes, too, with nobody's identity; what is shown",
            "and wrong is refused all the same.",
          ].join(" "),
        ),
      headers: z
        .record(declaredHeader("X-User"), templateField("header"), {
          error: wanted("a map of names of fields to templates"),
        })
        .default({})
        .describe(
          [
            'Fields that tell the upstream who it is, such as { X-User: "{identity}" }. The client\'s',
            "own are always removed, under any name that is read alike.",
          ].join(" "),
        ),
      guard: guard.optional().describe("Who fails too often has to wait: 429. off, or a map."),
      mode: modeField,
    },
    {
      error: (issue) => (issue.code === "unrecognized_keys" ? undefined : wanted(NODE_FORM)(issue)),
    },
  )
  .superRefine(checkChoice)
  .transform((raw): AuthOptions => {
    const { optional, headers, mode, guard: said } = raw;
    return {
      tree: treeOf(raw),
      isOptional: optional,
      mode,
      headers,
      guard:
        said === "off"
          ? undefined
          : {
              perAddress: said?.perAddress ?? GUARD.perAddress,
              perName: said?.perName ?? GUARD.perName,
              withinMs: said?.within ?? GUARD.withinMs,
            },
    };
  });

export const authSchema: z.ZodType<AuthOptions> = schema;

function treeOf(raw: Raw): AuthTree {
  const key = CHOICES.find((choice) => raw[choice] !== undefined)!; // checkChoice has seen to it
  if (key !== "any" && key !== "all") return { kind: "method", key, options: raw[key] };
  return { kind: key, of: (raw[key] as readonly Raw[]).map(treeOf) };
}
