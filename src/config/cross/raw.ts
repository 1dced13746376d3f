/**
 * Reads a config that may be wrong: the checks across places run beside the schema and not after
 * it, so that all problems are told at once. What has the wrong shape is left to the schema.
 */
import type { Path } from "../../core/feature.ts";

export type RawMap = Readonly<Record<string, unknown>>;

export function asMap(value: unknown): RawMap {
  return isMap(value) ? value : {};
}

function isMap(value: unknown): value is RawMap {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** One or a list, as hosts, listen and endpoints are written. */
export function asTexts(value: unknown): readonly { readonly text: string; readonly at: Path }[] {
  if (typeof value === "string") return [{ text: value, at: [] }];
  return asList(value).flatMap((item, index) =>
    typeof item === "string" ? [{ text: item, at: [index] }] : [],
  );
}

export interface RawSite {
  readonly site: RawMap;
  readonly at: Path;
  readonly routes: readonly RawRoute[];
}

export interface RawRoute {
  readonly route: RawMap;
  readonly at: Path;
}

export function rawSites(config: RawMap): readonly RawSite[] {
  return asList(config["sites"]).map((value, index) => {
    const site = asMap(value);
    const at = ["sites", index];
    const routes = asList(site["routes"]).flatMap((route, number) =>
      isMap(route) ? [{ route, at: [...at, "routes", number] }] : [],
    );
    return { site, at, routes };
  });
}
