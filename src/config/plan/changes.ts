/**
 * What would be other under another config, in the words of the config: by the names of sites,
 * routes and upstreams, and not by lines. Both sides have been checked.
 */
import type { Path } from "../../core/feature.ts";
import type { Config, EndpointConfig, RouteConfig, SiteConfig } from "../config.ts";
import { asList, asMap, type RawMap } from "../cross/raw.ts";
import type { Loaded } from "../load.ts";
import { type Leaf, leavesOf } from "./leaves.ts";

export interface PlanSide {
  readonly loaded: Pick<Loaded, "value" | "expansions">;
  readonly config: Config;
}

export type ChangedThing = "setting" | "listener" | "upstream" | "endpoint" | "site" | "route";

export interface Change {
  readonly kind: "added" | "removed" | "changed";
  readonly what: ChangedThing;
  readonly name: string; // "" of a setting, which has only a key
  readonly of?: string; // the upstream of an endpoint, the site of a route
  readonly key?: string; // of what changed
  readonly before?: string;
  readonly after?: string;
}

export function changesBetween(before: PlanSide, after: PlanSide): Change[] {
  return [
    ...settings(before, after),
    ...listeners(before.config, after.config),
    ...upstreams(before, after),
    ...sites(before, after),
  ];
}

const SECTIONS = ["upstreams", "sites"];

function settings(before: PlanSide, after: PlanSide): Change[] {
  return differences(
    { what: "setting", name: "" },
    leavesOf(before.loaded.value, [], before.loaded, SECTIONS),
    leavesOf(after.loaded.value, [], after.loaded, SECTIONS),
  );
}

function listeners(before: Config, after: Config): Change[] {
  const keys = (config: Config) => config.listeners.map(({ key }) => key);
  return comesAndGoes(keys(before), keys(after), (name) => ({ what: "listener", name }));
}

function upstreams(before: PlanSide, after: PlanSide): Change[] {
  const changes = comesAndGoes(
    [...before.config.upstreams.keys()],
    [...after.config.upstreams.keys()],
    (name) => ({ what: "upstream", name }),
  );
  for (const [name, { endpoints }] of before.config.upstreams) {
    const other = after.config.upstreams.get(name);
    if (other === undefined) continue;
    const leaves = (side: PlanSide) => {
      const value = asMap(asMap(side.loaded.value)["upstreams"])[name];
      // In the short form there is nothing but endpoints.
      const isLong = asMap(value)["endpoints"] !== undefined;
      return leavesOf(isLong ? value : {}, ["upstreams", name], side.loaded, ["endpoints"]);
    };
    changes.push(...differences({ what: "upstream", name }, leaves(before), leaves(after)));
    changes.push(...endpointChanges(name, endpoints, other.endpoints));
  }
  return changes;
}

function endpointChanges(
  of: string,
  before: readonly EndpointConfig[],
  after: readonly EndpointConfig[],
): Change[] {
  const names = (endpoints: readonly EndpointConfig[]) => endpoints.map(({ name }) => name);
  const changes = comesAndGoes(names(before), names(after), (name) => ({
    what: "endpoint",
    name,
    of,
  }));
  for (const endpoint of before) {
    const other = after.find(({ name }) => name === endpoint.name);
    if (other === undefined) continue;
    const leaves = (each: EndpointConfig) =>
      leavesOf(each, [], { expansions: new Map() }, ["name", "address"]);
    const subject = { what: "endpoint" as const, name: endpoint.name, of };
    changes.push(...differences(subject, leaves(endpoint), leaves(other)));
  }
  return changes;
}

interface PlacedSite {
  readonly key: string;
  readonly config: SiteConfig;
  readonly value: RawMap;
  readonly at: Path;
}

function sites(before: PlanSide, after: PlanSide): Change[] {
  const ofBefore = placedSites(before);
  const ofAfter = placedSites(after);
  const changes = comesAndGoes(keysOf(ofBefore), keysOf(ofAfter), (name) => ({
    what: "site",
    name,
  }));
  for (const site of ofBefore) {
    const other = ofAfter.find(({ key }) => key === site.key);
    if (other === undefined) continue;
    changes.push(
      ...differences(
        { what: "site", name: site.key },
        leavesOf(site.value, site.at, before.loaded, ["routes"]),
        leavesOf(other.value, other.at, after.loaded, ["routes"]),
      ),
      ...routeChanges({ side: before, site }, { side: after, site: other }),
    );
  }
  return changes;
}

