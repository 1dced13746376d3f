/** `concurrency:` of an upstream. */
import { wanted, wholeNumber, z } from "../../core/fields.ts";
import { CONCURRENCY } from "../../upstream/concurrency/adaptive-limit.ts";

const NUMBER_MAX = 1_000_000;

export const concurrency = z.union(
  [
    z.literal("off"),
    z
      .strictObject({
        min: wholeNumber(1, NUMBER_MAX)
          .optional()
          .describe(`So many are always let through. Default: ${CONCURRENCY.min}.`),
        max: wholeNumber(1, NUMBER_MAX)
          .optional()
          .describe(`And more than so many never. Default: ${CONCURRENCY.max}.`),
      })
      .superRefine(({ min, max }, context) => {
        if (min === undefined || max === undefined || min <= max) return;
        const message = `must not be more than max (${max}), got ${min}`;
        context.addIssue({ code: "custom", path: ["min"], message });
      }),
  ],
  { error: wanted('"off", or a map with min and max') },
);
