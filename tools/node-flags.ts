import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** How a checkout of Sluice wants Node to be started: bin/node-flags.json, which ships. */
export function nodeFlagsOf(root: string): readonly string[] {
  const path = join(root, "bin", "node-flags.json");
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : [];
}
