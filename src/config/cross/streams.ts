/** Streams share ports only where it is clear whose a connection is, and ask of UDP what it can do. */
import type { Address } from "../../base/world.ts";
import type { Path } from "../../core/feature.ts";
import { shown } from "../../core/fields.ts";
import {
  addressKey,
  parseEndpoint,
  parseListen,
  parseServerName,
  parseSiteHost,
  streamKey,
} from "../address.ts";
import type { Notes } from "./notes.ts";
import { asList, asMap, asTexts, type RawMap, rawSites } from "./raw.ts";
import { siteListens } from "./site-listens.ts";

interface RawStream {
  readonly stream: RawMap;
  readonly at: Path;
  readonly isUdp: boolean;
  /** The keys of its listeners, each with where it stands. */
  readonly listens: readonly RawListen[];
}

interface RawListen {
  readonly key: string;
  readonly address: Address;
  readonly at: Path;
}

export function rawStreams(config: RawMap): readonly RawStream[] {
  return asList(config["streams"]).map((value, index) => {
    const stream = asMap(value);
    const at = ["streams", index];
    const isUdp = stream["protocol"] === "udp";
    const listens = asTexts(stream["listen"]).flatMap(({ text, at: inner }) => {
      const address = parseListen(text);
      if (address === undefined) return [];
      const key = streamKey(isUdp ? "udp" : "tcp", address);
      return [{ key, address, at: [...at, "listen", ...inner] }];
    });
    return { stream, at, isUdp, listens };
  });
}

/** Sites, streams, or both. */
export function checkServes({ sites, streams }: RawMap, notes: Notes): void {
  const hasStreams = Array.isArray(streams) ? streams.length > 0 : streams !== undefined;
  if (sites !== undefined || hasStreams) return;
  notes.problem(["sites"], "must be a list of sites, or streams must be there, got nothing");
}

export function checkStreams(config: RawMap, notes: Notes): void {
  const streams = rawStreams(config);
  checkPorts(streams, config, notes);
  checkNames(streams, notes);
  checkProxyProtocol(streams, config, notes);
  for (const each of streams) {
    checkStreamUpstream(each, config, notes);
    if (each.isUdp) checkUdp(each, config, notes);
    else checkTcp(each, notes);
    checkSchemes(each, config, notes);
  }
}

/** On one port: each server name once, one stream without, and no site. */
function checkPorts(streams: readonly RawStream[], config: RawMap, notes: Notes): void {
  const owners = new Map<string, string>();
  const sites = new Map<string, SitesOnPort>();
  for (const site of rawSites(config)) {
    const { served, redirecting } = siteListens(site);
    const hasTls = site.site["tls"] !== undefined;
    for (const { key } of redirecting)
      sites.set(key, { owner: `sites[${site.at[1]}]`, hosts: undefined });
    for (const { key } of served) {
      const known = sites.get(key) ?? {
        owner: `sites[${site.at[1]}]`,
        hosts: hasTls ? [] : undefined,
      };
      sites.set(key, known);
      for (const { text, at } of hasTls ? asTexts(site.site["hosts"]) : []) {
        const host = parseSiteHost(text);
        if (host !== undefined) known.hosts?.push({ host, at: [...site.at, "hosts", ...at] });
      }
    }
  }
  for (const { stream, at, listens } of streams) {
    const own = `streams[${at[1]}]`;
    const names = namesOf(stream, at);
    for (const { key, at: listenAt } of listens) {
      const beside = sites.get(key);
      if (beside !== undefined) checkBesideSites(beside, { key, at: listenAt, own, names }, notes);
      for (const { name, at: nameAt } of names ?? [{ name: "", at: listenAt }]) {
        const owner = owners.get(`${key} ${name}`);
        if (owner === undefined) owners.set(`${key} ${name}`, own);
        else if (owner === own) notes.warning(nameAt, `it repeats ${name === "" ? key : name}`);
        else if (name === "") {
          notes.problem(at, `must have sni, because ${owner} has none on ${key} either`);
        } else {
          notes.problem(
            nameAt,
            `must be a name of one stream on ${key}, got ${name} of ${owner} too`,
          );
        }
      }
    }
  }
}

