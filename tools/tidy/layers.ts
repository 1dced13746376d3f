import { type Import, importsOf } from "./imports.ts";
import { type Finding, isShipped, type Rule, type TreeFile } from "./tree.ts";

// A folder imports itself and folders of a lower rank; folders of one rank are strangers.
const RANKS: Readonly<Record<string, number>> = {
  base: 0,
  protocol: 1,
  core: 2,
  waf: 2,
  transport: 3,
  route: 3,
  stores: 3,
  observe: 3,
  upstream: 4,
  tls: 4,
  features: 5,
  config: 6,
  server: 7,
  admin: 8,
  cli: 9, // its commands start what admin offers, and nothing of a program is above them
};
const TOP = 10; // src/index.ts and src/main.ts

const WITHOUT_PACKAGES = new Set(["base", "protocol", "core", "transport", "route"]);
// zod stays at the border of the control plane: these two hold its schemas and its types.
const MAY_USE_ZOD = new Set(["src/core/fields.ts", "src/core/feature.ts"]);

/** The import direction. Tests may import what they test against, so the rule is for what ships. */
export const layers: Rule = {
  name: "layers",
  find(tree) {
    return tree.files
      .filter((file) => isShipped(file.path))
      .flatMap((file) => importsOf(file).flatMap((each) => judge(file, each)));
  },
};

function judge(file: TreeFile, each: Import): Finding[] {
  const why =
    each.path === undefined ? packageFault(file.path, each.from) : pathFault(file, each.path);
  if (why === undefined) return [];
  const message = `Cannot import ${each.from}: ${why}`;
  return [{ rule: "layers", path: file.path, line: each.line, message }];
}

function packageFault(importer: string, from: string): string | undefined {
  if (from.startsWith("node:")) return undefined;
  const folder = folderOf(importer);
  if (!WITHOUT_PACKAGES.has(folder)) return undefined;
  if (from === "zod" && MAY_USE_ZOD.has(importer)) return undefined;
  return `src/${folder} has no dependencies`;
}

function pathFault(file: TreeFile, path: string): string | undefined {
  if (!path.startsWith("src/")) return "what ships imports only what ships";
  const importer = folderOf(file.path);
  const imported = folderOf(path);
  if (importer === imported) return importer === "features" ? stranger(file.path, path) : undefined;

  const own = rankOf(importer);
  const other = rankOf(imported);
  if (own === undefined) return `src/${importer} has no rank in tools/tidy/layers.ts`;
  if (other === undefined) return `src/${imported} has no rank in tools/tidy/layers.ts`;
  if (other < own) return undefined;
  return other === own
    ? `src/${importer} and src/${imported} have one rank and are strangers`
    : `src/${imported} (rank ${other}) is above src/${importer} (rank ${own})`;
}

/** Features are strangers to each other; only the list in features/index.ts knows them all. */
function stranger(importer: string, path: string): string | undefined {
  const own = featureOf(importer);
  const other = featureOf(path);
  if (own === other || own === undefined || other === undefined) return undefined;
  return "features are strangers to each other";
}

function featureOf(path: string): string | undefined {
  return /^src\/features\/([^/]+)\//.exec(path)?.[1];
}

/** "core" of src/core/fault.ts; "" for what lies in src itself. */
function folderOf(path: string): string {
  return /^src\/([^/]+)\//.exec(path)?.[1] ?? "";
}

function rankOf(folder: string): number | undefined {
  return folder === "" ? TOP : RANKS[folder];
}
