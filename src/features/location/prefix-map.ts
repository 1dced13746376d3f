import type { PathPrefixes } from "../../core/exchange.ts";

/** A place of the upstream's, and where clients find it. */
export interface Mapping {
  readonly from: string; // "/v2", "http://inner.test:8080/app", or "" for all paths
  readonly to: string; // "/api", "https://shop.example.com/app", or ""
}

/** How clients and the upstream call themselves and each other, for one exchange. */
export interface Sides {
  readonly clientOrigin: string; // "https://shop.example.com"
  readonly upstreamHosts: readonly string[]; // authorities that nobody but the upstream has
  /** What a rewrite has taken off and put before the path; undefined: nothing that is known. */
  readonly prefixes: PathPrefixes | undefined;
}

/**
 * Turns the upstream's URLs into the client's. Only what is known to be the upstream's is touched:
 * by the map, by its own host, or below the prefix that a rewrite has given it.
 */
export class PrefixMap {
  readonly #paths: readonly Mapping[]; // the longest first
  readonly #urls: readonly Mapping[];
  readonly #isAuto: boolean;

  constructor(mappings: readonly Mapping[], isAuto: boolean) {
    const plain = mappings
      .map(({ from, to }) => ({ from: withoutSlash(from), to: withoutSlash(to) }))
      .toSorted((a, b) => b.from.length - a.from.length);
    this.#paths = plain.filter(({ from }) => !from.includes("://"));
    this.#urls = plain.filter(({ from }) => from.includes("://"));
    this.#isAuto = isAuto;
  }

  /** The same text if there is nothing to do; of what is relative to the request, too. */
  url(text: string, sides: Sides): string {
    // Browsers take "\" for "/" and leave tabs out: what looks like a path could become a host.
    if (/[\t\\]/.test(text)) return text;
    const url = this.#urls.length > 0 ? canonicalStart(text) : text;
    for (const { from, to } of this.#urls) {
      if (isBelow(url, from)) return joined(to, url.slice(from.length));
    }
    if (text.startsWith("/") && !text.startsWith("//")) return this.path(text, sides);
    const parts = splitUrl(text);
    if (parts === undefined) return text;
    const { start, authority, path } = parts;
    const { clientOrigin, upstreamHosts } = sides;
    const host = authority.toLowerCase();
    if (this.#isAuto && upstreamHosts.includes(host)) {
      return clientOrigin + this.path(path === "" ? "/" : path, sides);
    }
    // Its own name for itself is the client's, as it gets the client's Host.
    const isSame = clientOrigin.endsWith(`://${host}`);
    return isSame && path !== "" ? start + this.path(path, sides) : text;
  }

  /** Of a path, with a query and a fragment or without. */
  path(text: string, { prefixes }: Sides): string {
    for (const { from, to } of this.#paths) {
      if (isBelow(text, from)) return joined(to, text.slice(from.length));
    }
    if (!this.#isAuto || prefixes === undefined) return text;
    const { client, upstream } = prefixes;
    // An application that knows of the prefix has said it itself.
    if (client !== "" && isBelow(text, client)) return text;
    return isBelow(text, upstream) ? joined(client, text.slice(upstream.length)) : text;
  }
}

/** Whole segments only: "/app" is not below "/a". */
function isBelow(text: string, start: string): boolean {
  if (!text.startsWith(start)) return false;
  if (text.length === start.length) return true;
  const next = text[start.length];
  return next === "/" || next === "?" || next === "#";
}

/** A path stays one: "//evil.test" would be a host. */
function joined(start: string, rest: string): string {
  if (start !== "") return start + rest;
  if (!rest.startsWith("/")) return `/${rest}`;
  return rest.startsWith("//") ? `/${rest.replace(/^\/+/, "")}` : rest;
}

function withoutSlash(text: string): string {
  return text.endsWith("/") ? text.slice(0, -1) : text;
}

/** Scheme and host compare without case. */
function canonicalStart(text: string): string {
  const parts = splitUrl(text);
  return parts === undefined ? text : parts.start.toLowerCase() + parts.path;
}

/** "http://a.test/x" and "//a.test/x"; undefined for what has no authority. */
function splitUrl(
  text: string,
): { readonly start: string; readonly authority: string; readonly path: string } | undefined {
  const found = /^(?:https?:)?\/\/([^/?#\\]+)/i.exec(text);
  if (found === null) return undefined;
  const [start, authority = ""] = found;
  return { start, authority, path: text.slice(start.length) };
}
