import { importsOf } from "./imports.ts";
import { type Finding, isShipped, type Rule, type Tree } from "./tree.ts";

interface PackageFile {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly resolved?: string;
}

/**
 * What we depend on: declared, decided on a page, and locked in a way that `npm ci` takes on every
 * machine and that names no registry.
 */
export const packages: Rule = {
  name: "packages",
  find(tree) {
    return [...undeclared(tree), ...undecided(tree), ...lockFaults(tree)];
  },
};

function undeclared(tree: Tree): Finding[] {
  const own = parsed<PackageFile>(tree, "package.json") ?? {};
  const declared = { ...own.dependencies, ...own.peerDependencies };
  return tree.files
    .filter((file) => isShipped(file.path))
    .flatMap((file) =>
      importsOf(file)
        .filter(({ path, from }) => path === undefined && !from.startsWith("node:"))
        .filter(({ from }) => !(nameOf(from) in declared))
        .map(({ from, line }) =>
          finding(file.path, line, `imports ${nameOf(from)}, which package.json does not declare`),
        ),
    );
}

function undecided(tree: Tree): Finding[] {
  const own = parsed<PackageFile>(tree, "package.json") ?? {};
  const decisions = tree.files.filter((file) => file.path.startsWith("docs/decisions/"));
  return Object.keys({ ...own.dependencies, ...own.peerDependencies })
    .filter((name) => !decisions.some((page) => page.text.includes(`\`${name}\``)))
    .map((name) => finding("package.json", 1, `${name} has no page in docs/decisions/`));
}

function lockFaults(tree: Tree): Finding[] {
  const path = "package-lock.json";
  const lock =
    parsed<{ packages?: Readonly<Record<string, PackageFile>> }>(tree, path)?.packages ?? {};
  return Object.entries(lock).flatMap(([place, entry]) => {
    const found: Finding[] = [];
    if (entry.resolved !== undefined)
      found.push(finding(path, 1, `${place} names where it came from`));
    // npm leaves these out when a registry lacks them, and `npm ci` then refuses the lock file.
    for (const name of Object.keys(entry.optionalDependencies ?? {})) {
      if (`${place}/node_modules/${name}` in lock || `node_modules/${name}` in lock) continue;
      found.push(finding(path, 1, `${place} wants ${name}, which has no entry of its own`));
    }
    return found;
  });
}

function finding(path: string, line: number, message: string): Finding {
  return { rule: "packages", path, line, message };
}

/** "@redis/client" of "@redis/client/pool". */
function nameOf(from: string): string {
  return from.split("/", from.startsWith("@") ? 2 : 1).join("/");
}

function parsed<T>(tree: Tree, path: string): T | undefined {
  const text = tree.files.find((file) => file.path === path)?.text;
  return text === undefined ? undefined : (JSON.parse(text) as T);
}
