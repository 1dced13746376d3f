import type { Exchange } from "../../core/exchange.ts";
import type { Fault } from "../../core/fault.ts";
import type { Feature } from "../../core/feature.ts";
import { wanted, z } from "../../core/fields.ts";
import type { Filter } from "../../core/filter.ts";
import { refuse } from "../../core/refusal.ts";
import {
  Substitution,
  type SubstitutionOptions,
  substitutionFields,
  withProblem,
} from "../../core/substitution.ts";
import { Template } from "../../core/template.ts";
import { templateField } from "../../core/template-field.ts";
import { isFieldName } from "../../protocol/http/header-list.ts";
import { canonicalPath, isCanonicalPath } from "../../protocol/http/path.ts";
import { isQuery, TARGET_POLICY } from "../../protocol/http/target.ts";
import { type QueryEditOptions, QueryEdits, queryEditsSchema } from "./query-edits.ts";

interface RewriteOptions {
  readonly stripPrefix?: string | undefined;
  readonly addPrefix?: string | undefined;
  readonly replace: readonly SubstitutionOptions[]; // in the path
  readonly path?: string | undefined; // a template
  readonly query?: string | QueryEditOptions | undefined; // a template, or edits
  readonly method?: string | undefined;
}

const KEYS = "stripPrefix, replace, addPrefix, path, query and method";
const REPLACE_MAX = 100;
const METHOD_FORM =
  'a method such as "POST", in capitals, which HEAD, CONNECT and TRACE may not be';
const PREFIX_FORM = 'a path such as "/api", without "/" at its end';

const prefix = z
  .string({ error: wanted(PREFIX_FORM) })
  .refine(
    (text) =>
      /^\/.*[^/]$/.test(text) && canonicalPath(text, 0, text.length, TARGET_POLICY) === text,
    { error: wanted(PREFIX_FORM) },
  );

const schema = z
  .strictObject(
    {
      stripPrefix: prefix
        .optional()
        .describe("Taken off the path where it begins with it, whole segments only."),
      replace: z
        .array(
          z
            .strictObject(substitutionFields(), { error: wanted("a map with find and with") })
            .superRefine((each, context) => {
              const message = withProblem(each, "path") ?? pathTextProblem(each.with);
              if (message !== undefined)
                context.addIssue({ code: "custom", path: ["with"], message });
            }),
          { error: wanted("a list of maps with find and with") },
        )
        .max(REPLACE_MAX, { error: `must have at most ${REPLACE_MAX}` })
        .default([])
        .describe("Parts of the path to replace, all that are found, in this order."),
      addPrefix: prefix.optional().describe("Put before the path, last of all."),
      path: templateField("path")
        .refine((text) => /^(\/|\{path\})/.test(text), {
          error: wanted('a path that begins with "/" or {path}'),
        })
        .superRefine((text, context) => {
          const message = pathTextProblem(text);
          if (message !== undefined) context.addIssue({ code: "custom", message });
        })
        .optional()
        .describe("The whole new path, with placeholders."),
      query: z
        .union([templateField("query"), queryEditsSchema], {
          error: ({ input }) =>
            typeof input === "string" || (typeof input === "object" && input !== null)
              ? undefined
              : wanted("a text, or a map of keep, remove, rename, set and add")({ input }),
        })
        .optional()
        .describe(
          'The whole new query without "?", with placeholders; "" for none. Or edits of it.',
        ),
      method: z
        .string({ error: wanted(METHOD_FORM) })
        .refine((text) => isFieldName(text) && /^[A-Z-]+$/.test(text) && !NOT_METHODS.has(text), {
          error: wanted(METHOD_FORM),
        })
        .optional()
        .describe("What the upstream is asked to do; HEAD stays HEAD."),
    },
    {
      error: (issue) =>
        issue.code === "unrecognized_keys" ? undefined : wanted(`a map of ${KEYS}`)(issue),
    },
  )
  .superRefine((options, context) => {
    const { stripPrefix, addPrefix, replace, path, query, method } = options;
    const others = [stripPrefix, addPrefix, replace[0]];
    const isEmpty = [...others, path, query, method].every((each) => each === undefined);
    if (isEmpty) context.addIssue({ code: "custom", message: `must have one of ${KEYS}` });
    if (path !== undefined && others.some((each) => each !== undefined)) {
      context.addIssue({
        code: "custom",
        path: ["path"],
        message: "must not be beside stripPrefix, replace or addPrefix, which it would undo",
      });
    }
  });

