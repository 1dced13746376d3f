import type { World } from "../base/world.ts";
import { type Geo, GeoDatabases } from "../core/geo.ts";
import type { StateDraft } from "../core/state.ts";
import type { Config } from "./config.ts";

/** Those that the config names, kept for as long as it names the same. Throws if one cannot be used. */
export function geoOf({ geo }: Config, draft: StateDraft, world: World): Geo | undefined {
  if (geo === undefined) return undefined;
  return draft.keep(`geo ${JSON.stringify(geo)}`, () => new GeoDatabases(geo, world));
}
