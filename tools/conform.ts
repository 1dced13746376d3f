/**
 *     npm run conform -- [suite …] [--path suite=folder …] [--proxy sluice|nginx] [--record]
 *
 * Foreign suites against Sluice, on demand. A failure that is not in a suite's list of known gaps
 * fails the run, and so does a gap that has begun to pass. `--record` writes RESULTS.md.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { cacheTests, cacheTestsByDefault } from "../test/conformance/cache-tests.ts";
import { h1spec } from "../test/conformance/h1spec.ts";
import { h2spec } from "../test/conformance/h2spec.ts";
import { llhttp } from "../test/conformance/llhttp.ts";
import { sslscan } from "../test/conformance/sslscan.ts";
import type { Group, Outcome, Result, Suite } from "../test/conformance/suite.ts";
import { testssl } from "../test/conformance/testssl.ts";
import { startNginxProxy } from "../test/support/nginx-proxy.ts";
import { startProxy } from "../test/support/proxy.ts";

const SUITES: readonly Suite[] = [
  h1spec,
  h2spec,
  llhttp,
  cacheTests,
  cacheTestsByDefault,
  testssl,
  sslscan,
];
const RESULTS = new URL("../test/conformance/RESULTS.md", import.meta.url);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    path: { type: "string", multiple: true, default: [] },
    proxy: { type: "string", default: "sluice" },
    record: { type: "boolean", default: false },
  },
});

const paths = new Map(values.path.map((each) => each.split("=", 2) as [string, string]));
const unknown = positionals.filter((name) => !SUITES.some((suite) => suite.name === name));

if (unknown.length > 0) {
  console.error(`no such suite: ${unknown.join(", ")}; there are ${SUITES.map((s) => s.name)}`);
  process.exitCode = 2;
} else {
  process.exitCode = (await conform()) ? 0 : 1;
}

async function conform(): Promise<boolean> {
  const chosen = SUITES.filter(
    (suite) => positionals.length === 0 || positionals.includes(suite.name),
  );
  const start = values.proxy === "nginx" ? startNginxProxy : startProxy;
  const sections: string[] = [];
  let isGood = true;
  for (const suite of chosen) {
    const result = await suite.run({ start, path: pathOf(suite) });
    print(suite, result);
    sections.push(section(suite, result));
    isGood &&= "skipped" in result || result.groups.every(isClean);
  }
  if (values.record) record(sections);
  return isGood;
}

function pathOf({ name, checkout }: Suite): string | undefined {
  return paths.get(name) ?? (checkout === undefined ? undefined : paths.get(checkout));
}

function isClean(group: Group): boolean {
  return group.failures.length === 0 && group.surprises.length === 0;
}

function print(suite: Suite, result: Result): void {
  if ("skipped" in result) {
    console.log(`${suite.name}: skipped: ${result.skipped}`);
    return;
  }
  for (const { name, passed, total, gaps, failures, surprises } of result.groups) {
    console.log(`${suite.name}: ${name}: ${passed} of ${total}, ${gaps.length} known gaps`);
    for (const each of failures) console.log(`  failed    ${each.id}: ${each.detail}`);
    for (const each of surprises) console.log(`  now good  ${each.id}: take it off the list`);
  }
}

function section(suite: Suite, result: Result): string {
  const heading = `## ${suite.name}\n\n${suite.about}\n`;
  if ("skipped" in result) return `${heading}\nSkipped: ${result.skipped}.\n`;
  const rows = result.groups.map(
    (group) => `| ${group.name} | ${group.passed} | ${group.total} | ${group.gaps.length} |`,
  );
  const table = ["| cases | passed | of | known gaps |", "|---|---|---|---|", ...rows].join("\n");
  const gaps = gapList(result.groups.flatMap((group) => group.gaps));
  const failures = result.groups.flatMap((group) => group.failures);
  const failed = failures.map((each) => `- **failed** ${each.id}: ${each.detail}`).join("\n");
  return `${[heading, table, gaps, failed].filter((part) => part !== "").join("\n")}\n`;
}

/** One line for each reason, with the cases that it is about. */
function gapList(gaps: readonly Outcome[]): string {
  const reasons = new Map<string, string[]>();
  for (const { id, gap } of gaps) {
    reasons.set(gap!.reason, [...(reasons.get(gap!.reason) ?? []), id]);
  }
  if (reasons.size === 0) return "";
  const lines = [...reasons].map(([reason, ids]) => `- ${reason}: ${ids.join("; ")}`);
  return `\nKnown gaps, each with its reason:\n\n${lines.join("\n")}`;
}

function record(sections: readonly string[]): void {
  const manifest = new URL("../package.json", import.meta.url);
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  const date = new Date().toISOString().slice(0, 10);
  const programs = `Sluice ${version}, Node ${process.version.slice(1)}`;
  const about = `Written by \`npm run conform -- --record\` on ${date}: ${programs}.`;
  writeFileSync(RESULTS, `# Conformance results\n\n${about}\n\n${sections.join("\n")}`);
}
