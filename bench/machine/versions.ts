import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "./place.ts";

const PROGRAMS: readonly (readonly [name: string, flag: string])[] = [
  ["nginx", "-v"],
  ["haproxy", "-v"],
  ["caddy", "version"],
  ["wrk", "-v"],
];

const BENCH = join(import.meta.dirname, "..");

/** The version of everything that is here, by name: figures without them mean little. */
export function versions(): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const [name, flag] of PROGRAMS) {
    const path = findProgram(name);
    if (path === undefined) continue;
    const { stdout, stderr } = spawnSync(path, [flag], { encoding: "utf8" });
    found[name] = /[0-9]+\.[0-9]+(\.[0-9]+)*/.exec(stdout + stderr)?.[0] ?? "unknown";
  }
  for (const name of ["http-proxy", "@fastify/http-proxy", "fastify"]) {
    const version = packageVersion(name);
    if (version !== undefined) found[name] = version;
  }
  return found;
}

function packageVersion(name: string): string | undefined {
  try {
    const text = readFileSync(join(BENCH, "node_modules", name, "package.json"), "utf8");
    return (JSON.parse(text) as { readonly version: string }).version; // npm's own field
  } catch {
    return undefined; // not installed
  }
}
