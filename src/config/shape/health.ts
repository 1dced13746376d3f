/** `health:` of an upstream. */
import {
  durationAboveZero,
  durationText,
  percent,
  wanted,
  wholeNumber,
  z,
} from "../../core/fields.ts";
import { PASSIVE } from "../../upstream/health/passive-check.ts";
import { activeCheck } from "./active-check.ts";
import { failureStatuses } from "./failure-statuses.ts";

const passive = z.union(
  [
    z.literal("off"),
    z
      .strictObject({
        failures: wholeNumber(1, 1_000)
          .optional()
          .describe(`So many in a row eject an endpoint. Default: ${PASSIVE.failures}.`),
        within: durationAboveZero
          .optional()
          .describe(`And no further apart than this. Default: ${durationText(PASSIVE.withinMs)}.`),
        ejectFor: durationAboveZero
          .optional()
          .describe(
            `How long, times the ejections in a row. Default: ${durationText(PASSIVE.ejectForMs)}.`,
          ),
        ejectMost: durationAboveZero
          .optional()
          .describe(`And never longer. Default: ${durationText(PASSIVE.ejectMostMs)}.`),
        share: percent(0, 100)
          .optional()
          .describe(
            `How many may be ejected at once; one may always be, the last never. Default: ${PASSIVE.ejectPercent}%.`,
          ),
        statuses: failureStatuses("Responses that are failures as well", PASSIVE.statuses),
      })
      .refine(({ ejectFor, ejectMost }) => (ejectFor ?? 0) <= (ejectMost ?? ejectFor ?? 0), {
        error: "must not be shorter than ejectFor",
        path: ["ejectMost"],
      }),
  ],
  {
    error: wanted('"off", or a map with failures, within, ejectFor, ejectMost, share and statuses'),
  },
);

export const health = z.strictObject(
  {
    active: activeCheck
      .optional()
      .describe("Asks every endpoint, on connections of its own; once per machine. Default: off."),
    passive: passive
      .optional()
      .describe("Ejects endpoints for what requests met there; off for never. On by default."),
  },
  { error: wanted("a map with active and passive") },
);
