import { importsOf } from "./imports.ts";
import { hasFile, isShipped, isTypeScript, type Rule, type Tree } from "./tree.ts";

const ENTRIES = ["src/index.ts", "src/main.ts"];

/** What ships must be reached from an entry; what serves tests and tools, from one of those. */
export const deadFiles: Rule = {
  name: "dead-files",
  find(tree) {
    const missing = ENTRIES.filter((path) => !hasFile(tree, path));
    if (missing.length > 0) {
      const message = "is missing: without it there is no telling what is used";
      return missing.map((path) => ({ rule: "dead-files", path, line: 1, message }));
    }
    const shipped = reachedFrom(tree, ENTRIES);
    const used = reachedFrom(tree, tree.files.map((file) => file.path).filter(isStart));
    return tree.files
      .filter(({ path }) => isTypeScript(path) && !isStart(path))
      .filter(({ path }) => !(isShipped(path) ? shipped : used).has(path))
      .map(({ path }) => ({
        rule: "dead-files",
        path,
        line: 1,
        message: "is imported by nothing",
      }));
  },
};

/** Started by a person, by npm or by the test runner. */
function isStart(path: string): boolean {
  if (ENTRIES.includes(path) || /\.(?:test|bench|fuzz|config|d)\.ts$/.test(path)) return true;
  return (
    /^(?:(?:tools|bench|test\/conformance)\/[^/]+|bench\/resilience\/(?:run|slow)|bench\/engine\/load)\.ts$/.test(
      path,
    ) || path.startsWith("examples/")
  );
}

function reachedFrom(tree: Tree, starts: readonly string[]): Set<string> {
  const byPath = new Map(tree.files.map((file) => [file.path, file]));
  const reached = new Set<string>();
  const waiting = [...starts];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const file = byPath.get(path);
    if (file === undefined || reached.has(path)) continue;
    reached.add(path);
    for (const each of importsOf(file)) if (each.path !== undefined) waiting.push(each.path);
  }
  return reached;
}
