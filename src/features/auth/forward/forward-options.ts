/** `auth.forward` as it is written, and as what it is used. */
import { plainName } from "../../../core/claims.ts";
import {
  durationAboveZero,
  oneOf,
  sizeBetween,
  wanted,
  wholeNumber,
  z,
} from "../../../core/fields.ts";
import { templateField } from "../../../core/template-field.ts";
import { headerIdOfText } from "../../../protocol/http/header-id.ts";
import { isFieldName } from "../../../protocol/http/header-list.ts";
import { isUrl, splitUrl } from "./authorizer-url.ts";
import { requestDropsAnyway } from "./question-head.ts";

export interface ForwardOptions {
  readonly to: string; // an upstream
  readonly path: string; // a template
  readonly query: string; // a template
  readonly method: "GET" | "HEAD" | "same";
  readonly send: readonly string[] | undefined; // undefined: all
  readonly bodyBytesMax: number; // 0: it gets no body
  readonly timeoutMs: number;
  readonly answerBytesMax: number;
  readonly copy: readonly string[];
  readonly nameHeader: string | undefined;
  readonly setsCookies: boolean;
  readonly cache: VerdictCacheOptions | undefined;
}

export interface VerdictCacheOptions {
  readonly key: readonly string[]; // templates
  readonly forMs: number;
  readonly countMax: number;
}

const TIMEOUT_MS = 5_000;
const ANSWER_BYTES = 64 * 1024;
const VERDICTS = 1_000;
const BODY_BYTES_MAX = 16 * 1024 * 1024; // held in memory for each request that is asked about

const headerName = z
  .string({ error: wanted("the name of a header") })
  .refine(isFieldName, { error: wanted("the name of a header") });

const TO_FORM = "the name of an upstream, or an http or https URL with a canonical path";

const COPY_FORM = 'the name of a field that tells who it is, such as "X-Auth-User"';

/** Not what frames or routes the request: an authorizer has no say in that. */
const copied = z
  .string({ error: wanted(COPY_FORM) })
  .refine(isCopied, { error: wanted(COPY_FORM) });

function isCopied(name: string): boolean {
  const isPlain = /^[A-Za-z0-9-]+$/.test(name);
  const lower = name.toLowerCase();
  return isPlain && plainName(lower) === lower && !requestDropsAnyway(headerIdOfText(lower));
}

const verdictCache = z.strictObject(
  {
    key: z
      .array(templateField("text"), { error: wanted("a list of templates") })
      .min(1)
      .max(16)
      .describe(
        "What the answer depends on, such as {header.authorization} and {path}: all of it.",
      ),
    for: durationAboveZero
      .refine((ms) => ms <= 3_600_000, { error: () => "must be at most 1h" })
      .describe("For how long a request with the same key passes without a question."),
    max: wholeNumber(1, 1_000_000).default(VERDICTS).describe("So many answers, per worker."),
  },
  {
    error: (issue) =>
      issue.code === "unrecognized_keys" ? undefined : wanted("a map with key and for")(issue),
  },
);

export const forwardSchema: z.ZodType<ForwardOptions> = z
  .strictObject(
    {
      to: z
        .string({ error: wanted(TO_FORM) })
        .refine((text) => !isUrl(text) || splitUrl(text) !== undefined, { error: wanted(TO_FORM) })
        .describe(
          "The upstream that is asked, or an URL; then path and query are those of the URL.",
        ),
      path: templateField("path")
        .refine((text) => /^(\/|\{path\})/.test(text), {
          error: wanted('a path that begins with "/" or {path}'),
        })
        .optional()
        .describe("The path that is asked for, with placeholders. Default: that of the URL, or /."),
      query: templateField("query")
        .optional()
        .describe(
          'The query that is asked for, without "?", with placeholders. Default: that of the URL.',
        ),
      method: oneOf(["GET", "HEAD", "same"])
        .default("GET")
        .describe("What it is asked with; same: what the client asks with, without its body."),
      send: z
        .union([z.literal("all").transform(() => undefined), z.array(headerName).max(100)], {
          error: wanted('"all", or a list of names of headers'),
        })
        .optional()
        .describe("The client's fields that it gets to see. Default: all."),
      body: z
        .union([z.literal("off").transform(() => 0), sizeBetween(1, BODY_BYTES_MAX)], {
          error: wanted('a size up to 16MiB such as "64KiB", or "off"'),
        })
        .default(0)
        .describe(
          "Up to which size it gets the request's body, with method: same; a larger one is refused. Default: off.",
        ),
      timeout: durationAboveZero
        .default(TIMEOUT_MS)
        .describe("For the whole answer; later, nobody passes."),
      answerBytes: sizeBetween(1, 16 * 1024 * 1024)
        .default(ANSWER_BYTES)
        .describe("How long the body of an answer may be; longer, and nobody passes."),
      copy: z
        .array(copied, { error: wanted("a list of names of headers") })
        .max(64)
        .default([])
        .describe(
          "Fields of the answer that the upstream of the route gets; the client's own are removed.",
        ),
      name: headerName
        .optional()
        .describe("The field of the answer that is the name: {identity}, and the user in the log."),
      setCookies: z
        .boolean({ error: wanted("true or false") })
        .default(false)
        .describe("Whether cookies of an answer that lets pass go to the client."),
      cache: verdictCache
        .optional()
        .describe("Remembers who passes. Without it each request is asked about."),
    },
    {
      error: (issue) =>
        issue.code === "unrecognized_keys" ? undefined : wanted("a map with to")(issue),
    },
  )
  .superRefine(({ to, path, query, body, method, cache }, context) => {
    const url = splitUrl(to);
    const isTwice = url !== undefined && (url.path !== "" || url.query !== "");
    if (isTwice && (path ?? query) !== undefined) {
      const message = "must be without path and query, or they in the URL";
      context.addIssue({ code: "custom", path: ["to"], message });
    }
    if (body === 0) return;
    if (method !== "same") {
      context.addIssue({ code: "custom", path: ["body"], message: "must be beside method: same" });
    }
    if (cache !== undefined) {
      const message = "must not be beside body, which no key can tell from another";
      context.addIssue({ code: "custom", path: ["cache"], message });
    }
  })
  .transform((raw): ForwardOptions => {
    const { method, send, timeout, answerBytes, copy, name, setCookies, cache } = raw;
    const url = splitUrl(raw.to);
    return {
      ...{ method, send, copy },
      to: url?.origin ?? raw.to,
      path: raw.path ?? (url?.path || "/"),
      query: raw.query ?? url?.query ?? "",
      timeoutMs: timeout,
      bodyBytesMax: raw.body,
      answerBytesMax: answerBytes,
      nameHeader: name,
      setsCookies: setCookies,
      cache: cache && { key: cache.key, forMs: cache.for, countMax: cache.max },
    };
  });
