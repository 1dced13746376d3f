import { duration, wanted, z } from "../../core/fields.ts";
import { isFieldName } from "../../protocol/http/header-list.ts";
import { credentialsProblem, originProblem } from "./origin-set.ts";

export interface CorsOptions {
  readonly origins: readonly string[];
  readonly methods: readonly string[];
  readonly headers: readonly string[] | "any"; // that a page may send
  readonly exposeHeaders: readonly string[]; // that a page may read
  readonly credentials: boolean;
  readonly maxAgeMs: number;
  readonly privateNetwork: boolean;
}

const METHODS = ["GET", "HEAD", "POST"];
const MAX_AGE = "10m";
const LIST_MAX = 1000;

const origin = z.string({ error: wanted("an origin") }).superRefine((text, context) => {
  const message = originProblem(text);
  if (message !== undefined) context.addIssue({ code: "custom", message });
});

const origins = z.union(
  [
    origin.transform((one) => [one]),
    z.array(origin).min(1, { error: "must be an origin, or a list of at least one" }).max(LIST_MAX),
  ],
  {
    error: ({ input }) =>
      typeof input === "string" || Array.isArray(input)
        ? undefined
        : wanted("an origin, or a list of origins")({ input }),
  },
);

const method = z.string().refine((text) => isFieldName(text) && text === text.toUpperCase(), {
  error: wanted('a method such as "GET", in capitals'),
});
const headerName = z.string().refine(isFieldName, { error: wanted("the name of a header") });
const headerNames = z.array(headerName, { error: wanted("a list of header names") }).max(LIST_MAX);

const map = z
  .strictObject(
    {
      origins: origins.describe(
        'Whose pages may read responses: origins, "https://*.a.test", "~" and an expression, or "*".',
      ),
      methods: z
        .array(method, { error: wanted("a list of methods") })
        .min(1)
        .default(METHODS)
        .describe(`Methods that pages may use. Default: [${METHODS.join(", ")}].`),
      headers: z
        .union([z.literal("any"), headerNames], { error: wanted("any, or a list of header names") })
        .default("any")
        .describe("Request headers that pages may send. Default: any."),
      exposeHeaders: headerNames
        .default([])
        .describe("Response headers that pages may read, besides the few that all may."),
      credentials: z
        .boolean({ error: wanted("true or false") })
        .default(false)
        .describe("Whether cookies and the like count; never beside every origin."),
      maxAge: duration
        .prefault(MAX_AGE)
        .describe(`How long browsers may keep the answer to a preflight. Default: ${MAX_AGE}.`),
      privateNetwork: z
        .boolean({ error: wanted("true or false") })
        .default(false)
        .describe("Whether pages of the internet may reach this on a private network."),
    },
    {
      error: (issue) =>
        issue.code === "unrecognized_keys"
          ? undefined
          : wanted("origins, or a map with origins")(issue),
    },
  )
  .superRefine((options, context) => {
    if (!options.credentials) return;
    for (const [index, each] of options.origins.entries()) {
      const message = credentialsProblem(each);
      if (message !== undefined)
        context.addIssue({ code: "custom", path: ["origins", index], message });
    }
  })
  .transform(({ maxAge, ...options }): CorsOptions => ({ ...options, maxAgeMs: maxAge }));

export const corsSchema: z.ZodType<CorsOptions> = z.union(
  [origins.transform((all) => map.parse({ origins: all })), map],
  {
    error: ({ input }) =>
      typeof input === "string" || (typeof input === "object" && input !== null)
        ? undefined
        : wanted("origins, or a map with origins")({ input }),
  },
);
