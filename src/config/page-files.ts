import { isAbsolute, resolve } from "node:path";
import { asList, asMap, type RawMap } from "./cross/raw.ts";

/** Files of error pages and of redirects are looked for where the config is, like everything that it names. */
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

/** Of the defaults, a site or a route; the same object if it names no file. */
function rooted(holder: RawMap, folder: string): RawMap {
  const { redirects } = holder;
  const { file } = asMap(redirects);
  if (!isRelative(file)) return withPages(holder, folder);
  const found = { ...asMap(redirects), file: resolve(folder, file) };
  return withPages({ ...holder, redirects: found }, folder);
}

function withPages(holder: RawMap, folder: string): RawMap {
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
