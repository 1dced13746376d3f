/** Files that access rules are in: what cannot be used closes a route when it runs, so it is said before. */
import { readFileSync } from "node:fs";
import type { Path } from "../../core/feature.ts";
import { parseNetworks } from "../../features/access/network-list.ts";
import { parseKeyFile } from "../../features/auth/api-key/known-keys.ts";
import { parseUserFile } from "../../features/auth/basic/user-list.ts";
import { whyUnreadable } from "../expand.ts";
import type { Notes } from "./notes.ts";
import { asList, asMap, type RawMap, rawSites } from "./raw.ts";

type Read = (text: string) => unknown;

const READERS: Readonly<Record<string, Read>> = {
  allow: parseNetworks,
  deny: parseNetworks,
  basic: parseUserFile,
  apiKey: parseKeyFile,
};

/** Only warnings: the other routes are served all the same. */
export function checkAccessFiles(config: RawMap, notes: Notes): void {
  const { defaults } = config;
  const holders: (readonly [RawMap, Path])[] = [[asMap(defaults), ["defaults"]]];
  for (const { site, routes, at } of rawSites(config)) {
    holders.push([site, at]);
    for (const route of routes) holders.push([route.route, route.at]);
  }
  const told = new Map<string, string | undefined>(); // a file may stand in many places
  for (const [holder, at] of holders) {
    for (const key of ["allow", "deny", "auth"])
      visit(holder[key], [...at, key], READERS[key], { notes, told });
  }
}

interface Around {
  readonly notes: Notes;
  readonly told: Map<string, string | undefined>;
}

function visit(value: unknown, at: Path, read: Read | undefined, around: Around): void {
  if (Array.isArray(value)) {
    for (const [index, each] of asList(value).entries()) visit(each, [...at, index], read, around);
    return;
  }
  for (const [key, inner] of Object.entries(asMap(value))) {
    if (key === "file" && typeof inner === "string" && inner !== "" && read !== undefined) {
      const why = problemOf(inner, read, around.told);
      if (why !== undefined)
        around.notes.warning([...at, key], `the route will not be served: ${why}`);
    } else if (["any", "all", "rules", "basic", "apiKey"].includes(key)) {
      visit(inner, [...at, key], READERS[key] ?? read, around);
    }
  }
}

function problemOf(file: string, read: Read, told: Around["told"]): string | undefined {
  const key = `${read.name} ${file}`;
  if (!told.has(key)) told.set(key, problemIn(file, read));
  return told.get(key);
}

function problemIn(file: string, read: Read): string | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    return whyUnreadable(error);
  }
  try {
    read(text);
    return undefined;
  } catch (error) {
    return `${file}: ${(error as Error).message}`;
  }
}
