/** `routes:`, and the route keys that `defaults:` and a site may set for all of theirs. */
import type { Feature } from "../../core/feature.ts";
import { name, notYet, wanted, z } from "../../core/fields.ts";
import { forward, mirror } from "./forward.ts";
import { hedge } from "./hedge.ts";
import { levels } from "./levels.ts";
import { retry } from "./retry.ts";

/** The route keys that come from outside this folder. */
export interface Vocabulary {
  readonly match: z.ZodType;
  readonly errors: z.ZodType;
  readonly features: readonly Feature<unknown>[];
  /** What the templates in a part's options ask of the path that the match cannot give. */
  captureProblems(match: unknown, options: unknown): readonly string[];
}

/** Keys of a later release, unless a feature has the name by now. */
const HANDLERS_LATER = ["handler", "tunnel"];

export function handlerNames({ features }: Vocabulary): string[] {
  const named = features.filter(({ kind }) => kind === "handler").map((feature) => feature.name);
  return [...new Set(["forward", ...named])];
}

export function handlersLater(vocabulary: Vocabulary): string[] {
  const built = handlerNames(vocabulary);
  return HANDLERS_LATER.filter((key) => !built.includes(key));
}

/** What a default, a site or a route may set, each whole: the nearest one counts. */
export function sharedRouteKeys({ errors, features }: Vocabulary) {
  const filters = features.filter(({ kind }) => kind === "filter");
  const built = keysOf(
    filters.map(({ name: key, schema, about }) => [
      key,
      z
        .union([z.literal("off"), schema])
        .optional()
        .describe(`${about} off switches off what a site or the defaults set.`),
    ]),
  );
  return {
    ...built,
    retry: retry.optional(),
    hedge: hedge.optional(),
    mirror: mirror.optional(),
    errors: errors.optional().describe("What the replies to faults look like."),
  };
}

export function laterKeys(keys: readonly string[]) {
  return keysOf(keys.map((key) => [key, notYet(key)]));
}

/** Keys that are only known when the schema is built: they are checked, but have no type. */
function keysOf(entries: readonly (readonly [string, z.ZodType])[]): Record<never, never> {
  return Object.fromEntries(entries);
}

/** Keys of a route that make no sense on all routes at once. */
export function routeOnlyKeys(vocabulary: Vocabulary): string[] {
  return ["match", "name", ...handlerNames(vocabulary)];
}

export function misplaced(keys: readonly string[], where: string) {
  return keysOf(keys.map((key) => [key, z.never({ error: () => `must be ${where}` }).optional()]));
}

export function routeSchema(vocabulary: Vocabulary) {
  const handlers = vocabulary.features.filter(({ kind }) => kind === "handler");
  const built = keysOf(
    handlers.map(({ name: key, schema, about }) => [key, schema.optional().describe(about)]),
  );
  return z.strictObject(
    {
      match: vocabulary.match
        .optional()
        .describe("Which requests the route is for. Default: all that come this far."),
      name: name
        .optional()
        .describe("Its name in logs and metrics. Default: the site and a number."),
      ...laterKeys(HANDLERS_LATER),
      ...built,
      forward: forward.optional(),
      ...sharedRouteKeys(vocabulary),
      ...levels,
    },
    { error: wanted("a map with one of forward, redirect and respond") },
  );
}
