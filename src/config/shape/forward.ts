/** `forward:` and `mirror:`, which name the upstreams of a route. */
import {
  oneOf,
  percent,
  sizeBetween,
  sizeText,
  wanted,
  wholeNumber,
  z,
} from "../../core/fields.ts";
import { cookieName } from "./cookie.ts";

export interface ForwardConfig {
  readonly sides: readonly { readonly upstream: string; readonly weight: number }[];
  readonly failover: readonly string[];
  readonly spills: boolean;
  readonly sticky: SplitSticky | undefined;
}

export type SplitSticky =
  | { readonly by: "clientIp" }
  | { readonly by: "cookie"; readonly cookie: string };

export interface MirrorConfig {
  readonly to: string;
  readonly percent: number;
  readonly bodyBytes: number;
  readonly max: number;
}

const WEIGHT_MAX = 10_000;
const FAILOVER_MAX = 8;
const UPSTREAM_FORM = "the name of an upstream";
const FORWARD_FORM = `${UPSTREAM_FORM}, or a map with to or split`;
const SPLIT_FORM = "a map of upstreams and their weights, such as { v1: 95, v2: 5 }";
const STICKY_FORM = "clientIp, cookie, or a map with cookie, the name of one";
const SPLIT_COOKIE = "sluice_split";

const upstreamName = z.string({ error: wanted(UPSTREAM_FORM) });

const split = z
  .record(upstreamName, wholeNumber(0, WEIGHT_MAX), { error: wanted(SPLIT_FORM) })
  .refine((sides) => Object.values(sides).some((weight) => weight > 0), {
    error: () => "must have a weight above 0 for at least one upstream",
  })
  .describe("Upstreams and their shares of the requests; 0 takes none.");

const splitSticky = z
  .union(
    [
      oneOf(["clientIp", "cookie"]),
      z.strictObject(
        { cookie: cookieName.describe("The name of the cookie. Default: sluice_split.") },
        { error: wanted(STICKY_FORM) },
      ),
    ],
    { error: wanted(STICKY_FORM) },
  )
  .describe("Keeps a client on its side of the split.");

const long = z
  .strictObject(
    {
      to: upstreamName.optional().describe("The upstream that serves the requests."),
      split: split.optional(),
      sticky: splitSticky.optional(),
      spill: z
        .boolean({ error: wanted("true or false") })
        .optional()
        .describe("A side that has nobody to serve hands over to the others. Default: true."),
      failover: z
        .union(
          [
            upstreamName.transform((one) => [one]),
            z.array(upstreamName, { error: wanted("a list of upstreams") }).max(FAILOVER_MAX, {
              error: () => `must be a list of at most ${FAILOVER_MAX} upstreams`,
            }),
          ],
          { error: wanted("an upstream or a list of upstreams") },
        )
        .optional()
        .describe("Upstreams to ask, in this order, when nobody else can serve."),
    },
    { error: wanted(FORWARD_FORM) },
  )
  .superRefine(({ to, split: sides, sticky, spill }, context) => {
    const issue = (path: string[], message: string) =>
      context.addIssue({ code: "custom", path, message });
    if (to === undefined && sides === undefined)
      issue([], "must have one of to and split, got none");
    if (to !== undefined && sides !== undefined) issue(["split"], "must be without to");
    if (sides !== undefined) return;
    if (sticky !== undefined) issue(["sticky"], "must be beside split");
    if (spill !== undefined) issue(["spill"], "must be beside split");
  });

export const forward = z
  .union(
    [
      upstreamName.transform((to): ForwardConfig => only(to, [])),
      long.transform(({ to, split: sides, sticky, spill, failover = [] }): ForwardConfig => {
        if (sides === undefined) return only(to ?? "", failover);
        return {
          sides: Object.entries(sides).map(([upstream, weight]) => ({ upstream, weight })),
          failover,
          spills: spill ?? true,
          sticky: stickyOf(sticky),
        };
      }),
    ],
    { error: wanted(FORWARD_FORM) },
  )
  .describe("The upstream that serves the requests, or several with their shares.");

function only(upstream: string, failover: readonly string[]): ForwardConfig {
  return { sides: [{ upstream, weight: 1 }], failover, spills: true, sticky: undefined };
}

function stickyOf(sticky: z.output<typeof splitSticky> | undefined): ForwardConfig["sticky"] {
  if (sticky === undefined) return undefined;
  if (sticky === "clientIp") return { by: "clientIp" };
  return { by: "cookie", cookie: sticky === "cookie" ? SPLIT_COOKIE : sticky.cookie };
}

const MIRROR_BODY_BYTES = 64 * 1024;
const MIRROR_MAX = 64;
const PERCENT_FORM = 'a share such as 0.5 or "10%"';

const percentNumber = z
  .number({ error: wanted(PERCENT_FORM) })
  .gt(0, { error: wanted(PERCENT_FORM) })
  .max(100, { error: wanted(PERCENT_FORM) });

export const mirror = z
  .union(
    [
      z.literal("off"),
      upstreamName.transform((to): MirrorConfig => settled({ to })),
      z
        .strictObject({
          to: upstreamName.describe("The upstream that gets the copies."),
          percent: z
            .union([percent(1, 100), percentNumber], { error: wanted(PERCENT_FORM) })
            .optional()
            .describe("The share of the requests that is copied. Default: 100."),
          bodyBytes: sizeBetween(0, 16 * 1024 * 1024)
            .optional()
            .describe(
              `A request with more of a body is not copied. Default: ${sizeText(MIRROR_BODY_BYTES)}.`,
            ),
          max: wholeNumber(1, 10_000)
            .optional()
            .describe(`Copies under way at once, per worker. Default: ${MIRROR_MAX}.`),
        })
        .transform(settled),
    ],
    { error: wanted(`"off", ${UPSTREAM_FORM}, or a map with to`) },
  )
  .describe("Another upstream gets a copy of the requests; its answers are thrown away.");

function settled(options: {
  readonly to: string;
  readonly percent?: number | undefined;
  readonly bodyBytes?: number | undefined;
  readonly max?: number | undefined;
}): MirrorConfig {
  return {
    to: options.to,
    percent: options.percent ?? 100,
    bodyBytes: options.bodyBytes ?? MIRROR_BODY_BYTES,
    max: options.max ?? MIRROR_MAX,
  };
}
