/**
 * From a file to plain data: finds it, reads YAML or runs TypeScript, expands `${…}`. What comes
 * out is not checked yet, but it remembers where everything stood.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, extname, isAbsolute, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type FileLook, lookNow } from "../base/file-look.ts";
import { listed } from "../core/fields.ts";
import { type Expansion, expand, whyUnreadable } from "./expand.ts";
import type { Finding, Origin } from "./problems.ts";
import { readYaml } from "./yaml-text.ts";

export const CONFIG_FILES = [
  "sluice.yaml",
  "sluice.yml",
  "sluice.config.ts",
  "sluice.config.js",
  "sluice.config.mjs",
] as const;

const FILE_BYTES_MAX = 16 * 1024 * 1024;

export interface Loaded {
  readonly origin: Origin;
  readonly file: string | undefined; // absolute; undefined if there is none
  readonly look?: FileLook; // of the file, before it was read
  readonly folder: string; // what relative paths in the config start from
  readonly value: unknown; // undefined if it could not be read
  readonly expansions: ReadonlyMap<string, Expansion>;
  readonly findings: readonly Finding[]; // problems
  readonly warnings: readonly Finding[];
}

export interface LoadOptions {
  readonly folder?: string; // the working directory unless said
  readonly file?: string; // relative to the folder; found by name unless said
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Never throws: whatever is wrong is in `findings`. */
export async function load(options: LoadOptions = {}): Promise<Loaded> {
  const folder = resolve(options.folder ?? process.cwd());
  const present = CONFIG_FILES.filter((name) => existsSync(resolve(folder, name)));
  const name = options.file ?? present[0];
  if (name === undefined) {
    const wanted = `must be there: ${listed(CONFIG_FILES)} in the working directory, or -c FILE`;
    return nothing({ name: "sluice.yaml", folder, wanted });
  }
  const file = resolve(folder, name);
  const look = lookNow(file);
  const ignored = options.file === undefined ? present.slice(1) : [];
  const loaded = /\.[cm]?[jt]s$/.test(extname(file))
    ? await loadModule(file, folder, options)
    : loadYaml(file, folder, options);
  return { ...loaded, look, warnings: ignored.map((other) => ignoredFile(other, name)) };
}

function ignoredFile(other: string, name: string): Finding {
  return { at: [], message: `Check ${other}: it is ignored, because ${name} is there too` };
}

/** A config that is already text, of `sluice proxy` or a test. */
export function loadText(text: string, name: string, options: LoadOptions = {}): Loaded {
  const folder = resolve(options.folder ?? process.cwd());
  const { value, root, findings } = readYaml(text.replace(/^\u{feff}/u, ""));
  const origin = { name, text: text.replace(/^\u{feff}/u, ""), root };
  return expanded(origin, value, { folder, file: undefined, findings }, options);
}

/** A config that is already data, of `createProxy` or a TypeScript file. */
export function loadValue(value: unknown, name: string, options: LoadOptions = {}): Loaded {
  const folder = resolve(options.folder ?? process.cwd());
  const origin = { name, text: undefined, root: undefined };
  return expanded(origin, value, { folder, file: undefined, findings: [] }, options);
}

function loadYaml(file: string, folder: string, options: LoadOptions): Loaded {
  const name = shortName(file, folder);
  try {
    const about = statSync(file);
    if (about.isDirectory()) return nothing({ name, folder, wanted: "must be a file" });
    if (about.size > FILE_BYTES_MAX) {
      return nothing({ name, folder, wanted: `must be at most 16MiB, got ${about.size} bytes` });
    }
    const bytes = readFileSync(file);
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return { ...loadText(text, name, { ...options, folder: dirname(file) }), file };
  } catch (error) {
    return nothing({ name, folder, wanted: `must be readable text, got ${whyUnreadable(error)}` });
  }
}

let importCount = 0;

/**
 * Runs the module anew on every load, so that a reload sees what changed. What the module imports
 * itself comes from Node's cache: only a restart sees a change there.
 */
async function loadModule(file: string, folder: string, options: LoadOptions): Promise<Loaded> {
  const name = shortName(file, folder);
  try {
    importCount += 1;
    const url = `${pathToFileURL(file).href}?load=${importCount}`;
    const module = (await import(url)) as Readonly<Record<string, unknown>>;
    if (!("default" in module)) {
      return nothing({ name, folder, wanted: "must have the config as its default export" });
    }
    const loaded = loadValue(module["default"], name, { ...options, folder: dirname(file) });
    return { ...loaded, file };
  } catch (error) {
    return nothing({ name, folder, wanted: `must run, got ${whyUnreadable(error)}` });
  }
}

function nothing(what: { name: string; folder: string; wanted: string }): Loaded {
  const { name, folder, wanted } = what;
  const origin = { name, text: undefined, root: undefined };
  const findings = [{ at: [], message: `Cannot read the config: ${wanted}` }];
  const expansions = new Map<string, Expansion>();
  return { origin, file: undefined, folder, value: undefined, expansions, findings, warnings: [] };
}

function expanded(
  origin: Origin,
  value: unknown,
  rest: Pick<Loaded, "folder" | "file" | "findings">,
  options: LoadOptions,
): Loaded {
  try {
    const result = expand(value, { env: options.env ?? process.env, folder: rest.folder });
    const findings = [...rest.findings, ...result.findings];
    const { expansions } = result;
    return { ...rest, origin, value: result.value, expansions, findings, warnings: [] };
  } catch (error) {
    // A config made by code may have getters, and they may throw.
    const { name } = origin;
    const wanted = `must be plain data, got ${whyUnreadable(error)}`;
    return nothing({ name, folder: rest.folder, wanted });
  }
}

/** As people say it: relative to where they are, unless that leads out. */
function shortName(file: string, folder: string): string {
  const short = relative(folder, file);
  return short === "" || short.startsWith("..") || isAbsolute(short) ? file : short;
}
