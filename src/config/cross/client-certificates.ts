/** Who asks for a client's certificate by `auth.mtls` has a site that asks clients for one. */
import type { Path } from "../../core/feature.ts";
import type { Notes } from "./notes.ts";
import { asList, asMap, type RawMap, rawSites } from "./raw.ts";

export function checkMtls(config: RawMap, notes: Notes): void {
  const { defaults } = config;
  const shared = asMap(asMap(defaults)["auth"]);
  for (const { site, routes, at } of rawSites(config)) {
    if (asMap(site["tls"])["clientAuth"] !== undefined) continue;
    const places: (readonly [unknown, Path])[] = [[site["auth"], [...at, "auth"]]];
    for (const { route, at: place } of routes) places.push([route["auth"], [...place, "auth"]]);
    for (const [auth, place] of places) {
      for (const found of usesIn(auth, place)) {
        notes.problem(found, "must be on a site that asks for certificates: tls.clientAuth", "key");
      }
    }
    const isInherited =
      site["auth"] === undefined && routes.some(({ route }) => route["auth"] === undefined);
    if (isInherited && usesIn(shared, []).length > 0) {
      notes.problem(
        at,
        "must ask for certificates (tls.clientAuth), since defaults.auth has mtls, or have auth of its own",
      );
    }
  }
}

function usesIn(auth: unknown, at: Path): Path[] {
  const map = asMap(auth);
  const inner = ["any", "all"].flatMap((key) =>
    asList(map[key]).flatMap((each, index) => usesIn(each, [...at, key, index])),
  );
  return map["mtls"] === undefined ? inner : [[...at, "mtls"], ...inner];
}
