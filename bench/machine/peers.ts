import { spawnSync } from "node:child_process";
import { join } from "node:path";

const BENCH = join(import.meta.dirname, "..");

/** The proxies from npm, with the versions that bench/package.json names. Only on demand. */
export function installPeers(): void {
  const parameters = ["install", "--no-audit", "--no-fund", "--no-package-lock"];
  const { status } = spawnSync("npm", parameters, { cwd: BENCH, stdio: "inherit" });
  if (status !== 0) throw new Error(`Cannot install the peers: npm ended with ${status}`);
}
