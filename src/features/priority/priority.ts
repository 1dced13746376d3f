import type { Exchange } from "../../core/exchange.ts";
import type { Fault } from "../../core/fault.ts";
import type { Feature } from "../../core/feature.ts";
import { oneOf, z } from "../../core/fields.ts";
import type { Filter, Reply } from "../../core/filter.ts";
import { refuse } from "../../core/refusal.ts";
import { PRIORITIES, type Priority } from "../../core/shedder.ts";

const RETRY_AFTER_MS = 1_000;
const SPREAD_S = 4; // who is told to come again does not come all at once

/** Who is served last when there is too much to do. */
export const priority: Feature<Priority, Filter> = {
  name: "priority",
  kind: "filter",
  about: "Who is refused first when load is shed: low, normal, high; critical never is.",
  schema: z.union([oneOf(PRIORITIES)]),

  build(own, { shedder, world }) {
    const explain = (): readonly string[] => [
      shedder === undefined ? `${own}; nothing is shed without shed` : own,
    ];
    if (shedder === undefined || own === "critical") return { name: "priority", explain };
    return {
      name: "priority",
      admit(exchange: Exchange): Reply | undefined {
        if (!shedder.refuses(own)) return undefined;
        const retryAfterMs = RETRY_AFTER_MS * (1 + world.random.below(SPREAD_S));
        const fault: Fault = { code: "overloaded", detail: shedder.why, retryAfterMs };
        return refuse(exchange, fault);
      },
      explain,
    };
  },
};
