/**
 * Installs the real programs that tests and benchmarks run against, from Debian's packages, where
 * that is possible: as root, on Debian. Elsewhere, and when it fails, it says so and goes on: a
 * test whose part is missing is reported as skipped, by name.
 *
 *   node tools/parts.ts                 what `npm test` needs
 *   node tools/parts.ts wrk haproxy     these as well
 */
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { runCommand } from "./command.ts";

// Program → Debian package.
const PACKAGES: Readonly<Record<string, string>> = {
  nginx: "nginx-light",
  curl: "curl",
  haproxy: "haproxy",
  caddy: "caddy",
  wrk: "wrk",
  openssl: "openssl",
  pebble: "pebble",
  knotd: "knot",
  knsupdate: "knot-dnsutils",
  sslscan: "sslscan",
  chromium: "chromium",
  htpasswd: "apache2-utils",
  argon2: "argon2",
  mmdblookup: "mmdb-bin",
  "redis-server": "redis-server",
  slowhttptest: "slowhttptest",
};

export const TEST_PARTS: readonly string[] = [
  "nginx",
  "curl",
  "openssl",
  "haproxy",
  "pebble",
  "knotd",
  "knsupdate",
  "htpasswd",
  "argon2",
  "mmdblookup",
  "redis-server",
];

const INSTALL_TIMEOUT_MS = 90_000;
const POLICY = "/usr/sbin/policy-rc.d"; // Debian asks it before a package starts its service

/** Never throws and never takes longer than three times the timeout. */
export async function installParts(parts: readonly string[]): Promise<void> {
  const missing = parts.filter((part) => !isInstalled(part));
  if (missing.length === 0) return;

  const known = missing.filter((part) => part in PACKAGES);
  const isDebian = existsSync("/etc/debian_version") && process.getuid?.() === 0;
  if (!isDebian || known.length === 0) return report(missing);

  console.error(`parts: installing ${known.join(", ")}`);
  await withoutServices(() => install(known.map((part) => PACKAGES[part]!)));
  report(missing.filter((part) => !isInstalled(part)));
}

function report(missing: readonly string[]): void {
  if (missing.length === 0) return;
  console.error(`parts: ${missing.join(", ")} not installed; tests that need them are skipped`);
}

async function install(packages: readonly string[]): Promise<void> {
  const args = ["install", "-y", "-q", "--no-install-recommends", ...packages];
  const first = await runCommand("apt-get", args, INSTALL_TIMEOUT_MS);
  if (first.code === 0) return;
  await runCommand("apt-get", ["update", "-q"], INSTALL_TIMEOUT_MS); // a fresh image has no lists
  await runCommand("apt-get", args, INSTALL_TIMEOUT_MS);
}

/** A test machine wants the programs, not an nginx that takes port 80. */
async function withoutServices(work: () => Promise<void>): Promise<void> {
  const isOurs = !existsSync(POLICY);
  if (isOurs) writeFileSync(POLICY, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    await work();
  } finally {
    if (isOurs) rmSync(POLICY, { force: true });
  }
}

/** Debian keeps servers in sbin, which a plain user's PATH lacks. */
export function isInstalled(program: string): boolean {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return [...folders, "/usr/sbin", "/usr/local/sbin"].some((folder) =>
    existsSync(join(folder, program)),
  );
}

if (import.meta.main) await installParts([...TEST_PARTS, ...process.argv.slice(2)]);
