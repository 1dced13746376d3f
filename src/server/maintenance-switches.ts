import type { Config } from "../config/config.ts";
import type { Directory } from "../core/directory.ts";

/** A site, or one route of it. */
export interface Place {
  readonly site: string;
  readonly route: string | undefined;
}

export interface MaintenanceState extends Place {
  readonly on: boolean;
  readonly by: "operator" | "config";
}

/**
 * What operators have said of maintenance, in place of the config's word. It holds over reloads, for as
 * long as there is such a place, and not over a restart.
 */
export class MaintenanceSwitches {
  readonly #directory: Directory;

  constructor(directory: Directory) {
    this.#directory = directory;
  }

  /** undefined: as the config says. */
  set(place: Place, isOn: boolean | undefined): void {
    const name = nameOf(place);
    if (isOn === undefined) this.#directory.delete("maintenance", name);
    else this.#directory.set({ kind: "maintenance", name, isOn });
  }

  /** After a reload. */
  reconcile(config: Config): void {
    const names = new Set(placesIn(config).map(nameOf));
    for (const entry of this.#directory.entries) {
      if (entry.kind !== "maintenance" || names.has(entry.name)) continue;
      this.#directory.delete("maintenance", entry.name);
    }
  }

  /** What operators have said, and what the config has on. */
  states(config: Config): readonly MaintenanceState[] {
    return placesIn(config).flatMap((place): MaintenanceState[] => {
      const said = this.#directory.find("maintenance", nameOf(place));
      if (said !== undefined) return [{ ...place, on: said.isOn, by: "operator" }];
      return isOnIn(config, place) ? [{ ...place, on: true, by: "config" }] : [];
    });
  }
}

function placesIn({ sites }: Config): readonly Place[] {
  const all = sites.flatMap(({ name: site, routes }): Place[] => [
    { site, route: undefined },
    ...routes.map(({ name: route }) => ({ site, route })),
  ]);
  // Sites of several listeners may have one name, and so have their routes.
  return [...new Map(all.map((place) => [nameOf(place), place])).values()];
}

/** Of a route only what it says itself: what its site says is the site's. */
function isOnIn({ sites }: Config, { site, route }: Place): boolean {
  return sites
    .filter(({ name }) => name === site)
    .flatMap(({ routes }) => routes)
    .filter(({ name }) => route === undefined || name === route)
    .flatMap(({ filters }) => filters)
    .some(({ key, level, options }) => {
      const isItsOwn = (level === "route") === (route !== undefined);
      return key === "maintenance" && isItsOwn && (options as { readonly isOn: boolean }).isOn;
    });
}

/** As BuildTools.place has it. */
function nameOf({ site, route }: Place): string {
  return route === undefined ? site : `${site} ${route}`;
}