/** By the first host; a second site of that name, on another listener, by its number too. */
function placedSites({ config, loaded }: PlanSide): PlacedSite[] {
  const values = asList(asMap(loaded.value)["sites"]);
  const seen = new Map<string, number>();
  return config.sites.map((site, index) => {
    const key = numbered(site.name, seen);
    return { key, config: site, value: asMap(values[index]), at: ["sites", index] };
  });
}

interface SiteSide {
  readonly side: PlanSide;
  readonly site: PlacedSite;
}

interface PlacedRoute {
  readonly key: string; // what makes it the same route on both sides
  readonly config: RouteConfig;
  readonly value: RawMap;
  readonly at: Path;
}

function routeChanges(before: SiteSide, after: SiteSide): Change[] {
  const of = before.site.key;
  const ofBefore = placedRoutes(before.site);
  const ofAfter = placedRoutes(after.site);
  const all = new Map([...ofBefore, ...ofAfter].map((route) => [route.key, route]));
  const changes = comesAndGoes(keysOf(ofBefore), keysOf(ofAfter), (key) => {
    return { what: "route", name: all.get(key)!.config.name, of };
  });
  for (const route of ofBefore) {
    const other = ofAfter.find(({ key }) => key === route.key);
    if (other === undefined) continue;
    changes.push(
      ...differences(
        { what: "route", name: other.config.name, of },
        leavesOf(route.value, route.at, before.side.loaded),
        leavesOf(other.value, other.at, after.side.loaded),
      ),
    );
  }
  return [...changes, ...orderChanges(of, ofBefore, ofAfter)];
}

/** By its name; one without a name by what it matches, for its number says only where it stands. */
function placedRoutes({ config, value, at }: PlacedSite): PlacedRoute[] {
  const values = asList(value["routes"]);
  const seen = new Map<string, number>();
  return config.routes.map((route, index) => {
    const written = asMap(values[index]);
    const name = written["name"];
    const by = typeof name === "string" ? name : `match ${JSON.stringify(written["match"] ?? "")}`;
    const key = numbered(by, seen);
    return { key, config: route, value: written, at: [...at, "routes", index] };
  });
}

/** The first match wins, so the order means something. */
function orderChanges(
  site: string,
  before: readonly PlacedRoute[],
  after: readonly PlacedRoute[],
): Change[] {
  const inBoth = (routes: readonly PlacedRoute[], others: readonly PlacedRoute[]) =>
    keysOf(routes).filter((key) => keysOf(others).includes(key));
  const order = inBoth(before, after);
  const other = inBoth(after, before);
  if (order.join("\n") === other.join("\n")) return [];
  const named = (keys: readonly string[], routes: readonly PlacedRoute[]) =>
    keys.map((key) => routes.find((route) => route.key === key)!.config.name).join(", ");
  return [
    {
      kind: "changed",
      what: "site",
      name: site,
      key: "order of routes",
      before: named(order, before),
      after: named(other, after),
    },
  ];
}

function keysOf(things: readonly { readonly key: string }[]): string[] {
  return things.map(({ key }) => key);
}

/** "a", then "a (2)". */
function numbered(name: string, seen: Map<string, number>): string {
  const count = (seen.get(name) ?? 0) + 1;
  seen.set(name, count);
  return count === 1 ? name : `${name} (${count})`;
}

type Subject = Pick<Change, "what" | "name" | "of">;

function comesAndGoes(
  before: readonly string[],
  after: readonly string[],
  subject: (name: string) => Subject,
): Change[] {
  const there = new Set(before);
  const remains = new Set(after);
  const removed = before.filter((name) => !remains.has(name));
  const added = after.filter((name) => !there.has(name));
  return [
    ...removed.map((name): Change => ({ kind: "removed", ...subject(name) })),
    ...added.map((name): Change => ({ kind: "added", ...subject(name) })),
  ];
}

function differences(
  subject: Subject,
  before: ReadonlyMap<string, Leaf>,
  after: ReadonlyMap<string, Leaf>,
): Change[] {
  const keys = new Set([...before.keys(), ...after.keys()]);
  return [...keys].flatMap((key): Change[] => {
    const from = before.get(key);
    const to = after.get(key);
    if (from?.exact === to?.exact) return [];
    const isHidden = from !== undefined && from.shown === to?.shown;
    return [
      {
        kind: "changed",
        ...subject,
        key,
        before: from?.shown ?? UNSET,
        after: isHidden ? `${to!.shown} (of another value)` : (to?.shown ?? UNSET),
      },
    ];
  });
}

const UNSET = "unset";
