import { sizeBetween, wanted, wholeNumber, z } from "../../core/fields.ts";
import { CODINGS, type Coding } from "../../protocol/http/content-coding.ts";
import { isMediaPattern } from "../../protocol/http/media-types.ts";
import type { Levels } from "./encoders.ts";

export interface CompressOptions {
  readonly codings: readonly Coding[]; // the better one first; none: off
  readonly levels: { readonly [coding in Coding]?: number | undefined }; // those that are said
  readonly types: readonly string[];
  readonly minBytes: number;
  readonly forwardAcceptEncoding: boolean;
}

/** What gains by it. Images, video, fonts of the web and archives are compressed as they are. */
export const TYPES: readonly string[] = [
  "text/*",
  "*/*+json",
  "*/*+xml",
  "*/*+yaml",
  "application/json",
  "application/ndjson",
  "application/x-ndjson",
  "application/jsonl",
  "application/json-seq",
  "application/javascript",
  "application/x-javascript",
  "application/ecmascript",
  "application/xml",
  "application/xml-dtd",
  "application/yaml",
  "application/toml",
  "application/sql",
  "application/graphql",
  "application/rtf",
  "application/wasm",
  "application/postscript",
  "application/vnd.ms-fontobject",
  "font/otf",
  "font/ttf",
  "font/collection",
  "image/bmp",
  "image/vnd.microsoft.icon",
  "image/x-icon",
];

export const LEVELS: Levels = { zstd: 3, br: 4, gzip: 5 };

/**
 * Of what a cache keeps: it is coded once. They take 2 to 14 % off the bytes, for one and a half to
 * four times the work; what is above takes off less and is several times dearer.
 */
export const KEPT_LEVELS: Levels = { zstd: 6, br: 5, gzip: 6 };

/** While more waits to be coded than the threads can do; no higher than what is said. */
export const QUICK_LEVELS: Levels = { zstd: 1, br: 1, gzip: 1 };
const MIN_BYTES = 1024; // below it a packet is a packet, and the coding's own frame eats what is gained
const MIN_BYTES_MAX = 64 * 1024 * 1024;

const CODING_FORM = `one of ${CODINGS.join(", ")}`;
const TYPE_FORM = 'a media type such as "text/html", "text/*" or "*/*+json"';
const FORM = "true, false, or a map";

const DEFAULTS: CompressOptions = {
  codings: CODINGS,
  levels: {},
  types: TYPES,
  minBytes: MIN_BYTES,
  forwardAcceptEncoding: true,
};

const level = (coding: Coding, min: number, max: number) =>
  wholeNumber(min, max)
    .optional()
    .describe(
      [
        `From ${min} (quick) to ${max} (small). Default: ${LEVELS[coding]}, and`,
        `${KEPT_LEVELS[coding]} for what a cache keeps.`,
      ].join(" "),
    );

const levels = z.strictObject(
  { zstd: level("zstd", 1, 19), br: level("br", 0, 11), gzip: level("gzip", 1, 9) },
  { error: mapOf("a map of zstd, br and gzip") },
);

const map = z.strictObject({
  codings: z
    .array(z.enum(CODINGS, { error: wanted(CODING_FORM) }), { error: wanted("a list of codings") })
    .min(1, { error: () => `must be a list of at least one coding, got an empty list` })
    .refine((codings) => new Set(codings).size === codings.length, {
      error: () => "must name each coding once",
    })
    .default([...CODINGS])
    .describe(
      `Which there are; of those that a client likes alike the first is used. Default: [${CODINGS.join(", ")}].`,
    ),
  levels: levels.prefault({}).describe("How hard each tries."),
  types: z
    .array(
      z.string({ error: wanted(TYPE_FORM) }).refine(isMediaPattern, { error: wanted(TYPE_FORM) }),
      { error: wanted("a list of media types") },
    )
    .min(1, { error: () => "must be a list of at least one media type, got an empty list" })
    .max(200, { error: () => "must be a list of at most 200 media types" })
    .default([...TYPES])
    .describe("Which content is worth it, instead of the list in docs/compress.md."),
  minBytes: sizeBetween(0, MIN_BYTES_MAX)
    .default(MIN_BYTES)
    .describe("Responses that say to be smaller go out as they are. Default: 1KiB."),
  forwardAcceptEncoding: z
    .boolean({ error: wanted("true or false") })
    .default(true)
    .describe(
      "false: upstreams are not told what the client takes, and leave compression to Sluice. Default: true.",
    ),
});

export const compressSchema: z.ZodType<CompressOptions> = z.union(
  [
    z.literal(true).transform((): CompressOptions => DEFAULTS),
    z.literal(false).transform((): CompressOptions => ({ ...DEFAULTS, codings: [] })),
    map,
  ],
  { error: mapOf(FORM) },
);

/** For what is no map; a map gets the message of what is wrong in it. */
function mapOf(form: string) {
  return (issue: { readonly code?: string; readonly input?: unknown }): string | undefined => {
    const { input } = issue;
    const isMap = typeof input === "object" && input !== null && !Array.isArray(input);
    return isMap ? undefined : wanted(form)(issue);
  };
}
