/**
 * testssl.sh 3.2 or newer, which gives grades; a checkout of it, or the script itself, is given with
 * `--path testssl=…`. Every finding that is no mere information is a case.
 */
import { execFile } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { part } from "../support/parts.ts";
import { PROFILES, startScannedSite } from "./scanned-site.ts";
import { type Gap, type Outcome, type Suite, settle } from "./suite.ts";

const TIMEOUT_MS = 600_000;
const WANTED_GRADE = "A+";

const GAPS: readonly Gap[] = [
  { id: /^security_headers$/, reason: "which of them a site has is its own affair" },
];

interface Finding {
  readonly id: string;
  readonly severity: string;
  readonly finding: string;
}

// "WARN" is what could not be tested with the OpenSSL that is there.
const NO_CASE = new Set(["INFO", "WARN", "DEBUG"]);

export const testssl: Suite = {
  name: "testssl",
  about: "testssl.sh, every profile, with HSTS and a stapled answer; the grade wanted is A+",
  async run({ start, path }) {
    const program = path === undefined ? undefined : scriptIn(path);
    if (program === undefined)
      return { skipped: "needs --path, testssl.sh 3.2 or a checkout of it" };
    if (part("openssl") === undefined) return { skipped: "openssl is not installed" };
    const outcomes: Outcome[] = [];
    for (const profile of PROFILES) {
      await using site = await startScannedSite(start, profile);
      const findings = await play(program, site.port, site.caFile);
      outcomes.push(...findings.filter(isCase).map((finding) => outcomeOf(profile, finding)));
    }
    return { groups: settle(outcomes) };
  },
};

function scriptIn(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  const file = statSync(path).isDirectory() ? join(path, "testssl.sh") : path;
  return existsSync(file) ? file : undefined;
}

async function play(program: string, port: number, caFile: string): Promise<readonly Finding[]> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-testssl-"));
  const file = join(folder, "findings.json");
  const quiet = ["--quiet", "--warnings", "off", "--color", "0", "--nodns", "none"];
  const about = ["--ip", "127.0.0.1", "--openssl", part("openssl")!, "--add-ca", caFile];
  const args = [...quiet, ...about, "--jsonfile", file, `https://a.test:${port}`];
  // Its exit code counts what it has found, which the file says better.
  await new Promise((resolve) => execFile(program, args, { timeout: TIMEOUT_MS }, resolve));
  const findings = JSON.parse(await readFile(file, "utf8")) as Finding[];
  await rm(folder, { recursive: true });
  if (!findings.some(({ id }) => id === "overall_grade")) throw new Error("testssl gave no grade");
  return findings;
}

function isCase({ id, severity }: Finding): boolean {
  return id === "overall_grade" || !NO_CASE.has(severity);
}

function outcomeOf(group: string, { id, severity, finding }: Finding): Outcome {
  const isGrade = id === "overall_grade";
  return {
    group,
    id,
    passed: isGrade ? finding === WANTED_GRADE : severity === "OK",
    detail: `${severity}: ${finding}`,
    gap: GAPS.find((gap) => gap.id.test(id)),
  };
}
