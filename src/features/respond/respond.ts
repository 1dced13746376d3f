import type { Exchange } from "../../core/exchange.ts";
import type { Feature } from "../../core/feature.ts";
import { wanted, wholeNumber, z } from "../../core/fields.ts";
import type { Handler } from "../../core/filter.ts";
import { Template, type TemplateContext, templateProblem } from "../../core/template.ts";
import { templateField } from "../../core/template-field.ts";
import { isFieldName } from "../../protocol/http/header-list.ts";

interface RespondOptions {
  readonly status: number;
  readonly body: string; // a template
  readonly headers: Readonly<Record<string, string>>; // templates, by lower-case name; with content-type if there is a body
}

const FORM = "a text, a status such as 204, or a map with status, body, json and headers";
const TEXT = "text/plain; charset=utf-8";
const JSON_TYPE = "application/json";

// Whoever sends the reply decides these from what it sends.
const FRAMING = new Set([
  "connection",
  "content-length",
  "date",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
const BODYLESS = new Set([204, 205, 304]);

const status = wholeNumber(200, 599).describe("The status. Default: 200.");

const headerName = z
  .string()
  .refine((name) => isFieldName(name) && !FRAMING.has(name.toLowerCase()), {
    error: ({ input }) =>
      `must be the name of a header that is not part of the framing, got ${JSON.stringify(input)}`,
  });

const map = z
  .strictObject({
    status: status.default(200),
    body: z
      .string({ error: wanted("a text") })
      .optional()
      .describe("The body, with placeholders."),
    json: z
      .json({ error: wanted("a value that JSON has") })
      .optional()
      .describe("The body as a value, sent as JSON; its texts may have placeholders."),
    headers: z
      .record(headerName, templateField("header"), {
        error: wanted("a map of header names to values"),
      })
      .optional()
      .describe(
        "Header names to values, with placeholders. Default content-type: text/plain; charset=utf-8.",
      ),
  })
  .superRefine(({ status, body, json, headers }, context) => {
    const fail = (path: string, message: string) =>
      context.addIssue({ code: "custom", path: [path], message });
    if (body !== undefined && json !== undefined) return fail("json", "must not be beside body");
    const source = json === undefined ? body : JSON.stringify(json);
    if (source === undefined || source === "") return;
    const at = json === undefined ? "body" : "json";
    if (BODYLESS.has(status))
      fail(at, `must not be beside the status ${status}, which has no body`);
    const problem = templateProblem(source, placeOf(lowered(headers), json !== undefined));
    if (problem !== undefined) fail(at, problem);
  })
  .transform(
    ({ status, body, json, headers }): RespondOptions => ({
      status,
      body: json === undefined ? (body ?? "") : JSON.stringify(json),
      headers: { ...typeFor(body, json !== undefined), ...lowered(headers) },
    }),
  );

const schema = z.union(
  [
    templateField("text").transform(
      (body): RespondOptions => ({ status: 200, body, headers: typeFor(body, false) }),
    ),
    status.transform((status): RespondOptions => ({ status, body: "", headers: {} })),
    map,
  ],
  {
    error: ({ input }) =>
      ["string", "number"].includes(typeof input) ||
      (typeof input === "object" && input !== null && !Array.isArray(input))
        ? undefined
        : wanted(FORM)({ input }),
  },
);

/** Answers from the config alone. */
export const respond: Feature<RespondOptions, Handler> = {
  name: "respond",
  kind: "handler",
  about: "Answers with a fixed status, headers and body.",
  schema,

  build(options) {
    const body = bodyMaker(options);
    const headers = headersMaker(options.headers);
    return {
      kind: "respond",
      handle: (exchange) => ({
        status: options.status,
        headers: headers(exchange),
        body: body(exchange),
      }),
    };
  },
};

/** A body that is the same for everyone is made once. */
function bodyMaker({ body, headers }: RespondOptions): (exchange: Exchange) => Uint8Array {
  const template = new Template(body, placeOf(headers, false));
  if (!template.isConstant) return (exchange) => Buffer.from(template.expand(exchange), "utf8");
  const bytes = Buffer.from(template.expand(undefined), "utf8");
  return () => bytes;
}

function headersMaker(
  headers: RespondOptions["headers"],
): (exchange: Exchange) => Readonly<Record<string, string>> {
  const templates = Object.entries(headers).map(
    ([name, value]) => [name, new Template(value, "header")] as const,
  );
  const expand = (exchange: Exchange | undefined) =>
    Object.fromEntries(templates.map(([name, template]) => [name, template.expand(exchange)]));
  if (!templates.every(([, template]) => template.isConstant)) return expand;
  const constant = expand(undefined);
  return () => constant;
}

/** How values are encoded follows from what the body is. */
function placeOf(headers: Readonly<Record<string, string>>, isJson: boolean): TemplateContext {
  const type = (headers["content-type"] ?? (isJson ? JSON_TYPE : TEXT)).toLowerCase();
  if (/^[^;]*\b(html|xml)\b/.test(type)) return "html";
  return /^[^;]*\b(json|javascript)\b/.test(type) ? "json" : "text";
}

function typeFor(body: string | undefined, isJson: boolean): Readonly<Record<string, string>> {
  if (isJson) return { "content-type": JSON_TYPE };
  return body === undefined || body === "" ? {} : { "content-type": TEXT };
}

function lowered(
  headers: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
  );
}
