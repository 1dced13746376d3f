import type { Exchange } from "../../core/exchange.ts";
import type { Feature } from "../../core/feature.ts";
import type { Filter } from "../../core/filter.ts";
import { idOf } from "../../protocol/http/header-id.ts";
import type { HeaderList } from "../../protocol/http/header-list.ts";
import { hostOf } from "../../transport/request-text.ts";
import { CookieEdits } from "./cookie-edits.ts";
import { type LocationOptions, locationSchema } from "./location-options.ts";
import { PrefixMap, type Sides } from "./prefix-map.ts";

const LOCATION = idOf("location");
const CONTENT_LOCATION = idOf("content-location");
const SET_COOKIE = idOf("set-cookie");

/** Brings what the upstream says of its own places to where clients find them. */
export const location: Feature<LocationOptions, Filter> = {
  name: "location",
  kind: "filter",
  about:
    "Turns the upstream's own URLs, paths and cookies into the client's (Location, Set-Cookie, Refresh, Link).",
  schema: locationSchema,
  build: (options) => new LocationFilter(options),
};

class LocationFilter implements Filter {
  readonly name = "location";
  readonly #options: LocationOptions;
  readonly #map: PrefixMap;
  readonly #cookies: CookieEdits;

  constructor(options: LocationOptions) {
    this.#options = options;
    this.#map = new PrefixMap(options.map, options.isAuto);
    this.#cookies = new CookieEdits(options.cookies, options.isAuto);
  }

  /** Of upstreams alone: a redirect of ours speaks of clients' places already. */
  receive(exchange: Exchange): undefined {
    const headers = exchange.response?.headers;
    if (headers === undefined) return;
    const hasLocation = headers.first(LOCATION) !== undefined;
    const hasContentLocation = headers.first(CONTENT_LOCATION) !== undefined;
    const hasCookies = headers.first(SET_COOKIE) !== undefined;
    const hasRefresh = headers.has("refresh");
    const hasLink = headers.has("link");
    if (!hasLocation && !hasContentLocation && !hasCookies && !hasRefresh && !hasLink) return;
    const sides = sidesOf(exchange);
    const url = (text: string) => this.#map.url(text, sides);
    if (hasLocation) edit(headers, "Location", url);
    if (hasContentLocation) edit(headers, "Content-Location", url);
    if (hasRefresh) edit(headers, "Refresh", (text) => refreshOf(text, url));
    if (hasLink) edit(headers, "Link", (text) => linkOf(text, url));
    if (hasCookies) {
      const { host, scheme } = exchange.request;
      const client = { host, isSecure: scheme === "https" };
      edit(headers, "Set-Cookie", (text) => this.#cookies.apply(text, sides, client));
    }
  }

  explain(exchange: Exchange): readonly string[] {
    const lines = this.#options.map.map(({ from, to }) => `${from} becomes ${to}`);
    const { pathPrefixes } = exchange.request;
    if (!this.#options.isAuto || pathPrefixes === undefined) return lines;
    const { client, upstream } = pathPrefixes;
    return [
      ...lines,
      `paths below ${upstream === "" ? "/" : upstream} are below ${client === "" ? "/" : client}`,
    ];
  }
}

function sidesOf(exchange: Exchange): Sides {
  const { request, endpoint } = exchange;
  const authority = request.port === 0 ? request.host : `${request.host}:${request.port}`;
  // Who has not said whom it asked (HTTP/1.0) cannot be told of another place on it.
  const own =
    endpoint === undefined || authority === "" ? [] : [hostOf(exchange, endpoint), endpoint.name];
  return {
    clientOrigin: `${request.scheme}://${authority}`,
    upstreamHosts: own.map((each) => each.toLowerCase()).filter((each) => each !== authority),
    prefixes: request.pathPrefixes,
  };
}

function edit(headers: HeaderList, name: string, change: (text: string) => string): void {
  const values = headers.all(name);
  const after = values.map(change);
  if (after.every((value, index) => value === values[index])) return;
  headers.delete(name);
  for (const value of after) headers.add(name, value);
}

/** "5; url=/x", with quotes or without. */
function refreshOf(text: string, url: (text: string) => string): string {
  const found = /^(\s*[0-9.]+\s*[;,]\s*url\s*=\s*)(["']?)([^"']*)(.*)$/i.exec(text);
  if (found === null) return text;
  const [, start = "", quote = "", target = "", end = ""] = found;
  return start + quote + url(target) + end;
}

/** RFC 8288 §3: URLs stand in angle brackets; in the quotes of a parameter these mean nothing. */
function linkOf(text: string, url: (text: string) => string): string {
  let out = "";
  let isQuoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (character === '"') isQuoted = !isQuoted;
    const end = !isQuoted && character === "<" ? text.indexOf(">", at) : -1;
    if (end < 0) out += character;
    else {
      out += `<${url(text.slice(at + 1, end))}`;
      at = end - 1;
    }
    if (isQuoted && character === "\\") out += text[++at] ?? "";
  }
  return out;
}
