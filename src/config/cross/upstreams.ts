/** Every upstream that is named is there, and every one that is there is used and can serve. */
import { listed, shown } from "../../core/fields.ts";
import { splitUrl } from "../../features/auth/forward/authorizer-url.ts";
import { addressKey, parseDnsName, parseEndpoint } from "../address.ts";
import { handlerNames, type Vocabulary } from "../shape/routes.ts";
import { didYouMean } from "../suggest.ts";
import { checkBalance } from "./balance.ts";
import { askedUrls, forwards, namedUpstreams } from "./named-upstreams.ts";
import type { Notes } from "./notes.ts";
import { asList, asMap, type RawMap, rawSites } from "./raw.ts";
import { rawStreams } from "./streams.ts";
import { checkUpstreamTls } from "./upstream-tls.ts";

export interface UpstreamsAround {
  readonly vocabulary: Vocabulary;
  readonly folder: string; // that paths of files are relative to
}

export function checkUpstreams(config: RawMap, around: UpstreamsAround, notes: Notes): void {
  const { vocabulary, folder } = around;
  const upstreams = asMap(config["upstreams"]);
  const used = checkNames(config, Object.keys(upstreams), notes);
  checkRepeats(config, notes);
  const isSure = allRoutesLead(config, { upstreams, vocabulary });
  for (const [name, value] of Object.entries(upstreams)) {
    const at = ["upstreams", name];
    if (!used.has(name) && isSure) notes.warning(at, "no route or stream forwards to it", "key");
    checkBalance(asMap(value), at, { notes, ownZone: config["zone"] });
    checkUpstreamTls(value, at, folder, notes);
    const long = asMap(value)["endpoints"];
    if (long === undefined) checkEndpoints(value, at, notes);
    else checkEndpoints(long, [...at, "endpoints"], notes);
  }
}

function checkNames(config: RawMap, known: readonly string[], notes: Notes): Set<string> {
  for (const { name: url, at } of askedUrls(config)) {
    const parsed = parseEndpoint(splitUrl(url)?.origin ?? "http://a"); // what is none, the schema tells
    if (parsed.kind === "refused") notes.problem(at, `${parsed.why}, got ${shown(url)}`);
  }
  const named = namedUpstreams(config);
  for (const { name, at, on } of named) {
    if (known.includes(name)) continue;
    const names = known.length === 0 ? "there are none" : some(known);
    const wanted = `must be one of the upstreams (${names}), got ${shown(name)}`;
    notes.problem(at, wanted + didYouMean(name, known), on);
  }
  return new Set(named.map(({ name }) => name));
}

/** To ask an upstream again that has just said no is no failover. */
function checkRepeats(config: RawMap, notes: Notes): void {
  for (const { routes } of rawSites(config)) {
    for (const { route, at } of routes) {
      const seen = new Set<string>();
      for (const { name, at: inner } of forwards(route)) {
        if (seen.has(name)) {
          notes.problem(
            [...at, ...inner],
            `must be another upstream than before, got ${shown(name)}`,
          );
        }
        seen.add(name);
      }
    }
  }
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
      if (route["forward"] !== undefined) {
        const named = forwards(route);
        return named.length > 0 && named.every(({ name }) => Object.hasOwn(upstreams, name));
      }
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
