/** Each route has one handler and a name of its own, and a request that can reach it. */
import { nearestWord } from "../../base/nearest-word.ts";
import { listed, shown } from "../../core/fields.ts";
import { isPlain } from "../expand.ts";
import { handlerNames, handlersLater, type Vocabulary } from "../shape/routes.ts";
import type { Notes } from "./notes.ts";
import { asMap, type RawMap, type RawRoute, rawSites } from "./raw.ts";

export function checkRoutes(config: RawMap, vocabulary: Vocabulary, notes: Notes): void {
  for (const { routes } of rawSites(config)) {
    checkNames(routes, notes);
    checkReach(routes, notes);
    for (const route of routes) checkHandler(route, vocabulary, notes);
    if (config["shed"] !== undefined && config["shed"] !== "off") continue;
    for (const { route, at } of routes) {
      if (route["priority"] !== undefined)
        notes.warning([...at, "priority"], "it has no effect without shed", "key");
    }
  }
}

function checkHandler({ route, at }: RawRoute, vocabulary: Vocabulary, notes: Notes): void {
  const names = handlerNames(vocabulary);
  const given = names.filter((name) => route[name] !== undefined);
  if (given.length === 0) {
    if (meansHandler(route, vocabulary)) return; // told already, with a better message
    notes.problem(at, `must have exactly one of ${listed(names)}, got none`);
  }
  if (given.length > 1) {
    const wanted = `must be the only one of ${listed(names)} here, got ${listed(given, "and")}`;
    for (const name of given.slice(1)) notes.problem([...at, name], wanted, "key");
  }
  if (given.length === 0 || given.includes("forward")) return;
  for (const key of ["retry", "hedge", "mirror"]) {
    if (route[key] === undefined || route[key] === "off") continue;
    notes.warning([...at, key], "it has no effect without forward", "key");
  }
}

/** A key that is a handler of a later release, or a slip of the pen for one of ours. */
function meansHandler(route: RawMap, vocabulary: Vocabulary): boolean {
  const names = handlerNames(vocabulary);
  const later = handlersLater(vocabulary);
  return Object.keys(route).some(
    (key) => later.includes(key) || (names.includes(key) ? false : nearestWord(key, names)),
  );
}

function checkNames(routes: readonly RawRoute[], notes: Notes): void {
  const firstAt = new Map<string, number>();
  for (const [index, { route, at }] of routes.entries()) {
    const { name } = route;
    if (typeof name !== "string") continue;
    const first = firstAt.get(name);
    if (first === undefined) firstAt.set(name, index);
    else {
      const got = `${shown(name)} as of route ${first + 1}`;
      notes.problem([...at, "name"], `must be a name of its own in the site, got ${got}`);
    }
  }
}

/** The first match wins, so nothing gets past a route that takes everything. */
function checkReach(routes: readonly RawRoute[], notes: Notes): void {
  const firstAt = new Map<string, number>();
  for (const [index, { route, at }] of routes.entries()) {
    const key = isCatchAll(route["match"]) ? EVERYTHING : matchKey(route["match"]);
    const first = firstAt.get(key) ?? firstAt.get(EVERYTHING);
    if (first !== undefined) {
      const why = firstAt.has(EVERYTHING) ? "matches everything" : "has the same match";
      notes.warning(at, `it can never match, because route ${first + 1} ${why}`);
      continue;
    }
    firstAt.set(key, index);
  }
}

const EVERYTHING = "{}";

function isCatchAll(match: unknown): boolean {
  if (match === undefined) return true;
  if (typeof match !== "object" || match === null || Array.isArray(match)) return false;
  const entries = Object.entries(asMap(match)).filter(([, value]) => value !== undefined);
  return entries.every(([key, value]) => (key === "path" || key === "host") && takesAll(value));
}

function takesAll(value: unknown): boolean {
  return value === "/*" || value === "*" || (Array.isArray(value) && value.some(takesAll));
}

/**
 * Text that is the same for the same match; the order of its keys does not matter. What code makes
 * (a function, an instance of a class) may do anything, so it is the same as nothing else.
 */
function matchKey(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(matchKey).join()}]`;
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (typeof value !== "object" || value === null || !isPlain(value)) return `#${uniqueCount++}`;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${matchKey(inner)}`).join()}}`;
}

let uniqueCount = 0;
