import { isAbsolute, resolve } from "node:path";
import { asList, asMap, type RawMap } from "./cross/raw.ts";

// Keys of a route whose options name files, at any depth under the key `file`.
const WITH_FILES = ["allow", "deny", "auth", "maintenance", "redirects"];
// Their keys are names of somebody else's.
const NOT_OURS = new Set(["match", "headers", "claims"]);

/** Files of error pages and access rules are looked for where the config is, like everything that it names. */
export function withPageFiles(config: unknown, folder: string): unknown {
  const map = asMap(config);
  if (map !== config) return config; // the schema tells what it is instead
  const { defaults, sites } = map;
  return {
    ...map,
    ...(asMap(defaults) === defaults ? { defaults: rooted(asMap(defaults), folder) } : {}),
    ...(Array.isArray(sites) ? { sites: sites.map((site) => rootedSite(site, folder)) } : {}),
  };
}

function rootedSite(value: unknown, folder: string): unknown {
  const site = asMap(value);
  if (site !== value) return value;
  const own = rooted(site, folder);
  if (!Array.isArray(own["routes"])) return own;
  const routes = asList(own["routes"]).map((route) =>
    asMap(route) === route ? rooted(asMap(route), folder) : route,
  );
  return { ...own, routes };
}

/** Of the defaults, a site or a route; the same object if it has no file. */
function rooted(holder: RawMap, folder: string): RawMap {
  const keys = WITH_FILES.filter((key) => typeof holder[key] === "object");
  const found = keys.map((key) => [key, rootedFiles(holder[key], folder)]);
  return rootedPages(
    found.length === 0 ? holder : { ...holder, ...Object.fromEntries(found) },
    folder,
  );
}

function rootedFiles(value: unknown, folder: string): unknown {
  if (Array.isArray(value)) return value.map((each) => rootedFiles(each, folder));
  const map = asMap(value);
  if (map !== value) return value;
  const entries = Object.entries(map).map(([key, inner]) => {
    if (NOT_OURS.has(key)) return [key, inner];
    return [
      key,
      key === "file" && isRelative(inner) ? resolve(folder, inner) : rootedFiles(inner, folder),
    ];
  });
  return Object.fromEntries(entries);
}

function rootedPages(holder: RawMap, folder: string): RawMap {
  const errors = asMap(holder["errors"]);
  const pages = asMap(errors["pages"]);
  const entries = Object.entries(pages);
  if (!entries.some(([, page]) => isRelative(asMap(page)["file"]))) return holder;
  const found = entries.map(([key, page]) => {
    const { file } = asMap(page);
    return [key, isRelative(file) ? { ...asMap(page), file: resolve(folder, file) } : page];
  });
  return { ...holder, errors: { ...errors, pages: Object.fromEntries(found) } };
}

function isRelative(file: unknown): file is string {
  return typeof file === "string" && file !== "" && !isAbsolute(file);
}
