/** The type of a config as people write it, for TypeScript configs and `createProxy`. */
import type { z } from "../core/fields.ts";
import type { routeSchema } from "./shape/routes.ts";
import type { defaultsSchema, siteSchema } from "./shape/sites.ts";
import type { configSchema } from "./shape.ts";

type Schema = z.input<ReturnType<typeof configSchema>>;
type SiteKeys = z.input<ReturnType<typeof siteSchema>>;
type RouteKeys = z.input<ReturnType<typeof routeSchema>>;
type DefaultKeys = z.input<ReturnType<typeof defaultsSchema>>;

/** What features add to a route. Their own schemas check it in full. */
export interface FilterInput {
  readonly rewrite?: "off" | object;
  readonly grpcWeb?: "off" | true;
  readonly errors?: object;
}

export interface RouteInput extends Omit<RouteKeys, "match" | "errors">, FilterInput {
  readonly match?: object;
  readonly redirect?: string | object;
  readonly respond?: string | number | object;
}

export interface SiteInput extends Omit<SiteKeys, "routes" | "errors">, FilterInput {
  readonly routes: RouteInput[];
}

export interface ConfigInput extends Omit<Schema, "sites" | "defaults"> {
  readonly defaults?: Omit<DefaultKeys, "errors"> & FilterInput;
  readonly sites: SiteInput[];
}

/** Checks types in the editor, changes nothing. */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config;
}
