/** Databases of addresses can be used, and whoever asks for countries or systems has one. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Path } from "../../core/feature.ts";
import { type GeoFiles, geoProblem } from "../../core/geo.ts";
import { whyUnreadable } from "../expand.ts";
import type { Notes } from "./notes.ts";
import { asList, asMap, type RawMap, rawSites } from "./raw.ts";

interface Around {
  readonly folder: string;
  readonly notes: Notes;
  readonly reads: boolean;
}

type Kind = keyof GeoFiles;

const KINDS: readonly Kind[] = ["country", "asn"];

export function checkGeo(config: RawMap, { folder, notes, reads }: Around): void {
  const said = asMap(config["geo"]);
  for (const kind of KINDS) {
    const file = said[kind];
    if (typeof file === "string" && file !== "" && reads) {
      const why = problemOf(resolve(folder, file), kind);
      if (why !== undefined)
        notes.problem(["geo", kind], `must be a database that can be used: ${why}`);
    }
    if (file !== undefined) continue;
    for (const at of usesOf(kind, config)) {
      notes.problem(at, `must have a database to ask: geo.${kind} names none`, "key");
    }
  }
}

function problemOf(file: string, kind: Kind): string | undefined {
  try {
    const why = geoProblem(readFileSync(file), kind);
    return why === undefined ? undefined : `${file} ${why}`;
  } catch (error) {
    return whyUnreadable(error);
  }
}

function usesOf(kind: Kind, config: RawMap): Path[] {
  const { defaults } = config;
  const holders: (readonly [RawMap, Path])[] = [[asMap(defaults), ["defaults"]]];
  for (const { site, routes, at } of rawSites(config)) {
    holders.push([site, at]);
    for (const route of routes) holders.push([route.route, route.at]);
  }
  return holders.flatMap(([holder, at]) =>
    ["match", "allow", "deny"].flatMap((key) => usesIn(kind, holder[key], [...at, key])),
  );
}

/** A match or a rule may hold others; a key of that name is always ours, but for names of fields. */
function usesIn(kind: Kind, value: unknown, at: Path): Path[] {
  if (Array.isArray(value)) {
    return asList(value).flatMap((each, index) => usesIn(kind, each, [...at, index]));
  }
  return Object.entries(asMap(value)).flatMap(([key, inner]) => {
    if (key === kind) return [[...at, key]];
    return INNER.has(key) ? usesIn(kind, inner, [...at, key]) : [];
  });
}

const INNER = new Set(["not", "any", "match", "rules"]);
