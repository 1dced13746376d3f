import { size, sizeBytes, wanted, z } from "../../core/fields.ts";
import { trafficKeyIn } from "../../core/traffic-key.ts";

export interface BandwidthOptions {
  readonly response?: number | undefined; // bytes a second
  readonly request?: number | undefined;
  readonly per: string;
  readonly burst: number; // bytes
}

const RATE = /^(\d{1,12}(?:B|KiB|MiB|GiB))\/s$/;
const RATE_FORM = 'a rate of at least 1KiB/s such as "1MiB/s"';
const RATE_MIN = 1024;
const RATE_MAX = 1024 ** 4;

/** "1MiB/s" → bytes per second. */
const rate = z
  .string({ error: wanted(RATE_FORM) })
  .meta({ pattern: RATE.source })
  .refine((text) => rateOf(text) >= RATE_MIN && rateOf(text) <= RATE_MAX, {
    error: wanted(RATE_FORM),
  })
  .transform(rateOf);

function rateOf(text: string): number {
  return sizeBytes(RATE.exec(text)?.[1] ?? "");
}

const per = trafficKeyIn(["connection", "clientIp", "identity", "all"])
  .default("connection")
  .describe(
    "Whose bodies flow that fast together: connection, clientIp (of IPv6 the /64), identity, all (together), " +
      'or placeholders such as "{header.x-api-key}".',
  );

export const bandwidthSchema: z.ZodType<BandwidthOptions> = z
  .strictObject(
    {
      response: rate.optional().describe("How fast response bodies go to clients."),
      request: rate.optional().describe("How fast request bodies are taken from clients."),
      per,
      burst: size
        .default(0)
        .describe("How much may go at once after a pause, before the rate holds. Default: 0B."),
    },
    {
      error: (issue) =>
        issue.code === "unrecognized_keys"
          ? undefined
          : wanted("a map with response, request, per and burst")(issue),
    },
  )
  .superRefine(({ response, request }, context) => {
    if (response === undefined && request === undefined)
      context.addIssue({ code: "custom", message: "must have response or request" });
  });
