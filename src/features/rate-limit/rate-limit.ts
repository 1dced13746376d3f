import { DueTimes } from "../../base/due-times.ts";
import type { BuildTools, Feature } from "../../core/feature.ts";
import type { Filter } from "../../core/filter.ts";
import { rateText } from "../../core/rate-field.ts";
import { Gate } from "./gate.ts";
import { Limit } from "./limit.ts";
import { policyOf } from "./limit-fields.ts";
import { type LimitOptions, rateLimitSchema } from "./rate-limit-options.ts";

/**
 * Refuses who comes more often than the limit says. Limits by who somebody is wait until every admit step
 * has let the request pass, auth among them; all others come first, so that a flood pays for no password.
 */
export const rateLimit: Feature<readonly LimitOptions[], Filter> = {
  name: "rateLimit",
  kind: "filter",
  about: "Refuses clients that send more requests than a rate, with 429.",
  schema: rateLimitSchema,

  build(options, tools) {
    const limits = options.map((each, index) => limitOf(each, index, tools));
    const early = limits.filter(({ isLate }) => !isLate);
    const late = limits.filter(({ isLate }) => isLate);
    const shown = limits.filter(({ options: { fields } }) => fields === "always");
    const policy = shown.map(policyOf).join(", ");
    const { clock, log } = tools.world;
    const shared = tools.sharedLimits;
    const before = new Gate(early, { clock, log, shared });
    const after = new Gate(late, { clock, log, shared });
    return {
      name: "rateLimit",
      ...(early.length > 0 && { admit: (exchange) => before.pass(exchange) }),
      ...(late.length > 0 && { identified: (exchange) => after.pass(exchange) }),
      ...(shown.length > 0 && {
        respond(exchange) {
          if (exchange.rateLimit === undefined) return undefined;
          exchange.response!.headers.set("ratelimit", exchange.rateLimit);
          exchange.response!.headers.set("ratelimit-policy", policy);
          return undefined;
        },
      }),
      explain: (exchange) =>
        limits.map((limit) => {
          const key = limit.keyOf(exchange);
          const cost = limit.costOf(exchange);
          if (key === undefined || cost === 0) return `${limit}; this request is not counted`;
          return `${limit}; this request uses ${cost} of ${JSON.stringify(key.replace(/^=/, ""))}`;
        }),
    };
  },
};

function limitOf(options: LimitOptions, index: number, tools: BuildTools): Limit {
  const name = options.name ?? (index === 0 ? "default" : `default-${index + 1}`);
  // Times mean something at their rate alone: of another one, all begin anew.
  const shape = `${rateText(options.rate)} ${options.keysMax}`;
  const place = placeOf(options, tools);
  const key = `rate limit ${place} ${name} ${shape}`;
  const times = tools.keepForAll(key, () => {
    return new DueTimes(tools.machine.block(key, DueTimes.byteLength(options.keysMax)));
  });
  return new Limit(name, options, times, `${place}:${name}:${rateText(options.rate)}`);
}

/** Where it counts together; a name alone makes that everywhere. */
function placeOf({ name, scope }: LimitOptions, { level, site, place }: BuildTools): string {
  const widest = scope ?? (name === undefined ? level : "all");
  if (widest === "all") return "of all";
  return widest === "site" ? `of site ${site}` : `of route ${place}`;
}
