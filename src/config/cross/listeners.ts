/** No two sites want the same host on the same listener, and no two listeners the same socket. */

import type { Address } from "../../base/world.ts";
import type { Path } from "../../core/feature.ts";
import { shown } from "../../core/fields.ts";
import { addressKey, isLoopback, parseListen, parseSiteHost } from "../address.ts";
import type { Notes } from "./notes.ts";
import { asMap, asTexts, type RawMap, type RawSite, rawSites } from "./raw.ts";
import { siteListens } from "./site-listens.ts";
import { rawStreams } from "./streams.ts";

const ADMIN_LISTEN = "127.0.0.1:2080";

interface Bound {
  readonly address: Address;
  readonly at: Path;
}

export function checkListeners(config: RawMap, notes: Notes): void {
  const sites = rawSites(config);
  const bound = new Map<string, Bound>();
  const hostAt = new Map<string, string>();
  const served = new Map<string, { readonly owner: string; readonly hasTls: boolean }>();
  for (const site of sites) {
    const { served: listens, redirecting } = siteListens(site);
    for (const { key, address, at } of [...listens, ...redirecting]) {
      if (!bound.has(key)) bound.set(key, { address, at });
    }
    checkHosts(
      site,
      [...listens, ...redirecting].map(({ key }) => key),
      { hostAt, notes },
    );
    checkTls(site, { served, notes });
  }
  const ofSites = new Set(bound.keys());
  const datagrams = new Map<string, Bound>();
  for (const { isUdp, listens } of rawStreams(config)) {
    for (const { key, address, at } of listens) {
      const those = isUdp ? datagrams : bound;
      if (!those.has(key)) those.set(key, { address, at });
    }
  }
  checkOverlaps([...datagrams.values()], notes);
  checkOverlaps([...bound.values()], notes);
  checkAdmin(config, [...bound.values()], notes);
  checkListenerKeys(config, { bound, ofSites, notes });
}

/** On one listener there is TLS for all sites or for none: a redirect to it is a site without. */
function checkTls(
  site: RawSite,
  {
    served,
    notes,
  }: {
    readonly served: Map<string, { readonly owner: string; readonly hasTls: boolean }>;
    readonly notes: Notes;
  },
): void {
  const hasTls = site.site["tls"] !== undefined;
  const owner = `sites[${site.at[1]}]`;
  const { served: listens, redirecting } = siteListens(site);
  if (listens.length === 0 && redirecting.length > 0) {
    const at = [...site.at, site.site["listen"] === undefined ? "tls" : "listen"];
    notes.problem(at, 'must have an address that does not redirect, such as ":443"');
  }
  for (const [{ key, at }, isSecure] of [
    ...listens.map((each) => [each, hasTls] as const),
    ...redirecting.map((each) => [each, false] as const),
  ]) {
    const other = served.get(key);
    if (other === undefined) served.set(key, { owner, hasTls: isSecure });
    else if (other.hasTls !== isSecure) {
      const how = other.hasTls ? "with TLS" : "without TLS";
      notes.problem(at, `must not be where ${other.owner} is served ${how}, got ${key}`);
    }
  }
}

function checkHosts(
  { site, at }: RawSite,
  listenKeys: readonly string[],
  { hostAt, notes }: { readonly hostAt: Map<string, string>; readonly notes: Notes },
): void {
  const siteText = `sites[${at[1]}]`;
  for (const { text, at: inner } of asTexts(site["hosts"])) {
    const host = parseSiteHost(text);
    if (host === undefined) continue;
    const hostPath = [...at, "hosts", ...inner];
    for (const key of new Set(listenKeys)) {
      const owner = hostAt.get(`${key} ${host}`);
      if (owner === undefined) hostAt.set(`${key} ${host}`, siteText);
      else if (owner === siteText) notes.warning(hostPath, `it repeats ${host}`);
      else
        notes.problem(
          hostPath,
          `must be a host of one site on ${key}, got ${host} of ${owner} too`,
        );
      if (owner !== undefined) break; // once is enough when they share several listeners
    }
  }
}

const EVERY_V4 = "0.0.0.0";
const EVERY_V6 = "::";

/** A socket for all addresses leaves no port for one of a single address. */
function overlaps(one: Address, other: Address): boolean {
  if (one.host.startsWith("/") || other.host.startsWith("/")) return one.host === other.host;
  if (one.port !== other.port || one.port === 0) return false;
  if (one.host === other.host || one.host === EVERY_V6 || other.host === EVERY_V6) return true;
  const [isV6, isOtherV6] = [one.host.includes(":"), other.host.includes(":")];
  return !isV6 && !isOtherV6 && (one.host === EVERY_V4 || other.host === EVERY_V4);
}

function checkOverlaps(bound: readonly Bound[], notes: Notes): void {
  const everywhere = bound.filter(
    ({ address: { host } }) => host === EVERY_V4 || host === EVERY_V6,
  );
  for (const other of bound) {
    const wide = everywhere.find((one) => one !== other && overlaps(one.address, other.address));
    // Two that are for all addresses find each other; one message is enough.
    if (
      wide === undefined ||
      (everywhere.includes(other) && bound.indexOf(wide) > bound.indexOf(other))
    )
      continue;
    const [whole, part] = [addressKey(wide.address), addressKey(other.address)];
    notes.problem(other.at, `must not be part of ${whole}, got ${part}`);
  }
}

function checkAdmin(config: RawMap, bound: readonly Bound[], notes: Notes): void {
  const { admin } = config;
  if (admin === "off") return;
  const { listen = ADMIN_LISTEN, token } = asMap(admin);
  const address = typeof listen === "string" ? parseListen(listen) : undefined;
  if (address === undefined) return;
  if (!isLoopback(address) && token === undefined) {
    const form = `an address of this machine only such as "${ADMIN_LISTEN}", or with a token`;
    notes.problem(["admin", "listen"], `must be ${form}, got ${shown(listen)}`);
  }
  const taken = bound.find((one) => overlaps(one.address, address));
  if (taken === undefined) return;
  const [own, got] = [addressKey(address), addressKey(taken.address)];
  notes.problem(taken.at, `must not be where the admin listener is (${own}), got ${got}`);
}

interface Known {
  readonly bound: ReadonlyMap<string, Bound>;
  readonly ofSites: ReadonlySet<string>;
  readonly notes: Notes;
}

function checkListenerKeys(config: RawMap, { bound, ofSites, notes }: Known): void {
  const seen = new Map<string, string>();
  for (const [text, listener] of Object.entries(asMap(config["listeners"]))) {
    const address = parseListen(text);
    if (address === undefined) continue;
    const key = addressKey(address);
    const first = seen.get(key);
    const at = ["listeners", text];
    if (first !== undefined)
      notes.problem(at, `must not repeat a listener, got ${first} too`, "key");
    else seen.set(key, text);
    if (!bound.has(key)) notes.warning(at, "no site or stream listens on it", "key");
    else if (!ofSites.has(key) && asMap(listener)["protocols"] !== undefined) {
      const form = "for a listener that a site has, as streams speak no HTTP";
      notes.problem([...at, "protocols"], `must be ${form}, got it for ${key}`);
    }
  }
}
