import { canonicalPath } from "../../protocol/http/path.ts";
import { isQuery, TARGET_POLICY } from "../../protocol/http/target.ts";

/** One line of a map: from where, to where, and a status of its own. */
export interface Entry {
  readonly from: string; // "/a", "/a?b=1" or "/a/*"
  readonly to: string; // a path or a URL; with "*" at its end for what a prefix left
  readonly status: number | undefined;
}

export interface Found {
  readonly location: string;
  readonly status: number | undefined;
}

export const STATUSES: readonly number[] = [301, 302, 303, 307, 308];

/**
 * Old paths to new ones. What is asked for whole, query included, goes first, then the path, then the
 * longest prefix: a look-up for each, and one for each "/" of the path, however many entries there are.
 */
export class RedirectMap {
  readonly #exact: Map<string, Entry>;
  readonly #prefixes: Map<string, Entry>; // "/a" for "/a/*"
  #hasQueries: boolean;
  #depthMax: number; // segments of the longest prefix; what is deeper need not be looked up

  /** Of entries without an entryProblem(), each once. */
  constructor(entries: readonly Entry[]) {
    this.#exact = new Map();
    this.#prefixes = new Map();
    this.#hasQueries = false;
    this.#depthMax = 0;
    for (const entry of entries) {
      if (entry.from.endsWith("/*")) this.#addPrefix(entry.from.slice(0, -"/*".length), entry);
      else this.#exact.set(entry.from, entry);
      if (entry.from.includes("?")) this.#hasQueries = true;
    }
  }

  get size(): number {
    return this.#exact.size + this.#prefixes.size;
  }

  /** `keepsQuery`: what was asked for goes along, unless the entry is for that query. */
  find(path: string, query: string, keepsQuery: boolean): Found | undefined {
    if (this.#hasQueries && query !== "") {
      const entry = this.#exact.get(`${path}?${query}`);
      if (entry !== undefined) return { location: entry.to, status: entry.status };
    }
    const added = keepsQuery ? query : "";
    const exact = this.#exact.get(path);
    if (exact !== undefined) return { location: withQuery(exact.to, added), status: exact.status };
    return this.#prefixes.size === 0 ? undefined : this.#findPrefix(path, added);
  }

  #addPrefix(prefix: string, entry: Entry): void {
    this.#prefixes.set(prefix, entry);
    this.#depthMax = Math.max(this.#depthMax, prefix.split("/").length - 1);
  }

  #findPrefix(path: string, query: string): Found | undefined {
    for (
      let end = endOfSegments(path, this.#depthMax);
      end >= 0;
      end = end === 0 ? -1 : path.lastIndexOf("/", end - 1)
    ) {
      const entry = this.#prefixes.get(path.slice(0, end));
      if (entry === undefined) continue;
      // A path that ends in "/" has been cut before it.
      const rest = path.slice(end + 1);
      const { to, status } = entry;
      const location = to.endsWith("*") ? joined(to.slice(0, -1), rest) : to;
      return { location: withQuery(location, query), status };
    }
    return undefined;
  }
}

/** Where the first `count` segments of a path end: not each "/" of a long one costs a look-up. */
function endOfSegments(path: string, count: number): number {
  let end = 0;
  for (let index = 0; index < count && end < path.length; index++) {
    const slash = path.indexOf("/", end + 1);
    if (slash < 0) return path.length;
    end = slash;
  }
  return end;
}

/** "//evil.test" would be another host where "//" is kept in paths. */
function joined(start: string, rest: string): string {
  return start === "/" ? `/${rest.replace(/^\/+/, "")}` : start + rest;
}

function withQuery(location: string, query: string): string {
  if (query === "") return location;
  const hash = location.indexOf("#");
  const end = hash < 0 ? location.length : hash;
  const before = location.slice(0, end);
  return `${before}${before.includes("?") ? "&" : "?"}${query}${location.slice(end)}`;
}

/** What is wrong with an entry; undefined if nothing is. */
export function entryProblem({ from, to, status }: Entry): string | undefined {
  return fromProblem(from) ?? toProblem(from, to) ?? statusProblem(status);
}

function fromProblem(from: string): string | undefined {
  const [path = "", query] = splitAt(from, "?");
  const plain = path.endsWith("/*") ? path.slice(0, -1) : path;
  if (!from.startsWith("/") || plain.includes("*"))
    return `must be a path such as "/old", "/old/*" or "/old?id=1", got ${JSON.stringify(from)}`;
  const canonical = canonicalPath(plain, 0, plain.length, TARGET_POLICY);
  if (!canonical.startsWith("/")) return `${JSON.stringify(from)} has ${canonical}`;
  if (canonical !== plain)
    return `must be written as requests are compared, ${JSON.stringify(canonical)}, got ${JSON.stringify(from)}`;
  if (query === undefined) return undefined;
  if (path.endsWith("/*")) return `must not have a query behind "*", got ${JSON.stringify(from)}`;
  return isQuery(query) && query !== "" ? undefined : `${JSON.stringify(from)} has no good query`;
}

function toProblem(from: string, to: string): string | undefined {
  const isUrl = /^https?:\/\/[^/?#*\s]+(?:[/?#]|$)/i.test(to);
  const isPath = to.startsWith("/") && !to.startsWith("//");
  if ((!isUrl && !isPath) || !/^[\x21-\x5b\x5d-\x7e]+$/.test(to))
    return `must lead to a path or to an http or https URL, got ${JSON.stringify(to)}`;
  const star = to.indexOf("*");
  if (star >= 0 && star < to.length - 1)
    return `must have "*" at its end, got ${JSON.stringify(to)}`;
  if (star >= 0 && !from.endsWith("/*"))
    return `must not have "*", which ${JSON.stringify(from)} does not fill`;
  if (star > 0 && to[star - 1] !== "/" && !/[?&=#]/.test(to))
    return `must have "*" behind "/", got ${JSON.stringify(to)}`;
  return undefined;
}

function statusProblem(status: number | undefined): string | undefined {
  if (status === undefined || STATUSES.includes(status)) return undefined;
  return `must have one of the statuses ${STATUSES.join(", ")}, got ${status}`;
}

/** Where an entry leads back to itself, over others or at once: browsers go round until they give up. */
export function loopIn(map: RedirectMap, entry: Entry): readonly string[] | undefined {
  const begin = entry.from.replace(/\*$/, "x");
  const way = [begin];
  for (let step = 0; step < LOOP_STEPS; step++) {
    const [path = "", query = ""] = splitAt(way.at(-1)!, "?");
    const { location } = map.find(path, query, true) ?? {};
    if (location === undefined || !location.startsWith("/")) return undefined;
    const next = location.replace(/#.*$/, "");
    if (way.includes(next)) return next === begin ? [...way, next] : undefined;
    way.push(next);
  }
  return way; // longer than any browser follows
}

const LOOP_STEPS = 20;

function splitAt(text: string, mark: string): readonly [string, string | undefined] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
