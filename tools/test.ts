/**
 * Everything that decides whether a change lands:
 *
 *   npm test                              check, unit, golden, behavior, package
 *   npm test -- unit golden               some parts
 *   npm run unit -- route cidr            the files whose path has one of these words in it
 *   npm run golden -- --update            rewrite the wanted output, then read the diff
 *
 * Prints failures only; the last line is `N passed, N failed, N skipped`, summed over all parts.
 */
import { globSync } from "node:fs";
import { parseArgs } from "node:util";
import { check } from "./check.ts";
import { ROOT } from "./command.ts";
import { installParts, TEST_PARTS } from "./parts.ts";
import { addTally, emptyTally, runTestFiles, type Tally } from "./test-run.ts";

interface TestPart {
  readonly globs: readonly string[];
  readonly fileTimeoutMs: number;
}

const SLOW_MS = 8_000;
const SLOWEST = 8; // that are named

const PARTS: Readonly<Record<string, TestPart>> = {
  unit: {
    globs: ["src", "tools", "bench", "test/support", "test/simulation"].map(
      (folder) => `${folder}/**/*.test.ts`,
    ),
    fileTimeoutMs: 60_000,
  },
  golden: { globs: ["test/golden/**/*.test.ts"], fileTimeoutMs: 60_000 },
  behavior: { globs: ["test/behavior/**/*.test.ts"], fileTimeoutMs: 180_000 },
  package: { globs: ["test/package/**/*.test.ts"], fileTimeoutMs: 180_000 },
};

const RUN_TIMEOUT_MS = 13 * 60_000; // of the fifteen minutes that a change may take to land

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { update: { type: "boolean", default: false } },
    allowPositionals: true,
  });
  if (values.update) process.env["UPDATE"] = "1";

  const words = positionals.filter((word) => word !== "check" && !(word in PARTS));
  const named = positionals.filter((word) => !words.includes(word));
  const parts = named.length > 0 || words.length > 0 ? named : ["check", ...Object.keys(PARTS)];
  const chosen = parts.length > 0 ? parts : Object.keys(PARTS);

  const signal = AbortSignal.timeout(RUN_TIMEOUT_MS);
  const total = emptyTally();
  for (const name of chosen) addTally(total, await runPart(name, words, signal));
  if (words.length > 0 && total.files === 0) {
    console.error(`Cannot run tests: no test file has ${words.join(" or ")} in its path`);
    return 2;
  }

  report(total);
  return total.failed === 0 ? 0 : 1;
}

async function runPart(name: string, words: readonly string[], signal: AbortSignal) {
  const part = PARTS[name];
  if (part === undefined) return checkTally();

  const files = filesOf(part, words);
  if (files.length === 0) {
    if (words.length === 0) console.log(`${name}: no test files`);
    return emptyTally();
  }
  if (name === "behavior") await installParts(TEST_PARTS);
  const startMs = performance.now();
  const tally = await runTestFiles(files, part.fileTimeoutMs, signal);
  const { passed, failed, skipped } = tally;
  const took = seconds(performance.now() - startMs);
  console.log(`${name}: ${passed} passed, ${failed} failed, ${skipped.length} skipped (${took})`);
  printSlowest(tally);
  return tally;
}

async function checkTally(): Promise<Tally> {
  const startMs = performance.now();
  const steps = await check();
  const tally = emptyTally();
  for (const step of steps) step.ok ? tally.passed++ : tally.failed++;
  const took = seconds(performance.now() - startMs);
  console.log(`check: ${tally.passed} passed, ${tally.failed} failed (${took})`);
  return tally;
}

function filesOf(part: TestPart, words: readonly string[]): string[] {
  const files = globSync([...part.globs], { cwd: ROOT }).sort();
  return words.length === 0
    ? files
    : files.filter((file) => words.some((word) => file.includes(word)));
}

function report(total: Tally): void {
  if (total.skipped.length > 0) {
    console.log("\nskipped:");
    for (const { name, reason } of total.skipped) console.log(`  ${name} (${reason})`);
  }
  console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped.length} skipped`);
}

/** Where to look when the whole run becomes too long. */
function printSlowest({ took }: Tally): void {
  const slow = took.filter(({ ms }) => ms > SLOW_MS).sort((a, b) => b.ms - a.ms);
  for (const { file, ms } of slow.slice(0, SLOWEST)) console.log(`  ${seconds(ms)}  ${file}`);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

process.exitCode = await main();
