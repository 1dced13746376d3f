import { durationAboveZero, oneOf, shown, size, wanted, z } from "../../core/fields.ts";
import { CACHE_OBJECT_BYTES } from "../../core/limits.ts";
import { isFieldName } from "../../protocol/http/header-list.ts";

/** What of a query is in the key, and so goes to the origin. */
export type QueryKey =
  | { readonly kind: "all" }
  | { readonly kind: "only" | "without"; readonly names: readonly string[] };

export interface CacheOptions {
  readonly defaultMs: number | undefined;
  readonly ttlMs: ReadonlyMap<number, number>; // by status, or by its class (4 for 4xx)
  readonly guesses: boolean;
  readonly maxTtlMs: number; // Infinity: what the origin says
  readonly whileRevalidateMs: number;
  readonly ifErrorMs: number;
  readonly query: QueryKey;
  readonly keyHeaders: readonly string[]; // lower case
  readonly keyCookies: readonly string[];
  readonly bypass: BypassOptions;
  readonly objectBytesMax: number;
  readonly coalesceMs: number; // 0: nobody waits for another's request
  readonly storesSetCookie: boolean;
  readonly ignoresCookies: boolean;
  readonly obeysClients: boolean;
  readonly targets: readonly string[];
  readonly tellsStatus: boolean;
  readonly checksEndings: boolean; // a path's ending has to fit the type
}

/** A request that has one of these is none for the cache. */
export interface BypassOptions {
  readonly headers: readonly string[];
  readonly cookies: readonly string[];
  readonly query: readonly string[];
}

const STALE_IF_ERROR_MS = 300_000;
const COALESCE_MS = 5_000;
const TARGETS = ["sluice-cache-control", "cdn-cache-control"];

const NAME_FORM = "a name without spaces, commas and semicolons";
const name = z
  .string({ error: wanted(NAME_FORM) })
  .regex(/^[^\s,;=&]{1,128}$/, { error: wanted(NAME_FORM) });
const names = z.array(name, { error: wanted("a list of names") }).max(64);
const headerName = z
  .string({ error: wanted("a header name") })
  .refine(isFieldName, { error: wanted("a header name") })
  .transform((text) => text.toLowerCase());
const headerNames = z.array(headerName, { error: wanted("a list of header names") }).max(64);

const duration = z.union([z.literal(["off"]).transform(() => 0), durationAboveZero], {
  error: wanted('a duration such as "10s", or "off"'),
});

const STATUS = /^(?:[2-5][0-9]{2}|[2-5]xx)$/;
const ttl = z
  .record(z.string(), durationAboveZero, {
    error: wanted('a map such as { 404: "10s", 5xx: "1s" }'),
  })
  .superRefine((map, context) => {
    for (const key of Object.keys(map)) {
      if (STATUS.test(key) && key !== "206" && key !== "304") continue;
      const message = `must have statuses such as 404 or 5xx as its keys, got ${shown(key)}`;
      context.addIssue({ code: "custom", message });
    }
  })
  .transform(
    (map) =>
      new Map(
        Object.entries(map).map(([key, ms]) => [Number(key.endsWith("xx") ? key[0] : key), ms]),
      ),
  );

const queryKey = z.union(
  [
    oneOf(["all", "none"]),
    z
      .strictObject({
        only: names.optional().describe("Parameters that are kept; the others are dropped."),
        without: names.optional().describe("Parameters that are dropped, such as utm_source."),
      })
      .refine(({ only, without }) => (only === undefined) !== (without === undefined), {
        error: () => "must have one of only and without",
      }),
  ],
  { error: wanted("all, none, or a map with only or without") },
);

const key = z.strictObject(
  {
    query: queryKey
      .optional()
      .describe(
        [
          "Which parameters tell responses apart. What is dropped from the key does not reach the",
          "origin either. Default: all, as they stand.",
        ].join(" "),
      ),
    headers: headerNames
      .optional()
      .describe("Request headers that tell responses apart, though Vary does not say so."),
    cookies: names.optional().describe("Cookies that do."),
  },
  { error: wanted("a map with query, headers and cookies") },
);

const bypass = z.strictObject(
  {
    headers: headerNames.optional().describe("A request with one of these headers."),
    cookies: names.optional().describe("A request with one of these cookies, such as a session's."),
    query: names.optional().describe("A request with one of these parameters."),
  },
  { error: wanted("a map with headers, cookies and query") },
);

