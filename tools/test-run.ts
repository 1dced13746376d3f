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
  readonly took: { readonly file: string; readonly ms: number }[];
}

const OUTPUT_LINES_MAX = 40; // what a failing file printed, from its end
const FILE_GRACE_MS = 500; // a test that hangs is told by its name, before its file is

export function emptyTally(): Tally {
  return { files: 0, passed: 0, failed: 0, skipped: [], took: [] };
}

export function addTally(total: Tally, part: Tally): void {
  total.files += part.files;
  total.passed += part.passed;
  total.failed += part.failed;
  total.skipped.push(...part.skipped);
  total.took.push(...part.took);
}

/**
 * Runs each file in a process of its own, as many at once as there are cores, and prints what
 * failed, with what that file printed.
 */
export async function runTestFiles(
  files: readonly string[],
  fileTimeoutMs: number,
  signal: AbortSignal,
): Promise<Tally> {
  const tally = emptyTally();
  const waiting = [...files];
  const work = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      if (signal.aborted) tellLate(tally, file, "was not started: the whole run took too long");
      else addTally(tally, await runTestFile(file, fileTimeoutMs, signal));
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return tally;
}

/** The runner's own timeout is for a test; this one is for a file that never ends, too. */
async function runTestFile(file: string, timeoutMs: number, signal: AbortSignal): Promise<Tally> {
  const tally = emptyTally();
  const startMs = performance.now();
  tally.files = 1;
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs + FILE_GRACE_MS)]);
  let printed = "";

  const events = run({
    cwd: ROOT,
    files: [resolve(ROOT, file)],
    timeout: timeoutMs,
    signal: deadline,
  });
  for await (const { type, data } of events) {
    if (type === "test:stdout" || type === "test:stderr") printed += data.message;
    else if (type === "test:pass") countPass(tally, data);
    else if (type === "test:fail" && !deadline.aborted) countFailure(tally, data);
  }
  if (deadline.aborted) tellLate(tally, file, "did not end: does it leave something open?");
  if (tally.failed > 0) printOutput(file, printed);
  tally.took.push({ file, ms: performance.now() - startMs });
  return tally;
}

function tellLate(tally: Tally, file: string, what: string): void {
  tally.failed++;
  console.log(`\nFAILED ${file}\n  ${what}`);
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

/** A parent that failed only because a child did is not told again. */
function countFailure(tally: Tally, test: Failed): void {
  const { error } = test.details;
  if ("failureType" in error && error.failureType === "subtestsFailed") return;
  tally.failed++;
  const what = error.cause instanceof Error ? error.cause : error;
  const text = what.stack ?? inspect(what);
  console.log(`\nFAILED ${test.name}`);
  console.log(`  ${placeOf(test.file)}${test.line === undefined ? "" : `:${test.line}`}`);
  console.log(indented(withoutInnerFrames(text)));
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
  console.log(`\n${file} printed${shown.length < lines.length ? ", at its end" : ""}:`);
  console.log(indented(shown.join("\n")));
}

function placeOf(file: string | undefined): string {
  return file === undefined ? "?" : relative(ROOT, file);
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, "  ");
}
