/** `npm run build`: the JavaScript and the declarations that are published, in dist/. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { ROOT, runCommand } from "./command.ts";

const TSC_TIMEOUT_MS = 120_000;

async function main(): Promise<number> {
  rmSync(`${ROOT}dist`, { recursive: true, force: true }); // a renamed source leaves nothing behind
  const { code, output } = await runCommand("tsc", ["-p", "tsconfig.build.json"], TSC_TIMEOUT_MS);
  process.stdout.write(output);
  if (code !== 0) return 1;
  await stamp();
  return 0;
}

/** What `sluice --version` says beside the version; read by src/base/version.ts. */
async function stamp(): Promise<void> {
  const { version } = JSON.parse(readFileSync(`${ROOT}package.json`, "utf8"));
  const head = await runCommand("git", ["rev-parse", "--short=12", "HEAD"], 10_000);
  const commit = head.code === 0 ? head.output.trim() : "";
  writeFileSync(`${ROOT}dist/build.json`, `${JSON.stringify({ version, commit })}\n`);
}

process.exitCode = await main();
