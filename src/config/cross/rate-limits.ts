/** Limits that count together say the same of what they count. */
import type { Path } from "../../core/feature.ts";
import { rateText } from "../../core/rate-field.ts";
import type { LimitOptions } from "../../features/rate-limit/rate-limit-options.ts";
import type { Config, SiteConfig } from "../config.ts";
import { cannotUse, type Finding, pathText } from "../problems.ts";

interface Place {
  readonly limit: LimitOptions;
  readonly shared: string; // whom it counts together with; "" for nobody
  readonly at: Path;
}

export function checkRateLimits({ sites }: Config): Finding[] {
  const firsts = new Map<string, Place>();
  const findings = new Map<string, Finding>(); // a site's own is met on each of its routes
  for (const place of sites.flatMap(placesOf)) {
    const first = firsts.get(place.shared);
    if (first === undefined) firsts.set(place.shared, place);
    else if (place.shared !== "" && alike(first.limit) !== alike(place.limit)) {
      const wanted = `${pathText(first.at)}, with which it counts together (${shape(first.limit)})`;
      const message = `must be as ${wanted}, got ${shape(place.limit)}`;
      findings.set(pathText(place.at), cannotUse(place.at, message));
    }
  }
  return [...findings.values()];
}

function placesOf(site: SiteConfig): Place[] {
  return site.routes.flatMap((route) => {
    const part = route.filters.find(({ key }) => key === "rateLimit");
    if (part === undefined) return [];
    const base = { route: route.at, site: site.at, all: ["defaults"] }[part.level ?? "route"];
    const limits = part.options as readonly LimitOptions[]; // as its schema made them
    return limits.map((limit, index) => ({
      limit,
      shared: sharedBy(limit, site),
      at: [...base, "rateLimit", ...(limits.length > 1 ? [index] : [])],
    }));
  });
}

function sharedBy({ name, scope = "all" }: LimitOptions, site: SiteConfig): string {
  if (name === undefined || scope === "route") return "";
  return scope === "all" ? name : `${site.name} ${name}`;
}

function alike({ rate, burst, per, without, prefix, keysMax }: LimitOptions): string {
  return JSON.stringify([rate, burst, per, without, prefix, keysMax]);
}

function shape({ rate, burst, per, keysMax }: LimitOptions): string {
  return `${rateText(rate)}, burst ${burst}, per ${per}, keysMax ${keysMax}`;
}