interface SitesOnPort {
  readonly owner: string; // the first of them
  readonly hosts: { readonly host: string; readonly at: Path }[] | undefined; // undefined: without TLS
}

interface StreamOnPort {
  readonly key: string;
  readonly at: Path;
  readonly own: string;
  readonly names: readonly { readonly name: string; readonly at: Path }[] | undefined;
}

/** TLS that is passed through by its name may share a port with sites that end it themselves. */
function checkBesideSites(
  { owner, hosts }: SitesOnPort,
  { key, at, own, names }: StreamOnPort,
  notes: Notes,
): void {
  if (names === undefined) {
    notes.problem(at, `must not be where ${owner} listens, unless it has sni, got ${key}`);
    return;
  }
  if (hosts === undefined) {
    notes.problem(at, `must not be where ${owner} listens without TLS, got ${key}`);
    return;
  }
  for (const { host, at: hostAt } of hosts) {
    for (const { name } of names) {
      if (host === name) {
        notes.problem(hostAt, `must not be a name that ${own} takes on ${key}, got ${host}`);
      } else if (name.startsWith("*.") && host.endsWith(name.slice(1))) {
        notes.warning(hostAt, `${own} takes ${name} on ${key}, and so it never gets here`);
      }
    }
  }
}

function namesOf(
  stream: RawMap,
  at: Path,
): readonly { readonly name: string; readonly at: Path }[] | undefined {
  if (stream["sni"] === undefined) return undefined;
  return asTexts(stream["sni"]).flatMap(({ text, at: inner }) => {
    const name = parseServerName(text);
    return name === undefined ? [] : [{ name, at: [...at, "sni", ...inner] }];
  });
}

function checkNames(streams: readonly RawStream[], notes: Notes): void {
  const firstAt = new Map<string, number>();
  for (const [index, { stream, at }] of streams.entries()) {
    const { name } = stream;
    if (typeof name !== "string") continue;
    const first = firstAt.get(name);
    if (first === undefined) firstAt.set(name, index);
    else {
      const got = `${shown(name)} as of stream ${first + 1}`;
      notes.problem([...at, "name"], `must be a name of its own, got ${got}`);
    }
  }
}

/** The header comes before it is known which stream it is for, so a port has one answer. */
function checkProxyProtocol(streams: readonly RawStream[], config: RawMap, notes: Notes): void {
  const said = new Map<string, { readonly text: string; readonly by: string }>();
  for (const [listen, value] of Object.entries(asMap(config["listeners"]))) {
    const { proxyProtocol } = asMap(value);
    const address = parseListen(listen);
    if (proxyProtocol === undefined || address === undefined) continue;
    const text = JSON.stringify(proxyProtocol);
    said.set(addressKey(address), { text, by: `listeners[${shown(listen)}]` });
    checkRanges(proxyProtocol, ["listeners", listen], notes);
  }
  for (const { stream, at, listens } of streams) {
    const { proxyProtocol } = stream;
    if (proxyProtocol === undefined) continue;
    const text = JSON.stringify(proxyProtocol);
    checkRanges(proxyProtocol, at, notes);
    for (const { key } of listens) {
      const other = said.get(key);
      if (other === undefined) said.set(key, { text, by: `streams[${at[1]}]` });
      else if (other.text !== text) {
        notes.problem(
          [...at, "proxyProtocol"],
          `must be as in ${other.by}, which is on ${key} too`,
        );
        break;
      }
    }
  }
}

function checkRanges(proxyProtocol: unknown, at: Path, notes: Notes): void {
  for (const [index, range] of asList(asMap(proxyProtocol)["from"]).entries()) {
    if (typeof range !== "string" || !/\/0+$/.test(range)) continue;
    const why = `${range} is everyone, so any client can claim to be any other`;
    notes.warning([...at, "proxyProtocol", "from", index], why);
  }
}

