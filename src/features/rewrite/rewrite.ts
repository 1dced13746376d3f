import type { Exchange } from "../../core/exchange.ts";
import type { Fault } from "../../core/fault.ts";
import type { Feature } from "../../core/feature.ts";
import { wanted, z } from "../../core/fields.ts";
import type { Filter } from "../../core/filter.ts";
import { refuse } from "../../core/refusal.ts";
import { Template } from "../../core/template.ts";
import { templateField } from "../../core/template-field.ts";
import { canonicalPath, isCanonicalPath } from "../../protocol/http/path.ts";
import { isQuery, TARGET_POLICY } from "../../protocol/http/target.ts";

interface RewriteOptions {
  readonly stripPrefix?: string | undefined;
  readonly addPrefix?: string | undefined;
  readonly path?: string | undefined; // a template
  readonly query?: string | undefined; // a template
}

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
      addPrefix: prefix.optional().describe("Put before the path, after stripPrefix."),
      path: templateField("path")
        .refine((text) => /^(\/|\{path\})/.test(text), {
          error: wanted('a path that begins with "/" or {path}'),
        })
        .optional()
        .describe("The whole new path, with placeholders."),
      query: templateField("query")
        .optional()
        .describe('The whole new query without "?", with placeholders; "" for none.'),
    },
    {
      error: (issue) =>
        issue.code === "unrecognized_keys"
          ? undefined
          : wanted("a map of stripPrefix, addPrefix, path and query")(issue),
    },
  )
  .superRefine((options, context) => {
    const { stripPrefix, addPrefix, path, query } = options;
    const isEmpty = [stripPrefix, addPrefix, path, query].every((each) => each === undefined);
    if (isEmpty)
      context.addIssue({
        code: "custom",
        message: "must have one of stripPrefix, addPrefix, path and query",
      });
    if (path !== undefined && (stripPrefix ?? addPrefix) !== undefined) {
      context.addIssue({
        code: "custom",
        path: ["path"],
        message: "must not be beside stripPrefix or addPrefix, which it would undo",
      });
    }
  });

/** Changes what the upstream is asked for; what the client asked for stays as it was. */
export const rewrite: Feature<RewriteOptions, Filter> = {
  name: "rewrite",
  kind: "filter",
  about: "Changes the path and the query of the request on its way to the upstream.",
  schema,

  build({ stripPrefix, addPrefix = "", path, query }) {
    const pathTemplate = path === undefined ? undefined : new Template(path, "path");
    const queryTemplate = query === undefined ? undefined : new Template(query, "query");
    return {
      name: "rewrite",
      rewrite(exchange) {
        const { request } = exchange;
        if (request.path === "*") return undefined; // OPTIONS * is about the server, not about a path
        if (pathTemplate !== undefined) request.upstreamPath = pathTemplate.expand(exchange);
        if (stripPrefix !== undefined)
          request.upstreamPath = stripped(request.upstreamPath, stripPrefix);
        if (addPrefix !== "") request.upstreamPath = addPrefix + request.upstreamPath;
        if (queryTemplate !== undefined) request.upstreamQuery = queryTemplate.expand(exchange);
        return isSafe(exchange) ? undefined : refuse(exchange, UNSAFE);
      },
    };
  },
};

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

const UNSAFE: Fault = { code: "request_target", detail: "the rewritten path is not canonical" };

const SLASH = 0x2f;