const map = z.strictObject({
  default: durationAboveZero
    .optional()
    .describe(
      [
        "How long a 200, 203, 204, 300, 301 or 308 is fresh if the origin does not say. Default: it",
        "is not stored.",
      ].join(" "),
    ),
  ttl: ttl
    .optional()
    .describe("As default, by status (404) or class (5xx), before default. For negative caching."),
  heuristic: z
    .boolean()
    .optional()
    .describe(
      [
        "Whether a response with nothing but Last-Modified is fresh for a tenth of the time since,",
        "for a day at most. Default: false.",
      ].join(" "),
    ),
  maxTtl: durationAboveZero
    .optional()
    .describe("The longest that a response is fresh, whatever the origin says."),
  staleWhileRevalidate: duration
    .optional()
    .describe(
      [
        "How long a stale response may serve while the origin is asked about it, unless the",
        "response says. Default: off.",
      ].join(" "),
    ),
  staleIfError: duration
    .optional()
    .describe(
      [
        "How long a stale response may serve while the origin fails, unless the response says.",
        "Default: 5m.",
      ].join(" "),
    ),
  key: key.optional().describe("What tells stored responses apart, beside scheme, host and path."),
  bypass: bypass
    .optional()
    .describe("Requests that are neither answered from the cache nor stored."),
  maxObject: size.optional().describe("Larger responses are not stored. Default: 8MiB."),
  coalesce: duration
    .optional()
    .describe(
      "How long a request waits for the response to another one for the same. Default: 5s.",
    ),
  setCookie: oneOf(["bypass", "store"])
    .optional()
    .describe("Whether a response that sets a cookie is stored, cookie and all. Default: bypass."),
  ignoreCookies: z
    .boolean()
    .optional()
    .describe(
      "Whether default, ttl and heuristic count for requests with cookies, too. Default: false.",
    ),
  clientControl: oneOf(["ignore", "obey"])
    .optional()
    .describe("What Cache-Control of a request means: nothing, or what it says. Default: ignore."),
  targets: headerNames
    .optional()
    .describe(
      [
        "Fields that count in place of Cache-Control (RFC 9213), the first one there. Default:",
        "[Sluice-Cache-Control, CDN-Cache-Control].",
      ].join(" "),
    ),
  checkEnding: z
    .boolean({ error: wanted("true or false") })
    .optional()
    .describe(
      [
        "Whether a response whose type is not what its path ends in (a page at /x.css) is not",
        "stored: web cache deception. Default: false.",
      ].join(" "),
    ),
  cacheStatus: z
    .boolean()
    .optional()
    .describe(
      "Whether responses say in Cache-Status what the cache did (RFC 9211). Default: true.",
    ),
});

type Parsed = z.output<typeof map>;

export const cacheSchema = z.union(
  [
    z.literal("on").transform(() => optionsOf({})),
    durationAboveZero.transform((ms) => optionsOf({ default: ms })),
    map.transform(optionsOf),
  ],
  {
    error: ({ input }) =>
      typeof input === "object" && input !== null && !Array.isArray(input)
        ? undefined
        : wanted('on, a duration such as "60s" (its default), or a map')({ input }),
  },
);

function optionsOf(parsed: Parsed): CacheOptions {
  return {
    defaultMs: parsed.default,
    ttlMs: parsed.ttl ?? new Map(),
    guesses: parsed.heuristic ?? false,
    maxTtlMs: parsed.maxTtl ?? Number.POSITIVE_INFINITY,
    whileRevalidateMs: parsed.staleWhileRevalidate ?? 0,
    ifErrorMs: parsed.staleIfError ?? STALE_IF_ERROR_MS,
    query: queryOf(parsed.key?.query),
    keyHeaders: (parsed.key?.headers ?? []).toSorted(),
    keyCookies: (parsed.key?.cookies ?? []).toSorted(),
    bypass: {
      headers: parsed.bypass?.headers ?? [],
      cookies: parsed.bypass?.cookies ?? [],
      query: parsed.bypass?.query ?? [],
    },
    objectBytesMax: parsed.maxObject ?? CACHE_OBJECT_BYTES,
    coalesceMs: parsed.coalesce ?? COALESCE_MS,
    storesSetCookie: parsed.setCookie === "store",
    ignoresCookies: parsed.ignoreCookies ?? false,
    obeysClients: parsed.clientControl === "obey",
    targets: parsed.targets ?? TARGETS,
    tellsStatus: parsed.cacheStatus ?? true,
    checksEndings: parsed.checkEnding ?? false,
  };
}

function queryOf(said: NonNullable<Parsed["key"]>["query"]): QueryKey {
  if (said === undefined || said === "all") return { kind: "all" };
  if (said === "none") return { kind: "only", names: [] };
  if (said.only !== undefined) return { kind: "only", names: said.only };
  return { kind: "without", names: said.without ?? [] };
}
