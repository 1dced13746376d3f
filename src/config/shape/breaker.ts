/** `breaker:` of an upstream. */
import {
  durationAboveZero,
  durationText,
  percent,
  wanted,
  wholeNumber,
  z,
} from "../../core/fields.ts";
import { BREAKER } from "../../upstream/circuit-breaker.ts";
import { failureStatuses } from "./failure-statuses.ts";

const latency = z.strictObject(
  {
    p: wholeNumber(50, 99).optional().describe("Which percentile. Default: 95."),
    over: durationAboveZero.describe("And what it must not be over, to the first byte."),
  },
  { error: wanted("a map with over and p") },
);

export const breaker = z.union(
  [
    z.literal("off"),
    z.strictObject({
      errorRate: percent(1, 100)
        .optional()
        .describe(`The share of errors that opens it. Default: ${BREAKER.errorPercent}%.`),
      latency: latency.optional().describe("Also opens when it is slow. Default: never."),
      within: durationAboveZero
        .optional()
        .describe(`Of the requests in this time. Default: ${durationText(BREAKER.withinMs)}.`),
      minRequests: wholeNumber(1, 1_000_000)
        .optional()
        .describe(`If they were so many at least. Default: ${BREAKER.minRequests}.`),
      openFor: durationAboveZero
        .optional()
        .describe(`How long nobody is asked. Default: ${durationText(BREAKER.openForMs)}.`),
      probes: wholeNumber(1, 1_000)
        .optional()
        .describe(`Requests let through after that, to see. Default: ${BREAKER.probes}.`),
      statuses: failureStatuses("Responses that are errors", BREAKER.statuses),
    }),
  ],
  {
    error: wanted(
      '"off", or a map with errorRate, latency, within, minRequests, openFor, probes and statuses',
    ),
  },
);
