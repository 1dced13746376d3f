/** `hedge:` of a route, a site or the defaults. */
import { durationAboveZero, shown, wanted, z } from "../../core/fields.ts";

const PERCENTILE = /^p([5-9][0-9])$/;
const AFTER_FORM = 'a percentile from "p50" to "p99", or a duration above zero such as "200ms"';

const after = z.union(
  [
    z
      .string()
      .regex(PERCENTILE)
      .transform((text) => ({ percentile: Number(text.slice(1)) })),
    durationAboveZero.transform((afterMs) => ({ afterMs })),
  ],
  { error: ({ input }) => `must be ${AFTER_FORM}, got ${shown(input)}` },
);

export const hedge = z
  .union(
    [
      z.literal("off"),
      z.strictObject({
        after: after.describe(
          "How long the first may be silent: a time, or what so many percent of requests took lately.",
        ),
      }),
    ],
    { error: wanted('"off", or a map with after') },
  )
  .describe(
    "Asks a second endpoint when the first is slow; the first answer counts. Default: off.",
  );
