import type { Log } from "../base/world.ts";
import type { Place } from "../server/maintenance-switches.ts";
import type { Server } from "../server/server.ts";
import type { Refused } from "./admin-guard.ts";

export type Switched =
  | { readonly kind: "done"; readonly places: readonly Place[]; readonly on: boolean | "config" }
  | ({ readonly kind: "refused" } & Refused);

const FORM =
  'The body must be JSON such as {"site": "a.example", "on": true}, with "route": NAME for one route, ' +
  'or "all": true in place of a site; "on" is true, false, or "config" for what the config says.';

/** Maintenance in an operator's hands; in force in all workers when it has answered, and told in the log. */
export class MaintenanceControl {
  readonly #server: () => Server;
  readonly #log: Log;

  constructor(server: () => Server, log: Log) {
    this.#server = server;
    this.#log = log;
  }

  async switch(body: string, by: string): Promise<Switched> {
    const wanted = readWanted(body);
    if (wanted === undefined) return refused(422, "maintenance_malformed", FORM);
    const server = this.#server();
    const places = placesOf(server, wanted);
    if ("kind" in places) return places;
    const { on } = wanted;
    for (const place of places) {
      server.tasks.maintenance.set(place, on === "config" ? undefined : on);
      this.#log.info("maintenance switched", { ...place, on, by });
    }
    await server.directoryTold();
    return { kind: "done", places, on };
  }
}

interface Wanted {
  readonly site: string | undefined; // undefined: all
  readonly route: string | undefined;
  readonly on: boolean | "config";
}

function readWanted(body: string): Wanted | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const { site, route, all, on, ...others } = value as Record<string, unknown>;
  if (Object.keys(others).length > 0) return undefined;
  if (typeof on !== "boolean" && on !== "config") return undefined;
  if (all === true)
    return site === undefined && route === undefined ? { site, route, on } : undefined;
  const isText = typeof site === "string" && (route === undefined || typeof route === "string");
  return isText && all === undefined ? { site, route, on } : undefined;
}

/** A site is known by any of its hosts. */
function placesOf(
  { config }: Server,
  { site, route }: Wanted,
): readonly Place[] | Extract<Switched, { kind: "refused" }> {
  if (site === undefined) return [...new Set(config.sites.map(({ name }) => name))].map(whole);
  const host = site.toLowerCase();
  const found = config.sites.filter(({ name, hosts }) => name === site || hosts.includes(host));
  const [first] = found;
  if (first === undefined) {
    const names = config.sites.map(({ name }) => name);
    return refused(404, "site_unknown", `There is no site ${site}, but ${some(names)}.`);
  }
  if (route === undefined) return [whole(first.name)];
  const routes = found.flatMap((each) => each.routes.map(({ name }) => name));
  if (routes.includes(route)) return [{ site: first.name, route }];
  return refused(404, "route_unknown", `${first.name} has no route ${route}, but ${some(routes)}.`);
}

function whole(site: string): Place {
  return { site, route: undefined };
}

const NAMES_SHOWN_MAX = 8;

function some(names: readonly string[]): string {
  if (names.length === 0) return "there is none";
  const shown = names.slice(0, NAMES_SHOWN_MAX).join(", ");
  const more = names.length - NAMES_SHOWN_MAX;
  return more > 0 ? `${shown} and ${more} more` : shown;
}

function refused(status: number, reason: string, about: string) {
  return { kind: "refused" as const, status, reason, about };
}
