/** Every place of a config that names an upstream. */

import type { Path } from "../../core/feature.ts";
import { isUrl } from "../../features/auth/forward/authorizer-url.ts";
import { asList, asMap, asTexts, type RawMap, rawSites } from "./raw.ts";
import { rawStreams } from "./streams.ts";

export interface NamedUpstream {
  readonly name: string;
  readonly at: Path;
  readonly on: "key" | "value"; // where the name stands
}

export function namedUpstreams(config: RawMap): NamedUpstream[] {
  const sites = rawSites(config);
  const routes = sites.flatMap((site) => site.routes);
  return [
    ...routes.flatMap(({ route, at }) => forwards(route).map((each) => below(each, at))),
    ...mirrors(asMap(config["defaults"])).map((each) => below(each, ["defaults"])),
    ...sites.flatMap(({ site, at }) => mirrors(site).map((each) => below(each, at))),
    ...routes.flatMap(({ route, at }) => mirrors(route).map((each) => below(each, at))),
    ...authorizers(config).filter(({ name }) => !isUrl(name)),
    ...rawStreams(config).flatMap(({ stream, at }) =>
      typeof stream["forward"] === "string" ? [value(stream["forward"], [...at, "forward"])] : [],
    ),
  ];
}

/** Those that a route forwards to, in the order written. */
export function forwards({ forward }: RawMap): NamedUpstream[] {
  if (typeof forward === "string") return [{ name: forward, at: ["forward"], on: "value" }];
  const { to, split, failover } = asMap(forward);
  const sides = Object.keys(asMap(split));
  return [
    ...(typeof to === "string" ? [value(to, ["forward", "to"])] : []),
    ...sides.map((name): NamedUpstream => ({ name, at: ["forward", "split", name], on: "key" })),
    ...asTexts(failover).map(({ text, at }) => value(text, ["forward", "failover", ...at])),
  ];
}

function mirrors({ mirror }: RawMap): NamedUpstream[] {
  if (mirror === "off") return [];
  if (typeof mirror === "string") return [value(mirror, ["mirror"])];
  const { to } = asMap(mirror);
  return typeof to === "string" ? [value(to, ["mirror", "to"])] : [];
}

/** Servers that are asked by URL, and are upstreams for that. */
export function askedUrls(config: RawMap): NamedUpstream[] {
  return authorizers(config).filter(({ name }) => isUrl(name));
}

/** Those that some `auth` asks, through all its `any` and `all`. */
function authorizers(config: RawMap): NamedUpstream[] {
  const sites = rawSites(config);
  const places = [
    { level: asMap(config["defaults"]), at: ["defaults"] as Path },
    ...sites.map(({ site, at }) => ({ level: site, at })),
    ...sites.flatMap(({ routes }) => routes.map(({ route, at }) => ({ level: route, at }))),
  ];
  return places.flatMap(({ level, at }) =>
    authorizersIn(asMap(level["auth"])).map((each) => below(each, [...at, "auth"])),
  );
}

function authorizersIn(auth: RawMap, depth = 0): NamedUpstream[] {
  const { to } = asMap(auth["forward"]);
  const own = typeof to === "string" ? [value(to, ["forward", "to"])] : [];
  if (depth > DEPTH_MAX) return own;
  const inner = ["any", "all"].flatMap((key) =>
    asList(auth[key]).flatMap((each, index) =>
      authorizersIn(asMap(each), depth + 1).map((found) => below(found, [key, index])),
    ),
  );
  return [...own, ...inner];
}

const DEPTH_MAX = 16; // a config in code may hold itself

function value(name: string, at: Path): NamedUpstream {
  return { name, at, on: "value" };
}

function below({ name, at, on }: NamedUpstream, base: Path): NamedUpstream {
  return { name, at: [...base, ...at], on };
}
