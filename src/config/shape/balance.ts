/** How an upstream shares requests out, and what it does when its endpoints are few or full. */
import {
  durationAboveZero,
  name,
  oneOf,
  percent,
  wanted,
  wholeNumber,
  z,
} from "../../core/fields.ts";
import { isFieldName } from "../../protocol/http/header-list.ts";
import { HASH_BOUND } from "../../upstream/balancers/hash.ts";
import type { BalancerName } from "../../upstream/balancers/named.ts";
import type { HashKeySource } from "../../upstream/hash-key.ts";
import { cookieName } from "./cookie.ts";

export interface BalanceConfig {
  readonly by: BalancerName;
  readonly key: HashKeySource | undefined; // of ipHash and hash
  readonly bound: number; // of those two
}

const WORDS = ["leastRequest", "roundRobin", "leastTime", "random", "ipHash", "first"] as const;
const WHOLE_KEYS = ["clientIp", "host", "path", "url"] as const;
const BALANCE_FORM = `${WORDS.join(", ")}, or a map such as { hash: { header: x-user } }`;
const KEY_FORM = `${WHOLE_KEYS.join(", ")}, or a map with one of header, cookie and query`;
const NUMBER_MAX = 1_000_000;

const headerName = z
  .string({ error: wanted("the name of a header") })
  .refine(isFieldName, { error: wanted("the name of a header") })
  .transform((text) => text.toLowerCase());

const parameterName = z
  .string({ error: wanted("the name of a query parameter") })
  .min(1, { error: wanted("the name of a query parameter") });

const hashKey = z.union(
  [
    z.enum(WHOLE_KEYS, { error: wanted(KEY_FORM) }).transform((of): HashKeySource => ({ of })),
    z
      .strictObject({
        header: headerName.optional().describe("The value of this header."),
        cookie: cookieName.optional().describe("The value of this cookie."),
        query: parameterName.optional().describe("The value of this query parameter."),
      })
      .refine((map) => Object.values(map).filter((each) => each !== undefined).length === 1, {
        error: wanted("a map with one of header, cookie and query"),
      })
      .transform(({ header, cookie, query }): HashKeySource => {
        if (header !== undefined) return { of: "header", name: header };
        if (cookie !== undefined) return { of: "cookie", name: cookie };
        return { of: "query", name: query ?? "" };
      }),
  ],
  { error: wanted(KEY_FORM) },
);

/** "hash" alone does not say by what. */
const balanceWord = z
  .enum(WORDS, { error: wanted(BALANCE_FORM) })
  .transform((by): BalanceConfig => {
    return { by, key: by === "ipHash" ? { of: "clientIp" } : undefined, bound: HASH_BOUND };
  });

const BOUND_FORM = "a number from 1 to 100 such as 1.25";

export const balance = z
  .union(
    [
      balanceWord,
      z
        .strictObject({
          hash: hashKey.describe("What decides: the same key, the same endpoint."),
          bound: z
            .number({ error: wanted(BOUND_FORM) })
            .min(1, { error: wanted(BOUND_FORM) })
            .max(100, { error: wanted(BOUND_FORM) })
            .optional()
            .describe(
              "How much more than its share of what is in flight an endpoint takes. Default: 1.25.",
            ),
        })
        .transform(({ hash: key, bound }): BalanceConfig => {
          return { by: "hash", key, bound: bound ?? HASH_BOUND };
        }),
    ],
    { error: wanted(BALANCE_FORM) },
  )
  .describe(
    [
      "How one is chosen: the less busy of two random ones (leastRequest), in turn, the one of two",
      "that answers sooner (leastTime), at random, by the client's address (ipHash), by a key of",
      "the request ({ hash: … }), or the first that can be used. Default: leastRequest.",
    ].join(" "),
  );

const OVERPROVISION_FORM = 'a number from 1 to 100 such as 1.4, or "off"';

const overprovision = z.union(
  [
    z.literal("off").transform(() => Number.POSITIVE_INFINITY),
    z
      .number({ error: wanted(OVERPROVISION_FORM) })
      .min(1, { error: wanted(OVERPROVISION_FORM) })
      .max(100, { error: wanted(OVERPROVISION_FORM) }),
  ],
  { error: wanted(OVERPROVISION_FORM) },
);

const rampRate = z
  .string({ error: wanted('a rate such as "100/s"') })
  .meta({ pattern: /^([1-9][0-9]{0,5})\/s$/.source })
  .regex(/^([1-9][0-9]{0,5})\/s$/, { error: wanted('a rate such as "100/s"') })
  .transform((text) => Number(text.slice(0, -2)));

const queue = z.union(
  [
    z.literal("off"),
    z.strictObject({
      max: wholeNumber(1, NUMBER_MAX).optional().describe("Per worker. Default: 100."),
      timeout: durationAboveZero.optional().describe("Beyond it 503. Default: 5s."),
    }),
  ],
  { error: wanted('"off", or a map with max and timeout') },
);

const PARKING_FORM = 'a duration above zero such as "10s", or a map with for, max and ramp';

const parking = z.union(
  [
    durationAboveZero.transform((ms) => ({ for: ms, max: undefined, ramp: undefined })),
    z.strictObject({
      for: durationAboveZero.describe("How long a request is held."),
      max: wholeNumber(1, NUMBER_MAX).optional().describe("Per worker. Default: 1000."),
      ramp: rampRate
        .optional()
        .describe("How fast they are let go afterwards, per worker. Default: 100/s."),
    }),
  ],
  { error: wanted(PARKING_FORM) },
);

/** The keys of an upstream that say how it shares out, each optional. */
export const balanceKeys = {
  balance: balance.optional(),
  prefer: oneOf(["zone"])
    .optional()
    .describe("zone: endpoints of the zone that this proxy is in are asked before the others."),
  overprovision: overprovision
    .optional()
    .describe(
      [
        "Endpoints of one priority (and zone) bear all of their traffic until less than one part in",
        "so many of them can be used; then the next ones get the rest. Default: 1.4.",
      ].join(" "),
    ),
  panic: z
    .union([z.literal("off").transform(() => 0), percent(1, 100)])
    .optional()
    .describe(
      "When fewer endpoints than this can be used, all are used but those that drain. Default: off.",
    ),
  slowStart: durationAboveZero
    .optional()
    .describe(
      "An endpoint that comes back, or joins, has its whole share after so long. Default: at once.",
    ),
  maxRequests: wholeNumber(1, NUMBER_MAX)
    .optional()
    .describe("Requests at once on each endpoint that has none of its own. Default: no limit."),
  queue: queue.optional().describe("Who may wait while every endpoint is at its maxRequests."),
  parking: parking
    .optional()
    .describe(
      "Requests are held for so long while no endpoint can be used. Default: they are not.",
    ),
};

/** The same of one endpoint. */
export const endpointBalanceKeys = {
  priority: wholeNumber(0, 99)
    .optional()
    .describe("0 is asked first; the next one gets what that cannot bear. Default: 0."),
  zone: name.optional().describe("Where it is, for prefer: zone."),
  maxRequests: wholeNumber(1, NUMBER_MAX)
    .optional()
    .describe("Requests that may be in flight on it at once. Default: the upstream's."),
};
