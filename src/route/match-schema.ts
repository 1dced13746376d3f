/** `match:` as it is written. */
import { parseCidr } from "../base/cidr.ts";
import { wanted, z } from "../core/fields.ts";
import { capturesIn } from "../core/template.ts";
import { isFieldName } from "../protocol/http/header-list.ts";
import { captureNames } from "./compile-match.ts";
import { routeHostProblem } from "./host-pattern.ts";
import { listOf, type MatchConfig } from "./match-config.ts";
import { pathProblem } from "./path-pattern.ts";
import { valueProblem } from "./value-test.ts";

type FindProblem = (text: string) => string | undefined;

/** One or a list of texts, each held against what the matcher can use. */
function oneOrMore(form: string, findProblem: FindProblem) {
  const one = z.string({ error: wanted(form) }).superRefine((text, context) => {
    const message = findProblem(text);
    if (message !== undefined)
      context.addIssue({ code: "custom", message: `${message}, got ${JSON.stringify(text)}` });
  });
  const many = z
    .array(one, { error: wanted(`${form}, or a list`) })
    .min(1, { error: `must be ${form}, or a list of at least one` });
  // The issues of the side that was meant say more than "neither fits".
  return z.union([one, many], {
    error: ({ input }) =>
      typeof input === "string" || Array.isArray(input)
        ? undefined
        : wanted(`${form}, or a list`)({ input }),
  });
}

function named(kind: string, isName: (name: string) => boolean) {
  const form = `a map of ${kind} names to values`;
  const key = z.string().refine(isName, {
    error: ({ input }) => `must be the name of a ${kind}, got ${JSON.stringify(input)}`,
  });
  return z
    .record(
      key,
      oneOrMore('a value, "*" for present, or "~" and a regular expression', valueProblem),
      { error: wanted(form) },
    )
    .refine((map) => Object.keys(map).length > 0, { error: `must be ${form} with at least one` })
    .optional();
}

const METHOD_FORM = 'a method such as "GET"';

function methodProblem(text: string): string | undefined {
  if (text === "CONNECT" || text === "TRACE")
    return "must be a method that is served, which CONNECT and TRACE are not";
  return isFieldName(text) && text === text.toUpperCase()
    ? undefined
    : `must be ${METHOD_FORM}, in capitals`;
}

function schemeProblem(text: string): string | undefined {
  return text === "http" || text === "https" ? undefined : 'must be "http" or "https"';
}

function cidrProblem(text: string): string | undefined {
  const cidr = parseCidr(text);
  return typeof cidr === "string"
    ? `must be an address or a network such as "10.0.0.0/8"; it ${cidr}`
    : undefined;
}

const COUNTRY_FORM = 'a country such as "DE", or unknown';

function countryProblem(text: string): string | undefined {
  return /^[A-Z]{2}$/.test(text) || text === "unknown"
    ? undefined
    : `must be ${COUNTRY_FORM}, in two capitals (ISO 3166-1)`;
}

/** One or several, as a list. */
export const countries = oneOrMore(COUNTRY_FORM, countryProblem).transform(listOf);

const MATCHER_FORM =
  "a map of host, path, method, header, query, cookie, clientIp, country, scheme, not and any";
const NAMED_FORM =
  'Name to value: exact, "*" for present, "~" and a regular expression, or a list.';

type Inner = z.ZodOptional<z.ZodType<MatchConfig>>;

/** What a request has to be like for the route to take it. */
export const matchSchema: z.ZodType<MatchConfig> = z.strictObject(
  {
    path: oneOrMore('a path such as "/a", "/a/*" or "/users/:id"', pathProblem)
      .optional()
      .describe(
        'Exact "/a", prefix "/a/*", parameters "/users/:id", or "~" and a regular expression.',
      ),
    method: oneOrMore(METHOD_FORM, methodProblem)
      .optional()
      .describe("The method, in capitals; HEAD is not GET."),
    host: oneOrMore('a host such as "a.test" or "*.a.test"', routeHostProblem)
      .optional()
      .describe('Exact, "*.a.test" for all names below, or "~" and a regular expression.'),
    scheme: oneOrMore('"http" or "https"', schemeProblem)
      .optional()
      .describe("What the client speaks to us."),
    clientIp: oneOrMore('an address or a network such as "10.0.0.0/8"', cidrProblem)
      .optional()
      .describe("Addresses and networks that the client may have."),
    header: named("header", isFieldName).describe(NAMED_FORM),
    query: named("parameter", (name) => name !== "").describe(NAMED_FORM),
    cookie: named("cookie", isFieldName).describe(NAMED_FORM),
    country: oneOrMore(COUNTRY_FORM, countryProblem)
      .optional()
      .describe("Where the client's address is, by geo.country: DE, or unknown."),
    get not(): Inner {
      return matchSchema.optional().describe("Holds if this does not.");
    },
    get any(): z.ZodOptional<z.ZodArray<z.ZodType<MatchConfig>>> {
      return z
        .array(matchSchema, { error: wanted("a list of matches") })
        .min(1, { error: "must be a list of at least one match" })
        .optional()
        .describe("Holds if one of these does.");
    },
  },
  {
    error: (issue) =>
      issue.code === "unrecognized_keys" ? undefined : wanted(MATCHER_FORM)(issue),
  },
);

/** What the templates of a route ask of its path that its match cannot give. */
export function captureProblems(
  match: MatchConfig | undefined,
  options: unknown,
): readonly string[] {
  const names = match === undefined ? [] : captureNames(match);
  return capturesIn(options)
    .filter((name) => !names.includes(name))
    .map((name) => {
      const has =
        names.length === 0
          ? "has no parts"
          : `has only ${names.map((each) => `{path.${each}}`).join(" ")}`;
      return `{path.${name}} is nothing that the path of this route's match gives; it ${has}`;
    });
}
