import { readFileSync, statSync } from "node:fs";
import { extname } from "node:path";
import { durationAboveZero, name, wanted, z } from "../../core/fields.ts";
import { jsonText } from "../../core/json-field.ts";
import { type StatusRange, statusesField } from "../../core/status-set.ts";
import { templateProblem } from "../../core/template.ts";
import { templateField } from "../../core/template-field.ts";
import { isFieldName } from "../../protocol/http/header-list.ts";
import { isCanonicalPath } from "../../protocol/http/path.ts";
import { TARGET_POLICY } from "../../protocol/http/target.ts";
import { PAGE_NAMES, type PageKind } from "./default-pages.ts";

/** Templates by what they are. */
export type PageTexts = Readonly<Partial<Record<PageKind, string>>>;

/** An upstream that makes a page. */
export interface PageFrom {
  readonly kind: PageKind;
  readonly upstream: string;
  readonly path: string;
  readonly timeoutMs: number;
  readonly keepMs: number;
}

export interface PageOptions {
  readonly texts: PageTexts;
  readonly from: PageFrom | undefined;
}

export interface ErrorOptions {
  readonly reasonHeader?: string | undefined; // the header's name; undefined: none
  readonly pages?: Readonly<Record<string, PageOptions>> | undefined; // by "404" or "5xx"
  readonly intercept?: readonly StatusRange[] | undefined; // of the upstream's responses
}

const REASON_HEADER = "sluice-reason";
const FILE_BYTES_MAX = 1024 ** 2;
const PAGE_FORM = "a map with html, json, text, file or from";

/** In the path of a page of an upstream: the status that it is about. */
export const STATUS_IN_PATH = "{status}";

const KIND_BY_EXTENSION: ReadonlyMap<string, PageKind> = new Map([
  [".html", "html"],
  [".htm", "html"],
  [".json", "json"],
  [".txt", "text"],
]);

const PATH_FORM = 'a path such as "/errors/{status}.html"';
const FROM_FORM = "a map with upstream, path, timeout and keep";

const pageFrom = z
  .strictObject(
    {
      upstream: name.describe("The upstream that makes the page."),
      path: z
        .string({ error: wanted(PATH_FORM) })
        .refine(isPagePath, { error: wanted(PATH_FORM) })
        .default(`/${STATUS_IN_PATH}.html`)
        .describe("What is asked for; {status} is the status. Default: /{status}.html."),
      timeout: durationAboveZero
        .prefault("2s")
        .describe("How long the upstream may take. Default: 2s."),
      keep: durationAboveZero
        .prefault("1m")
        .describe("How long the page is used before it is asked for again. Default: 1m."),
    },
    {
      error: (issue) => (issue.code === "unrecognized_keys" ? undefined : wanted(FROM_FORM)(issue)),
    },
  )
  .transform(({ upstream, path, timeout, keep }): PageFrom => {
    const kind = KIND_BY_EXTENSION.get(extname(path).toLowerCase()) ?? "html";
    return { kind, upstream, path, timeoutMs: timeout, keepMs: keep };
  });

function isPagePath(path: string): boolean {
  const asked = path.replace(STATUS_IN_PATH, "404");
  return asked.startsWith("/") && !asked.startsWith("//") && isCanonicalPath(asked, TARGET_POLICY);
}

const page = z
  .strictObject({
    html: templateField("html", PAGE_NAMES).optional().describe("The page for browsers."),
    json: jsonText.optional().describe("The page for programs, as a value."),
    text: templateField("text", PAGE_NAMES).optional().describe("The page for everyone else."),
    file: z
      .string({ error: wanted("the path of a file") })
      .optional()
      .describe(
        [
          "A file that holds one of them: .html, .json or .txt; read when the config is loaded. A",
          "relative path starts where the config file is.",
        ].join(" "),
      ),
    from: pageFrom.optional().describe("An upstream that makes the page."),
  })
  .transform(({ html, json, text, file, from }, context): PageOptions => {
    const pages: Partial<Record<PageKind, string>> = {};
    if (html !== undefined) pages.html = html;
    if (text !== undefined) pages.text = text;
    if (json !== undefined) pages.json = json;
    const problem =
      jsonProblem(pages) ??
      addFile(pages, file) ??
      (Object.keys(pages).length === 0 && from === undefined ? `must be ${PAGE_FORM}` : undefined);
    if (problem !== undefined)
      context.issues.push({ code: "custom", message: problem, input: file });
    return { texts: pages, from };
  });

function jsonProblem({ json }: PageTexts): string | undefined {
  return json === undefined ? undefined : templateProblem(json, "json", PAGE_NAMES);
}

/** Reads the file into the page that its name says it is. */
function addFile(
  pages: Partial<Record<PageKind, string>>,
  file: string | undefined,
): string | undefined {
  if (file === undefined) return undefined;
  const kind = KIND_BY_EXTENSION.get(extname(file).toLowerCase());
  if (kind === undefined)
    return `must have a file that ends in .html, .json or .txt, got ${JSON.stringify(file)}`;
  if (pages[kind] !== undefined)
    return `must not have ${kind} beside the file ${JSON.stringify(file)}`;
  const source = readPage(file);
  if (source === undefined)
    return `must have a file that can be read and is at most 1 MiB, got ${JSON.stringify(file)}`;
  pages[kind] = source;
  const problem = templateProblem(source, kind, PAGE_NAMES);
  return problem === undefined
    ? undefined
    : `must have another file than ${JSON.stringify(file)}: ${problem}`;
}

function readPage(file: string): string | undefined {
  try {
    const { size } = statSync(file);
    return size > FILE_BYTES_MAX ? undefined : readFileSync(file, "utf8");
  } catch {
    return undefined; // whatever the reason is, the user has to look at the file
  }
}

const pageKey = z.string().refine((key) => /^([45]xx|[45][0-9]{2})$/.test(key), {
  error: ({ input }) => `must be a status such as 404, or 4xx or 5xx, got ${JSON.stringify(input)}`,
});

/** The `errors` of the config, a site or a route. */
export const errorsSchema: z.ZodType<ErrorOptions> = z.strictObject(
  {
    reasonHeader: z
      .union([z.literal(false), z.literal(true), z.string()], {
        error: wanted("true, or the name of a header"),
      })
      .refine((name) => typeof name !== "string" || isFieldName(name), {
        error: wanted("true, or the name of a header"),
      })
      .transform((name) =>
        name === true ? REASON_HEADER : name === false ? undefined : name.toLowerCase(),
      )
      .optional()
      .describe(`Whether the reason code is sent in a header; true is ${REASON_HEADER}.`),
    pages: z
      .record(pageKey, page, { error: wanted("a map of statuses to pages") })
      .optional()
      .describe('Pages of your own, by status ("404") or class ("5xx"); the status goes first.'),
    intercept: statusesField
      .refine((ranges) => ranges.every(([first]) => first >= 400), {
        error: () => "must be statuses of errors: 4xx, 5xx",
      })
      .optional()
      .describe("Statuses of the upstream's responses that get a page in place of theirs."),
  },
  {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? undefined
        : wanted("a map with reasonHeader, pages and intercept")(issue),
  },
);
