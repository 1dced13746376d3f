/** Numbers that are set where they come too late to have an effect. */
import type { Path } from "../../core/feature.ts";
import { ONLY_TOP, ONLY_TOP_OR_LISTENER, ONLY_TOP_OR_UPSTREAM } from "../shape/levels.ts";
import type { Notes } from "./notes.ts";
import { asList, asMap, type RawMap, rawSites } from "./raw.ts";

type Level = "listener" | "site" | "route";

export function checkLevels(config: RawMap, notes: Notes): void {
  for (const [key, value] of Object.entries(asMap(config["listeners"]))) {
    checkLevel(asMap(value), { at: ["listeners", key], level: "listener", notes });
  }
  for (const { site, at, routes } of rawSites(config)) {
    checkLevel(site, { at, level: "site", notes });
    for (const { route, at: routeAt } of routes) {
      checkLevel(route, { at: routeAt, level: "route", notes });
    }
  }
  checkTrust(config, notes);
}

interface Where {
  readonly at: Path;
  readonly level: Level;
  readonly notes: Notes;
}

function checkLevel(map: RawMap, { at, level, notes }: Where): void {
  for (const group of ["limits", "timeouts"]) {
    for (const key of Object.keys(asMap(map[group]))) {
      const place = placeFor(`${group}.${key}`, level);
      if (place === undefined) continue;
      notes.warning([...at, group, key], `it has no effect on a ${level}; set it ${place}`, "key");
    }
  }
}

function placeFor(name: string, level: Level): string | undefined {
  if (ONLY_TOP.has(name)) return "at the top level";
  if (ONLY_TOP_OR_UPSTREAM.has(name)) return "at the top level or on an upstream";
  if (level === "listener" || !ONLY_TOP_OR_LISTENER.has(name)) return undefined;
  return "at the top level or on a listener";
}

function checkTrust(config: RawMap, notes: Notes): void {
  for (const [index, range] of asList(asMap(config["trust"])["proxies"]).entries()) {
    if (typeof range !== "string" || !/\/0+$/.test(range)) continue;
    const wanted = `${range} is everyone, so any client can claim to be any other`;
    notes.warning(["trust", "proxies", index], wanted);
  }
}
