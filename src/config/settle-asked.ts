import type { z } from "../core/fields.ts";
import type { SiteConfig } from "./config.ts";
import type { Vocabulary } from "./shape/routes.ts";
import { upstream } from "./shape/upstreams.ts";

/** Servers that filters ask by their URL: each is an upstream under that name, as in its short form. */
export function askedUpstreams(
  sites: readonly SiteConfig[],
  { features }: Vocabulary,
): Record<string, z.output<typeof upstream>> {
  const asked = sites
    .flatMap(({ routes }) => routes.flatMap(({ filters }) => filters))
    .flatMap(
      ({ key, options }) => features.find(({ name }) => name === key)?.asks?.(options) ?? [],
    );
  return Object.fromEntries([...new Set(asked)].map((url) => [url, upstream.parse(url)]));
}