function checkStreamUpstream({ stream, at }: RawStream, config: RawMap, notes: Notes): void {
  const { forward } = stream;
  if (typeof forward !== "string") return;
  const { concurrency } = asMap(asMap(config["upstreams"])[forward]);
  if (concurrency === undefined || concurrency === "off") return;
  const why = "streams have no answers that could be timed";
  notes.problem(
    [...at, "forward"],
    `must be an upstream without concurrency (${why}), got ${forward}`,
  );
}

function checkTcp({ stream, at }: RawStream, notes: Notes): void {
  if (stream["responses"] !== undefined) {
    notes.problem([...at, "responses"], "must only be set with protocol: udp", "key");
  }
  if (asMap(stream["limits"])["sessionsMax"] !== undefined) {
    const form = "must only be set with protocol: udp; for tcp it is connectionsMax";
    notes.problem([...at, "limits", "sessionsMax"], form, "key");
  }
}

/** A stream passes bytes on as they are. */
function checkSchemes({ stream, at }: RawStream, config: RawMap, notes: Notes): void {
  const { forward } = stream;
  if (typeof forward !== "string") return;
  const upstream = asMap(config["upstreams"])[forward];
  const given = asMap(upstream)["endpoints"] ?? upstream;
  for (const item of typeof given === "string" ? [given] : asList(given)) {
    const { url = item, scheme } = asMap(item);
    const parsed = typeof url === "string" ? parseEndpoint(url) : undefined;
    const said = parsed?.kind === "address" ? parsed.scheme : scheme;
    if (said === undefined || said === "http") continue;
    const wanted = `must be an upstream of addresses without a scheme, got ${forward} with ${said}`;
    notes.problem([...at, "forward"], wanted);
    return;
  }
}

function checkUdp({ stream, at, listens }: RawStream, config: RawMap, notes: Notes): void {
  for (const key of ["sni", "proxyProtocol"]) {
    if (stream[key] === undefined) continue;
    notes.problem([...at, key], "must only be set with protocol: tcp", "key");
  }
  if (asMap(stream["limits"])["connectionsMax"] !== undefined) {
    const form = "must only be set with protocol: tcp; for udp it is sessionsMax";
    notes.problem([...at, "limits", "connectionsMax"], form, "key");
  }
  if (asMap(stream["timeouts"])["connect"] !== undefined) {
    notes.warning([...at, "timeouts", "connect"], "it has no effect on udp", "key");
  }
  for (const { key, at: listenAt } of listens) {
    if (key.startsWith("udp/unix:")) {
      notes.problem(listenAt, `must be an address with a port for udp, got ${key.slice(4)}`);
    }
  }
  checkUdpUpstream({ stream, at }, config, notes);
}

function checkUdpUpstream(
  { stream, at }: Pick<RawStream, "stream" | "at">,
  config: RawMap,
  notes: Notes,
): void {
  const { forward } = stream;
  if (typeof forward !== "string") return;
  const upstream = asMap(config["upstreams"])[forward];
  const long = asMap(upstream);
  if (long["proxyProtocol"] !== undefined) {
    notes.problem([...at, "forward"], `must be an upstream without proxyProtocol, got ${forward}`);
  }
  const given = long["endpoints"] ?? upstream;
  for (const item of typeof given === "string" ? [given] : asList(given)) {
    const url = typeof item === "string" ? item : asMap(item)["url"];
    const parsed = typeof url === "string" ? parseEndpoint(url) : undefined;
    if (parsed?.kind !== "address" || !parsed.address.host.startsWith("/")) continue;
    const got = `${forward} with ${addressKey(parsed.address)}`;
    notes.problem([...at, "forward"], `must be an upstream of hosts and ports, got ${got}`);
    return;
  }
}
