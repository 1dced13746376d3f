import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A file of a checkout, or of a bare repository's newest commit; undefined if it is not there. */
export function fileFrom(path: string, name: string): string | undefined {
  const plain = join(path, name);
  if (existsSync(plain)) return readFileSync(plain, "utf8");
  try {
    const args = ["--git-dir", path, "show", `HEAD:${name}`];
    return execFileSync("git", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  } catch {
    return undefined;
  }
}
