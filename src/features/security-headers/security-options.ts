import { nearestWord } from "../../base/nearest-word.ts";
import { oneOf, wanted, z } from "../../core/fields.ts";
import { isFieldName, isFieldValue } from "../../protocol/http/header-list.ts";

export interface SecurityOptions {
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly hide: readonly string[];
  readonly replaces: boolean; // what the upstream says of the same
}

/** The keys, and the headers that they are. */
const NAMES = {
  contentTypeOptions: "X-Content-Type-Options",
  frameOptions: "X-Frame-Options",
  referrerPolicy: "Referrer-Policy",
  contentSecurityPolicy: "Content-Security-Policy",
  contentSecurityPolicyReportOnly: "Content-Security-Policy-Report-Only",
  crossOriginOpenerPolicy: "Cross-Origin-Opener-Policy",
  crossOriginResourcePolicy: "Cross-Origin-Resource-Policy",
  crossOriginEmbedderPolicy: "Cross-Origin-Embedder-Policy",
  permissionsPolicy: "Permissions-Policy",
} as const;

type Key = keyof typeof NAMES;
type Preset = Readonly<Partial<Record<Key, string>>>;

/** What no application that we know of breaks on. */
const BASIC: Preset = {
  contentTypeOptions: "nosniff",
  frameOptions: "SAMEORIGIN",
  referrerPolicy: "strict-origin-when-cross-origin",
};

/** For applications that load all of theirs from their own origin. */
const STRICT: Preset = {
  contentTypeOptions: "nosniff",
  frameOptions: "DENY",
  referrerPolicy: "no-referrer",
  contentSecurityPolicy:
    "default-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
  crossOriginOpenerPolicy: "same-origin",
  crossOriginResourcePolicy: "same-origin",
  permissionsPolicy:
    "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
};

const PRESETS = { basic: BASIC, strict: STRICT, none: {} as Preset } as const;
type PresetName = keyof typeof PRESETS;

/** What tells an attacker which software to look up. */
const TELLTALES = [
  "server",
  "x-powered-by",
  "x-aspnet-version",
  "x-aspnetmvc-version",
  "x-generator",
];
const HIDDEN: Readonly<Record<PresetName, readonly string[]>> = {
  basic: [],
  strict: TELLTALES,
  none: [],
};

const DIRECTIVES = [
  ..."base-uri block-all-mixed-content child-src connect-src default-src fenced-frame-src font-src".split(
    " ",
  ),
  ..."form-action frame-ancestors frame-src img-src manifest-src media-src object-src".split(" "),
  ..."prefetch-src report-to report-uri require-trusted-types-for sandbox script-src".split(" "),
  ..."script-src-attr script-src-elem style-src style-src-attr style-src-elem trusted-types".split(
    " ",
  ),
  ..."upgrade-insecure-requests worker-src".split(" "),
];

function orOff<T extends z.ZodType<string>>(schema: T, form: string) {
  return z.union([z.literal("off"), schema], { error: wanted(`${form}, or "off"`) }).optional();
}

function words<const Words extends readonly [string, ...string[]]>(list: Words) {
  return z
    .enum([...list, "off"] as unknown as [string, ...string[]], {
      error: wanted(`one of ${list.join(", ")} and off`),
    })
    .optional();
}

const text = z
  .string({ error: wanted("a text") })
  .refine((value) => value !== "" && isFieldValue(value), {
    error: "must be text of one line, and not empty",
  });

const policy = text.superRefine((value, context) => {
  const message = policyProblem(value);
  if (message !== undefined) context.addIssue({ code: "custom", message });
});

const keys = {
  contentTypeOptions: words(["nosniff"]),
  frameOptions: words(["DENY", "SAMEORIGIN"]),
  referrerPolicy: words([
    "no-referrer",
    "no-referrer-when-downgrade",
    "origin",
    "origin-when-cross-origin",
    "same-origin",
    "strict-origin",
    "strict-origin-when-cross-origin",
    "unsafe-url",
  ]),
  contentSecurityPolicy: orOff(policy, "a policy such as \"default-src 'self'\""),
  contentSecurityPolicyReportOnly: orOff(policy, "a policy such as \"default-src 'self'\""),
  crossOriginOpenerPolicy: words([
    "same-origin",
    "same-origin-allow-popups",
    "noopener-allow-popups",
    "unsafe-none",
  ]),
  crossOriginResourcePolicy: words(["same-site", "same-origin", "cross-origin"]),
  crossOriginEmbedderPolicy: words(["require-corp", "credentialless", "unsafe-none"]),
  permissionsPolicy: orOff(text, 'a policy such as "camera=()"'),
} satisfies Record<Key, z.ZodType>;

const described = Object.fromEntries(
  Object.entries(keys).map(([key, schema]) => {
    const preset = (name: "basic" | "strict") => PRESETS[name][key as Key] ?? "off";
    return [
      key,
      schema.describe(
        `${NAMES[key as Key]}. basic: ${preset("basic")}. strict: ${preset("strict")}.`,
      ),
    ];
  }),
) as typeof keys;

const presetName = oneOf(["basic", "strict", "none"]);
const FORM = "basic, strict, or a map";

const map = z
  .strictObject(
    {
      preset: presetName.default("basic").describe("What there is unless said. Default: basic."),
      ...described,
      hide: z
        .array(z.string().refine(isFieldName, { error: wanted("the name of a header") }), {
          error: wanted("a list of header names"),
        })
        .optional()
        .describe(
          `Headers of upstreams to take off. Default: none; of strict: ${TELLTALES.join(", ")}.`,
        ),
      replace: z
        .boolean({ error: wanted("true or false") })
        .default(false)
        .describe("Whether these go in place of the upstream's own. Default: false: its own stay."),
    },
    {
      error: (issue) => (issue.code === "unrecognized_keys" ? undefined : wanted(FORM)(issue)),
    },
  )
  .transform(({ preset, hide, replace, ...own }): SecurityOptions => {
    const values: Preset = { ...PRESETS[preset], ...given(own) };
    const fields = Object.entries(values)
      .filter(([, value]) => value !== "off")
      .map(([key, value]) => [NAMES[key as Key], value] as const);
    return { fields, hide: hide ?? HIDDEN[preset], replaces: replace };
  });

export const securitySchema: z.ZodType<SecurityOptions> = z.union(
  [presetName.transform((preset) => map.parse({ preset })), map],
  {
    error: ({ input }) =>
      typeof input === "object" && input !== null ? undefined : wanted(FORM)({ input }),
  },
);

function given(values: Readonly<Record<string, string | undefined>>): Preset {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

/** A directive that is misspelt is ignored by browsers, and so allows what it was to forbid. */
function policyProblem(value: string): string | undefined {
  for (const directive of value.split(";")) {
    const [name = ""] = directive.trim().toLowerCase().split(/\s+/);
    if (name === "" || DIRECTIVES.includes(name)) continue;
    const nearest = nearestWord(name, DIRECTIVES);
    const hint = nearest === undefined ? "" : `; did you mean ${nearest}?`;
    return `must be made of directives, which ${JSON.stringify(name)} is not${hint}`;
  }
  return undefined;
}
