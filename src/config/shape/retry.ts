/** `retry:` of a route, a site or the defaults. */
import {
  durationAboveZero,
  listed,
  shown,
  sizeText,
  wanted,
  wholeNumber,
  z,
} from "../../core/fields.ts";
import { LIMITS } from "../../core/limits.ts";
import { judgedOf } from "../../protocol/grpc/status.ts";

export const RETRY_CONDITIONS = ["connect", "reused", "reset", "timeout", "malformed"] as const;
export type RetryCondition = (typeof RETRY_CONDITIONS)[number];

const CONDITION_FORM = `${listed(RETRY_CONDITIONS)}, or a status such as 503 (429, or 500 to 599) or UNAVAILABLE`;

/** A condition as it is, a status as a number: of gRPC by its name, of HTTP also where it is text. */
const condition = z
  .union([z.enum(RETRY_CONDITIONS), z.string(), z.number()], { error: conditionProblem })
  .refine((value) => isCondition(value) || isRetryStatus(value), { error: conditionProblem })
  .transform((value): RetryCondition | number =>
    isCondition(value) ? value : (judgedOf(String(value)) ?? Number(value)),
  );

function conditionProblem({ input }: { readonly input?: unknown }): string {
  return `must be ${CONDITION_FORM}, got ${shown(input)}`;
}

function isCondition(value: string | number): value is RetryCondition {
  return (RETRY_CONDITIONS as readonly unknown[]).includes(value);
}

function isRetryStatus(value: string | number): boolean {
  if (judgedOf(String(value)) !== undefined) return true;
  const status = Number(value);
  return status === 429 || (Number.isInteger(status) && status >= 500 && status <= 599);
}

const budget = z.strictObject(
  {
    percent: wholeNumber(0, 100)
      .optional()
      .describe("How many requests may be retries, in percent. Default: 20."),
    min: wholeNumber(0, 10_000)
      .optional()
      .describe("Retries that may always be under way. Default: 3."),
  },
  { error: wanted("a map with percent and min") },
);

const FORM = '"off", or a map with attempts, on, perTry, budget, replayBody and idempotencyKey';

export const retry = z
  .union(
    [
      z.literal("off"),
      z.strictObject({
        attempts: wholeNumber(1, 10)
          .optional()
          .describe("Tries in all, the first one counted. Default: 3."),
        on: z
          .array(condition, { error: wanted(`a list of ${CONDITION_FORM}`) })
          .optional()
          .describe(
            [
              "connect: no connection was made; reused: a kept connection died before any byte of",
              "the response; reset: any died before the response head; timeout: the head came too",
              "late; malformed: it broke the rules; a status, of gRPC by its name: the endpoint answered with it.",
              "Default: [connect, reused] without retry, [connect, reused, reset, malformed] with",
              "it, and timeout with perTry.",
            ].join(" "),
          ),
        perTry: durationAboveZero
          .optional()
          .describe("How long each try has for its response head. Default: none of its own."),
        budget: budget.optional().describe("Keeps retries from making an outage worse."),
        replayBody: z
          .boolean()
          .optional()
          .describe(
            [
              "Also retry a request that is not idempotent, if its body fits limits.replayBytes",
              `(${sizeText(LIMITS.replayBytes)}). Default: false.`,
            ].join(" "),
          ),
        idempotencyKey: z
          .boolean()
          .optional()
          .describe(
            "Also retry a POST or PATCH that has an Idempotency-Key, if its body fits. Default: true.",
          ),
      }),
    ],
    { error: wanted(FORM) },
  )
  .describe("When another endpoint is tried; off for never.");
