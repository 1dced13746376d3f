import { durationAboveZero, percent, wanted, wholeNumber, z } from "../../core/fields.ts";
import type { ShedOptions } from "../../core/shedder.ts";

const OFF = z.literal("off").transform(() => Number.POSITIVE_INFINITY);

/** `shed:`: from when on requests are refused, those of low priority first. */
export const shed = z
  .union(
    [
      z.literal("off").transform(() => undefined),
      z
        .strictObject(
          {
            loopDelay: z
              .union([OFF, durationAboveZero], {
                error: wanted('a duration above zero such as "50ms", or "off"'),
              })
              .default(50)
              .describe("How late the event loop of a worker may come. Default: 50ms."),
            memory: z
              .union([OFF, percent(10, 99).transform((share) => share / 100)], {
                error: wanted('a share from 10% to 99% such as "85%", or "off"'),
              })
              .default(0.85)
              .describe(
                "How much of its memory the process, or of its heap a worker, may take. Default: 85%.",
              ),
            requests: z
              .union([OFF, wholeNumber(1, 10_000_000)], {
                error: wanted('a whole number from 1 to 10000000, or "off"'),
              })
              .default(Number.POSITIVE_INFINITY)
              .describe("How many requests may be under way in a worker. Default: off."),
          },
          { error: wanted("a map with loopDelay, memory and requests") },
        )
        .transform(
          ({ loopDelay, memory, requests }): ShedOptions => ({
            loopDelayMs: loopDelay,
            memoryShare: memory,
            requestsMax: requests,
          }),
        ),
    ],
    {
      error: ({ input }) =>
        typeof input === "object" && input !== null && !Array.isArray(input)
          ? undefined
          : wanted('"off", or a map with loopDelay, memory and requests')({ input }),
    },
  )
  .describe("Refuses requests while there is too much to do, by the priority of their routes.");
