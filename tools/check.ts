/**
 * `npm run check`: format, lint, types, tidy, generated documents. Prints what is wrong and nothing
 * else. The steps run side by side; two of them are programs of their own.
 */
import { runCommand } from "./command.ts";
import { checkDocs } from "./docs.ts";
import { tidy } from "./tidy.ts";

export interface CheckStep {
  readonly name: string;
  readonly ok: boolean;
  readonly output: string;
}

const STEP_TIMEOUT_MS = 120_000;

/** Runs every step, prints the output of those that fail, and answers with all of them. */
export async function check(): Promise<CheckStep[]> {
  const steps = await Promise.all([
    program("format and lint", "biome", [
      "ci",
      "--colors=off",
      "--error-on-warnings",
      "--max-diagnostics=50",
      ".",
    ]),
    program("types", "tsc", ["-p", "."]),
    inProcess("tidy", tidy),
    inProcess("documents", async () => checkDocs()),
  ]);
  for (const step of steps) {
    if (!step.ok) console.log(`FAILED ${step.name}\n${step.output.trimEnd()}\n`);
  }
  return steps;
}

async function program(name: string, file: string, args: readonly string[]): Promise<CheckStep> {
  const { code, output } = await runCommand(file, args, STEP_TIMEOUT_MS);
  return { name, ok: code === 0, output };
}

/** A step in this process answers with what is wrong, a line each. */
async function inProcess(name: string, step: () => Promise<string[]>): Promise<CheckStep> {
  const wrong = await step();
  return { name, ok: wrong.length === 0, output: wrong.join("\n") };
}

if (import.meta.main) {
  const steps = await check();
  const failed = steps.filter((step) => !step.ok);
  for (const step of steps) if (step.ok) console.log(`ok ${step.name}`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}
