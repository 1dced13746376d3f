/** The explicit list of what a route can do. A feature that is not here is not in the product. */
import type { Feature } from "../core/feature.ts";
import { wanted, z } from "../core/fields.ts";

export const features: readonly Feature<unknown>[] = [];

export const vocabulary = {
  match: z.record(z.string(), z.unknown(), { error: wanted("a map of matchers") }),
  errors: z.record(z.string(), z.unknown(), { error: wanted("a map") }),
  features,
};
