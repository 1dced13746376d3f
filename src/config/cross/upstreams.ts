/** Every upstream that is named is there, and every one that is there is used and can serve. */
import type { Path } from "../../core/feature.ts";
import { listed, shown } from "../../core/fields.ts";
import { addressKey, parseDnsName, parseEndpoint } from "../address.ts";
import { handlerNames, type Vocabulary } from "../shape/routes.ts";
import { didYouMean } from "../suggest.ts";
import type { Notes } from "./notes.ts";
import { asList, asMap, type RawMap, rawSites } from "./raw.ts";
import { rawStreams } from "./streams.ts";

export function checkUpstreams(config: RawMap, vocabulary: Vocabulary, notes: Notes): void {
  const upstreams = asMap(config["upstreams"]);
  const used = checkForwards(config, Object.keys(upstreams), notes);
  const isSure = allRoutesLead(config, { upstreams, vocabulary });
  for (const [name, value] of Object.entries(upstreams)) {
    const at = ["upstreams", name];
    if (!used.has(name) && isSure) notes.warning(at, "no route or stream forwards to it", "key");
    const long = asMap(value)["endpoints"];
    if (long === undefined) checkEndpoints(value, at, notes);
    else checkEndpoints(long, [...at, "endpoints"], notes);
  }
}

function checkForwards(config: RawMap, known: readonly string[], notes: Notes): Set<string> {
  const used = new Set<string>();
  for (const { forward, at } of rawForwards(config)) {
    used.add(forward);
    if (known.includes(forward)) continue;
    const names = known.length === 0 ? "there are none" : some(known);
    const wanted = `must be one of the upstreams (${names}), got ${shown(forward)}`;
    notes.problem([...at, "forward"], wanted + didYouMean(forward, known));
  }
  return used;
}

/** Every place that names an upstream, in the order of the config. */
function rawForwards(config: RawMap): readonly { readonly forward: string; readonly at: Path }[] {
  const routes = rawSites(config).flatMap((site) => site.routes);
  const places = [
    ...routes.map(({ route, at }) => ({ forward: route["forward"], at })),
    ...rawStreams(config).map(({ stream, at }) => ({ forward: stream["forward"], at })),
  ];
  return places.flatMap(({ forward, at }) =>
    typeof forward === "string" ? [{ forward, at }] : [],
  );
}

/** While a route is unfinished or misspelt, an upstream may only seem to be unused. */
function allRoutesLead(
  config: RawMap,
  { upstreams, vocabulary }: { readonly upstreams: RawMap; readonly vocabulary: Vocabulary },
): boolean {
  const sites = rawSites(config);
  const routes = sites.flatMap((site) => site.routes);
  const streams = rawStreams(config);
  return (
    routes.length + streams.length > 0 &&
    streams.every(({ stream }) => Object.hasOwn(upstreams, String(stream["forward"]))) &&
    routes.every(({ route }) => {
      const { forward } = route;
      if (typeof forward === "string") return Object.hasOwn(upstreams, forward);
      return handlerNames(vocabulary).some((key) => key !== "forward" && route[key] !== undefined);
    })
  );
}

const NAMES_SHOWN_MAX = 8;

function some(names: readonly string[]): string {
  if (names.length <= NAMES_SHOWN_MAX) return listed(names, "and");
  const rest = names.length - NAMES_SHOWN_MAX;
  return listed([...names.slice(0, NAMES_SHOWN_MAX), `${rest} more`], "and");
}

function checkEndpoints(value: unknown, at: readonly (string | number)[], notes: Notes): void {
  const list = asList(value);
  const firstAt = new Map<string, number>();
  for (const [index, item] of list.entries()) {
    const key = keyOf(item);
    if (key === undefined) continue;
    const first = firstAt.get(key);
    if (first === undefined) firstAt.set(key, index);
    else
      notes.problem(
        [...at, index],
        `must not repeat an endpoint, got ${key} as number ${first + 1} too`,
      );
  }
  const maps = list.map(asMap);
  if (list.length === 0) return;
  if (maps.every((map) => map["backup"] === true)) {
    notes.warning(at, "every endpoint is a backup, so none of them is");
  }
  if (maps.every((map) => map["weight"] === 0)) {
    notes.problem(at, "at least one endpoint must have a weight above 0");
  }
}

function keyOf(item: unknown): string | undefined {
  const { url = item, srv } = asMap(item);
  if (typeof srv === "string") {
    const name = parseDnsName(srv);
    return name === undefined ? undefined : `srv:${name}`;
  }
  const parsed = typeof url === "string" ? parseEndpoint(url) : undefined;
  return parsed?.kind === "address" ? addressKey(parsed.address) : undefined;
}