/** Changes what the upstream is asked for; what the client asked for stays as it was. */
export const rewrite: Feature<RewriteOptions, Filter> = {
  name: "rewrite",
  kind: "filter",
  about: "Changes the path, the query and the method of the request on its way to the upstream.",
  schema,

  build(options) {
    const pathOf = pathMaker(options);
    const queryOf = queryMaker(options.query);
    const { method } = options;
    return {
      name: "rewrite",
      rewrite(exchange) {
        const { request } = exchange;
        if (request.path === "*") return undefined; // OPTIONS * is about the server, not about a path
        if (pathOf !== undefined) request.upstreamPath = pathOf(exchange);
        if (queryOf !== undefined) request.upstreamQuery = queryOf(exchange);
        if (method !== undefined && mayBeOther(exchange)) request.upstreamMethod = method;
        return isSafe(exchange) ? undefined : refuse(exchange, UNSAFE);
      },
    };
  },
};

type Make = (exchange: Exchange) => string;

function pathMaker({
  path,
  stripPrefix,
  replace,
  addPrefix = "",
}: RewriteOptions): Make | undefined {
  if (path !== undefined) {
    const template = new Template(path, "path");
    return (exchange) => template.expand(exchange);
  }
  if (stripPrefix === undefined && replace.length === 0 && addPrefix === "") return undefined;
  if (replace.length === 0) return prefixMaker(stripPrefix, addPrefix);
  const substitutions = replace.map((each) => new Substitution(each, "path", "path"));
  return (exchange) => {
    let made = exchange.request.upstreamPath;
    if (stripPrefix !== undefined) made = stripped(made, stripPrefix);
    for (const each of substitutions) made = each.apply(made, exchange);
    return addPrefix === "" ? made : addPrefix + made;
  };
}

/** The one change of a path that can be undone in what the upstream says of its paths. */
function prefixMaker(stripPrefix: string | undefined, addPrefix: string): Make {
  const prefixes = { client: stripPrefix ?? "", upstream: addPrefix };
  const onlyAdded = addPrefix === "" ? undefined : { client: "", upstream: addPrefix };
  return ({ request }) => {
    const path = request.upstreamPath;
    const made = stripPrefix === undefined ? path : stripped(path, stripPrefix);
    request.pathPrefixes = made === path ? onlyAdded : prefixes;
    return addPrefix + made;
  };
}

function queryMaker(query: RewriteOptions["query"]): Make | undefined {
  if (query === undefined) return undefined;
  if (typeof query === "string") {
    const template = new Template(query, "query");
    return (exchange) => template.expand(exchange);
  }
  const edits = new QueryEdits(query);
  return (exchange) => edits.apply(exchange.request.upstreamQuery, exchange);
}

/** What HEAD is answered with has no body, and a handshake is a GET whatever one calls it. */
function mayBeOther({ request, downstream }: Exchange): boolean {
  return request.method !== "HEAD" && downstream.websocketKey === undefined;
}

const NOT_METHODS = new Set(["HEAD", "CONNECT", "TRACE"]);

/** What would make every request of the route a bad one. */
function pathTextProblem(text: string): string | undefined {
  const literal = text.replace(/\{[^{}]*\}/g, "");
  return /[?#]/.test(literal) ? 'must not have "?" or "#"; query is for the query' : undefined;
}

function stripped(path: string, prefix: string): string {
  if (!path.startsWith(prefix)) return path;
  if (path.length === prefix.length) return "/";
  return path.charCodeAt(prefix.length) === SLASH ? path.slice(prefix.length) : path;
}

/**
 * The parts of two good paths can make a bad one ("/x/" and ".."), which the upstream would read in
 * its own way. "//" at the start can be read as a host even where "//" is kept.
 */
function isSafe({ request, site }: Exchange): boolean {
  const { upstreamPath, upstreamQuery } = request;
  if (upstreamPath.startsWith("//")) return false;
  return isCanonicalPath(upstreamPath, site?.paths ?? TARGET_POLICY) && isQuery(upstreamQuery);
}

const UNSAFE: Fault = { code: "request_target", detail: "the rewritten target is not canonical" };

const SLASH = 0x2f;
