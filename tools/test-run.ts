import { availableParallelism } from "node:os";
import { relative, resolve } from "node:path";
import { run } from "node:test";
import { inspect } from "node:util";
import { ROOT } from "./command.ts";

/** What a run of tests came to. A parent whose child failed is not counted a second time. */
export interface Tally {
  files: number;
  passed: number;
  failed: number;
  readonly skipped: { readonly name: string; readonly reason: string }[];
}

const OUTPUT_LINES_MAX = 40; // what a failing file printed, from its end

export function emptyTally(): Tally {
  return { files: 0, passed: 0, failed: 0, skipped: [] };
}

export function addTally(total: Tally, part: Tally): void {
  total.files += part.files;
  total.passed += part.passed;
  total.failed += part.failed;
  total.skipped.push(...part.skipped);
}

/** Runs each file in a process of its own and prints what failed, with what that file printed. */
export async function runTestFiles(
  files: readonly string[],
  fileTimeoutMs: number,
  signal: AbortSignal,
): Promise<Tally> {
  const tally = emptyTally();
  tally.files = files.length;
  const printed = new Map<string, string>();
  const failing = new Set<string>();

  const events = run({
    cwd: ROOT,
    files: files.map((file) => resolve(ROOT, file)),
    concurrency: availableParallelism(),
    timeout: fileTimeoutMs,
    signal,
  });
  for await (const { type, data } of events) {
    if (type === "test:stdout" || type === "test:stderr") {
      printed.set(data.file, (printed.get(data.file) ?? "") + data.message);
    } else if (type === "test:pass") {
      countPass(tally, data);
    } else if (type === "test:fail") {
      if (countFailure(tally, data)) failing.add(data.file ?? data.name);
    }
  }
  for (const file of failing) printOutput(file, printed.get(file) ?? "");
  if (signal.aborted) {
    tally.failed++;
    console.log("FAILED the whole run took too long and was stopped");
  }
  return tally;
}

interface Passed {
  readonly name: string;
  readonly skip?: string | boolean | undefined;
  readonly todo?: string | boolean | undefined;
  readonly file?: string | undefined;
  readonly details: { readonly type?: string | undefined };
}

function countPass(tally: Tally, test: Passed): void {
  const idle = test.skip ?? test.todo;
  if (idle !== undefined && idle !== false) {
    const reason = idle === true || idle === "" ? "no reason given" : idle;
    tally.skipped.push({ name: `${placeOf(test.file)}: ${test.name}`, reason });
  } else if (test.details.type !== "suite") {
    tally.passed++;
  }
}

interface Failed {
  readonly name: string;
  readonly file?: string | undefined;
  readonly line?: number | undefined;
  readonly details: { readonly error: Error };
}

/** False for a parent that failed only because a child did. */
function countFailure(tally: Tally, test: Failed): boolean {
  const { error } = test.details;
  if ("failureType" in error && error.failureType === "subtestsFailed") return false;
  tally.failed++;
  const what = error.cause instanceof Error ? error.cause : error;
  const text = what.stack ?? inspect(what);
  console.log(`\nFAILED ${test.name}`);
  console.log(`  ${placeOf(test.file)}${test.line === undefined ? "" : `:${test.line}`}`);
  console.log(indented(withoutInnerFrames(text)));
  return true;
}

function withoutInnerFrames(stack: string): string {
  return stack
    .split("\n")
    .filter((line) => !/^\s+at .*node:internal/.test(line))
    .join("\n");
}

function printOutput(file: string, output: string): void {
  const lines = output.trimEnd().split("\n");
  if (output.trim() === "") return;
  const shown = lines.slice(-OUTPUT_LINES_MAX);
  console.log(`\n${placeOf(file)} printed${shown.length < lines.length ? ", at its end" : ""}:`);
  console.log(indented(shown.join("\n")));
}

function placeOf(file: string | undefined): string {
  return file === undefined ? "?" : relative(ROOT, file);
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, "  ");
}
