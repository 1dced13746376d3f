/** `requestFilter:` as it is written. */
import { sizeBetween, wanted, wantedOneOrMany, wholeNumber, z } from "../../core/fields.ts";
import { type Mode, modeField } from "../../core/refusal.ts";
import { isFieldName } from "../../protocol/http/header-list.ts";
import { isMediaPattern } from "../../protocol/http/media-types.ts";
import { pathProblem } from "../../route/path-pattern.ts";
import { valueProblem } from "../../route/value-test.ts";
import { agentProblem } from "./agent-rules.ts";

export interface HeaderRules {
  readonly require?: Readonly<Record<string, string | readonly string[]>> | undefined;
  readonly countMax?: number | undefined;
  readonly valueBytesMax?: number | undefined;
}

export interface QueryRules {
  readonly bytesMax?: number | undefined;
  readonly countMax?: number | undefined;
}

export interface AgentOptions {
  readonly required: boolean;
  readonly deny: readonly string[];
  readonly allow: readonly string[];
}

export interface RequestFilterOptions {
  readonly methods?: readonly string[] | undefined;
  readonly hide?: readonly string[] | undefined; // paths, and DOTFILES
  readonly headers?: HeaderRules | undefined;
  readonly query?: QueryRules | undefined;
  readonly contentTypes?: readonly string[] | undefined;
  readonly lengthRequired: boolean;
  readonly userAgents?: AgentOptions | undefined;
  readonly mode: Mode;
}

/** Among the paths to hide: all whose name begins with a dot, but for /.well-known/. */
export const DOTFILES = "dotfiles";

const LIST_MAX = 1_000;

function oneOrMany(form: string, problemOf: (text: string) => string | undefined) {
  const one = z.string({ error: wanted(form) }).superRefine((text, context) => {
    const problem = problemOf(text);
    if (problem === undefined) return;
    context.addIssue({ code: "custom", message: `${problem}, got ${JSON.stringify(text)}` });
  });
  const many = z
    .array(one)
    .min(1, { error: () => `must be ${form}, or a list of at least one` })
    .max(LIST_MAX, { error: () => `must be a list of at most ${LIST_MAX}` });
  return z.union([one.transform((text): readonly string[] => [text]), many], {
    error: wantedOneOrMany(`${form}, or a list`),
  });
}

function aMap(form: string) {
  return {
    error: (issue: { readonly code?: string; readonly input?: unknown }) =>
      issue.code === "unrecognized_keys" ? undefined : wanted(form)(issue),
  };
}

function saysSomething(given: object): boolean {
  return Object.values(given).some((value) => value !== undefined);
}

const METHOD_FORM = 'a method such as "GET", in capitals';

function methodProblem(text: string): string | undefined {
  if (text === "CONNECT" || text === "TRACE")
    return "must be a method that is served, which CONNECT and TRACE are not";
  return isFieldName(text) && text === text.toUpperCase() ? undefined : `must be ${METHOD_FORM}`;
}

const PATH_FORM = 'a path such as "/internal/*", "~" and a regular expression, or dotfiles';

function hideProblem(text: string): string | undefined {
  return text === DOTFILES ? undefined : pathProblem(text);
}

const TYPE_FORM = 'a media type such as "application/json", "image/*" or "*/*+json"';

function typeProblem(text: string): string | undefined {
  return isMediaPattern(text) ? undefined : `must be ${TYPE_FORM}`;
}

const VALUE_FORM = 'a value, "*" for present, or "~" and a regular expression';
const REQUIRE_FORM = "a map of header names to values, with at least one";
const HEADERS_FORM = "a map with require, count and valueBytes";
const QUERY_FORM = "a map with bytes and count";
const AGENTS_FORM = "a map with required, deny and allow";
const AGENT_FORM =
  'text that a User-Agent has in it, "~" and a regular expression, or the name of a list';

const required = z
  .record(
    z.string().refine(isFieldName, {
      error: ({ input }) => `must be the name of a header, got ${JSON.stringify(input)}`,
    }),
    oneOrMany(VALUE_FORM, valueProblem),
    { error: wanted(REQUIRE_FORM) },
  )
  .refine(saysSomething, { error: () => `must be ${REQUIRE_FORM}` });

const headers = z
  .strictObject(
    {
      require: required
        .optional()
        .describe("Headers that a request must have, and what every value of them has to be."),
      count: wholeNumber(1, 1_000).optional().describe("How many fields a request may have."),
      valueBytes: sizeBetween(16, 1024 ** 2)
        .optional()
        .describe("How long the value of one of them may be."),
    },
    aMap(HEADERS_FORM),
  )
  .refine(saysSomething, { error: () => `must be ${HEADERS_FORM}, at least one of them` })
  .transform(
    (given): HeaderRules => ({
      require: given.require,
      countMax: given.count,
      valueBytesMax: given.valueBytes,
    }),
  );

const query = z
  .strictObject(
    {
      bytes: sizeBetween(0, 1024 ** 2)
        .optional()
        .describe("How long the query may be."),
      count: wholeNumber(0, 10_000).optional().describe("How many parameters it may have."),
    },
    aMap(QUERY_FORM),
  )
  .refine(saysSomething, { error: () => `must be ${QUERY_FORM}, at least one of them` })
  .transform((given): QueryRules => ({ bytesMax: given.bytes, countMax: given.count }));

const userAgents = z
  .strictObject(
    {
      required: z
        .boolean({ error: wanted("true or false") })
        .default(false)
        .describe("Whether a request without a User-Agent, or with an empty one, is refused."),
      deny: oneOrMany(AGENT_FORM, agentProblem)
        .default([])
        .describe("Who is refused: text (case aside), an expression, or the name of a list."),
      allow: oneOrMany(AGENT_FORM, agentProblem)
        .default([])
        .describe("Who is not, whatever deny says."),
    },
    aMap(AGENTS_FORM),
  )
  .refine((given) => given.required || given.deny.length > 0, {
    error: () => "must have deny, or required: true",
  })
  .transform((given): AgentOptions => given);

const FORM =
  "a map with methods, hide, headers, query, contentTypes, lengthRequired, userAgents and mode";

export const requestFilterSchema: z.ZodType<RequestFilterOptions> = z
  .strictObject(
    {
      methods: oneOrMany(METHOD_FORM, methodProblem)
        .optional()
        .describe("Methods that are served; GET has HEAD with it."),
      hide: oneOrMany(PATH_FORM, hideProblem)
        .optional()
        .describe("Paths that nobody is to see: as in match, or dotfiles."),
      headers: headers.optional().describe("What the header fields have to be like."),
      query: query.optional().describe("What the query has to be like."),
      contentTypes: oneOrMany(TYPE_FORM, typeProblem)
        .optional()
        .describe("What a body may be, by Content-Type. A request without a body needs none."),
      lengthRequired: z
        .boolean({ error: wanted("true or false") })
        .default(false)
        .describe("Whether a body has to say its length ahead."),
      userAgents: userAgents.optional().describe("Which programs are refused, by their word."),
      mode: modeField,
    },
    aMap(FORM),
  )
  .refine(({ mode: _, lengthRequired, ...rules }) => lengthRequired || saysSomething(rules), {
    error: () => `must be ${FORM}, with at least one rule`,
  });
