/** `sluice check`: is the config right, and if not, where and why. */
import { parseArgs } from "node:util";
import { type Checked, check as checkLoaded } from "../config/check.ts";
import { type Loaded, load } from "../config/load.ts";
import { Lines } from "../config/place.ts";
import { excerpt, type PlacedProblem, problemLine } from "../config/problems.ts";
import { vocabulary } from "../features/index.ts";
import type { AnswerIo } from "./command.ts";

export const CHECK_USAGE = "Usage: sluice check [-c FILE] [--json]";

/** 0: it can run, 1: it has problems, 2: wrong usage. */
export async function check(args: readonly string[], io: AnswerIo): Promise<number> {
  const options = readOptions(args, io);
  if (options === undefined) return 2;
  const loaded = await load({
    folder: io.cwd,
    ...(options.config === undefined ? {} : { file: options.config }),
  });
  const checked = checkLoaded(loaded, vocabulary);
  tellChecked(loaded, checked, options.json, io);
  return checked.problems.length === 0 ? 0 : 1;
}

export function tellChecked(loaded: Loaded, checked: Checked, isJson: boolean, io: AnswerIo): void {
  const { problems, warnings } = checked;
  if (isJson) io.stdout.write(`${asJson(loaded, problems, warnings)}\n`);
  else tell(loaded, { problems, warnings, io });
}

function readOptions(args: readonly string[], io: AnswerIo) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { config: { type: "string", short: "c" }, json: { type: "boolean" } },
    });
    return { config: values.config, json: values.json ?? false };
  } catch (error) {
    io.stderr.write(`sluice check: ${error instanceof Error ? error.message : String(error)}\n`);
    io.stderr.write(`${CHECK_USAGE}\n`);
    return undefined;
  }
}

interface Report {
  readonly problems: readonly PlacedProblem[];
  readonly warnings: readonly PlacedProblem[];
  readonly io: AnswerIo;
}

function tell(loaded: Loaded, { problems, warnings, io }: Report): void {
  const { name, text } = loaded.origin;
  const lines = io.stderr.isTTY && text !== undefined ? new Lines(text) : undefined;
  for (const warning of warnings) io.stderr.write(told(warning, "warning: ", lines));
  for (const problem of problems) io.stderr.write(told(problem, "", lines));
  const parts = [counted(problems.length, "problem"), counted(warnings.length, "warning")];
  const counts = parts.filter((part) => part !== "").join(", ");
  if (problems.length > 0) io.stderr.write(`${name}: ${counts}\n`);
  else io.stdout.write(`${name}: ok${counts === "" ? "" : `, ${counts}`}\n`);
}

function told(problem: PlacedProblem, kind: string, lines: Lines | undefined): string {
  const line = problemLine({ ...problem, message: `${kind}${problem.message}` });
  const source = lines === undefined ? undefined : excerpt(problem, lines);
  return source === undefined ? `${line}\n` : `${line}\n${source}\n`;
}

function counted(count: number, word: string): string {
  return count === 0 ? "" : `${count} ${word}${count === 1 ? "" : "s"}`;
}

function asJson(
  { origin }: Loaded,
  problems: readonly PlacedProblem[],
  warnings: readonly PlacedProblem[],
): string {
  const answer = { file: origin.name, ok: problems.length === 0, problems, warnings };
  return JSON.stringify(answer, undefined, 2);
}
