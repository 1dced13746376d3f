import { readFileSync } from "node:fs";

/** The version in package.json, which lies one folder above src/ and above dist/ alike. */
export const VERSION: string = readVersion();

/** The commit that a build was made of; "" when running from source or from a tarball of it. */
export const COMMIT: string = readCommit();

function readVersion(): string {
  const facts: unknown = readJson("../../package.json");
  return isRecord(facts) && typeof facts["version"] === "string" ? facts["version"] : "unknown";
}

/** tools/build.ts leaves it in dist/. */
function readCommit(): string {
  const facts: unknown = readJson("../build.json");
  return isRecord(facts) && typeof facts["commit"] === "string" ? facts["commit"] : "";
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
